"""What this room tells the rooms above, and asks them.

`invocation_ended`: sent once when an invocation has reached its final state, after the commit. Argument:
`invocation_id`.
`invocation_begun`, `invocation_final`: sent inside the transaction that writes it, as its last lock but the
audit trail's, so that what a receiver writes is there with it or not at all. Arguments: `invocation_id`,
`region_id`.
`runs_about_to_be_purged`: sent before the results of runs are deleted. A receiver returns the ids of those that
it is at work on. Argument: `invocation_ids`.
"""

from django.dispatch import Signal

invocation_begun = Signal()
invocation_ended = Signal()
invocation_final = Signal()
runs_about_to_be_purged = Signal()
