"""The command line. Exit statuses: see agent.errors; 0 is success."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from agent import VERSION, state
from agent.errors import AgentError, NotRegistered, WrongUsage

EXIT_STATUSES = """\
exit status: 0 success, 1 unexpected, 2 wrong usage, 3 already registered, 4 refused by the server,
5 server not reachable, 6 not registered, 7 another agent uses the state directory, 8 service failed.
The activation code is read from --activation-code-file, the variable ACTIVATION_CODE or standard input."""


def main(arguments: list[str]) -> int:
    try:
        options = _parser().parse_args(arguments)
        _act(options)
    except AgentError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return AgentError.exit_status
    except KeyboardInterrupt:
        return 130
    return 0


def _act(options: argparse.Namespace) -> None:
    # Each action imports what it needs: the running agent should not carry the others.
    place = state.State(Path(options.state_dir) if options.state_dir else state.default_directory())
    if options.register:
        _register(place, options)
    elif options.deregister:
        _deregister(place)
    elif options.install_service or options.stop or options.uninstall:
        _change_service(place, options)
    else:
        _run(place, options)


def _run(place: state.State, options: argparse.Namespace) -> None:
    from agent import agent, registration  # noqa: PLC0415

    if not place.is_registered():
        reason = " It was deregistered." if place.was_deregistered() else " Use --register first."
        raise NotRegistered(f"No agent is registered in {place.directory}.{reason}")
    place.prepare()
    place.lock()
    server = options.server or os.environ.get("ALIYUN_ASSIST_SERVER_HOST") or place.identity().server
    agent.Agent(place, registration.route(place, server, _path(options.ca))).run()


def _register(place: state.State, options: argparse.Namespace) -> None:
    from agent import registration  # noqa: PLC0415

    for name in ("region", "activation_id", "server"):
        if not getattr(options, name):
            raise WrongUsage(f"--register needs --{name.replace('_', '-')}.")
    wish = registration.Wish(
        server=options.server,
        region_id=options.region,
        activation_id=options.activation_id,
        activation_code=registration.activation_code(_path(options.activation_code_file)),
        ca_file=_path(options.ca),
        instance_name=options.instance_name,
        machine_id=options.machine_id,
        tags=[registration.parse_tag(tag) for tag in options.tag],
    )
    instance_id = registration.register(place, wish, force=options.force)
    sys.stdout.write(f"register ok\ninstance id: {instance_id}\n")


def _deregister(place: state.State) -> None:
    from agent import registration  # noqa: PLC0415

    registration.deregister(place)
    sys.stdout.write("deregister ok\n")


def _change_service(place: state.State, options: argparse.Namespace) -> None:
    from agent import service  # noqa: PLC0415

    chosen = service.choose(place, Path(sys.argv[0]).resolve())
    if options.install_service:
        chosen.install()
        sys.stdout.write("restart service\n")
    elif options.stop:
        chosen.stop()
    else:
        chosen.uninstall()
        sys.stdout.write("service removed\n")


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cloud-assistant-agent",
        epilog=EXIT_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=VERSION)
    _add_actions(parser)
    _add_registration(parser)
    parser.add_argument("--server", default="", metavar="HOST:PORT")
    parser.add_argument("--ca", default="", metavar="FILE", help="certificate authority of the server")
    parser.add_argument("--state-dir", default="", metavar="DIR", help="one directory per agent")
    return parser


def _add_actions(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument("--run", action="store_true", help="work in the foreground (the default)")
    actions.add_argument("--register", action="store_true")
    actions.add_argument("--deregister", action="store_true")
    actions.add_argument("--install-service", action="store_true", help="install and (re)start the service")
    actions.add_argument("--stop", action="store_true", help="stop the service")
    actions.add_argument("--uninstall", action="store_true", help="stop and remove the service")


def _add_registration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--region", default="")
    parser.add_argument("--activation-id", default="", metavar="ID")
    parser.add_argument("--activation-code-file", default="", metavar="FILE")
    parser.add_argument("--instance-name", default="", metavar="NAME")
    parser.add_argument("--machine-id", default="", metavar="ID", help="instead of the system's own")
    parser.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--force", action="store_true", help="register although registered")
