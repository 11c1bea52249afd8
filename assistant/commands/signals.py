"""What this room asks the rooms above.

`commands_about_to_be_deleted` is sent inside the transaction that deletes them, and where people are told
beforehand what would be hit. A receiver returns what holds some of them: the ids of open runs and plans by
the command's id. Argument: `command_ids`.
"""

from django.dispatch import Signal

commands_about_to_be_deleted = Signal()
