"""`make test`: everything on SQLite, then what touches the database once more on PostgreSQL."""

import os
import subprocess
import sys

from tests import postgres

# Processes of their own, browsers, the shipped agent: the database underneath makes no difference to them,
# but for those end-to-end tests that say so themselves.
SQLITE_ONLY = ["--ignore=tests/up", "--ignore=tests/agent"]


def main(arguments: list[str]) -> int:
    narrowed = bool(arguments)
    print("== SQLite", flush=True)
    failed = pytest(arguments, {})
    if failed and not (narrowed and failed == NO_TESTS):
        return failed
    print("== PostgreSQL", flush=True)
    with postgres.server() as url:
        failed = pytest([*SQLITE_ONLY, *arguments], {"DATABASE_URL": url})
    return 0 if narrowed and failed == NO_TESTS else failed


NO_TESTS = 5


def pytest(arguments: list[str], environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
