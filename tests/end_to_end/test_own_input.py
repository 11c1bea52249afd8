"""What somebody has ticked, focused or typed outlives the news; and moments are typed in one's own zone."""

import re

import pytest
from playwright.sync_api import expect

from tests.waiting import eventually

# Whether what has the focus, or a part of it, is on top where it stands.
IS_IN_SIGHT = """() => {
    const { left, top, width } = document.activeElement.getBoundingClientRect();
    return !document.elementFromPoint(left + width / 2, top + 1)?.closest(".panel-foot");
}"""


@pytest.fixture
def machine(house):
    """The house's own server, once its agent is connected."""
    return house.own_instance()


def renew(page, part, meanwhile):
    """Have a live part fetch itself, do something before the answer comes, and wait until it is replaced."""
    held = []

    def wait_or_pass(route):
        if route.request.headers.get("hx-target") == part:
            held.append(route)
        else:
            route.continue_()

    def asked():
        page.locator(f"#{part}").evaluate("part => part.dispatchEvent(new CustomEvent('live'))")
        return held

    page.route("**/console/**", wait_or_pass)
    eventually(asked)
    page.locator(f"#{part}").evaluate("part => { part.dataset.old = ''; }")
    meanwhile()
    for route in held:
        route.continue_()
    page.unroute("**/console/**")
    expect(page.locator(f"#{part}[data-old]")).to_have_count(0)


def test_a_tick_set_while_news_are_on_their_way_stays(page, machine):
    page.goto(f"console/instances/?q={machine['InstanceId']}")
    box = page.locator(f"#choose-{machine['InstanceId']}")

    renew(page, "instances", box.check)
    expect(box).to_be_checked()
    expect(box).to_be_focused()
    expect(page.get_by_role("button", name="Run command…")).to_be_enabled()

    renew(page, "instances", box.uncheck)
    expect(box).not_to_be_checked()
    expect(page.get_by_role("button", name="Run command…")).to_be_disabled()


def test_the_keyboard_stays_where_it_is_when_news_come(page, machine):
    page.goto(f"console/instances/?q={machine['InstanceId']}")
    name = page.locator("#instances a.name")

    renew(page, "instances", name.focus)

    expect(name).to_be_focused()


def test_a_closed_panel_gives_the_focus_back_though_news_came(page, machine):
    page.goto(f"console/instances/?q={machine['InstanceId']}")
    page.locator(f"#choose-{machine['InstanceId']}").check()
    button = page.get_by_role("button", name="Run command…")
    button.click()
    closing = page.locator("#panel [data-close]")
    expect(closing).to_be_visible()

    renew(page, "instances", closing.focus)
    closing.press("Enter")

    expect(button).to_be_focused()


def test_what_would_be_stopped_follows_the_ticks(page, servers, house):
    added = servers.add("halt-1", "halt-2")
    ids = [word for server in added for word in ("--instance", server.id)]
    ran = house.document("run_command", *ids, "--content", "sleep 600", "--timeout", "600")
    page.goto(f"console/invocations/{ran['InvokeId']}/")
    page.get_by_role("link", name="Stop 2…").click()
    said = page.locator("#stop-foretold")
    expect(said).to_contain_text("Stops 2 of 2 runs")

    page.locator(f"#stop-{added[0].id}").check()

    expect(said).to_contain_text("Stops 1 of 2 runs")


def test_nothing_that_has_the_focus_is_under_the_foot_of_a_panel(page, machine):
    page.goto(f"console/run/?instance={machine['InstanceId']}")
    page.get_by_label("Timeout in seconds").focus()
    last = page.locator("#choices input[name=instance]").last

    while not last.evaluate("box => box === document.activeElement"):
        page.keyboard.press("Tab")
        assert page.evaluate(IS_IN_SIGHT)


def test_moments_are_typed_in_ones_own_zone_and_sent_in_utc(visit):
    page = visit(timezone_id="Asia/Shanghai")
    page.goto("console/invocations/?begin=2026-01-31T20:30")
    begin = page.get_by_label("From (Asia/Shanghai)")
    expect(begin).to_have_value("2026-02-01T04:30")

    page.get_by_label("Until (Asia/Shanghai)").fill("2026-02-02T00:15")

    expect(page).to_have_url(re.compile(r"begin=2026-01-31T20%3A30&end=2026-02-01T16%3A15%3A00"))


def test_without_scripts_moments_are_in_utc_and_say_so(visit):
    page = visit(java_script_enabled=False)
    page.goto("console/invocations/?begin=2026-01-31T20:30")

    expect(page.get_by_label("From (UTC)")).to_have_value("2026-01-31T20:30")
