"""A whole console as real processes in a folder of its own."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.waiting import PATIENCE_SECONDS, eventually

ROOT = Path(__file__).resolve().parents[2]

# What the test process was given is not for the processes under test.
NOT_INHERITED = (
    "DATA_DIR",
    "REDIS_URL",
    "DATABASE_URL",
    "DJANGO_SETTINGS_MODULE",
    "PUBLIC_HOST",
    "TLS_PORT",
    "PYTHONASYNCIODEBUG",
)


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return {**kept, **more}


class Hands:
    """A process beside a console that does one thing after the other for tests (see tests/up/hands.py)."""

    def __init__(self, folder, *modules):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        command = [sys.executable, "-m", "tests.up.hands", *modules]
        surroundings = environment(DATA_DIR=str(folder))
        self.process = subprocess.Popen(command, cwd=ROOT, env=surroundings, text=True, **pipes)

    def __call__(self, do, **said):
        self.process.stdin.write(json.dumps({"do": do, **said}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return answer["done"]

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()


class House:
    def __init__(self, folder, *options, **variables):
        self.folder = folder
        self.ready_file = folder.with_name(f"{folder.name}.ready.json")
        self.log = folder.with_name(f"{folder.name}.log")
        self.environment = environment(**variables)
        self.command = [sys.executable, ROOT / "manage.py", "up", "--data-dir", folder]
        self.command += ["--port", "0", "--tls-port", "0", "--ready-file", self.ready_file, *options]
        self.process = None
        self.hands = None

    def start(self):
        self.begin()
        try:
            eventually(lambda: self.is_ready or self.process.poll() is not None)
            assert self.process.poll() is None, self.said
        except AssertionError:
            self.stop()
            raise
        return self

    def begin(self):
        """Without waiting for anything."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)

    def refused(self):
        """Start it where it must not start; the exit status and what it says."""
        done = subprocess.run(
            self.command,
            check=False,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        return done.returncode, done.stderr

    def stop(self):
        if self.hands is not None:
            self.hands.end()
            self.hands = None
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_SECONDS)

    @property
    def said(self):
        return self.log.read_text()

    @property
    def is_ready(self):
        """Not taking another one's word for it."""
        return self.ready_file.exists() and self.pids["up"] == self.process.pid

    @property
    def ready(self):
        return json.loads(self.ready_file.read_text())

    @property
    def pids(self):
        return self.ready["pids"]

    @property
    def url(self):
        return self.ready["urls"]["console"]

    @property
    def tls_port(self):
        return int(self.ready["urls"]["servers"].rstrip("/").rpartition(":")[2])

    def status(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE_SECONDS) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def tls_status(self, path, *, host="127.0.0.1"):
        trust = ssl.create_default_context(cafile=self.folder / "tls" / "ca.pem")
        url = f"https://{host}:{self.tls_port}/{path}"
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS, context=trust) as response:
            return response.status

    def manage(self, *words):
        """A management command as a process of its own that is told nothing but the data folder."""
        command = [sys.executable, ROOT / "manage.py", *words]
        surroundings = environment(DATA_DIR=str(self.folder))
        return subprocess.run(
            command, check=False, env=surroundings, capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )

    def own_instance(self):
        """The machine itself, whose agent comes with the console, once it is connected."""

        def connected():
            told = self.document("list_instances")
            return [one for one in told if one["MachineId"].startswith("local-") and one["Connected"]]

        return eventually(connected)[0]

    def document(self, *words):
        """What a command that succeeds prints as JSON."""
        self.hands = self.hands or Hands(self.folder)
        return json.loads(self.hands("command", words=[*map(str, words), "--json"]))


def is_alive(pid):
    """Not counting those that have ended and that nobody has asked yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def copied(template, folder):
    """A stopped data folder, copied: that is what a backup is."""
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns("*.sock"))
    return folder
