"""The pasted line and the installation script, against a real listener."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent import build, line
from tests.agent.actors import AgentProcess, processes_with
from tests.waiting import PATIENCE_SECONDS, eventually

FINGERPRINT = "ab" * 32
SOURCE = Path(line.__file__).parent

# What the script needs of a system, apart from something that downloads.
TOOLS = ("sh", "mkdir", "dirname", "mv", "rm", "chmod", "id", "cat", "env", "mktemp", "sha256sum")


class Installation:
    """A server that offers the agent, and a machine with a home directory and not much else."""

    def __init__(self, stage, authority, home, tools):
        self.stage = stage
        self.authority = authority
        self.home = home
        self.tools = tools
        self.state = home / "state"

    @property
    def fingerprint(self):
        return hashlib.sha256(self.stage.files["/agent/ca.pem"]).hexdigest()

    def has(self, *names):
        for name in names:
            (self.tools / name).symlink_to(shutil.which(name))

    def run(self, *command, **options):
        environment = {"HOME": str(self.home), "TMPDIR": str(self.home), "PATH": str(self.tools)}
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=environment,
            timeout=PATIENCE_SECONDS,
            check=False,
            **options,
        )

    def install(self, *words, code="a-secret\n"):
        options = ("--server", self.stage.address, "--ca", str(self.authority), "--region", "r-1")
        script = str(SOURCE / "install.sh")
        return self.run("/bin/sh", script, *options, "--activation-id", "id-1", *words, input=code)


@pytest.fixture
def installation(stage, certificates, program, tmp_path):
    stage.files = {
        "/agent/ca.pem": certificates.authority.read_bytes(),
        "/agent/install.sh": (SOURCE / "install.sh").read_bytes(),
        "/agent/agent.pyz": program.read_bytes(),
    }
    home, tools = tmp_path / "home", tmp_path / "tools"
    home.mkdir()
    tools.mkdir()
    installation = Installation(stage, certificates.authority, home, tools)
    installation.has(*TOOLS)
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    return installation


@pytest.fixture
def where(installation):
    """Options that keep an installation by root within the test's own directory."""
    target = installation.home / "agent.pyz"
    return ("--state-dir", str(installation.state), "--program", str(target))


@pytest.mark.parametrize("downloader", [("curl",), ("wget",), ()], ids=["curl", "wget", "python"])
def test_the_script_prints_what_operators_know(installation, where, downloader):
    installation.has(*downloader)

    done = installation.install(*where, "--no-service", "--name", "web")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "register ok",
        "instance id: mi-000001",
        "Process completed.",
        "Process completed.",
    ]
    assert installation.stage.registrations["mi-000001"][0]["instanceName"] == "web"


@pytest.mark.skipif(Path("/run/systemd/system").is_dir(), reason="would install a unit on this machine")
def test_the_installed_agent_runs(installation, where, program):
    done = installation.install(*where)
    installation.stage.wait_for_channel()
    installation.stage.run("t-1", "echo installed")
    output = installation.stage.final_output("t-1")
    installed = AgentProcess(installation.home / "agent.pyz", installation.state, None, None)
    removed = installed.call("--uninstall")

    assert done.stdout.splitlines()[-1] == "restart service"
    assert output == b"installed\n"
    assert (removed.returncode, (installation.home / "agent.pyz").exists()) == (0, False)
    eventually(lambda: not processes_with(str(installation.state)))


def test_a_silent_endpoint_is_named_before_anything_is_registered(installation, where):
    installation.has("curl")
    del installation.stage.files["/agent/agent.pyz"]

    done = installation.install(*where)

    assert done.returncode == 5
    assert f"https://{installation.stage.address}/agent/agent.pyz did not answer" in done.stderr
    assert installation.stage.registrations == {}


def test_a_refusal_ends_the_script_with_its_reason(installation, where):
    installation.stage.refuse_registration = {"code": 403, "message": "The activation code is used up."}

    done = installation.install(*where)

    assert (done.returncode, "Process completed." in done.stdout) == (4, False)
    assert "The activation code is used up." in done.stderr


def test_a_machine_without_python_is_told_so(installation, where):
    (installation.tools / "python3").unlink()
    installation.has("curl")

    done = installation.install(*where)

    assert done.returncode == 1
    assert "Python 3.9 or newer" in done.stderr


@pytest.mark.parametrize(("words", "hint"), [(("--nonsense",), "not known"), (("--name",), "needs a value")])
def test_wrong_options_are_explained(installation, words, hint):
    done = installation.install(*words)

    assert (done.returncode, hint in done.stderr) == (2, True)


@pytest.mark.parametrize("downloader", ["curl", "wget"])
def test_the_pasted_line_installs(installation, downloader):
    installation.has(downloader)
    pasted = line.install_line(
        installation.stage.address, "id-1", "r-1", installation.fingerprint, "a-secret"
    )

    # The script's own defaults would reach for the machine's directories.
    pasted = pasted.replace(
        "--ca ca.pem",
        f"--ca ca.pem --no-service --state-dir {installation.state} --program {installation.home}/agent.pyz",
    )
    done = installation.run("/bin/sh", "-c", pasted)

    assert (done.returncode, done.stdout.splitlines()[:2]) == (0, ["register ok", "instance id: mi-000001"])
    assert installation.stage.registrations["mi-000001"][0]["activationCode"] == "a-secret"
    assert [path.name for path in installation.home.iterdir() if path.name.startswith("tmp.")] == []


def test_the_pasted_line_trusts_no_other_authority(installation):
    installation.has("curl")
    pasted = line.install_line(installation.stage.address, "id-1", "r-1", FINGERPRINT, "a-secret")

    done = installation.run("/bin/sh", "-c", pasted)

    assert done.returncode != 0
    assert installation.stage.registrations == {}


def test_the_line_is_one_line():
    pasted = line.install_line("console.example.com:8443", "id-1", "r-1", "AB:" * 31 + "AB", "a-secret")

    assert "\n" not in pasted
    assert FINGERPRINT in pasted
    assert pasted.count("a-secret") == 1


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "host; reboot"),
        (0, ""),
        (1, "id'"),
        (2, "$(x)"),
        (3, "ab"),
        (3, "zz" * 32),
        (4, "a\nb"),
        (4, "a b"),
    ],
)
def test_the_line_holds_nothing_that_a_shell_would_act_on(place, value):
    words = ["console:443", "id-1", "r-1", FINGERPRINT, "a-secret"]
    words[place] = value

    with pytest.raises(ValueError, match=r"line|fingerprint"):
        line.install_line(*words)


def test_building_twice_gives_the_same_bytes(program, tmp_path):
    build.build(tmp_path / "again.pyz")

    assert (tmp_path / "again.pyz").read_bytes() == program.read_bytes()
    assert (tmp_path / "again.pyz").stat().st_mode & 0o777 == 0o755
