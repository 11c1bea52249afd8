"""What the supervisor hands to its children, and to every command that is called beside it."""

import json
import os
from pathlib import Path

from console import env
from console.up.files import write_file

# Known to the preparation alone.
FOR_PREPARATION = ("ADMIN_PASSWORD", "ADMIN_PASSWORD_FILE")

# Commands that people run on this machine inherit the agent's surroundings: none of the console's secrets.
FOR_AGENT = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


def of_preparation(folder: Path, *, public_host: str, tls_port: int) -> dict[str, str]:
    own = {
        "DATA_DIR": str(folder),
        "PUBLIC_HOST": public_host,
        "TLS_PORT": str(tls_port),
        "PYTHONPATH": str(env.BASE_DIR),
        "DJANGO_SETTINGS_MODULE": "console.settings",
        # A few threads allocate little: more arenas only hold memory.
        "MALLOC_ARENA_MAX": "2",
    }
    return {**os.environ, **own}


def of_parts(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in FOR_PREPARATION}


def of_agent() -> dict[str, str]:
    return {name: os.environ[name] for name in FOR_AGENT if name in os.environ}


def note(environment: dict[str, str]) -> None:
    """Write down what a command has to know that is given only the data folder."""
    known = {name: environment[name] for name in env.NOTED if environment.get(name)}
    path = Path(environment["DATA_DIR"]) / env.NOTE
    write_file(path, json.dumps(known, indent=1).encode(), mode=0o600)


def forget(folder: Path) -> None:
    (folder / env.NOTE).unlink(missing_ok=True)
