"""Where the console is and who calls: from the environment, else from a profile of the file.

[default]
endpoint = https://console.example:8443
access_key_id = LTAI…
access_key_secret = …
region = local
ca_file = /etc/cloud-assistant/ca.pem
"""

from __future__ import annotations

import configparser
import os
from pathlib import Path
from typing import NamedTuple

from ca.errors import USAGE, CliError

NEEDED = ("endpoint", "access_key_id", "access_key_secret")
FIELDS = (*NEEDED, "region", "ca_file")


class Profile(NamedTuple):
    endpoint: str
    access_key_id: str
    access_key_secret: str
    region: str = ""
    ca_file: str = ""


def default_path() -> Path:
    told = os.environ.get("CA_CONFIG")
    if told:
        return Path(told)
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "cloud-assistant" / "config"


def load(name: str = "", path: Path | None = None) -> Profile:
    """The profile; each variable of the environment counts before its line. Raises CliError."""
    path = path or default_path()
    name = name or os.environ.get("CA_PROFILE") or "default"
    said = {**read(path, name), **of_environment()}
    missing = [field for field in NEEDED if not said.get(field)]
    if missing:
        variables = ", ".join(f"CA_{field.upper()}" for field in missing)
        message = (
            f"Not known: {', '.join(missing)}. Set {variables}, or say `ca configure` ({path}, [{name}])."
        )
        raise CliError(message, USAGE)
    return Profile(**{field: said.get(field, "") for field in FIELDS})


def of_environment() -> dict[str, str]:
    found = {field: os.environ.get(f"CA_{field.upper()}", "") for field in FIELDS}
    return {field: value for field, value in found.items() if value}


def read(path: Path, name: str) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with path.open(encoding="utf-8") as lines:
            parser.read_file(lines)
    except FileNotFoundError:
        return {}
    except (OSError, configparser.Error, UnicodeDecodeError) as error:
        raise CliError(f"{path} cannot be read: {error}", USAGE) from error
    return dict(parser[name]) if parser.has_section(name) else {}


def write(path: Path, name: str, values: dict[str, str]) -> None:
    """Keep a profile, readable by nobody else: it holds a secret."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path, encoding="utf-8")
    parser[name] = {field: value for field, value in values.items() if value}
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    # Made for its owner alone before a word of it is there.
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with draft.open("w", encoding="utf-8") as lines:
        parser.write(lines)
    draft.replace(path)
