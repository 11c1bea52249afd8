"""The administrator's first password: printed once, kept in a file until it is first changed."""

from typing import Any

from django.conf import settings

ADMINISTRATOR = "admin"
FILE_NAME = "admin-password"


class FirstPasswordFile:
    """A password validator that only listens: Django tells every one of them when a password has changed."""

    def validate(self, password: str, user: Any = None) -> None:
        return None

    def get_help_text(self) -> str:
        return ""

    def password_changed(self, password: str, user: Any = None) -> None:
        if user is not None and user.get_username() == ADMINISTRATOR:
            (settings.DATA_DIR / FILE_NAME).unlink(missing_ok=True)
