"""Limits of the programs' door."""

from datetime import timedelta

# A nonce is used up for twice the window of the clock, so that no call can come again.
NONCE_SECONDS = 1800
# How long a ClientToken stands for its first answer.
TOKEN_KEPT = timedelta(hours=24)
TOKEN_CHARACTERS = 64
