"""What others hear of a change here, once it is committed."""

from functools import partial

from django.db import transaction

from console.kit import bells

TOPIC = "access"


def access_changed() -> None:
    """Somebody may do more or less than before: open streams and pages look again."""
    transaction.on_commit(partial(bells.tell, [TOPIC]))
