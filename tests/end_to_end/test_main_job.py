"""A server joins, an operator runs a command on it, watches it, stops it and finds it again."""

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.up.house import environment
from tests.waiting import PATIENCE_SECONDS, eventually


def fill_script(page, text):
    editor = page.locator(".ace_text-input")
    editor.wait_for(state="attached")
    page.locator(".ace_content").click()
    page.keyboard.insert_text(text)


def open_run_panel(page, server):
    page.goto("console/instances/?q=" + server)
    page.get_by_role("checkbox", name=server).check()
    page.get_by_role("button", name="Run command…").click()


def local_id(house):
    """The machine that the console itself runs on."""
    return house.own_instance()["InstanceId"]


def test_the_local_machine_runs_a_command_and_its_lines_arrive_while_it_runs(page, house, tmp_path):
    page.goto("console/instances/")
    page.locator(f"input[value={local_id(house)}]").check()
    page.get_by_role("button", name="Run command…").click()
    fill_script(page, f"uname -s; while ! test -e {tmp_path}/go; do sleep 0.05; done; echo done")
    expect(page.locator("#preview")).to_contain_text("on 1 instance")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page).to_have_url(re.compile("/console/invocations/t-"))

    page.locator("#invocation-targets a.name").first.click()
    # The first line is there while the command still runs; the last one comes without a reload.
    expect(page.locator(".output")).to_have_text(re.compile(r"^Linux\s*$"))
    expect(page.locator("#target .state")).to_have_text("Task Running")
    (tmp_path / "go").touch()
    expect(page.locator("#target .state")).to_have_text("Successful")
    expect(page.locator(".output")).to_contain_text("done")


def test_a_second_server_joins_by_its_code_and_the_page_notices(page, house, tmp_path):
    page.goto("console/instances/")
    page.get_by_role("link", name="Add servers").click()
    page.get_by_label("Instance name prefix").fill("joined")
    page.get_by_role("button", name="Create activation code").click()
    expect(page.locator("#linux")).to_contain_text("sha256sum")
    activation_id = page.locator("dd.mono").nth(0).text_content().strip()
    code = page.locator("dd.mono").nth(1).text_content().strip()
    assert code in page.locator("#linux").text_content()
    expect(page.locator("#arrivals")).to_contain_text("Waiting for the first server")

    package = house.folder / "packages" / "agent.pyz"
    words = [sys.executable, package, "--state-dir", tmp_path / "agent", "--register", "--region", "local"]
    words += ["--activation-id", activation_id, "--server", f"127.0.0.1:{house.tls_port}"]
    words += ["--ca", house.folder / "tls" / "ca.pem", "--machine-id", "joined"]
    done = subprocess.run(
        words,
        input=code,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )

    assert "register ok" in done.stdout
    expect(page.locator("#arrivals")).to_contain_text("joined-001")


def test_a_stop_leaves_no_process_behind(page, servers):
    [server] = servers.add("stoppable")
    mark = f"7{os.getpid()}.25"
    open_run_panel(page, "stoppable")
    fill_script(page, f"sleep {mark} & sleep {mark}")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page).to_have_url(re.compile("/console/invocations/t-"))
    expect(page.locator("#invocation-status .state").first).to_have_text("Task Running")
    eventually(lambda: processes_with(f"sleep {mark}") == 2)

    page.get_by_role("link", name="Stop 1…").click()
    page.locator("#panel").get_by_role("button", name="Stop").click()

    expect(page.locator("#invocation-status .state").first).to_have_text("Manually Stopped")
    eventually(lambda: processes_with(f"sleep {mark}") == 0)
    assert server.process.poll() is None


def processes_with(text):
    said = subprocess.run(["ps", "axo", "args"], capture_output=True, text=True, check=True).stdout
    return sum(1 for line in said.splitlines() if line.strip() == text)


def test_a_run_is_found_again_tomorrow(page, house):
    local = local_id(house)
    ran = house.document("run_command", "--instance", local, "--content", "echo found again", "--wait")

    page.goto("console/")
    page.keyboard.press("/")
    page.keyboard.type(ran["InvokeId"])
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(ran["InvokeId"]))
    expect(page.locator("#invocation-answers")).to_contain_text("found again")


def test_answers_that_are_the_same_stand_together(page, servers, house):
    added = servers.add("alike-1", "alike-2", "odd-one")
    script = 'case "$(basename "$PWD")" in *) test -f odd && echo odd || echo alike;; esac'
    words = ["run_command", "--content", f"cd {servers.folder}; {script}"]
    ids = [word for server in added for word in ("--instance", server.id)]
    ran = house.document(*words, *ids, "--wait")

    page.goto(f"console/invocations/{ran['InvokeId']}/")

    expect(page.locator(".answer")).to_have_count(1)
    expect(page.locator(".answer-number")).to_have_text("3")


def test_everything_works_without_scripts(visit, house):
    local = local_id(house)
    page = visit(java_script_enabled=False)
    page.goto("console/instances/")
    page.locator(f"input[value={local}]").check()
    page.get_by_role("button", name="Run command…").click()

    page.get_by_label("Command", exact=True).fill("echo plain")
    page.get_by_role("button", name="Run", exact=True).click()

    expect(page).to_have_url(re.compile("/console/invocations/t-"))
    reload_until(page, "Successful")
    expect(page.locator("#invocation-answers")).to_contain_text("plain")


def reload_until(page, word):
    def there():
        page.reload()
        return word in page.locator("#invocation-status").inner_text()

    eventually(there)


@pytest.mark.parametrize("listener", ["plain", "tls"])
def test_ten_tabs_share_one_stream_and_all_are_live(listener, visit, house):
    """A browser keeps six connections to a host: with a stream for each tab the seventh would hang."""
    local = local_id(house)
    address = house.url if listener == "plain" else f"https://127.0.0.1:{house.tls_port}/"
    page = visit(base_url=address)
    tabs = [page, *(page.context.new_page() for _ in range(9))]
    for tab in tabs:
        tab.goto("console/invocations/")
        state = tab.locator("[data-live-state]")
        expect(state).to_have_attribute("data-live-state", "live")

    ran = house.document("run_command", "--instance", local, "--content", "echo ten tabs", "--wait")

    for tab in tabs:
        tab.bring_to_front()
        expect(tab.locator("#invocations")).to_contain_text(ran["InvokeId"])


def test_a_page_whose_session_has_ended_says_so(visit, house):
    page = visit()
    page.goto("console/invocations/")
    expect(page.locator("[data-live-state]")).to_have_attribute("data-live-state", "live")

    other = page.context.new_page()
    other.goto("console/")
    other.locator(".bar-end summary").click()
    other.get_by_role("button", name="Sign out").click()

    expect(page.locator("#signed-out")).to_be_visible()
