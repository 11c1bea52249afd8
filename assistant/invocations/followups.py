"""What leaves the process after this room's commits."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import islice

from django.db import transaction

from assistant.invocations import limits
from assistant.invocations.signals import invocation_ended as invocation_ended_signal
from console.kit import bells

# Above this many, the pages of single instances learn of it when they are loaded next.
NAMED_INSTANCES = 50


def deliver(invocation_id: str, instance_ids: Sequence[str]) -> None:
    """Ring the targets: at once where they are few, by one task in batches where they are many."""
    if len(instance_ids) <= limits.RING_DIRECTLY:
        transaction.on_commit(partial(ring, instance_ids, f"kick_vm task run {invocation_id}"))
    else:
        from assistant.invocations.tasks import ring_targets

        # A queue that is away must not undo in people's eyes what is committed: the sweep rings, too.
        def enqueue() -> None:
            ring_targets.apply_async((invocation_id,), retry=False)

        transaction.on_commit(enqueue, robust=True)


def deliver_stop(invocation_id: str, instance_ids: Sequence[str]) -> None:
    transaction.on_commit(partial(ring, instance_ids, f"kick_vm task stop {invocation_id}"))


def ring(instance_ids: Iterable[str], text: str) -> None:
    """Ring now. The ids are sent in batches, so that no process waits long for one message."""
    rest = iter(instance_ids)
    while batch := list(islice(rest, limits.RING_BATCH)):
        bells.kick(dict.fromkeys(batch, text))


def ring_later(instance_ids: Sequence[str], text: str) -> None:
    """Ring once what is being written is there to be fetched."""
    if instance_ids:
        transaction.on_commit(partial(ring, instance_ids, text))


def advance_rollout(invocation_id: str) -> None:
    """Have the next step of a rollout taken; the sweep takes it too."""
    from assistant.invocations.tasks import advance_rollout

    def enqueue() -> None:
        advance_rollout.apply_async((invocation_id,), retry=False)

    transaction.on_commit(enqueue, robust=True)


def hold_plans() -> None:
    """Look at once at what has to be held or given back; the clock looks again in any case."""
    from assistant.invocations.tasks import hold_plans as look

    def enqueue() -> None:
        look.apply_async(retry=False)

    transaction.on_commit(enqueue, robust=True)


def runs_changed(invocation_ids: Collection[str], instance_ids: Collection[str]) -> None:
    """Tell the pages that show these."""
    topics = ["invocations", *(f"invocation-{pk}" for pk in invocation_ids)]
    if len(instance_ids) <= NAMED_INSTANCES:
        topics += [f"instance-{pk}" for pk in instance_ids]
    transaction.on_commit(partial(bells.tell, topics))


def invocation_ended(invocation_id: str) -> None:
    """Tell the rooms above, each of which may fail for itself."""

    def send() -> None:
        invocation_ended_signal.send(None, invocation_id=invocation_id)

    transaction.on_commit(send, robust=True)


def purge_on() -> None:
    """Let another task do the rest of a purge. If the queue is away, the scheduler's next one does."""
    from assistant.invocations.tasks import purge_results

    purge_results.apply_async(retry=False)
