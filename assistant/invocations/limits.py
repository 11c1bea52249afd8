"""Limits and deadlines of runs and their results."""

from datetime import timedelta

# Instances that one API call names: the API's newest word, CA-162 has 50. The console takes any number.
INSTANCES_PER_CALL = 100

# The API's view of an output: bytes kept from its start (CA-157).
OUTPUT_VIEW_BYTES = 24 * 1024
# What a page shows of one output; the rest is a download away.
OUTPUT_PAGE_BYTES = 64 * 1024
# One report's body. The reference agent sends the rest of its quota in one piece.
REPORT_BODY_BYTES = 8 * 1024 * 1024
# A whole output, with what was left out of it: more than there is, less than a column holds.
OUTPUT_BYTES_MOST = 2**60

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
# A row that a sweep fails on is tried again after so long.
LEFT_OUT_FOR = timedelta(hours=1)

ERROR_INFO_CHARACTERS = 512
# Instances that an entry of the audit trail names; the number of all of them stands beside.
NAMED_IN_AUDIT = 50

# A plan's text. The longest that says something names every second, minute, hour, day, month and year.
FREQUENCY_CHARACTERS = 1024
# The same as it is stored: spelled out, with its zone.
FREQUENCY_STORED_CHARACTERS = 1100
# A zone that a form takes; the longest that there is has 32.
ZONE_CHARACTERS = 64
# What a refusal repeats of what was written.
QUOTED_CHARACTERS = 24
# A fixed interval (CA-119); it is also longer than the timeout.
INTERVAL_LEAST = timedelta(seconds=60)
INTERVAL_MOST = timedelta(days=7)
# Between two times of a cron text (CA-122), looked for as far as CA-123 says; not shorter than the timeout.
DISTANCE_LEAST = timedelta(seconds=10)
DISTANCE_HORIZON = timedelta(days=366)
DISTANCE_FIRES = 10_000
# How late the first word of a run may be before its time counts as missed.
FIRE_GRACE = timedelta(seconds=120)
# A server that is away is asked after again so much later: what it ran meanwhile it tells when it is back.
AWAY_LOOK_AGAIN = timedelta(minutes=10)
# So much ahead of a blackout window plans are taken back from their agents.
HOLD_AHEAD = timedelta(minutes=1)
# Blackout windows; a week of them is looked at for each.
BLACKOUTS = 200
REASON_CHARACTERS = 200
# An agent that fetches its schedules again so soon may not have got the answer before.
DELIVERED_AGAIN_WITHIN = timedelta(minutes=2)
# Times of one plan that one look for missed runs goes through.
FIRES_PER_LOOK = 2000
# Clocks show a run's start a little before or after the moment it was due.
FIRE_TOLERANCE = timedelta(seconds=2)
# What an agent's clock may be wrong by; what it says beyond belongs to no moment of a plan.
CLOCK_TOLERANCE = timedelta(hours=1)
# Runs of one moment on one instance: a clock that is put back shows it twice.
RUNS_PER_MOMENT = 3
# Runs of a plan that go on at once on one instance: an agent leaves out what comes due during a run.
OPEN_RECORDS = 20
# Starts of a system that we have not handed out; beyond these few one is believed after so long.
UNKNOWN_STARTS = 5
STARTS_APART = timedelta(minutes=10)

# A wait for servers that are offline.
OFFLINE_WAIT_MOST = timedelta(days=30)
# A restart: how long its script may take, and until when the agent is back with its system.
RESTART_SCRIPT_SECONDS = 60
RESTART_TIMEOUT = timedelta(minutes=10)
# A first batch; more than any fleet has.
FIRST_BATCH_MOST = 1_000_000
# Seconds between two batches of a rollout.
BATCH_WAIT_MOST = 24 * 60 * 60
# A rollout that nobody confirms is broken off.
CONFIRM_WITHIN = timedelta(hours=24)

# The guard asks where a run hits more than this part of a region's instances, and at least so many.
GUARD_PERCENT = 50
GUARD_LEAST = 10
# Its patterns: all of them as text, one, and in how many ways one may be tried at one place.
GUARD_TEXT_CHARACTERS = 20_000
PATTERN_CHARACTERS = 240
PATTERN_WAYS = 20_000
# A line of a script is looked at in pieces that overlap by half, and a script for so many seconds.
GUARD_PIECE = 400
GUARD_SECONDS = 1.0

# What the search reads of an output: characters of its beginning and of its end.
INDEXED_BEGINNING = 64 * 1024
INDEXED_END = 16 * 1024
# Pieces of a question that the index is asked for; the text is asked for all of it.
GRAMS_ASKED = 60
# Outputs that one step of the index reads, to begin with and at most. A task goes on for so many seconds, so
# that there is one at a time: the scheduler starts one every three.
INDEX_ROWS = 50
INDEX_ROWS_MOST = 200
INDEX_FOR = 2.5
# Candidates of the index that one page of hits looks at, step by step.
SEARCH_STEPS = (200, 2000, 4000)

# Results that one step of the purge deletes, to begin with and at most, and the bytes of their outputs.
PURGE_ROWS = 50
PURGE_ROWS_MOST = 200
PURGE_BYTES = 512 * 1024
# Seconds that one task of the purge goes on; what is left then is another one's.
PURGE_FOR = 240.0
# A script that has no run is left alone for so long: its run may be about to begin.
COMMAND_REST = timedelta(hours=1)
