"""A run on ten thousand servers in a browser, while their reports come in."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from console.kit.pagination import PER_PAGE
from tests.end_to_end.crowd import NUMBER
from tests.up.house import Hands

REPORTED = 2000
# A part is asked for at most this often (live.js).
QUIET_MILLISECONDS = 250
PART_BYTES = 64 * 1024
# When the page decides to ask for a part, by its own clock: how late the request leaves is the machine's affair.
WATCH = """
    window.asked = {};
    document.addEventListener(
        "live",
        (event) => (window.asked[event.target.id] ??= []).push(event.timeStamp),
        { capture: true },
    );
"""


@pytest.fixture(scope="module")
def crowd(house):
    hands = Hands(house.folder, "tests.end_to_end.crowd")
    yield hands
    hands.end()


@pytest.fixture(scope="module")
def run_of_many(crowd):
    yield crowd("begin")
    crowd("end")


def test_a_page_of_ten_thousand_asks_for_what_is_on_screen_alone(page, crowd, run_of_many):
    page.add_init_script(WATCH)
    page.goto(f"console/invocations/{run_of_many}/")
    expect(page.locator("[data-live-state]")).to_have_text("live")
    expect(page.locator("#invocation-status")).to_contain_text(f"of {NUMBER:,} instances".replace(",", ""))
    answers = []
    page.on(
        "requestfinished", lambda request: answers.append(request) if "hx-target" in request.headers else None
    )

    crowd("report", invocation=run_of_many, number=REPORTED)

    expect(page.locator("#invocation-status")).to_contain_text(f"{REPORTED} Task Completed")
    expect(page.locator("#invocation-answers")).to_contain_text("up 0")
    expect(page.locator("#invocation-targets tbody tr")).to_have_count(PER_PAGE)
    asked = page.evaluate("window.asked")
    assert set(asked) == {"invocation-status", "invocation-answers", "invocation-targets"}
    for part, moments in asked.items():
        assert all(after - before >= QUIET_MILLISECONDS for before, after in pairwise(moments)), part
    assert {answer.headers["hx-target"] for answer in answers} == set(asked)
    assert max(answer.sizes()["responseBodySize"] for answer in answers) < PART_BYTES


def test_ten_thousand_to_choose_from_are_no_ten_thousand_rows(page, run_of_many):
    page.goto("console/instances/?tag=&q=crowd-0")
    expect(page.locator("#instances tbody tr")).to_have_count(PER_PAGE)

    page.goto(f"console/run/?again={run_of_many}")

    expect(page.locator("#choices")).to_contain_text(f"All {NUMBER} instances that match")
    expect(page.locator("#choices tbody tr")).to_have_count(50)
