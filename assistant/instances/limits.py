"""Limits and defaults of activation codes, instances and their presence."""

from datetime import timedelta

# Activation codes (CA-25).
PREFIX_CHARACTERS = 50
QUOTA_DEFAULT = 10
QUOTA_MOST = 1000
HOURS_DEFAULT = 4
HOURS_MOST = 24
DESCRIPTION_CHARACTERS = 100
# Digits of the number in `<prefix>-<number>` (CA-28).
NUMBER_DIGITS = 3
# Ranges in one activation; the original names no number.
IP_RANGES = 50

NAME_CHARACTERS = 128

# Tags: the API's limits for a resource.
TAGS = 20
TAG_KEY_CHARACTERS = 64
TAG_VALUE_CHARACTERS = 128

# Saved selections.
SELECTIONS = 100
SELECTION_NAME_CHARACTERS = 64
SELECTION_INSTANCES = 1000

# The reference agent takes 55 to 65 seconds; connected means younger than three periods (CA-43).
HEARTBEAT = timedelta(seconds=60)
OFFLINE_AFTER = 3 * HEARTBEAT
# Our own agent comes back within seconds: a socket gone for longer is news.
OWN_CHANNEL_GRACE = timedelta(seconds=10)
# The reference agent looks for a lost push channel on a timer that started with its process.
REFERENCE_RECONNECT = timedelta(minutes=30)

# A web process says that it lives every few seconds; one that is silent for longer holds no socket.
NODE_HEARTBEAT = timedelta(seconds=5)
NODE_GONE_AFTER = timedelta(seconds=15)
NODE_FORGOTTEN_AFTER = timedelta(days=1)

# The fields of a registration are kept at most this long; what is longer is cut, not refused.
FACT_CHARACTERS = 255
PUBLIC_KEY_CHARACTERS = 4096

# What our own agent calls itself at registration.
OWN_AGENT = "ca-agent"
