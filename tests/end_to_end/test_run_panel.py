"""The run panel in a browser: what it offers follows what is typed, and it begins as an earlier run did."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def machine(house):
    """The house's own server, once its agent is connected."""
    return house.own_instance()


def test_instances_that_do_not_fit_the_type_are_disabled_at_once(page, machine):
    page.goto("console/run/")
    row = page.locator("#choices tr", has_text=machine["InstanceId"])
    expect(row.get_by_role("checkbox")).to_be_enabled()

    page.get_by_label("PowerShell").check(force=True)

    expect(row.get_by_role("checkbox")).to_be_disabled()
    expect(row).to_contain_text("another system than the command is for")


def test_filters_are_saved_and_chosen_again(page, machine):
    page.goto(f"console/instances/?q={machine['InstanceId']}")
    page.get_by_role("button", name="Save selection…").click()
    panel = page.locator("#panel")
    # News of the list while the panel is open: it comes from its own address, not from the button's.
    with page.expect_response(lambda said: said.request.headers.get("hx-target") == "instances") as said:
        page.evaluate("document.getElementById('instances').dispatchEvent(new CustomEvent('live'))")
    assert "/selections/" not in said.value.url
    panel.get_by_label("Name").fill("this machine")
    panel.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile(r"selection=\d+"))
    expect(page.locator("#instances tbody tr")).to_have_count(1)

    page.goto("console/run/")
    page.get_by_label("Saved selection").select_option(label="this machine")

    expect(page.locator("#choices")).to_contain_text("The one instance that matches")


def test_a_command_is_sent_from_an_instances_page_and_answers_there(page, machine):
    page.goto(f"console/instances/{machine['InstanceId']}/")
    page.get_by_role("link", name="Send command…").click()
    panel = page.locator("#panel")
    panel.locator(".ace_text-input").fill("echo sent and answered")
    panel.get_by_role("button", name="Run").click()

    expect(panel.locator("#sent")).to_contain_text("Successful")
    expect(panel.locator("#sent pre")).to_have_text("sent and answered\n")

    panel.get_by_role("link", name="To the result").click()
    page.locator(".facts a").first.click()
    page.get_by_role("link", name="Edit and run again…").click()
    expect(page.locator("#panel textarea[name=content]")).to_have_value("echo sent and answered")
    expect(page.locator("#panel")).to_contain_text("The one instance that matches")


def test_time_zones_come_when_somebody_goes_to_their_field(page):
    page.goto("console/run/?plan=clock")
    expect(page.locator("#zones option")).to_have_count(0)

    page.get_by_label("Time zone").focus()

    expect(page.locator("#zones option[value='Asia/Shanghai']")).to_be_attached()


def test_a_command_that_nobody_typed_is_said_to_be_missing(page):
    page.goto("console/run/")
    expect(page.locator(".ace_text-input")).to_be_attached()

    page.get_by_role("button", name="Run", exact=True).click()

    expect(page.locator(".panel .field-error").first).to_be_visible()
