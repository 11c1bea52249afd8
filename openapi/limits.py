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
# Streams of one process, and of one access key among them: nobody takes all of them.
STREAMS = 200
STREAMS_PER_KEY = 20
# For one call of a webhook, from beginning to end.
WEBHOOK_SECONDS = 5.0
# How long one is told things in a row, and how long a sender that died keeps it from others: longer than
# a turn and its last call.
WEBHOOK_TURN = timedelta(seconds=20)
WEBHOOK_CLAIM = timedelta(seconds=60)
# Between two tries of a webhook that fails: twice as long each time, up to an hour.
WEBHOOK_PAUSE = timedelta(seconds=10)
WEBHOOK_PAUSE_MOST = timedelta(hours=1)
WEBHOOKS = 50
