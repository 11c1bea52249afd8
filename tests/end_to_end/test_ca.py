"""The command line against a running console."""

import json
import subprocess
import sys

import pytest

from tests.up.house import environment
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def ca(house, tmp_path_factory):
    """`ca` with an access key of an administrator, over TLS."""
    from ca.build import build

    program = tmp_path_factory.mktemp("ca") / "ca.pyz"
    build(program)
    house.document("create_user", "shell", "--no-console", "--no-password", "--administrator")
    key = house.document("create_access_key", "shell")

    def run(*words, **more):
        told = {
            "CA_ENDPOINT": f"https://127.0.0.1:{house.tls_port}",
            "CA_ACCESS_KEY_ID": key["AccessKeyId"],
            "CA_ACCESS_KEY_SECRET": key["AccessKeySecret"],
            "CA_CA_FILE": str(house.folder / "tls" / "ca.pem"),
            **more,
        }
        return subprocess.run(
            [sys.executable, program, *words],
            capture_output=True,
            text=True,
            env=environment(**told),
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def local(house):
    """The machine that the console runs on, its first instance."""
    return house.own_instance()["InstanceId"]


def test_servers_are_listed(ca, local):
    said = ca("instances")

    assert said.returncode == 0
    assert local in said.stdout


def test_a_command_runs_and_its_output_comes(ca, local):
    said = ca("run", "echo one; sleep 0.3; echo two", "--instance", local, "--wait")

    assert (said.returncode, said.stdout) == (0, "one\ntwo\n")


def test_the_status_is_the_commands_own(ca, local):
    said = ca("run", "echo no; exit 7", "-i", local, "-w")

    assert (said.returncode, said.stdout) == (7, "no\n")
    assert "ExitCodeNonzero" in said.stderr


def test_a_script_may_come_from_a_file_with_parameters(ca, local, tmp_path):
    script = tmp_path / "hello.sh"
    script.write_text("echo hello {{ name }}\n")

    said = ca("run", f"@{script}", "-i", local, "-p", "name=world", "--wait")

    assert said.stdout == "hello world\n"


def test_a_run_is_looked_up_later(ca, local):
    run = ca("run", "echo later", "-i", local).stdout.strip()
    ca("results", run, "--wait")

    told = json.loads(ca("results", run, "--json").stdout)

    assert [one["Output"] for one in told] == ["later\n"]
    assert run in ca("results").stdout


def test_a_tag_is_a_place(ca, local):
    refused = ca("run", "true", "--tag", "no=such", "--wait")

    assert refused.returncode == 3
    assert "Traceback" not in refused.stderr


def test_a_wrong_secret_is_refused(ca):
    said = ca("instances", CA_ACCESS_KEY_SECRET="wrong")

    assert said.returncode == 3
    assert "SignatureDoesNotMatch" in said.stderr
    assert "wrong" not in said.stderr
