"""asyncssh with kept connections to a server of our own, for `bench.measure_latency --ssh`.

Runs under an interpreter that has asyncssh: `python -m bench.ssh NUMBER`, then a line per run.
"""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import asyncssh

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "sshd"
START_SECONDS = 10
CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitUserEnvironment no
MaxStartups 200
SetEnv HOME={folder}/home
"""


@contextmanager
def server():
    """Its port and folder. HOME is an empty one: somebody's shell start-up would be timed otherwise."""
    folder = Path(tempfile.mkdtemp(prefix="ca-bench-ssh-"))
    (folder / "home").mkdir()
    # Where sshd as root looks for the place of its unprivileged half.
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "user"):
        make_key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(make_key, check=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "config"], stderr=log)
    try:
        yield port, folder
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def connected(port, folder):
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return await asyncssh.connect(
                "127.0.0.1", port, client_keys=[str(folder / "user")], known_hosts=None, config=None
            )
        except OSError:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            await asyncio.sleep(0.05)


async def run(connections):
    began = time.perf_counter()
    answers = await asyncio.gather(*(one.run("bash -c 'echo hi'") for one in connections))
    seconds = time.perf_counter() - began
    assert all(answer.stdout == "hi\n" for answer in answers)
    return seconds


async def main(number):
    with server() as (port, folder):
        connections = [await connected(port, folder) for _ in range(number)]
        lines = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while await lines.readline():
            print(json.dumps({"seconds": await run(connections)}), flush=True)
        for one in connections:
            one.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
