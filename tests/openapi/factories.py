from access.models import User
from access.operations.secrets import seal
from openapi.models import Webhook
from openapi.webhooks import binding_of

SECRET = "a secret of a webhook"


def webhook(name="pager", url="http://127.0.0.1:9/", user=None, **facts):
    """A webhook as the database has it; by default for the first user there is."""
    listener = user or User.objects.order_by("pk").first() or User.objects.create_user("hook")
    return Webhook.objects.create(
        name=name, url=url, user=listener, sealed_secret=seal(SECRET, binding=binding_of(name)), **facts
    )
