"""What an activation code and an instance's connection can be."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

# Tones say how a word is coloured and which mark stands beside it, everywhere the same.
GOOD, BUSY, BAD, IDLE, WARNING = "good", "busy", "bad", "idle", "warning"


class ConnectionStatus(TextChoices):
    """The word of the list's column (CA-41)."""

    NORMAL = "Normal", _("Normal")
    ABNORMAL = "Abnormal", _("Abnormal")

    @property
    def tone(self) -> str:
        return GOOD if self is ConnectionStatus.NORMAL else IDLE


class ActivationState(TextChoices):
    """Whether a code can still register servers (CA-29)."""

    VALID = "Valid", _("Valid")
    EXPIRED = "Expired", _("Expired")
    USED_UP = "UsedUp", _("Used up")
    DISABLED = "Disabled", _("Disabled")

    @property
    def tone(self) -> str:
        return GOOD if self is ActivationState.VALID else IDLE


def activation_state(*, disabled: bool, expired: bool, used_up: bool) -> ActivationState:
    if disabled:
        return ActivationState.DISABLED
    if expired:
        return ActivationState.EXPIRED
    return ActivationState.USED_UP if used_up else ActivationState.VALID
