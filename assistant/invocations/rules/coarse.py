"""The coarse state of whole invocations, asked of their counters; the table is that of `states.coarse_overall`."""

from django.db.models import Q

from assistant.invocations.states import InvokeStatus, Status


def in_state(status: InvokeStatus) -> Q:
    """The invocations whose `invoke_status` this is."""
    running, stopping = has_any(InvokeStatus.RUNNING), has_any(InvokeStatus.STOPPING)
    failed, finished = has_any(InvokeStatus.FAILED), has_any(InvokeStatus.FINISHED)
    ended = ~running & ~stopping
    return {
        InvokeStatus.RUNNING: running,
        InvokeStatus.STOPPING: ~running & stopping,
        InvokeStatus.STOPPED: ended & ~failed & ~finished,
        InvokeStatus.FAILED: ended & failed & ~finished,
        InvokeStatus.FINISHED: ended & finished & ~failed,
        InvokeStatus.PARTIAL_FAILED: ended & finished & failed,
    }[status]


def has_any(status: InvokeStatus) -> Q:
    """That there are targets in this coarse state."""
    found = Q(pk__in=[])
    for state in Status:
        if state.coarse is status:
            found |= Q(**{f"{state.counter}__gt": 0})
    return found
