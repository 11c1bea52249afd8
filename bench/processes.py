"""What the kernel knows about processes, and a child that is spoken to in lines."""

import contextlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
WANTED_FILES = 65_536


def cpu_seconds(pids):
    """What these processes have used so far, in user and system mode."""
    return sum(cpu_ticks(pid) for pid in pids) / TICKS


def cpu_ticks(pid):
    # The name may hold blanks and brackets; what follows the last bracket does not.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def memory(pid):
    """Resident and proportional set size in KiB."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _colon, rest = line.partition(":")
        if name in ("Rss", "Pss"):
            sizes[name.lower()] = int(rest.split()[0])
    return sizes


def allow_many_files():
    """Two sockets for each agent on either side; children inherit the limit. Says what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (WANTED_FILES, hard):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), max(hard, limit)))
            break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Helper:
    """A process of ours that answers each line with one of JSON."""

    def __init__(self, *words, python=sys.executable):
        command = [str(word) for word in (python, *words)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=ROOT, bufsize=1, **pipes)

    @property
    def pid(self):
        return self.process.pid

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"A helper ended with status {self.process.wait()}.")
        return json.loads(line)

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
