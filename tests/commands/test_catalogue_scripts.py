"""Every common command run for real on this machine: with its defaults, twice, as whoever runs the tests and as nobody."""

import datetime
import http.server
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from assistant.commands.rules.catalogue import catalogue
from assistant.commands.rules.parameters import substituted, values_for
from assistant.commands.states import CommandType
from tests.waiting import PATIENCE_SECONDS

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IS_ROOT = os.geteuid() == 0
NOBODY = 65534

pytestmark = pytest.mark.skipif(not Path("/proc/loadavg").exists(), reason="the commands are for Linux")


@pytest.fixture
def place():
    """A directory that everybody may enter and read, below one that the clean-up takes."""
    with tempfile.TemporaryDirectory(prefix="ca-common-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def run(place, command, /, *, programs=SYSTEM_PATH, as_nobody=False, **given):
    common = catalogue()[command]
    values = values_for(common.content, common.parameters, {key: str(value) for key, value in given.items()})
    script = place / "script"
    script.write_text(substituted(common.content, values))
    script.chmod(0o755)
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if as_nobody else {}
    return subprocess.run(
        [str(script)],
        check=False,
        cwd=place,
        env={"PATH": programs, "HOME": str(place), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE_SECONDS,
        **who,
    )


# What this machine is like decides between fine (0), needs attention (1) and not possible here (3).
ANY = {0, 1, 3}
# Those whose defaults would take long, or that need a value: with what, and which exit statuses are right.
EXPECTED = {
    "CA-ECS-DiskUsage.sh": ({}, {0, 1}, "above 85%"),
    "CA-ECS-InodeUsage.sh": ({}, {0, 1}, "above 85%"),
    "CA-ECS-LargestFiles.sh": ({}, {0}, "files,"),
    "CA-ECS-LargestDirectories.sh": ({}, {0}, "/var"),
    "CA-ECS-DeletedOpenFiles.sh": ({}, {0, 1}, ""),
    "CA-ECS-DiskResize-Diagnosis.sh": ({}, ANY, ""),
    "CA-ECS-DiskHealth.sh": ({}, {0, 1}, "Software RAID:"),
    "CA-ECS-Mounts.sh": ({}, {0, 1}, "In /etc/fstab:"),
    "CA-ECS-MemoryUsage.sh": ({}, {0, 1}, "MiB available"),
    "CA-ECS-CpuLoad.sh": ({"seconds": 1}, {0, 1}, "% busy"),
    "CA-ECS-SwapUsage.sh": ({}, {0, 1}, "vm.swappiness"),
    "CA-ECS-HealthCheck.sh": ({}, {0, 1}, "memory:"),
    "CA-ECS-OpenPorts.sh": ({}, {0}, ""),
    "CA-ECS-NetworkCheck.sh": ({}, {0, 1}, "localhost is"),
    "CA-ECS-IPv6Check.sh": ({}, {0, 1}, "IPv6"),
    "CA-ECS-CertificateExpiry.sh": ({"target": "/nowhere.pem"}, {1, 3}, ""),
    "CA-ECS-ServiceStatus.sh": ({}, ANY, ""),
    "CA-ECS-ServiceRestart.sh": ({"name": "no-such-service"}, {1, 3}, ""),
    "CA-ECS-FailedUnits.sh": ({}, ANY, ""),
    "CA-ECS-Containers.sh": ({}, ANY, ""),
    "CA-ECS-CronJobs.sh": ({}, {0}, "Timers"),
    "CA-ECS-PackageInstall.sh": ({"packages": "no-such-package"}, {0, 3}, ""),
    "CA-ECS-InstallPython.sh": ({}, {0, 3}, ""),
    "CA-ECS-InstallJava.sh": ({}, {0, 3}, ""),
    "CA-ECS-InstallNode.sh": ({}, {0, 3}, ""),
    "CA-ECS-InstallDocker.sh": ({}, {0, 3}, ""),
    "CA-ECS-RebootRequired.sh": ({}, {0, 1}, "Running kernel"),
    "CA-ECS-SshHardening.sh": ({}, ANY, ""),
    "CA-ECS-UsersAndSudoers.sh": ({}, {0, 1}, "root"),
    "CA-ECS-RecentChanges.sh": ({}, {0}, "Packages"),
    "CA-ECS-LoginHistory.sh": ({}, {0}, "Failed by address"),
    "CA-ECS-LogTail.sh": ({"path": "/etc/passwd", "text": "root:"}, {0}, "root:"),
    "CA-ECS-JournalSearch.sh": ({}, {0, 3}, ""),
    "CA-ECS-CleanPackageCache.sh": ({}, {0, 3}, ""),
    "CA-ECS-CleanJournal.sh": ({}, {0, 3}, ""),
    "CA-ECS-CleanTemporaryFiles.sh": ({"path": "PLACE"}, {0}, "Dry run"),
    "CA-ECS-TimeSync.sh": ({}, ANY, "UTC"),
    "CA-ECS-KdumpCheck.sh": ({}, {0, 1}, "crash"),
    "CA-ECS-KernelAndBoot.sh": ({}, {0}, "Kernel"),
    "CA-ECS-HardwareSummary.sh": ({}, {0}, "Memory"),
    "CA-ECS-ClientCheck.sh": ({}, ANY, ""),
    "CA-ECS-ClientUpgrade.sh": ({}, ANY, ""),
}
# With package managers of our own making, below.
WITH_MANAGERS = {"CA-ECS-PackageUpdates.sh", "CA-ECS-SecurityUpdates.sh"}


def test_every_command_is_run_here():
    here = {common.name for common in catalogue().values() if common.type is CommandType.SHELL}
    assert EXPECTED.keys() | WITH_MANAGERS == here


@pytest.mark.parametrize(
    "as_nobody", [False, pytest.param(True, marks=pytest.mark.skipif(not IS_ROOT, reason="not root"))]
)
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_command_runs_here_and_runs_again(place, name, as_nobody):
    given, statuses, words = EXPECTED[name]
    given = {key: str(place) if value == "PLACE" else value for key, value in given.items()}

    for _time in range(2):
        done = run(place, name, as_nobody=as_nobody, **given)

        said = f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode in statuses, said
        assert words in done.stdout, said
        assert done.stdout or done.stderr, "it says something"
        assert "{{" not in said
        # What a script says by itself is one sentence; anything more comes from a mistake in it.
        assert len(done.stderr.splitlines()) <= 1, said
        assert "not found" not in done.stderr
        assert "syntax error" not in done.stderr


WRONG = [
    ("CA-ECS-DiskUsage.sh", {"limit": "x"}),
    ("CA-ECS-CpuLoad.sh", {"seconds": "1s"}),
    ("CA-ECS-OpenPorts.sh", {"protocol": "icmp"}),
    ("CA-ECS-CertificateExpiry.sh", {"target": "-help"}),
    ("CA-ECS-ServiceRestart.sh", {"name": "-x"}),
    ("CA-ECS-PackageInstall.sh", {"packages": "nginx-"}),
    ("CA-ECS-PackageInstall.sh", {"packages": "a --purge"}),
    ("CA-ECS-CleanTemporaryFiles.sh", {"path": "/etc"}),
    ("CA-ECS-CleanTemporaryFiles.sh", {"path": "/var/log/../../etc"}),
    ("CA-ECS-CleanTemporaryFiles.sh", {"days": "0"}),
    ("CA-ECS-RecentChanges.sh", {"days": "08"}),
    ("CA-ECS-RecentChanges.sh", {"number": "-1"}),
]


@pytest.mark.parametrize(("name", "values"), WRONG)
def test_a_copy_without_our_checks_still_refuses_wrong_values(place, name, values):
    """As a command of one's own: there only the script looks at them."""
    common = catalogue()[name]
    defaults = {one.name: one.default or "" for one in common.parameters}
    script = place / "script"
    script.write_text(substituted(common.content, defaults | values))

    done = subprocess.run(
        ["sh", str(script)], check=False, cwd=place, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )

    assert done.returncode == 2, done.stdout
    assert done.stderr


# --- Files ---


def test_only_old_files_are_cleaned_and_only_on_demand(place):
    old = time.time() - 40 * 86400
    rubbish = place / "rubbish"
    (rubbish / "deep").mkdir(parents=True)
    for name in ("old one", "deep/old", "new"):
        (rubbish / name).write_text("x" * 5000)
    outside = place / "outside"
    outside.write_text("kept")
    (rubbish / "link").symlink_to(outside)
    for path in (rubbish / "old one", rubbish / "deep" / "old", outside):
        os.utime(path, (old, old))

    dry = run(place, "CA-ECS-CleanTemporaryFiles.sh", path=rubbish)
    assert "2 files" in dry.stdout
    assert (rubbish / "old one").exists()

    first = run(place, "CA-ECS-CleanTemporaryFiles.sh", path=rubbish, apply="yes")
    second = run(place, "CA-ECS-CleanTemporaryFiles.sh", path=rubbish, apply="yes")

    assert (first.returncode, second.returncode) == (0, 0)
    assert "2 deleted" in first.stdout
    assert "0 deleted" in second.stdout
    assert sorted(path.name for path in rubbish.rglob("*")) == ["deep", "link", "new"]
    assert outside.read_text() == "kept"


def test_no_link_leads_the_cleaning_astray(place):
    (place / "away").symlink_to("/etc")

    done = run(place, "CA-ECS-CleanTemporaryFiles.sh", path=place / "away", apply="yes")

    assert (done.returncode, done.stdout) == (2, "")


def test_the_largest_files_come_first(place):
    for name, size in (("small", 1), ("largest one", 4), ("larger", 2)):
        (place / name).write_bytes(os.urandom(size * 1024 * 1024))

    done = run(place, "CA-ECS-LargestFiles.sh", path=place, number=2)

    lines = done.stdout.splitlines()
    assert lines[0].endswith("/largest one")
    assert lines[1].endswith("/larger")
    assert "2 files" in lines[-1]


def test_the_end_of_a_log_and_a_search_in_it(place):
    log = place / "my log.txt"
    log.write_text("".join(f"line {number}\n" for number in range(200)))

    end = run(place, "CA-ECS-LogTail.sh", path=log, lines=2)
    found = run(place, "CA-ECS-LogTail.sh", path=log, text="line 1", lines=1)
    nothing = run(place, "CA-ECS-LogTail.sh", path=log, text=".*")

    assert end.stdout == "line 198\nline 199\n"
    assert found.stdout == "line 199\n"
    assert nothing.returncode == 1


def test_what_has_changed_lately_comes_first_and_what_is_older_not_at_all(place):
    ages = {"just now": 0, "a | b": 3600, "old": 40 * 86400}
    for name, age in ages.items():
        (place / name).write_text("x")
        os.utime(place / name, (time.time() - age,) * 2)

    done = run(place, "CA-ECS-RecentChanges.sh", path=place, days=2)
    shortened = run(place, "CA-ECS-RecentChanges.sh", path=place, days=2, number=1)

    files = done.stdout.split("Packages")[0]
    assert files.index("/just now\n") < files.index("/a | b\n")
    assert "/old" not in files
    assert "... and 2 more." in shortened.stdout


# --- Certificates and the client ---


def certificate(place, name, days):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (place / f"{name}.pem").write_bytes(pem)
    (place / f"{name}.key").write_bytes(private)
    return place / f"{name}.pem"


needs_openssl = pytest.mark.skipif(
    shutil.which("openssl", path=SYSTEM_PATH) is None, reason="no openssl here"
)


@needs_openssl
@pytest.mark.parametrize(("days", "status", "word"), [(100, 0, "ok "), (10, 1, "SOON"), (-1, 1, "EXPIRED")])
def test_certificates_are_judged_by_their_end(place, days, status, word):
    done = run(place, "CA-ECS-CertificateExpiry.sh", target=certificate(place, "one", days))

    assert done.returncode == status, done.stdout
    assert done.stdout.startswith(word)
    assert "CN=localhost" in done.stdout


@needs_openssl
def test_a_directory_of_certificates_is_judged_as_a_whole(place):
    certificate(place, "good", 100)
    certificate(place, "late", 5)

    done = run(place, "CA-ECS-CertificateExpiry.sh", target=place)

    assert done.returncode == 1
    assert "2 checked, 1 need attention." in done.stdout


class Served:
    """A web server with a certificate of its own, for files of one folder."""

    def __init__(self, place, folder):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(place, "server", 100), place / "server.key")

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *words, **options):
                super().__init__(*words, directory=str(folder), **options)

            def log_message(self, *_words):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@needs_openssl
def test_the_certificate_of_a_server_is_judged(place):
    with Served(place, place) as served:
        done = run(place, "CA-ECS-CertificateExpiry.sh", target=f"localhost:{served.port}")
        port = served.port
    gone = run(place, "CA-ECS-CertificateExpiry.sh", target=f"localhost:{port}")

    assert (done.returncode, done.stderr) == (0, "")
    assert "CN=localhost" in done.stdout
    assert gone.returncode == 1


def test_a_client_is_replaced_only_on_demand_and_only_once(place):
    offered, state = place / "offered", place / ".local" / "share" / "cloud-assistant"
    (offered / "agent").mkdir(parents=True)
    state.mkdir(parents=True)
    (offered / "agent" / "agent.pyz").write_text("print('ca-agent 1.0.1')\n")
    program = state / "agent.pyz"
    program.write_text("print('ca-agent 1.0.0')\n")

    with Served(place, offered) as served:
        (state / "identity.json").write_text(json.dumps({"server": f"localhost:{served.port}"}))
        (state / "ca.pem").write_bytes((place / "server.pem").read_bytes())
        if IS_ROOT:
            # Root's client lies where a test has nothing to do.
            os.chown(state, NOBODY, NOBODY)
            os.chown(program, NOBODY, NOBODY)
        dry, first, second = (
            run(place, "CA-ECS-ClientUpgrade.sh", as_nobody=IS_ROOT, apply=apply)
            for apply in ("no", "yes", "yes")
        )

    assert (dry.returncode, first.returncode, second.returncode) == (1, 0, 0), first.stdout + first.stderr
    assert "1.0.0" in dry.stdout
    assert "Replaced" in first.stdout
    assert "Up to date." in second.stdout
    assert "1.0.1" in program.read_text()
    assert "1.0.0" in (state / "agent.pyz.former").read_text()


# --- Package managers ---

MANAGERS = {
    "apt-get",
    "dnf",
    "yum",
    "zypper",
    "dpkg-query",
    "rpm",
    "id",
    "journalctl",
    "docker",
    "podman",
    "java",
    "node",
}

APT = """#!/bin/sh
echo "apt-get $*" >>"$LOG"
case "$*" in
    *-s*dist-upgrade) [ -e "$DONE" ] || cat <<'END'
Inst openssl [3.0.1-1] (3.0.2-1 Debian-Security:12/stable-security [amd64])
Inst bash [5.2-1] (5.2-2 Debian:12.9/stable [amd64])
Inst linux-image (6.1-1 Debian:12.9/stable [amd64])
END
    ;;
    *dist-upgrade | *install*) touch "$DONE" ;;
esac
"""
DNF = """#!/bin/sh
echo "dnf $*" >>"$LOG"
[ ! -e "$DONE" ] || exit 0
case "$*" in
    *check-update) printf '\\nopenssl.x86_64   3.0.2-1   baseos\\nbash.x86_64  5.2-2  baseos\\n'; exit 100 ;;
    *updateinfo*) echo 'RHSA-2026:1 Important/Sec. openssl-3.0.2-1.x86_64' ;;
    *upgrade* | *install*) touch "$DONE" ;;
esac
"""
ZYPPER = """#!/bin/sh
echo "zypper $*" >>"$LOG"
[ ! -e "$DONE" ] || exit 0
case "$*" in
    *list-updates) echo 'S | Repository | Name | Current Version | Available Version | Arch'
        echo 'v | Main | openssl | 3.0.1 | 3.0.2 | x86_64'; echo 'v | Main | bash | 5.1 | 5.2 | x86_64' ;;
    *list-patches*) echo 'Main | SUSE-2026-1 | security | important | --- | needed | openssl' ;;
    *update* | *patch* | *install*) touch "$DONE" ;;
esac
"""
FAMILIES = {"debian": ("apt-get", APT), "redhat": ("dnf", DNF), "suse": ("zypper", ZYPPER)}


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """The machine's own programs without its package managers."""
    folder = tmp_path_factory.mktemp("tools")
    for source in ("/usr/bin", "/bin", "/usr/sbin"):
        for program in Path(source).iterdir():
            if program.name not in MANAGERS and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    return folder


@pytest.fixture(params=sorted(FAMILIES))
def family(request, place, tools):
    """A system of one family: PATH with its package manager, which writes down what it is asked."""
    manager, text = FAMILIES[request.param]
    bin_folder = place / "bin"
    bin_folder.mkdir()
    put_program(bin_folder / manager, f"#!/bin/sh\nLOG={place}/asked DONE={place}/done\n{text}")
    put_program(bin_folder / "id", "#!/bin/sh\necho 0\n")
    query = "dpkg-query" if manager == "apt-get" else "rpm"
    put_program(
        bin_folder / query, f"#!/bin/sh\n[ -e {place}/done ] || exit 1\necho 'install ok installed'\n"
    )
    return f"{bin_folder}:{tools}"


def put_program(path, text):
    path.write_text(text)
    path.chmod(0o755)


def asked(place):
    log = place / "asked"
    return log.read_text() if log.exists() else ""


@pytest.mark.parametrize("name", sorted(WITH_MANAGERS))
def test_updates_are_listed_then_installed_then_there_are_none(place, family, name):
    dry = run(place, name, programs=family)
    looked = asked(place)
    first = run(place, name, programs=family, apply="yes")
    second = run(place, name, programs=family, apply="yes")

    assert (dry.returncode, first.returncode, second.returncode) == (1, 0, 0), dry.stdout + first.stderr
    assert "Dry run" in dry.stdout
    assert ("openssl" in dry.stdout) or ("SUSE-2026-1" in dry.stdout)
    assert ("bash" in dry.stdout) is (name == "CA-ECS-PackageUpdates.sh")
    assert not any(word in looked for word in (" -y", "upgrade --security", " update --auto", "patch --cat"))
    assert (place / "done").exists()
    assert "is known" in second.stdout


@pytest.mark.parametrize(
    "name",
    ["CA-ECS-PackageInstall.sh", "CA-ECS-InstallJava.sh", "CA-ECS-InstallNode.sh", "CA-ECS-InstallDocker.sh"],
)
def test_software_is_installed_on_demand(place, family, name):
    given = {"packages": "nginx curl"} if "Package" in name else {}

    dry = run(place, name, programs=family, **given)
    assert (dry.returncode, asked(place)) == (0, "")
    assert "Dry run" in dry.stdout

    done = run(place, name, programs=family, apply="yes", **given)

    assert "install" in asked(place)
    if given:
        assert (done.returncode, run(place, name, programs=family, apply="yes", **given).returncode) == (0, 0)
        assert asked(place).count("nginx curl") == 1
    else:
        # Our manager installs nothing: the command says so, and does not call it a success.
        assert (done.returncode, "there is still no" in done.stderr) == (1, True)


def test_without_any_package_manager_a_command_says_so(place, tools):
    for name in sorted(WITH_MANAGERS):
        done = run(place, name, programs=str(tools))

        assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)


def test_the_journal_is_shortened_on_demand(place, tools):
    bin_folder = place / "bin"
    bin_folder.mkdir()
    put_program(bin_folder / "journalctl", f'#!/bin/sh\necho "$*" >>{place}/asked\n')
    put_program(bin_folder / "id", "#!/bin/sh\necho 0\n")
    path = f"{bin_folder}:{tools}"

    run(place, "CA-ECS-CleanJournal.sh", programs=path)
    assert "vacuum" not in asked(place)
    done = run(place, "CA-ECS-CleanJournal.sh", programs=path, apply="yes", keep=100)

    assert done.returncode == 0
    assert "--vacuum-size=100M" in asked(place)


# --- What this machine does not have: disks that fail, containers ---

RAID = """Personalities : [raid1]
md0 : active raid1 sdb1[1] sda1[0]
      1046528 blocks super 1.2 [2/2] [UU]
md1 : active raid1 sda2[0]
      9046528 blocks super 1.2 [2/1] [U_]
md2 : inactive sdc1[1](S)
"""


@pytest.fixture
def machine(place, tools):
    """A machine with these programs instead of its own: file name → what the program does."""

    def of(**programs):
        folder = place / "bin"
        folder.mkdir()
        for name, text in {"id": "echo 0", **programs}.items():
            put_program(folder / name, f"#!/bin/sh\n{text}\n")
        return f"{folder}:{tools}"

    return of


def printing(text):
    return f"/bin/cat <<'END'\n{text}\nEND"


@pytest.mark.parametrize(
    ("mdstat", "smart", "kernel", "status", "words"),
    [
        ("", 0, "usb 1-1: new device", 0, ["ok         sda", "  none"]),
        (RAID, 0, "", 1, ["ok         md0 [UU]", "ATTENTION  md1 [U_]", "ATTENTION  md2 is not active"]),
        ("", 8, "x", 1, ["ATTENTION  sda is failing"]),
        ("", 2, "x", 0, ["unknown    sda"]),
        ("", 0, "blk_update_request: I/O error, dev sda, sector 8", 1, ["dev sda, sector 8"]),
        ("", 0, "blk_update_request: I/O error, dev fd0, sector 0", 0, ["  none"]),
        ("", 0, "EXT4-fs (sda1): Remounting filesystem read-only", 1, ["read-only"]),
    ],
)
def test_disks_and_arrays_that_fail_are_told(place, machine, mdstat, smart, kernel, status, words):
    programs = machine(
        cat=printing(mdstat),
        smartctl=f"exit {smart}",
        lsblk=printing("sda disk\nsr0 rom\nzram0 disk"),
        dmesg=printing(kernel),
        journalctl="exit 1",
    )

    done = run(place, "CA-ECS-DiskHealth.sh", programs=programs)

    assert done.returncode == status, done.stdout
    assert all(word in done.stdout for word in words), done.stdout
    assert "zram0" not in done.stdout


CONTAINERS = """web|nginx:1.27|Up 3 hours (healthy)
batch|tool:1|Exited (0) 2 days ago
stopped|tool:1|Exited (143) 2 days ago"""


@pytest.mark.parametrize("engine", ["docker", "podman"])
@pytest.mark.parametrize(
    ("more", "number"),
    [
        ("", 0),
        ("\ndb|postgres:17|Up 2 minutes (unhealthy)", 1),
        ("\ndb|postgres:17|Restarting (1) 5 seconds ago\napi|api:2|Exited (137) 1 hour ago", 2),
    ],
)
def test_containers_that_need_attention_are_told(place, machine, engine, more, number):
    programs = machine(**{engine: f'echo "$*" >{place}/asked\n{printing(CONTAINERS + more)}'})

    done = run(place, "CA-ECS-Containers.sh", programs=programs)

    assert done.returncode == (1 if number else 0), done.stdout
    assert f"{number} need attention." in done.stdout
    assert done.stdout.count("ATTENTION") == number
    assert asked(place) == "ps --all --format {{.Names}}|{{.Image}}|{{.Status}}\n"


@pytest.mark.parametrize(
    ("programs", "status", "words"),
    [
        ({"docker": "exit 0"}, 0, "No containers."),
        ({"docker": "echo no >&2; exit 1"}, 3, "docker does not answer"),
        ({}, 3, "Neither docker nor podman"),
    ],
)
def test_where_there_are_no_containers_it_is_said(place, machine, programs, status, words):
    done = run(place, "CA-ECS-Containers.sh", programs=machine(**programs))

    assert done.returncode == status
    assert words in done.stdout + done.stderr
