"""What kinds of commands there are (CA-72)."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class CommandType(TextChoices):
    SHELL = "RunShellScript", _("Shell")
    BAT = "RunBatScript", _("Bat")
    POWERSHELL = "RunPowerShellScript", _("PowerShell")

    @classmethod
    def spelled(cls, text: str) -> "CommandType | None":
        """The type that `text` means, without regard to case (CA-73)."""
        return next((kind for kind in cls if kind.value.lower() == text.lower()), None)

    @property
    def os_type(self) -> str:
        """`windows`, or `linux` for everything that has a shell."""
        return "linux" if self is CommandType.SHELL else "windows"
