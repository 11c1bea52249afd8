"""What leaves the process after this room's commits."""

from functools import partial

from django.db import transaction

from console.kit import bells


def write(export_id: str) -> None:
    """Let a worker take the next step. If the queue is away, the sweep asks for it later."""
    from assistant.exports.tasks import write_export

    def enqueue() -> None:
        write_export.apply_async((export_id,), retry=False)

    transaction.on_commit(enqueue, robust=True)


def changed(export_id: str) -> None:
    transaction.on_commit(partial(bells.tell, [f"export-{export_id}", "exports"]))
