"""What this room tells the rooms above.

`instance_released` is sent inside the transaction that closes the record, so that its open runs end with
it or not at all. Arguments: `instance` (the Instance), `now`.
"""

from django.dispatch import Signal

instance_released = Signal()
