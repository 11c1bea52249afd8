"""What is not started, and the sentence that says why."""

import errno
import json
import socket
import sqlite3

import pytest
from django.db.utils import OperationalError

from console.management.commands.prepare import sentence_of
from console.up.folder import unusable
from tests.up.house import House, free_port


@pytest.fixture
def taken_port():
    with socket.create_server(("", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("option", ["--port", "--tls-port"])
def test_a_port_in_use(place, taken_port, option):
    status, said = House(place / "house", option, str(taken_port)).refused()

    assert status == 1
    assert str(taken_port) in said
    assert option in said
    assert not (place / "house" / "redis").exists()


def test_a_folder_that_is_not_ours(place):
    (place / "letter.txt").write_text("dear")

    status, said = House(place).refused()

    assert status == 1
    assert "--data-dir" in said
    assert [path.name for path in place.iterdir()] == ["letter.txt"]


def test_a_file_where_the_folder_should_be(place):
    (place / "file").touch()

    status, said = House(place / "file").refused()

    assert status == 1
    assert "cannot be used" in said
    assert "--data-dir" in said


def test_a_folder_inside_a_file(place):
    (place / "file").touch()

    status, said = House(place / "file" / "house").refused()

    assert (status, "cannot be used" in said) == (1, True)


def test_a_folder_of_a_newer_layout(place):
    (place / "cloud-assistant.json").write_text(json.dumps({"format": 99, "id": "x"}))

    status, said = House(place).refused()

    assert (status, "newer version" in said) == (1, True)


def test_a_database_with_a_newer_schema(make_house):
    house = make_house()
    with sqlite3.connect(house.folder / "db.sqlite3") as database:
        row = ("access", "9999_from_the_future", "2030-01-01 00:00:00")
        database.execute("INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, ?)", row)

    status, said = house.refused()

    assert status == 1
    assert "access.9999_from_the_future" in said
    assert "Traceback" not in said


def test_a_redis_that_does_not_answer(make_house):
    status, said = make_house(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0").refused()

    assert (status, "REDIS_URL" in said, "Traceback" in said) == (1, True, False)


def test_a_database_that_does_not_answer(make_house):
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none"
    status, said = make_house(DATABASE_URL=url).refused()

    assert (status, "DATABASE_URL" in said, "secret" in said) == (1, True, False)


@pytest.mark.parametrize(
    "variable", [{"REDIS_URL": "http://x"}, {"DATABASE_URL": "mysql://x"}, {"LOG_FORMAT": "loud"}]
)
def test_a_value_that_cannot_be(place, variable):
    status, said = House(place / "house", **variable).refused()

    assert status == 1
    assert next(iter(variable)) in said
    assert not (place / "house").exists()


def test_a_public_host_that_is_none(make_house):
    status, said = make_house("--public-host", "https://console.example").refused()

    assert (status, "PUBLIC_HOST" in said) == (1, True)


def test_a_full_disk_has_its_own_sentence(place):
    full = unusable(place, OSError(errno.ENOSPC, "No space left on device"))

    assert "is full" in full
    assert sentence_of(OperationalError("database or disk is full")).endswith("start again.")
