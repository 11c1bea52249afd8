"""When schedules fire, on a clock that is moved by hand."""

from datetime import UTC, datetime

import pytest

from agent.journal import Journal
from agent.outbox import Outbox
from agent.runner import Over
from agent.scheduler import Scheduler
from agent.schedules import LATE_MS, Shelf
from agent.tasks import Run, parse_task
from tests.waiting import eventually

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
NOON = 12 * HOUR + 20_000 * 24 * HOUR
EVERY_MINUTE = "0 * * * * ? UTC"


class Runs:
    """Stands where the runner is: notes what it is told, and runs nothing."""

    def __init__(self):
        self.fired = []
        self.dropped = []
        self.going_on = {}

    def fire(self, task, moment, on_over):
        if task.task_id in self.going_on:
            return False
        self.fired.append((task.task_id, moment))
        self.going_on[task.task_id] = (Run(task, moment), on_over)
        return True

    def is_occupied(self, task_id):
        return task_id in self.going_on

    def stop_fired(self, task_id):
        return task_id in self.going_on

    def drop_fired(self, task_id):
        self.dropped.append(task_id)
        self.going_on.pop(task_id, None)

    def finish(self, report="finish", start=5, end=6):
        while self.going_on:
            _, (run, on_over) = self.going_on.popitem()
            on_over(Over(run, report, start, end))


class World:
    """A scheduler with a clock, and a server that takes every report."""

    def __init__(self, directory):
        self.directory = directory
        for folder in ("tasks", "schedules"):
            (directory / folder).mkdir(exist_ok=True)
        self.now = NOON
        self.lived = 0
        self.said = []
        self.status = 200
        self.start()

    def start(self):
        """What a new process does; the one before was killed."""
        self.runs = Runs()
        journal = Journal(self.directory / "tasks")
        self.outbox = Outbox(self.post, journal)
        shelf = Shelf(self.directory / "schedules")
        clocks = {"wall_ms": lambda: self.now, "steady_ms": lambda: self.lived}
        self.scheduler = Scheduler(shelf, self.runs, self.outbox, journal, **clocks)
        self.scheduler.load()

    def post(self, report):
        if self.status == 200:
            self.said.append((report.kind, dict(report.parameters)))
        return self.status

    def reports(self, count=1):
        eventually(lambda: len(self.said) >= count)
        return self.said

    def give(self, cron, repeat="Period", version=1, task_id="t", **fields):
        task = parse_task(
            {
                "task": {"taskID": task_id, "cron": cron, "invokeVersion": version, **fields},
                "repeat": repeat,
            }
        )
        self.scheduler.install(task)
        return task

    def go_to(self, moment):
        """The clock shows `moment`, and the scheduler looks; returns what fires then."""
        self.now = moment
        before = len(self.runs.fired)
        self.scheduler.look()
        fired = [moment for _, moment in self.runs.fired[before:]]
        self.runs.finish()
        return fired

    def live(self, until, pace=SECOND):
        """Time passes as it does; returns what fires meanwhile."""
        fired = []
        while self.now < until:
            self.lived += pace
            fired += self.go_to(self.now + pace)
        return fired

    def kept(self):
        return sorted(path.name for path in (self.directory / "schedules").iterdir())


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.status = 200


def test_each_moment_fires_once(world):
    world.give(EVERY_MINUTE)

    assert world.live(NOON + 3 * MINUTE) == [NOON + MINUTE, NOON + 2 * MINUTE, NOON + 3 * MINUTE]


def test_an_interval_keeps_the_beat_of_its_making(world):
    world.give("rate(90s)", "Rate", creationTime=NOON - 80 * SECOND - 7)

    assert world.live(NOON + 2 * MINUTE) == [NOON + 10 * SECOND - 7, NOON + 100 * SECOND - 7]


def test_it_sleeps_until_the_next_moment_and_never_long(world):
    assert world.scheduler.look() is None

    world.give(EVERY_MINUTE)
    assert world.scheduler.look() == 30

    world.now += 50 * SECOND
    assert world.scheduler.look() == 10


# --- The clock is set ---


def test_a_small_step_forwards_over_a_moment_fires_it_once(world):
    world.give(EVERY_MINUTE)
    world.go_to(NOON + 50 * SECOND)

    assert world.go_to(NOON + 110 * SECOND) == [NOON + MINUTE]
    assert world.live(NOON + 3 * MINUTE) == [NOON + 2 * MINUTE, NOON + 3 * MINUTE]


def test_of_two_moments_in_one_step_one_fires(world):
    world.give("0/20 * * * * ? UTC")

    assert world.go_to(NOON + 65 * SECOND) == [NOON + 20 * SECOND]
    assert world.live(NOON + 90 * SECOND) == [NOON + 80 * SECOND]


@pytest.mark.parametrize("away", [LATE_MS + SECOND, HOUR, 40 * 24 * HOUR])
def test_what_was_missed_in_a_long_sleep_is_not_made_up_for(world, away):
    world.give(EVERY_MINUTE)

    assert world.go_to(NOON + MINUTE + away) == []
    assert world.live(world.now + MINUTE) == [world.now // MINUTE * MINUTE]


@pytest.mark.parametrize("back", [SECOND, 30 * SECOND, MINUTE, 10 * MINUTE])
def test_a_clock_that_is_put_back_fires_no_moment_again(world, back):
    world.give(EVERY_MINUTE)
    first = world.live(NOON + 5 * MINUTE + 10 * SECOND)

    assert world.go_to(world.now - back) == []
    again = world.live(NOON + 7 * MINUTE)

    fired = first + again
    assert len(fired) == len(set(fired))
    # What never was fires now: the clock shows minutes from before the schedule was made.
    assert {NOON + 6 * MINUTE, NOON + 7 * MINUTE} <= set(again)


def test_after_a_clock_that_was_a_year_ahead_the_schedule_goes_on(world):
    year = 365 * 24 * HOUR
    world.now = NOON + year
    world.give(EVERY_MINUTE)
    assert world.live(NOON + year + 2 * MINUTE) == [NOON + year + MINUTE, NOON + year + 2 * MINUTE]

    world.go_to(NOON)

    assert world.live(NOON + 2 * MINUTE) == [NOON + MINUTE, NOON + 2 * MINUTE]


def test_a_clock_that_goes_back_and_forth_still_fires_each_moment_once(world):
    world.give(EVERY_MINUTE)
    fired = []
    for step in range(12):
        fired += world.live(world.now + 2 * MINUTE)
        fired += world.go_to(world.now + (5 * MINUTE if step % 2 else -3 * MINUTE))

    assert len(fired) == len(set(fired)) > 10


def test_a_moment_that_fired_before_a_crash_does_not_fire_after_it(world):
    world.give(EVERY_MINUTE)
    world.go_to(NOON + MINUTE)
    world.start()

    assert world.go_to(NOON + 59 * SECOND) == []
    assert world.live(NOON + 2 * MINUTE) == [NOON + 2 * MINUTE]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        # 02:30 is left out in the night of spring.
        ("Europe/Berlin", datetime(2027, 3, 27, 12, tzinfo=UTC), ["2027-03-29 00:30"]),
        # 02:30 is shown twice in the night of autumn; its first pass counts.
        ("Europe/Berlin", datetime(2027, 10, 30, 12, tzinfo=UTC), ["2027-10-31 00:30", "2027-11-01 01:30"]),
    ],
)
def test_the_nights_on_which_the_clocks_are_changed(world, zone, day, expected):
    world.now = int(day.timestamp()) * SECOND
    world.give(f"0 30 2 * * ? {zone}")

    fired = world.live(world.now + 48 * HOUR, pace=MINUTE)

    assert [f"{datetime.fromtimestamp(moment / SECOND, UTC):%Y-%m-%d %H:%M}" for moment in fired] == expected


# --- Starts ---


def test_schedules_outlive_the_process(world):
    world.give(EVERY_MINUTE)
    world.give("rate(5m)", "Rate", task_id="u", creationTime=NOON)
    world.now += 2 * MINUTE + SECOND
    world.start()

    assert world.live(NOON + 5 * MINUTE).count(NOON + 5 * MINUTE) == 2
    assert NOON + 2 * MINUTE not in [moment for _, moment in world.runs.fired]


def test_after_a_start_only_what_the_server_names_goes_on(world):
    world.give(EVERY_MINUTE)
    world.give(EVERY_MINUTE, task_id="u")
    world.start()
    world.give(EVERY_MINUTE, task_id="u")

    world.scheduler.keep_only({"u"})
    world.go_to(NOON + MINUTE)

    assert world.runs.fired == [("u", NOON + MINUTE)]
    assert world.kept() == ["s.u"]


def test_a_damaged_file_costs_only_its_schedule(world):
    world.give(EVERY_MINUTE)
    (world.directory / "schedules" / "s.bad").write_text("{")
    (world.directory / "schedules" / "s.strange").write_text(
        '{"task": {}, "stretches": [], "last_run": [0, 0]}'
    )
    world.start()

    assert world.go_to(NOON + MINUTE) == [NOON + MINUTE]


# --- Deliveries ---


def test_the_same_version_again_changes_nothing(world):
    world.give(EVERY_MINUTE)
    world.give("0 0 0 1 1 ? 2050 UTC")

    assert world.go_to(NOON + MINUTE) == [NOON + MINUTE]
    assert world.runs.dropped == []


def test_another_version_takes_the_place_of_the_first(world):
    world.give(EVERY_MINUTE)
    world.give("30 * * * * ? UTC", version=2)

    assert world.live(NOON + 2 * MINUTE) == [NOON + 30 * SECOND, NOON + 90 * SECOND]
    assert world.runs.dropped == ["t"]
    assert world.said == []


@pytest.mark.parametrize(
    ("cron", "repeat", "value"),
    [
        ("0 0 0 * *", "Period", "InvalidCronExpression"),
        ("0 0 0 1 1 ? 1999 UTC", "Period", "CronExpressionExpired"),
        ("rate(1001d)", "Rate", "RateFrequencyTooLarge"),
        ("at(tomorrow)", "At", "InvalidAtExpression: no calendar or clock shows 'tomorrow'"),
    ],
)
def test_a_text_that_cannot_be_understood_is_reported_and_not_kept(world, cron, repeat, value):
    world.give(cron, repeat, version=3)

    said = {"taskId": "t", "invokeVersion": 3, "param": "cron", "value": value}
    assert world.reports() == [("invalid", said)]
    assert world.kept() == []


def test_a_moment_in_the_past_is_left_alone(world):
    world.give("at(2020-01-01T00:00:00)", "At")

    assert world.kept() == []
    assert world.go_to(NOON + HOUR) == []
    assert world.said == []


def test_a_moment_fires_once_and_is_forgotten(world):
    world.give(f"at({datetime.fromtimestamp(NOON / SECOND + 60, UTC):%Y-%m-%dT%H:%M:%S})", "At")

    assert world.go_to(NOON + MINUTE) == [NOON + MINUTE]
    assert world.kept() == []
    assert world.said == []


# --- Ends ---


def test_after_the_last_moment_the_schedule_is_complete_once_its_run_is_over(world):
    year = datetime.fromtimestamp(NOON / SECOND, UTC).year
    world.give(f"0 1 12 {datetime.fromtimestamp(NOON / SECOND, UTC):%d %m} ? {year} UTC", version=4)
    world.now = NOON + MINUTE
    world.scheduler.look()
    assert (world.said, world.kept()) == ([], ["s.t"])

    world.runs.finish()

    ((kind, parameters),) = world.reports()
    assert (kind, parameters["result"], parameters["invokeVersion"]) == ("stopped", "completed", 4)
    assert (parameters["start"], parameters["end"], parameters["exitcode"]) == (0, 0, 0)
    assert world.kept() == []


def test_a_schedule_that_ran_out_while_the_agent_was_away_is_complete(world):
    world.give("0 1 12 * * ? 2024-2025 UTC")
    world.now = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * SECOND
    world.start()

    assert [kind for kind, _ in world.reports()] == ["stopped"]
    assert world.kept() == []


def test_no_moment_fires_at_or_after_the_end_that_the_server_has_set(world):
    world.give(EVERY_MINUTE, notAfter=NOON + 3 * MINUTE)

    assert world.live(NOON + 5 * MINUTE) == [NOON + MINUTE, NOON + 2 * MINUTE]
    assert (world.kept(), world.said) == ([], [])


def test_zero_is_no_end(world):
    world.give(EVERY_MINUTE, notAfter=0)

    assert world.go_to(NOON + MINUTE) == [NOON + MINUTE]


def test_a_moment_during_the_last_run_is_left_out(world):
    world.give(EVERY_MINUTE)
    for minute in (1, 2, 3):
        world.now = NOON + minute * MINUTE
        world.scheduler.look()
    world.runs.finish()

    assert world.runs.fired == [("t", NOON + MINUTE)]
    assert world.go_to(NOON + 4 * MINUTE) == [NOON + 4 * MINUTE]
    assert world.said == []


# --- Stops ---


def test_a_stop_between_two_runs_names_the_last_one(world):
    task = world.give(EVERY_MINUTE)
    world.now = NOON + MINUTE
    world.scheduler.look()
    world.runs.finish(start=77, end=88)

    world.scheduler.stop(task)

    ((kind, parameters),) = world.reports()
    assert (kind, parameters["result"]) == ("stopped", "killed")
    assert (parameters["start"], parameters["end"], "fire" in parameters) == (77, 88, False)
    assert world.go_to(NOON + 2 * MINUTE) == []
    assert world.kept() == []


def test_a_stop_for_a_schedule_that_nobody_knows_is_answered(world):
    task = world.give("at(2020-01-01T00:00:00)", "At")

    world.scheduler.stop(task)

    ((kind, parameters),) = world.reports()
    assert (kind, parameters["start"], parameters["end"]) == ("stopped", 0, 0)


@pytest.mark.parametrize(("end", "said"), [("stopped", []), ("finish", ["stopped"])])
def test_a_stop_during_a_run_is_answered_by_the_run_or_after_it(world, end, said):
    task = world.give(EVERY_MINUTE)
    world.now = NOON + MINUTE
    world.scheduler.look()

    world.scheduler.stop(task)
    assert (world.said, world.kept()) == ([], [])
    world.runs.finish(end)

    eventually(lambda: len(world.said) == len(said))
    assert [kind for kind, _ in world.said] == said


def test_a_stop_that_was_noted_before_a_crash_holds_after_it(world):
    """The report is on disk, the schedule still too: the report counts."""
    task = world.give(EVERY_MINUTE)
    (file,) = (world.directory / "schedules").iterdir()
    content = file.read_bytes()
    world.status = 503
    world.scheduler.stop(task)
    file.write_bytes(content)
    world.start()

    assert world.go_to(NOON + MINUTE) == []
    assert world.kept() == []


def test_stopped_and_given_again_with_a_higher_version_it_goes_on(world):
    task = world.give(EVERY_MINUTE)
    world.scheduler.stop(task)
    world.reports()

    world.give(EVERY_MINUTE, version=2)

    assert world.go_to(NOON + MINUTE) == [NOON + MINUTE]
