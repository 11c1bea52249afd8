"""Limits of exports: what a disk and a worker can bear."""

from datetime import timedelta

# How long a file is kept.
KEPT_FOR = timedelta(days=1)
# What one person keeps at a time, whatever its state.
KEPT_PER_USER = 10
# What the outputs of one export come to at most.
OUTPUT_BYTES = 1024 * 1024 * 1024

# One step of the writing: then progress is told, the permission asked again, and others get their turn.
BATCH = 500
BATCH_BYTES = 8 * 1024 * 1024
# A step that nothing has been heard of for so long has died: the sweep takes the export up again.
STALE_AFTER = timedelta(seconds=60)
ATTEMPTS = 3

REASON_CHARACTERS = 200
