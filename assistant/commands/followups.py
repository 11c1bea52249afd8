"""What leaves the process after this room's commits."""

from functools import partial

from django.db import transaction

from console.kit import bells


def commands_changed() -> None:
    transaction.on_commit(partial(bells.tell, ["commands"]))
