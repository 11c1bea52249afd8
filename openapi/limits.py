"""Limits of the programs' door."""

from datetime import timedelta

# A nonce is used up for twice the window of the clock, so that no call can come again.
NONCE_SECONDS = 1800
# How long a ClientToken stands for its first answer.
TOKEN_KEPT = timedelta(hours=24)
TOKEN_CHARACTERS = 64

# How long a change can be asked for.
CHANGES_KEPT = timedelta(days=7)
# Changes in one step of a stream or a webhook.
CHANGES_PER_STEP = 100
# Streams of one process.
STREAMS = 200
# To connect, and for the answer, in seconds.
WEBHOOK_TIMEOUT = (3, 5)
# Between two tries of a webhook that fails: twice as long each time, up to an hour.
WEBHOOK_PAUSE = timedelta(seconds=10)
WEBHOOK_PAUSE_MOST = timedelta(hours=1)
WEBHOOKS = 50
