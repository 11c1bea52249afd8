import os
import signal
import socket
import threading
import warnings

import pytest

from tests.up.house import House, copied, is_alive
from tests.waiting import PATIENCE_SECONDS, eventually


@pytest.fixture(scope="module")
def kept(template, workshop):
    """A console whose parts are killed; each test leaves it whole again."""
    house = House(copied(template, workshop / "kept"), "--no-local-agent").start()
    yield house
    house.stop()


@pytest.mark.parametrize("name", ["web", "worker", "scheduler", "valkey"])
def test_a_killed_part_comes_back(kept, name):
    before = kept.pids[name]

    os.kill(before, signal.SIGKILL)

    eventually(lambda: kept.pids.get(name, before) != before)
    eventually(lambda: kept.status("readyz") == 200)
    assert f"{name} was killed by SIGKILL" in kept.said


def test_a_killed_web_process_refuses_nobody(kept):
    before, port = kept.pids["web"], int(kept.url.rstrip("/").rpartition(":")[2])
    refused, is_over = [], threading.Event()

    def connect():
        while not is_over.is_set():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS).close()
            except ConnectionRefusedError as error:
                refused.append(error)

    client = threading.Thread(target=connect)
    client.start()
    os.kill(before, signal.SIGKILL)
    eventually(lambda: kept.pids.get("web", before) != before and kept.status("healthz") == 200)
    is_over.set()
    client.join()

    assert refused == []


def test_parts_that_keep_dying_are_given_more_and_more_time(kept):
    for _ in range(2):
        before = kept.pids["scheduler"]
        os.kill(before, signal.SIGKILL)
        eventually(lambda before=before: kept.pids.get("scheduler", before) != before)

    assert "scheduler was killed by SIGKILL; it starts again in 0.4 s" in kept.said


def test_the_order_to_stop_leaves_nothing_behind(make_house):
    house = make_house().start()
    pids = house.pids
    local = house.own_instance()
    sleep = "trap '' TERM; echo $$ > " + str(house.folder / "sleep-pid") + "; while :; do sleep 600; done"
    house.document("run_command", "--instance", local["InstanceId"], "--content", sleep)
    eventually(lambda: (house.folder / "sleep-pid").exists() and (house.folder / "sleep-pid").read_text())

    house.stop()

    assert house.process.returncode == 0
    assert not any(is_alive(pid) for pid in pids.values())
    eventually(lambda: not is_alive(int((house.folder / "sleep-pid").read_text())))
    left = {path.name for path in house.folder.iterdir()}
    assert not left & {"redis.sock", "up.lock", "up.json"}
    assert not house.ready_file.exists()


def test_the_end_of_the_supervisor_ends_everything(make_house):
    house = make_house().start()
    pids = house.pids

    os.kill(pids["up"], signal.SIGKILL)

    house.process.wait()
    eventually(lambda: not any(is_alive(pid) for pid in pids.values()))
    assert house.start().pids["up"] != pids["up"]


def test_it_can_be_stopped_while_it_starts(make_house):
    house = make_house("--no-local-agent")
    house.begin()
    eventually(lambda: (house.folder / "up.json").exists())

    house.process.send_signal(signal.SIGINT)

    assert house.process.wait(PATIENCE_SECONDS) == 0
    assert not (house.folder / "redis.sock").exists()


def test_a_terminals_interrupt_reaches_the_supervisor_alone(kept):
    sessions = {name: os.getsid(pid) for name, pid in kept.pids.items() if name != "up"}

    assert os.getsid(kept.pids["up"]) not in sessions.values()


def test_without_its_agent_the_machine_is_not_managed(kept):
    assert "agent" not in kept.pids
    assert kept.document("list_instances") == []


def test_an_agent_that_was_sent_away_does_not_come_back(make_house):
    house = make_house()
    (house.folder / "agent").mkdir()
    (house.folder / "agent" / "deregistered").touch()

    house.start()

    assert "agent" not in house.pids


def test_a_deep_folder_gets_its_socket_elsewhere(template, place):
    folder = place / ("deep-" * 20) / "folder"
    folder.parent.mkdir()
    house = House(copied(template, folder), "--no-local-agent").start()
    try:
        assert house.status("readyz") == 200
    finally:
        house.stop()


def test_single_processes_run_beside_a_redis_of_their_own(make_house):
    house = make_house("--no-local-agent").start()
    url = f"unix://{house.folder}/redis.sock"
    parts = [House(copied_part(house, part), "--only", part, REDIS_URL=url) for part in ("web", "worker")]
    try:
        for part in parts:
            part.start()
        eventually(lambda: parts[0].status("readyz") == 200)
        assert [set(part.pids) for part in parts] == [{"up", "web"}, {"up", "worker"}]
    finally:
        for part in parts:
            part.stop()


@pytest.fixture
def postgresql():
    with warnings.catch_warnings():
        # The wheel's import warns of a variable that nobody needs here.
        warnings.simplefilter("ignore")
        from tests import postgres
    with postgres.server() as url:
        # Not the one that tests make for themselves, but one that is there and empty.
        yield url.replace("/assistant?", "/postgres?")


def test_the_same_runs_on_postgresql(place, postgresql):
    house = House(place / "house", DATABASE_URL=postgresql).start()
    try:
        local = house.own_instance()
        words = ("run_command", "--instance", local["InstanceId"], "--content", "echo hi", "--wait")
        assert house.document(*words)["InvocationStatus"] == "Success"
        assert not (house.folder / "db.sqlite3").exists()
    finally:
        house.stop()


def copied_part(house, name):
    folder = house.folder.with_name(name)
    return copied(house.folder, folder)
