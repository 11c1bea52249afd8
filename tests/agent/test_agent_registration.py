"""Registering and giving it up, through the command line of the built file."""

import base64
import json
import os
from pathlib import Path

from tests.waiting import eventually


def test_registering_prints_the_id_and_keeps_the_key_private(make_agent, stage):
    agent = make_agent()

    done = agent.register("--instance-name", "web", "--tag", "team=a", "--tag", "tier=b")

    assert (done.returncode, done.stdout) == (0, "register ok\ninstance id: mi-000001\n")
    assert (agent.state / "key.pem").stat().st_mode & 0o777 == 0o600
    assert (agent.state / "key.pem").read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")


def test_the_server_gets_every_field(make_agent, stage):
    agent = make_agent()
    agent.register("--instance-name", "web", "--tag", "team=a", "--machine-id", "m-7")

    fields, _ = stage.registrations["mi-000001"]

    assert base64.b64decode(fields.pop("publicKey")).startswith(b"-----BEGIN PUBLIC KEY-----\n")
    assert fields.pop("osVersion")
    assert fields.pop("hostname") == os.uname().nodename
    assert fields.pop("intranetIp")
    assert fields.pop("username")
    assert fields == {
        "activationCode": "a-secret",
        "activationId": "id-1",
        "machineId": "m-7",
        "regionId": "r-1",
        "instanceName": "web",
        "osType": "linux",
        "agentVersion": "1.1.0",
        "agentName": "ca-agent",
        "privileged": os.geteuid() == 0,
        "tag": [{"key": "team", "value": "a"}],
    }


def test_the_code_may_come_from_a_file_or_the_environment(make_agent, stage, tmp_path):
    (tmp_path / "code").write_text("from-file\n")
    make_agent().register("--activation-code-file", str(tmp_path / "code"))
    agent = make_agent()
    agent._environment["ACTIVATION_CODE"] = "from-environment"
    agent.register(code="")

    codes = [fields["activationCode"] for fields, _ in stage.registrations.values()]

    assert codes == ["from-file", "from-environment"]


def test_a_refusal_is_shown_as_the_server_words_it(make_agent, stage):
    stage.refuse_registration = {"code": 403, "message": "The activation code has expired."}
    agent = make_agent()

    done = agent.register()

    assert done.returncode == 4
    assert "The activation code has expired." in done.stderr
    assert not (agent.state / "identity.json").exists()


def test_a_registered_agent_registers_again_only_by_force(make_agent, stage):
    agent = make_agent()
    agent.register()

    again, forced = agent.register(), agent.register("--force")

    assert (again.returncode, "mi-000001" in again.stderr) == (3, True)
    assert (forced.returncode, "mi-000002" in forced.stdout) == (0, True)


def test_a_server_that_does_not_answer_is_named(make_agent, stage):
    address = stage.address
    stage.stop()

    done = make_agent().register()

    assert done.returncode == 5
    assert address in done.stderr


def test_a_server_with_another_authority_is_not_trusted(make_agent, stage, certificates, tmp_path):
    agent = make_agent()
    agent._authority = certificates.chain

    done = agent.register()

    assert done.returncode == 5
    assert "not trusted" in done.stderr
    assert stage.registrations == {}


def test_without_a_code_nothing_is_sent(make_agent, stage):
    assert make_agent().register(code="").returncode == 2
    assert stage.registrations == {}


def test_an_agent_without_registration_does_not_run(make_agent):
    done = make_agent().call("--run")

    assert (done.returncode, "No agent is registered" in done.stderr) == (6, True)


def test_one_state_directory_is_one_agent(agent):
    second = agent.call("--run")

    assert second.returncode == 7
    assert f"process {agent.pid}" in second.stderr


def test_deregistering_ends_the_running_agent(agent, stage):
    done = agent.call("--deregister")

    assert (done.returncode, done.stdout) == (0, "deregister ok\n")
    assert agent.wait() == 0
    assert sorted(path.name for path in agent.state.iterdir() if path.suffix in (".json", ".pem")) == [
        "ca.pem"
    ]
    assert (agent.state / "deregistered").exists()
    assert agent.call("--run").returncode == 6


def test_a_refused_deregistration_changes_nothing(agent, stage):
    stage.statuses["deregister"] = 500

    done = agent.call("--deregister")

    assert done.returncode == 4
    assert (agent.state / "identity.json").exists()


def test_the_server_can_deregister_the_agent(agent, stage):
    stage.kick("kick_vm agent deregister")

    assert agent.wait() == 0
    assert (agent.state / "deregistered").exists()
    assert not (agent.state / "identity.json").exists()
    assert stage.texts == ["accept:kick_vm agent deregister"]


def test_identity_is_one_readable_file(make_agent):
    agent = make_agent()
    agent.register("--machine-id", "m-7")

    identity = json.loads((agent.state / "identity.json").read_text())

    assert identity["instance_id"] == "mi-000001"
    assert identity["machine_id"] == "m-7"


def test_the_agent_runs_in_the_background_where_there_is_no_systemd(make_agent, stage):
    agent = make_agent()
    agent.register()
    if Path("/run/systemd/system").is_dir() and os.geteuid() == 0:
        return

    installed = agent.call("--install-service")
    stage.wait_for_channel()
    stopped = agent.call("--stop")

    assert (installed.returncode, installed.stdout, stopped.returncode) == (0, "restart service\n", 0)
    eventually(lambda: not stage.channels)
