"""The command line without a console: profiles, what is signed, and the status it ends with."""

import http.client
import json
import ssl
import subprocess
import sys

import pytest

from ca import api, commands, following, profile
from ca.build import build
from ca.errors import ApiRefused, CliError
from openapi.requests import Request
from openapi.signing import v3

KNOWN = profile.Profile("https://console.example:8443", "LTAIexample", "a secret")


def test_what_it_signs_is_what_the_console_signs():
    query = api.canonical(
        api.flat({"CommandContent": "echo 'é' *~", "InstanceId": ["mi-1", "mi-2"], "Name": ""})
    )
    headers = {name.lower(): value for name, value in api.Api(KNOWN)._signed("RunCommand", query).items()}

    claim = v3.claim_of(Request("POST", query, headers))

    claim.check_signature(KNOWN.access_key_secret)
    assert claim.key_id == KNOWN.access_key_id


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"A": None, "B": "", "C": 0, "D": True}, {"C": "0", "D": "true"}),
        ({"Id": ["x", "y"]}, {"Id.1": "x", "Id.2": "y"}),
        (
            {"Tag": [{"Key": "env", "Value": ""}, {"Key": "a", "Value": "b"}]},
            {"Tag.1.Key": "env", "Tag.2.Key": "a", "Tag.2.Value": "b"},
        ),
    ],
)
def test_how_parameters_are_sent(said, sent):
    assert api.flat(said) == sent


def test_a_wrong_secret_is_called_that():
    signed = "The signature does not match what the server signs:ACS3-HMAC-SHA256\n1d89\nPOST\n/"

    said = str(ApiRefused("SignatureDoesNotMatch", signed, "01ACFB90"))

    assert said == (
        "SignatureDoesNotMatch: The access key secret is not the one of this access key ID. (request 01ACFB90)"
    )


def test_who_does_not_trust_the_console_is_told_how(monkeypatch):
    def connect(_connection):
        error = ssl.SSLCertVerificationError(1, "certificate verify failed")
        error.verify_message = "self-signed certificate in certificate chain"
        raise error

    monkeypatch.setattr(http.client.HTTPSConnection, "connect", connect)

    with pytest.raises(CliError, match="self-signed certificate") as refusal:
        api.Api(KNOWN).call("DescribeRegions")

    assert refusal.value.status == 4
    assert "--ca-file" in str(refusal.value)


# --- Profiles ---


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    for field in profile.FIELDS:
        monkeypatch.delenv(f"CA_{field.upper()}", raising=False)
    monkeypatch.delenv("CA_PROFILE", raising=False)
    monkeypatch.setenv("CA_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def test_a_profile_is_kept_for_its_owner_alone(nowhere):
    profile.write(nowhere, "default", KNOWN._asdict())
    profile.write(nowhere, "test", {**KNOWN._asdict(), "region": "north"})

    assert profile.load() == KNOWN
    assert profile.load("test").region == "north"
    assert nowhere.stat().st_mode & 0o777 == 0o600


def test_the_environment_counts_before_the_file(nowhere, monkeypatch):
    profile.write(nowhere, "default", KNOWN._asdict())
    monkeypatch.setenv("CA_ENDPOINT", "http://127.0.0.1:8080")

    assert profile.load().endpoint == "http://127.0.0.1:8080"


@pytest.mark.parametrize("text", ["", "[other]\nendpoint = x\n", "endpoint = x", "[default]\n\x00"])
def test_what_is_missing_is_said(nowhere, text):
    nowhere.write_text(text)

    with pytest.raises(CliError) as refusal:
        profile.load()

    assert refusal.value.status == 2
    assert "secret" not in str(refusal.value) or "CA_ACCESS_KEY_SECRET" in str(refusal.value)


# --- How it ends ---


def row(status, **facts):
    return {"InvokeId": "t-1", "InstanceId": "mi-1", "InvocationStatus": status, "Output": "", **facts}


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([row("Success")], 0),
        ([row("Failed", ExitCode=3)], 3),
        ([row("Failed", ExitCode=255)], 125),
        ([row("Timeout")], 1),
        ([row("Success"), row("Failed", ExitCode=3)], 1),
        ([row("Aborted")], 1),
        ([row("Scheduled")], 0),
    ],
)
def test_the_status_says_how_it_went(rows, status):
    assert following.status_of(rows) == status


def test_lines_are_printed_once_and_whole(capsys):
    printed = {}
    for status, output in (("Running", "one\ntw"), ("Running", "one\ntwo\n"), ("Success", "one\ntwo\nend")):
        following.print_news([row(status, Output=output)], printed)

    assert capsys.readouterr().out == "one\ntwo\nend\n"


@pytest.mark.parametrize("said", [["x"], ["a=1", "b"]])
def test_a_parameter_is_a_name_and_a_value(said):
    with pytest.raises(CliError):
        commands.parameters_of(said)


# --- As one file ---


def test_it_is_one_file_that_is_always_the_same(tmp_path):
    for name in ("first.pyz", "second.pyz"):
        build(tmp_path / name)

    assert (tmp_path / "first.pyz").read_bytes() == (tmp_path / "second.pyz").read_bytes()
    said = subprocess.run(
        [sys.executable, tmp_path / "first.pyz", "--version"],
        capture_output=True,
        text=True,
        cwd="/",
        check=True,
    )
    assert said.stdout.startswith("ca ")


def test_a_console_that_is_not_there_is_said(tmp_path):
    build(tmp_path / "ca.pyz")
    environment = {
        "CA_ENDPOINT": "http://127.0.0.1:9",
        "CA_ACCESS_KEY_ID": "x",
        "CA_ACCESS_KEY_SECRET": "y",
        "PATH": "/usr/bin:/bin",
    }

    said = subprocess.run(
        [sys.executable, tmp_path / "ca.pyz", "instances"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )

    assert said.returncode == 4
    assert said.stderr.startswith("ca: http://127.0.0.1:9 cannot be reached")
    assert "Traceback" not in said.stderr


def test_json_is_for_programs(capsys):
    from ca import tables

    tables.show([row("Success")], tables.RESULTS, as_json=True)

    assert json.loads(capsys.readouterr().out)[0]["InvocationStatus"] == "Success"
