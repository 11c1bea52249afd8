import re
import stat
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.up.house import House, is_alive
from tests.waiting import PATIENCE_SECONDS

PRIVATE = [
    "cloud-assistant.json",
    "secret-key",
    "master-key",
    "admin-password",
    "tls/authority-key.pem",
    "tls/server-key.pem",
    "up.lock",
    "up.json",
]


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_data_folder_is_private(house):
    assert mode_of(house.folder) == 0o700


@pytest.mark.parametrize("name", PRIVATE)
def test_secrets_are_for_the_owner_alone(house, name):
    assert mode_of(house.folder / name) == 0o600


def test_the_redis_socket_is_for_the_owner_alone(house):
    assert mode_of(house.folder / "redis.sock") == 0o700


def test_everything_answers_on_the_plain_listener(house):
    assert house.status("healthz") == 200
    assert house.status("readyz") == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_certificate_is_valid_for_whoever_trusts_our_authority(house, host):
    assert house.tls_status("readyz", host=host) == 200


def test_the_authority_is_served_for_download(house):
    with urllib.request.urlopen(house.url + "agent/ca.pem", timeout=PATIENCE_SECONDS) as response:
        assert response.read() == (house.folder / "tls" / "ca.pem").read_bytes()


def test_the_ready_file_names_what_runs(house):
    assert house.ready["data_dir"] == str(house.folder)
    assert set(house.pids) == {"up", "valkey", "web", "worker", "scheduler", "agent"}
    assert all(is_alive(pid) for pid in house.pids.values())


def test_the_password_is_printed_and_kept(house):
    password = (house.folder / "admin-password").read_text().strip()
    assert password in house.said


def test_the_printed_password_opens_the_console(house):
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    page = opener.open(house.url + "console/sign-in/", timeout=PATIENCE_SECONDS).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    password = (house.folder / "admin-password").read_text().strip()

    fields = {"csrfmiddlewaretoken": token, "username": "admin", "password": password}
    answer = opener.open(
        house.url + "console/sign-in/", urllib.parse.urlencode(fields).encode(), timeout=PATIENCE_SECONDS
    )

    assert answer.url == house.url + "console/"


def test_a_second_one_on_the_same_folder_is_refused(house):
    status, said = House(house.folder, "--ready-file", "/nowhere").refused()

    assert status == 1
    assert f"(process {house.pids['up']})" in said
    assert is_alive(house.pids["web"])


def test_the_supervisor_stays_small(house):
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{house.pids['up']}/status").read_text())
    assert int(found[1]) < 24 * 1024


def test_all_processes_together_stay_small(house):
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in house.pids.values()]
    shares = [int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) for rollup in rollups]
    assert sum(shares) < 350 * 1024


def test_a_given_password_is_neither_printed_nor_kept(place):
    house = House(place / "house", "--no-local-agent", ADMIN_PASSWORD="given by hand 7").start()
    try:
        assert "given by hand" not in house.said
        assert not (house.folder / "admin-password").exists()
        assert b"given by hand" not in Path(f"/proc/{house.pids['web']}/environ").read_bytes()
    finally:
        house.stop()
