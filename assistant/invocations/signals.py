"""What this room tells the rooms above, after the commit.

`invocation_ended`: sent once when an invocation has reached its final state. Argument: `invocation_id`.
"""

from django.dispatch import Signal

invocation_ended = Signal()
