"""Somebody signs in at a provider's page, with a real browser and under the content policy of the product."""

import re

import pytest
from playwright.sync_api import expect

from tests.access.provider import QUIET, running_provider
from tests.end_to_end.conftest import PASSWORD
from tests.up.house import House, free_port

pytestmark = QUIET

CALLBACK = "console/access/single-sign-on/callback/"


@pytest.fixture(scope="module")
def provider():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        with running_provider() as provider:
            provider.add("s-anna", email="anna@example.org", email_verified=True, preferred_username="anna")
            yield provider


def variables(service):
    return {
        "OIDC_ISSUER": service.issuer,
        "OIDC_CLIENT_ID": service.client_id,
        "OIDC_CLIENT_SECRET": service.client_secret,
        "OIDC_NAME": "Example ID",
    }


@pytest.fixture(scope="module")
def open_house(workshop, provider):
    """A console where whoever the provider knows becomes a user."""
    port, tls_port = free_port(), free_port()
    urls = [f"http://127.0.0.1:{port}/{CALLBACK}", f"https://127.0.0.1:{tls_port}/{CALLBACK}"]
    options = ["--port", str(port), "--tls-port", str(tls_port)]
    said = {**variables(provider.register(*urls)), "OIDC_CREATE_USERS": "true", "ADMIN_PASSWORD": PASSWORD}
    house = House(workshop / "open-house", *options, PUBLIC_HOST="127.0.0.1", **said).start()
    yield house
    house.stop()


@pytest.fixture
def outside(open_browser, open_house):
    """A browser that nobody has signed in with, and that must not complain."""
    page = open_browser(base_url=open_house.url)
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    yield page
    # The provider's page wants a style sheet from the internet.
    assert [line for line in said if "Failed to load resource" not in line] == []


def press_at_the_provider(page, provider, sub):
    expect(page).to_have_url(re.compile(re.escape(provider.url)))
    page.get_by_placeholder("sub").fill(sub)
    page.get_by_role("button", name="Authorize").click()


@pytest.mark.parametrize("listener", ["plain", "tls"])
def test_one_signs_in_at_the_provider_and_is_where_one_wanted_to_be(listener, outside, provider, open_house):
    address = open_house.url if listener == "plain" else f"https://127.0.0.1:{open_house.tls_port}/"
    outside.goto(f"{address}console/search/?q=nothing")
    outside.get_by_role("link", name="Sign in with Example ID").click()
    press_at_the_provider(outside, provider, "s-anna")

    expect(outside).to_have_url(f"{address}console/search/?q=nothing")
    expect(outside.locator(".bar-end")).to_contain_text("anna")


def test_who_denies_it_there_reads_a_page_here(outside, provider):
    outside.goto("console/sign-in/")
    outside.get_by_role("link", name="Sign in with Example ID").click()
    outside.get_by_role("button", name="Deny").click()

    expect(outside.get_by_role("heading")).to_contain_text("it was cancelled there")


def test_an_administrator_links_by_hand_and_then_comes_in(outside, provider, open_house):
    outside.goto("console/sign-in/")
    outside.get_by_label("Username").fill("admin")
    outside.get_by_label("Password").fill(PASSWORD)
    outside.get_by_role("button", name="Sign in", exact=True).click()
    outside.goto("console/account/")
    outside.get_by_role("link", name="Link with Example ID").click()
    press_at_the_provider(outside, provider, "s-admin")
    expect(outside.locator("form .notice")).to_contain_text("You are an administrator")
    outside.get_by_role("button", name="Link", exact=True).click()
    expect(outside.locator("#sso")).to_contain_text("Known there as")
    outside.locator(".bar-end summary").click()
    outside.get_by_role("button", name="Sign out").click()

    outside.goto("console/sign-in/")
    outside.get_by_role("link", name="Sign in with Example ID").click()
    press_at_the_provider(outside, provider, "s-admin")

    expect(outside.locator(".bar-end")).to_contain_text("admin")
    assert open_house.environment["OIDC_CLIENT_SECRET"] not in open_house.said


def test_it_is_switched_on_and_off_again_on_one_data_folder(provider, workshop):
    folder = workshop / "changed-mind"
    said = variables(provider.register(f"http://127.0.0.1:8000/{CALLBACK}"))
    for more in ({}, said, {}):
        house = House(folder, ADMIN_PASSWORD=PASSWORD, PUBLIC_HOST="127.0.0.1", **more).start()
        status = house.status("console/access/single-sign-on/link/confirm/")
        house.stop()

        # Off, nothing is there; on, signing in is asked for.
        assert status in ((200, 403) if more else (404,)), house.said


@pytest.mark.parametrize("left_out", ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"])
def test_half_a_configuration_stops_the_start_with_a_sentence(left_out, provider, workshop):
    said = variables(provider.register(f"http://127.0.0.1:8000/{CALLBACK}"))
    del said[left_out]

    status, words = House(workshop / f"without-{left_out}", **said).refused()

    assert status != 0
    assert f"Single sign-on lacks {left_out}" in words
    assert "Traceback" not in words
