"""Everything that has to be there before the processes start. Each step may be done again at every start."""

import base64
import fcntl
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from django import __version__ as django_version
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from access.models import DataKey, User
from access.operations.system_policies import ship_policies
from agent.build import build
from console import env
from console.kit import bells
from console.passwords import ADMINISTRATOR, FILE_NAME
from console.up import tls
from console.up.errors import CannotStart
from console.up.files import write_file

PASSWORD_BYTES = 12
STAMP = "static-stamp"
# Parts of the editor that no page asks for, a third of all files.
NOT_SERVED = ["snippets", "worker-*.js", "keybinding-*.js"]
# Several nodes may start on one PostgreSQL; any number does that is ours alone.
ADVISORY_LOCK = 0x0C10_0DA5
# Apps that come with single sign-on: what they have migrated stays when it is switched off.
OPTIONAL_APPS = frozenset({"account", "socialaccount"})


@dataclass(frozen=True, slots=True)
class Prepared:
    first_password: str
    is_new: bool
    local_host: str


def prepare() -> Prepared:
    """Bring the data folder and the database up to this version. Raises CannotStart."""
    with alone(settings.DATA_DIR):
        check_redis()
        check_database()
        keep_secret_key(settings.DATA_DIR)
        local_host = tls.ensure(settings.TLS_DIR, settings.PUBLIC_HOST)
        with alone_in_database():
            migrate()
            keep_master_key(settings.DATA_DIR)
            ship_policies()
            is_new = not User.objects.exists()
            first_password = make_administrator(settings.DATA_DIR) if is_new else ""
        collect_static_files()
        settings.AGENT_PACKAGE.parent.mkdir(exist_ok=True)
        build(settings.AGENT_PACKAGE)
    return Prepared(first_password, is_new, local_host)


def check() -> None:
    """What a process needs that prepares nothing itself. Raises CannotStart."""
    bells_answer()
    check_database()
    executor = MigrationExecutor(connection)
    refuse_newer_schema(executor)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CannotStart(
            "The database is not prepared for this version. Start `up` or `up --only web` first."
        )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    with (folder / "prepare.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def alone_in_database() -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])


# --- What must answer ---


def check_redis() -> None:
    # The embedded one is started beside this process, and waited for by the supervisor.
    if env.text("REDIS_URL"):
        bells_answer()


def bells_answer() -> None:
    try:
        bells.client().ping()
    except (redis.RedisError, ValueError) as error:
        address = settings.REDIS_URL.split("@")[-1]
        raise CannotStart(
            f"Redis does not answer at {address}: {sentence_end(error)} Start it, or correct REDIS_URL."
        ) from error


def check_database() -> None:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except OperationalError as error:
        if "disk is full" in str(error):
            raise
        raise CannotStart(
            f"The database does not answer: {sentence_end(error)} Start it, or correct DATABASE_URL."
        ) from error


def sentence_end(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".") + "."


# --- The steps ---


def keep_secret_key(folder: Path) -> None:
    path = folder / "secret-key"
    if not env.secret("SECRET_KEY") and not path.exists():
        write_file(path, secrets.token_urlsafe(50).encode(), mode=0o600)


def keep_master_key(folder: Path) -> None:
    """Made once. What an earlier one has sealed would stay closed to another for ever."""
    path = folder / env.KEPT_MASTER_KEYS
    if env.given_master_keys() or path.exists():
        return
    if DataKey.objects.exists():
        raise CannotStart(
            f"The database holds secrets, and the master key that opens them is not here. Put {path.name} "
            f"back into {folder}, or give MASTER_KEY. If it is lost, put a new one there "
            "(`openssl rand -base64 32`): the console starts, and the old secrets stay closed."
        )
    write_file(path, base64.b64encode(secrets.token_bytes(env.MASTER_KEY_BYTES)) + b"\n", mode=0o600)


def migrate() -> None:
    executor = MigrationExecutor(connection)
    refuse_newer_schema(executor)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def refuse_newer_schema(executor: MigrationExecutor) -> None:
    unknown = sorted(
        (app, name)
        for app, name in set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations)
        if app not in OPTIONAL_APPS
    )
    if unknown:
        app, name = unknown[-1]
        raise CannotStart(
            f"The database was written by a newer version of this console (migration {app}.{name}). "
            "Start that version, or restore a copy of the data folder that was made before it."
        )


def collect_static_files() -> None:
    """Only when a file has changed: hashing and rewriting all of them takes longer than the rest."""
    stamp = settings.DATA_DIR / STAMP
    content = static_content()
    is_there = (Path(settings.STATIC_ROOT) / "staticfiles.json").exists()
    if is_there and stamp.exists() and stamp.read_text() == content:
        return
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=NOT_SERVED)
    write_file(stamp, content.encode(), mode=0o600)


def static_content() -> str:
    """A digest of what would be collected: names, sizes and times."""
    digest = hashlib.sha256(f"{django_version} {settings.STORAGES}".encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            digest.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def make_administrator(folder: Path) -> str:
    """The first user. Returns the password that was thought up; empty where one was given."""
    given = env.secret("ADMIN_PASSWORD")
    password = given or secrets.token_urlsafe(PASSWORD_BYTES)
    with transaction.atomic():
        User.objects.create_superuser(ADMINISTRATOR, "", password)
        if not given:
            # After the user: saving a password removes the file. Before the commit: neither without the other.
            write_file(folder / FILE_NAME, f"{password}\n".encode(), mode=0o600)
    return "" if given else password
