"""The small things that every room uses."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from console import env
from console.kit import bells, ids
from console.kit.clock import api_time, from_milliseconds, to_milliseconds


def test_ids_have_the_short_form():
    assert re.fullmatch(r"t-lo[0-9a-z]{13}", ids.new_id("t", "lo"))


def test_ids_rise_within_a_process_whatever_thread_makes_them():
    made = [ids.new_id("t", "lo") for _ in range(2000)]
    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(lambda _number: ids.next_number(), range(2000)))

    assert made == sorted(set(made))
    assert len(set(others)) == len(others)


@pytest.mark.parametrize("value", [0, -1, 10**18])
def test_a_moment_that_no_calendar_has_is_none(value):
    assert from_milliseconds(value) is None


def test_moments_go_there_and_back():
    moment = datetime(2026, 11, 21, 7, 23, 0, 123000, tzinfo=UTC)

    assert from_milliseconds(to_milliseconds(moment)) == moment
    assert api_time(moment) == "2026-11-21T07:23:00Z"


def test_a_ring_that_is_lost_stops_nothing(settings, caplog):
    bells.client.cache_clear()
    settings.REDIS_URL = "unix:///nowhere/redis.sock"

    bells.kick({"mi-lo1": "kick_vm"})

    assert "Ring lost" in caplog.text
    bells.client.cache_clear()


@pytest.mark.parametrize(
    ("url", "engine", "name"),
    [
        ("postgresql://user:p%40ss@db.example:5433/assistant", "postgresql", "assistant"),
        ("postgres://db/assistant?sslmode=require", "postgresql", "assistant"),
        ("sqlite:////srv/assistant.sqlite3", "sqlite3", "/srv/assistant.sqlite3"),
    ],
)
def test_database_urls(monkeypatch, tmp_path, url, engine, name):
    monkeypatch.setenv("DATABASE_URL", url)

    described = env.database_url(tmp_path)

    assert described["ENGINE"].endswith(engine)
    assert described["NAME"] == name


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [
        ("DATABASE_URL", "mysql://x", lambda folder: env.database_url(folder)),
        ("REDIS_URL", "http://x", lambda folder: env.redis_url(folder)),
        ("TLS_PORT", "many", lambda _folder: env.number("TLS_PORT", 1)),
        ("DEBUGGING", "perhaps", lambda _folder: env.flag("DEBUGGING")),
        ("LOG_FORMAT", "xml", lambda _folder: env.choice("LOG_FORMAT", "json", among=("json", "console"))),
        ("SECRET_KEY_FILE", "/nowhere", lambda _folder: env.secret("SECRET_KEY")),
    ],
)
def test_a_wrong_value_stops_the_start_with_its_name(monkeypatch, tmp_path, variable, value, read):
    monkeypatch.setenv(variable, value)

    with pytest.raises(SystemExit, match=variable):
        read(tmp_path)


def test_a_deep_data_folder_gets_a_short_socket(tmp_path):
    assert env.redis_socket(tmp_path) == tmp_path / "redis.sock"
    assert len(str(env.redis_socket(tmp_path / ("d" * 120)))) < env.SOCKET_PATH_BYTES
