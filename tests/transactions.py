"""Two transactions at once: one in the test itself, the other in a thread."""

from django.db import connection

from tests.waiting import eventually

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"


def apart(function, *arguments):
    """The function's answer, from a connection that ends with it."""
    try:
        return function(*arguments)
    finally:
        connection.close()


def until_it_waits():
    """Until the other one waits for a lock of ours. SQLite's has not begun, as long as ours has not ended."""
    if connection.vendor == "postgresql":
        eventually(somebody_waits)


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return cursor.fetchone()[0]
