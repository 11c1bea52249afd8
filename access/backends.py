"""Who may come in with a password, and who with another's word."""

from typing import Any

from django.contrib.auth.backends import ModelBackend as DjangoBackend
from django.contrib.auth.models import AnonymousUser

from access.models import User


class ModelBackend(DjangoBackend):
    """Django's own, which knows of the console's switch (CA-225).

    Asked after the password was looked at, so that it takes as long and says as little as a wrong one;
    and asked again with every request, so that switching it off ends the sessions that are open.
    """

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        return isinstance(user, User) and user.is_active and user.console_access


class SingleSignOn(ModelBackend):
    """Whose sessions come from the provider; they end when single sign-on is switched off. Takes no password."""

    def authenticate(self, *_arguments: Any, **_credentials: Any) -> None:
        return None
