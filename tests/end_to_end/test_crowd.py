"""A run on ten thousand servers in a browser, while their reports come in."""

import subprocess
import sys
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from console.kit.pagination import PER_PAGE
from tests.end_to_end.crowd import NUMBER
from tests.up.house import COMMAND_SECONDS, ROOT, environment

REPORTED = 2000
# Asked for at most this often (live.js), less what a timer may be early.
QUIET_SECONDS = 0.25 - 0.02
PART_BYTES = 64 * 1024
# A quiet machine needs a twentieth of it; ten thousand rows drawn at once would take longer on any.
BLOCKED_MILLISECONDS = 1000
# The longest that the page was blocked, in milliseconds, by the browser's own watch.
WATCH = """
    window.blocked = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.blocked = Math.max(window.blocked, entry.duration);
    }).observe({ type: "longtask", buffered: true });
"""


def crowd(house, *words):
    done = subprocess.run(
        [sys.executable, "-m", "tests.end_to_end.crowd", *words],
        check=False,
        cwd=ROOT,
        env=environment(DATA_DIR=str(house.folder)),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def run_of_many(house):
    yield crowd(house, "begin")
    crowd(house, "end")


class Asked:
    """What the page fetches by itself: which part, when, and how much came."""

    def __init__(self, page):
        self.parts = []
        page.on("requestfinished", self.note)

    def note(self, request):
        if part := request.headers.get("hx-target"):
            self.parts.append((part, request.timing["startTime"] / 1000, request.sizes()["responseBodySize"]))

    def pauses(self, part):
        moments = sorted(moment for name, moment, _size in self.parts if name == part)
        return [after - before for before, after in pairwise(moments)]


def test_a_page_of_ten_thousand_asks_for_what_is_on_screen_alone(page, house, run_of_many):
    page.add_init_script(WATCH)
    page.goto(f"console/invocations/{run_of_many}/")
    expect(page.locator("[data-live-state]")).to_have_text("live")
    expect(page.locator("#invocation-status")).to_contain_text(f"of {NUMBER:,} instances".replace(",", ""))
    asked = Asked(page)

    crowd(house, "report", run_of_many, str(REPORTED))

    expect(page.locator("#invocation-status")).to_contain_text(f"{REPORTED} Task Completed", timeout=20_000)
    expect(page.locator("#invocation-answers")).to_contain_text("up 0")
    expect(page.locator("#invocation-targets tbody tr")).to_have_count(PER_PAGE)
    fetched = {part for part, _moment, _size in asked.parts}
    assert fetched == {"invocation-status", "invocation-answers", "invocation-targets"}
    for part in fetched:
        assert all(pause >= QUIET_SECONDS for pause in asked.pauses(part)), part
    assert max(size for _part, _moment, size in asked.parts) < PART_BYTES
    assert page.evaluate("window.blocked") < BLOCKED_MILLISECONDS


def test_ten_thousand_to_choose_from_are_no_ten_thousand_rows(page, run_of_many):
    page.goto("console/instances/?tag=&q=crowd-0")
    expect(page.locator("#instances tbody tr")).to_have_count(PER_PAGE)

    page.goto(f"console/run/?again={run_of_many}")

    expect(page.locator("#choices")).to_contain_text(f"All {NUMBER} instances that match")
    expect(page.locator("#choices tbody tr")).to_have_count(50)
