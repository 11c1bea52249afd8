"""What automation relies on: commands beside a running console that are told only the data folder."""

import json

import pytest

CA_42 = [
    "InstanceId",
    "InstanceName",
    "Hostname",
    "InternetIp",
    "IntranetIp",
    "OsType",
    "OsVersion",
    "MachineId",
    "AgentVersion",
    "Connected",
    "ActivationId",
    "RegistrationTime",
    "InvocationCount",
    "LastInvokedTime",
]


@pytest.fixture(scope="module")
def local(house):
    house.own_instance()
    [instance] = house.document("list_instances", "--connected")
    return instance


def test_the_machine_itself_is_the_first_instance(local):
    assert list(local) == CA_42
    assert local["Connected"] is True


def test_an_activation_comes_with_its_install_lines(house):
    made = house.document(
        *("create_activation", "--name-prefix", "web", "--quota", "2", "--hours", "1"),
        *("--ip-cidr", "192.0.2.0/24", "--ip-cidr", "198.51.100.7", "--description", "two servers"),
    )

    assert made["ActivationCode"].startswith("a-")
    assert f":{house.tls_port}" in made["Install"]["linux"]
    assert made["ActivationId"] in made["Install"]["linux"]


@pytest.mark.parametrize("option", [("--quota", "0"), ("--ip-cidr", "nonsense"), ("--region", "nowhere")])
def test_a_refusal_is_a_sentence_and_exit_status_1(house, option):
    done = house.manage("create_activation", "--json", *option)

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_command_that_succeeds_everywhere(house, local):
    words = ("run_command", "--instance", local["InstanceId"], "--content", "echo hi; echo there >&2")
    done = house.manage(*words, "--dir", "/", "--timeout", "20", "--wait", "--json")

    answer = json.loads(done.stdout)
    assert (done.returncode, done.stderr, answer["InvocationStatus"]) == (0, "", "Success")
    [result] = answer["Results"]
    assert (result["InstanceId"], result["ExitCode"]) == (local["InstanceId"], 0)
    assert sorted(result["Output"].split()) == ["hi", "there"]


def test_a_command_that_fails(house, local):
    words = ("run_command", "--instance", local["InstanceId"], "--content", "exit 7", "--wait", "--json")
    done = house.manage(*words)

    [result] = json.loads(done.stdout)["Results"]
    assert (done.returncode, result["InvocationStatus"], result["ExitCode"]) == (1, "Failed", 7)


def test_a_command_that_nobody_waits_for_can_be_stopped(house, local):
    made = house.document("run_command", "--instance", local["InstanceId"], "--content", "sleep 600")
    stopped = house.document("stop_invocation", made["InvokeId"])

    assert made["InvocationStatus"] == "Pending"
    assert stopped["InvocationStatus"] in ("Stopping", "Stopped")


def test_unknown_instances_are_refused_before_anything_is_made(house, local):
    before = house.document("list_instances")
    done = house.manage(
        "run_command", "--instance", local["InstanceId"], "mi-nobody", "--content", "id", "--json"
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "mi-nobody" in done.stderr
    assert house.document("list_instances")[0]["InvocationCount"] == before[0]["InvocationCount"]


def test_commands_act_for_the_named_user(house):
    done = house.manage("list_instances", "--as", "nobody", "--json")

    assert (done.returncode, done.stdout) == (1, "")
    assert "nobody" in done.stderr


def test_what_runs_on_this_machine_sees_none_of_the_consoles_variables(house, local):
    words = ("run_command", "--instance", local["InstanceId"], "--content", "env", "--wait")
    [result] = house.document(*words)["Results"]

    names = {line.partition("=")[0] for line in result["Output"].splitlines()}
    assert not names & {"DATA_DIR", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "DATABASE_URL", "REDIS_URL"}


def test_common_commands_are_listed_and_run_by_name(house, local):
    listed = house.document("list_common_commands", "--text", "disk space")
    [disk] = [one for one in listed if one["Name"] == "CA-ECS-DiskUsage.sh"]
    words = (disk["Name"], "--instance", local["InstanceId"], "--parameter", "limit=100", "--wait")
    [result] = house.document("run_common_command", *words)["Results"]

    assert disk["ParameterDefinitions"][0]["DefaultValue"] == "85"
    assert (result["ExitCode"], "above 100%" in result["Output"]) == (0, True)


@pytest.mark.parametrize(
    "words", [("CA-ECS-Nothing.sh",), ("CA-ECS-DiskUsage.sh", "--parameter", "limit=$(reboot)")]
)
def test_a_common_command_that_cannot_be_run_is_refused(house, local, words):
    done = house.manage("run_common_command", words[0], "--instance", local["InstanceId"], *words[1:])

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_a_console_the_sentence_says_what_to_do(house, place):
    done = type(house)(place / "nothing").manage("list_instances")

    assert done.returncode == 1
    assert "manage.py up" in done.stderr
    assert "Traceback" not in done.stderr
