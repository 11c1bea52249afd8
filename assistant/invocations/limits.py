"""Limits and deadlines of runs and their results."""

from datetime import timedelta

# Instances in one API call (CA-162). The console takes any number as one invocation.
INSTANCES_PER_CALL = 50

# The API's view of an output: bytes kept from its start (CA-157).
OUTPUT_VIEW_BYTES = 24 * 1024
# What a page shows of one output; the rest is a download away.
OUTPUT_PAGE_BYTES = 64 * 1024
# One report's body. The reference agent sends the rest of its quota in one piece.
REPORT_BODY_BYTES = 8 * 1024 * 1024

# A task that no agent has taken within this time was not delivered (CA-156).
DELIVERY_TIMEOUT = timedelta(seconds=60)
# A task that was taken and not heard of: the agent may be busy with others, so each look extends it
# while the instance has runs going on.
ANSWER_TIMEOUT = timedelta(seconds=120)
# What a run may be late with its end before it counts as lost: the agent's own kill, retries, the network.
END_GRACE = timedelta(seconds=60)
# A stop that no agent confirms (CA-202).
STOP_TIMEOUT = timedelta(hours=24)
# A kick that no fetch follows is sent again.
RING_AGAIN_AFTER = timedelta(seconds=10)

# What is sent to the agent with a task: milliseconds between reports.
REPORT_INTERVAL_MS = 1000
# Tasks in one answer. The reference agent runs 10 at a time and queues 50 more; beyond that its fetch blocks.
TASKS_PER_FETCH = 50

# Above this many targets the bell is rung by a task, in batches.
RING_DIRECTLY = 50
RING_BATCH = 500

# Rows that one step of a sweep takes.
SWEEP_BATCH = 500

ERROR_INFO_CHARACTERS = 512
# Instances that an entry of the audit trail names; the number of all of them stands beside.
NAMED_IN_AUDIT = 50

# A plan's text. The longest that says something names every second, minute, hour, day, month and year.
FREQUENCY_CHARACTERS = 1024
# What a refusal repeats of what was written.
QUOTED_CHARACTERS = 24
# A fixed interval (CA-119); it is also longer than the timeout.
INTERVAL_LEAST = timedelta(seconds=60)
INTERVAL_MOST = timedelta(days=7)
# Between two times of a cron text (CA-122), looked for as far as CA-123 says; not shorter than the timeout.
DISTANCE_LEAST = timedelta(seconds=10)
DISTANCE_HORIZON = timedelta(days=366)
DISTANCE_FIRES = 10_000
