"""What the environment says, typed. A wrong value stops the start with a sentence that names it.

Nothing here imports Django: the supervisor reads the same values and has to stay small.
"""

import base64
import json
import os
import re
import socket
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent

# A Unix socket's path ends at 107 bytes on Linux.
SOCKET_PATH_BYTES = 107

# A running `up` notes these in the data folder, for commands that are told nothing but DATA_DIR.
NOTE = "up.json"
NOTED = ("PUBLIC_HOST", "TLS_PORT", "DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "MASTER_KEY_FILE")


# The data folder's file with its master keys; each is one for AES-256.
KEPT_MASTER_KEYS = "master-key"
MASTER_KEY_BYTES = 32


class SettingWrong(SystemExit):
    """A value that cannot be worked with; the process ends with the sentence."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    raise SettingWrong(f"{name} is {value!r}; say true or false.")


def number(name: str, default: int, *, least: int = 0) -> int:
    value = text(name)
    if not value:
        return default
    if not value.isdecimal() or int(value) < least:
        raise SettingWrong(f"{name} is {value!r}; say a whole number of at least {least}.")
    return int(value)


def choice(name: str, default: str, *, among: tuple[str, ...]) -> str:
    value = text(name, default)
    if value.lower() not in {one.lower() for one in among}:
        raise SettingWrong(f"{name} is {value!r}; say one of {', '.join(among)}.")
    return value


def names(name: str) -> list[str]:
    """The comma-separated values of a variable."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def secret(name: str) -> str:
    """A secret given itself, or in the file that `<name>_FILE` names; empty where there is neither."""
    path = text(f"{name}_FILE")
    if not path:
        return text(name)
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise SettingWrong(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error


def data_dir() -> Path:
    return Path(text("DATA_DIR", str(BASE_DIR / "var"))).expanduser().resolve()


def adopt_note(folder: Path) -> None:
    """Take over what the `up` that runs on the folder was told, unless this process was told itself."""
    try:
        noted = json.loads((folder / NOTE).read_bytes())
    except (OSError, ValueError):
        return
    for name in NOTED:
        if name in noted:
            os.environ.setdefault(name, noted[name])


def public_host() -> str:
    """The name or address under which servers reach this machine: PUBLIC_HOST, or its own main address."""
    given = text("PUBLIC_HOST")
    if given:
        return given
    # Connecting a datagram socket sends nothing; it only asks which address the machine would send from.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def secret_key(folder: Path) -> str:
    """The installation's key: given, or kept in the data folder by the first start.

    Where there is neither (a check, a build) a throw-away key does: nothing it signs outlives the process.
    """
    given = secret("SECRET_KEY")
    if given:
        return given
    try:
        return (folder / "secret-key").read_text().strip()
    except FileNotFoundError:
        return os.urandom(50).hex()
    except OSError as error:
        raise SettingWrong(f"{folder / 'secret-key'} cannot be read: {error.strerror}.") from error


def master_keys(folder: Path) -> list[bytes]:
    """The keys that seal the stored secrets' keys, newest first: given, or kept by the first start.

    None where there is neither. A throw-away one would take with it what it had sealed.
    """
    return given_master_keys() or kept_master_keys(folder)


def given_master_keys() -> list[bytes]:
    return keys_in(secret("MASTER_KEY"), "MASTER_KEY")


def kept_master_keys(folder: Path) -> list[bytes]:
    """Those of the data folder's file; none where the environment gives them."""
    if text("MASTER_KEY") or text("MASTER_KEY_FILE"):
        return []
    path = folder / KEPT_MASTER_KEYS
    try:
        return keys_in(path.read_text(), str(path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SettingWrong(f"{path} cannot be read: {error.strerror}.") from error


def keys_in(written: str, source: str) -> list[bytes]:
    """Keys as they are written down: Base64 with commas between them."""
    found = []
    for part in filter(None, re.split(r"[\s,]+", written)):
        try:
            key = base64.b64decode(part, validate=True)
        except ValueError:
            key = b""
        if len(key) != MASTER_KEY_BYTES:
            raise SettingWrong(
                f"{source} holds what is no master key; say {MASTER_KEY_BYTES} random bytes in Base64 "
                "(`openssl rand -base64 32`), of several the newest first with commas between them."
            )
        found.append(key)
    return found


def redis_socket(folder: Path) -> Path:
    """Where the embedded Redis listens: in the data folder, or in a short private place for a deep one."""
    socket = folder / "redis.sock"
    if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES:
        return socket
    short = f"cloud-assistant-{os.getuid()}-{zlib.crc32(os.fsencode(folder)):08x}"
    return Path(text("TMPDIR", "/tmp")) / short / "redis.sock"  # noqa: S108 - made and checked by the supervisor


def redis_url(folder: Path) -> str:
    """The one address of Redis, as redis-py spells it (`redis://`, `rediss://` or `unix://`)."""
    url = text("REDIS_URL") or f"unix://{redis_socket(folder)}"
    if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise SettingWrong(f"REDIS_URL is {url.split('@')[-1]!r}; say redis://, rediss:// or unix://.")
    return url


def celery_url(url: str) -> str:
    """The same address as Celery spells it: a Unix socket is `redis+socket://` there."""
    return url.replace("unix://", "redis+socket://", 1)


# --- Single sign-on ---

SINGLE_SIGN_ON_NEEDS = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
DISCOVERY_PATH = "/.well-known/openid-configuration"
# As wide as the column that keeps by whom somebody was vouched for.
ISSUER_CHARACTERS = 200
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """The OpenID Connect provider where people may sign in instead of here."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str = ""
    creates_users: bool = False


def single_sign_on() -> SingleSignOn | None:
    """The provider that the OIDC_ variables name; none where they name none."""
    issuer, client_id, client_secret = (
        text("OIDC_ISSUER"),
        text("OIDC_CLIENT_ID"),
        secret("OIDC_CLIENT_SECRET"),
    )
    creates_users = flag("OIDC_CREATE_USERS")
    given = dict(zip(SINGLE_SIGN_ON_NEEDS, (issuer, client_id, client_secret), strict=True))
    missing = [name for name, value in given.items() if not value]
    if missing == list(SINGLE_SIGN_ON_NEEDS) and not creates_users and not text("OIDC_NAME"):
        return None
    if missing:
        raise SettingWrong(
            f"Single sign-on lacks {' and '.join(missing)}; say all of {', '.join(SINGLE_SIGN_ON_NEEDS)}, or none."
        )
    issuer = checked_issuer(issuer)
    name = text("OIDC_NAME") or str(urlsplit(issuer).hostname)
    return SingleSignOn(issuer, client_id, client_secret, name, creates_users)


def checked_issuer(url: str) -> str:
    """Without a slash at its end. What is read from it is believed because of its certificate alone."""
    issuer = url.removesuffix(DISCOVERY_PATH).rstrip("/")
    parts = urlsplit(issuer)
    if not is_private(issuer) or "@" in parts.netloc or parts.query or parts.fragment:
        raise SettingWrong(
            f"OIDC_ISSUER is {url.rsplit('@', maxsplit=1)[-1]!r}; say https:// and the provider's address."
        )
    if len(issuer) > ISSUER_CHARACTERS:
        raise SettingWrong(f"OIDC_ISSUER is longer than {ISSUER_CHARACTERS} characters.")
    return issuer


def is_private(url: str) -> bool:
    """Whether nobody reads along: TLS, or a way within this machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


def database_url(folder: Path) -> dict[str, Any]:
    """Django's description of the database that DATABASE_URL names; SQLite in the data folder by default."""
    url = secret("DATABASE_URL")
    if not url:
        return sqlite(folder / "db.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(Path(unquote(parts.path.removeprefix("/"))))
    if parts.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.removeprefix("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "OPTIONS": {"connect_timeout": "5", **dict(parse_qsl(parts.query))},
            "CONN_MAX_AGE": 600,
            "CONN_HEALTH_CHECKS": True,
        }
    raise SettingWrong(f"DATABASE_URL has the scheme {parts.scheme!r}; say postgresql:// or sqlite:///path.")


def sqlite(path: Path) -> dict[str, Any]:
    # synchronous=FULL: what an agent or a person was told is committed survives a power cut as well.
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-16000", "temp_store=MEMORY")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "; ".join(f"PRAGMA {pragma}" for pragma in pragmas),
        },
        "CONN_MAX_AGE": None,
    }
