"""How far an export is, and what it is written as."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from assistant.instances.states import BAD, BUSY, GOOD, IDLE


class Status(TextChoices):
    PENDING = "Pending", _("Waiting")
    RUNNING = "Running", _("Being written")
    FINISHED = "Finished", _("Ready")
    FAILED = "Failed", _("Broken off")

    @property
    def tone(self) -> str:
        return TONES[self]

    @property
    def is_final(self) -> bool:
        return self not in OPEN


OPEN = frozenset({Status.PENDING, Status.RUNNING})
TONES = {Status.PENDING: IDLE, Status.RUNNING: BUSY, Status.FINISHED: GOOD, Status.FAILED: BAD}


class Format(TextChoices):
    CSV = "csv", _("CSV, a row per instance, for spreadsheets")
    LINES = "jsonl", _("JSON lines, an object per instance")
    ZIP = "zip", _("ZIP, a file per instance and a list of them")
