"""The whole product: a console as real processes, real agents, a real browser."""

import os
import re
import shutil
import tempfile
import uuid
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.end_to_end.servers import Servers
from tests.up.house import House
from tests.waiting import PATIENCE_SECONDS

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PASSWORD = "correct horse battery"
# Answers that say no; and requests that a newer one replaces on purpose (hx-sync): htmx tells of those as of
# errors, first that the request is over, then why. Of what is one the second line says so.
EXPECTED = ("Failed to load resource", "htmx:afterRequest", "htmx:sendAbort")
# Whatever a page waits for must come: a slow machine takes its time.
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="session")
def workshop():
    folder = Path(tempfile.mkdtemp(prefix="ca-e2e-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database():
    """What the console is told of its database: nothing, or one of its own on the run's PostgreSQL."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        yield {}
        return
    name = f"e2e_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url.replace("/assistant?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield {"DATABASE_URL": url.replace("/assistant?", f"/{name}?")}


@pytest.fixture(scope="session")
def house(workshop, database):
    house = House(workshop / "house", ADMIN_PASSWORD=PASSWORD, PUBLIC_HOST="127.0.0.1", **database).start()
    yield house
    house.stop()


@pytest.fixture
def servers(house, tmp_path):
    servers = Servers(house, tmp_path)
    yield servers
    servers.end()


@pytest.fixture(scope="module")
def chromium():
    """A browser. It keeps an event loop going in this thread, so it ends with the file that wants one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


def browser_path():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.fail("The tests need a browser: install Chromium (Debian: apt-get install chromium).")


@pytest.fixture
def open_browser(chromium):
    """Opens browsers of their own, that nobody has signed in with."""
    contexts = []

    def open_one(**options):
        contexts.append(chromium.new_context(ignore_https_errors=True, **options))
        contexts[-1].set_default_timeout(PATIENCE_SECONDS * 1000)
        return contexts[-1].new_page()

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def visit(open_browser, house):
    """Opens browsers of their own, signed in as the administrator if nobody else is named."""

    def sign_in(username="admin", password=PASSWORD, **options):
        page = open_browser(**{"base_url": house.url, **options})
        page.goto("console/sign-in/")
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(re.compile("/console/(password/)?$"))
        return page

    return sign_in


@pytest.fixture
def page(visit):
    """A page that must not complain: neither scripts nor the content policy."""
    page = visit()
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert [line for line in said if not line.startswith(EXPECTED)] == []
