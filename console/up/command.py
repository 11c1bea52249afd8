"""`manage.py up`: everything in one foreground process. Django is never imported here."""

import argparse
import os
import sys
from pathlib import Path

from console import env
from console.up import listeners
from console.up.errors import CannotStart
from console.up.folder import DataFolder, unusable
from console.up.plan import PARTS, Plan

PORT = 8000
TLS_PORT = 8443


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    into_environment(options)
    try:
        start(options)
    except CannotStart as error:
        if str(error):
            sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{unusable(Path(error.filename or env.data_dir()), error)}\n")
        return 1
    return 0


def start(options: argparse.Namespace) -> None:
    plan = Plan(
        options.only, with_agent=not (options.no_local_agent or options.only), ready_file=options.ready_file
    )
    check_environment()
    folder = DataFolder(env.data_dir(), role=options.only)
    sockets = None
    try:
        if "web" in plan.parts:
            sockets = listeners.listen(options.host, options.port, options.tls_port)
        if plan.ready_file is not None:
            plan.ready_file.unlink(missing_ok=True)
        supervise(plan, folder, sockets)
    finally:
        if sockets is not None:
            sockets.close()
        folder.close()


def supervise(plan: Plan, folder: DataFolder, sockets: listeners.Listeners | None) -> None:
    # asyncio has a use for `ssl` in connections that nobody makes here; without it the process is 4 MB smaller.
    sys.modules["ssl"] = None  # type: ignore[assignment]
    import asyncio  # noqa: PLC0415

    from console.up.supervisor import Supervisor  # noqa: PLC0415

    asyncio.run(Supervisor(plan, folder, sockets).run())


def check_environment() -> None:
    """Say what is wrong with a value before anything is touched."""
    env.redis_url(env.data_dir())
    env.database_url(env.data_dir())
    env.single_sign_on()
    env.choice("LOG_LEVEL", "INFO", among=("DEBUG", "INFO", "WARNING", "ERROR"))
    env.choice("LOG_FORMAT", "console", among=("console", "json"))


def into_environment(options: argparse.Namespace) -> None:
    """Options are the environment's values said otherwise; the children know the environment only."""
    if options.data_dir:
        os.environ["DATA_DIR"] = str(Path(options.data_dir).expanduser().absolute())
    if options.public_host:
        os.environ["PUBLIC_HOST"] = options.public_host
    if options.ready_file:
        options.ready_file = options.ready_file.absolute()


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="manage.py up",
        description="Start the console and keep it running until Ctrl-C.",
        allow_abbrev=False,
    )
    made.add_argument("--host", default="127.0.0.1", help="where the plain listener listens (127.0.0.1)")
    made.add_argument("--port", type=port, default=PORT, help=f"its port ({PORT})")
    tls_port = env.number("TLS_PORT", TLS_PORT, least=0)
    made.add_argument("--tls-port", type=port, default=tls_port, help=f"the port for servers ({TLS_PORT})")
    made.add_argument("--data-dir", metavar="DIR", help="where everything is kept (var)")
    made.add_argument(
        "--public-host", metavar="HOST", help="the name or address by which servers reach this machine"
    )
    made.add_argument("--no-local-agent", action="store_true", help="do not manage this very machine")
    made.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="written when everything answers (JSON)"
    )
    made.add_argument(
        "--only", choices=PARTS, default="", help="one part, beside a Redis and a database of one's own"
    )
    return made


def port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; say a number from 0 (any free one) to 65535")
    return int(text)
