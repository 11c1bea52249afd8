"""What can be said: `ca instances`, `ca run 'uptime' --tag env=prod --wait`, `ca results t-…`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ca import VERSION
from ca.errors import INTERRUPTED, CliError

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
exit status: 0 all went well; 1 something failed on a server; 2 the line makes no sense; 3 the console
refused; 4 it cannot be reached. With --wait on one server, the command's own exit code.
"""


def main(arguments: Sequence[str]) -> int:
    """Do what the line says; the status to end with."""
    options = parser().parse_args(arguments)
    # Only what is asked for is loaded: a shell waits for every start.
    from ca import commands  # noqa: PLC0415

    try:
        status: int = getattr(commands, options.does)(options)
        sys.stdout.flush()
    except CliError as error:
        sys.stderr.write(f"ca: {error}\n")
        return error.status
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return INTERRUPTED
    return status


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="ca",
        description="The Cloud Assistant's console from a shell.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"ca {VERSION}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--profile", default="", help="section of the profile file")
    shared.add_argument("--region", default="", help="region; else the profile's, else the first one")
    shared.add_argument("--json", action="store_true", help="print JSON")
    what = whole.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, does: str, text: str) -> argparse.ArgumentParser:
        made = what.add_parser(name, parents=[shared], help=text, description=text)
        made.set_defaults(does=does)
        return made

    add_run(add("run", "run", "Run a command on servers."))
    add_invoke(add("invoke", "invoke", "Run a saved or common command on servers."))
    instances = add("instances", "instances", "List servers.")
    instances.add_argument("--name", default="", help="name; * at either end stands for anything")
    instances.add_argument("--tag", action="append", default=[], metavar="KEY[=VALUE]")
    instances.add_argument("--offline", action="store_true", help="only those that cannot be reached")
    results = add("results", "results", "Show the results of a run, or list the latest runs.")
    results.add_argument("run", nargs="?", default="", metavar="RUN", help="its id, t-…")
    results.add_argument("--wait", action="store_true", help="follow it until its end")
    results.add_argument("--history", action="store_true", help="all runs of a plan")
    stop = add("stop", "stop", "Stop a run, on some servers or on all.")
    stop.add_argument("run", metavar="RUN")
    stop.add_argument("--instance", action="append", default=[], metavar="ID")
    add("commands", "saved_commands", "List saved commands.")
    configure = add("configure", "configure", "Keep endpoint and access key in the profile file.")
    configure.add_argument("--endpoint", default="")
    configure.add_argument("--ca-file", default="", help="certificate that the console's is signed with")
    return whole


def add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("script", help="what to run; @FILE takes it from a file, - from standard input")
    run.add_argument("--type", default="RunShellScript", choices=TYPES, metavar="TYPE", help=", ".join(TYPES))
    run.add_argument("--name", default="", help="what the list of results calls it")
    run.add_argument("--cwd", default="", metavar="DIRECTORY", help="directory on the servers")
    add_how(run)


def add_invoke(invoke: argparse.ArgumentParser) -> None:
    invoke.add_argument("command", help="its id, c-…, or the name of a common command")
    add_how(invoke)


TYPES = ("RunShellScript", "RunBatScript", "RunPowerShellScript")


def add_how(made: argparse.ArgumentParser) -> None:
    where = made.add_argument_group("where")
    where.add_argument("--instance", "-i", action="append", default=[], metavar="ID|NAME")
    where.add_argument("--tag", "-t", action="append", default=[], metavar="KEY[=VALUE]")
    made.add_argument("--user", default="", help="account that it runs as")
    made.add_argument("--timeout", type=int, metavar="SECONDS")
    made.add_argument("--param", "-p", action="append", default=[], metavar="NAME=VALUE")
    made.add_argument("--plan", default="", metavar="TIMES", help="rate(5m), at(…) or a cron text")
    made.add_argument("--wait", "-w", action="store_true", help="print output as it comes, until the end")
