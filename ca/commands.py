"""What the subcommands do."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ca import following, profile, tables
from ca.api import Api
from ca.errors import USAGE, CliError

if TYPE_CHECKING:
    import argparse

# As many as one call takes.
INSTANCES_PER_CALL = 100
RUNS_SHOWN = 20


def api_for(options: argparse.Namespace) -> Api:
    chosen = profile.load(options.profile)
    return Api(chosen._replace(region=options.region or chosen.region))


def run(options: argparse.Namespace) -> int:
    script = content_of(options.script)
    asked = {
        "CommandContent": script,
        "Type": options.type,
        "Name": options.name,
        "WorkingDir": options.cwd,
        "EnableParameter": bool(options.param) or None,
    }
    return start(options, "RunCommand", asked)


def invoke(options: argparse.Namespace) -> int:
    return start(options, "InvokeCommand", {"CommandId": options.command})


def start(options: argparse.Namespace, action: str, asked: dict[str, Any]) -> int:
    api = api_for(options)
    asked = {
        **asked,
        "Username": options.user,
        "Timeout": options.timeout,
        "Parameters": json.dumps(parameters_of(options.param)) if options.param else None,
        "Frequency": options.plan,
    }
    runs: list[str] = []
    try:
        for where in places(api, options):
            answer = api.call(action, **asked, **where, ClientToken=uuid.uuid4().hex)
            runs.append(answer["InvokeId"])
    except CliError:
        # Whoever tries again would run these twice.
        if runs:
            sys.stderr.write(f"ca: started before that: {' '.join(runs)}\n")
        raise
    if options.plan or not options.wait:
        tables.show_ids(runs, as_json=options.json)
        return 0
    return following.follow(api, runs, as_json=options.json)


def places(api: Api, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Where it runs, a call each. Names are looked up; ids and tags are the console's to judge."""
    if options.tag and options.instance:
        raise CliError("Say either --instance or --tag.", USAGE)
    if options.tag:
        return [{"ResourceTag": [tag_of(text) for text in options.tag]}]
    if not options.instance:
        raise CliError("Say where: --instance ID or --tag KEY=VALUE.", USAGE)
    ids = [one if one.startswith(("mi-", "i-")) else id_of(api, one) for one in options.instance]
    parts = range(0, len(ids), INSTANCES_PER_CALL)
    return [{"InstanceId": ids[begin : begin + INSTANCES_PER_CALL]} for begin in parts]


def id_of(api: Api, name: str) -> str:
    found = [
        row["InstanceId"] for row in api.pages("DescribeManagedInstances", "Instances", InstanceName=name)
    ]
    if len(found) != 1:
        raise CliError(f"{len(found)} servers are called {name}. Say the id.", USAGE)
    return str(found[0])


def instances(options: argparse.Namespace) -> int:
    api = api_for(options)
    asked = {
        "InstanceName": options.name,
        "Tag": [tag_of(text) for text in options.tag],
        "Connected": "false" if options.offline else None,
    }
    rows = list(api.pages("DescribeManagedInstances", "Instances", **asked))
    tables.show(rows, tables.INSTANCES, as_json=options.json)
    return 0


def results(options: argparse.Namespace) -> int:
    api = api_for(options)
    if not options.run:
        answer = api.call("DescribeInvocations", MaxResults=RUNS_SHOWN)
        tables.show(answer["Invocations"]["Invocation"], tables.RUNS, as_json=options.json)
        return 0
    if options.wait:
        return following.follow(api, [options.run], as_json=options.json)
    following.known_results_of(api, options.run)
    rows = following.results_of(api, options.run, history=options.history)
    tables.show_results(rows, as_json=options.json)
    return following.status_of(rows)


def stop(options: argparse.Namespace) -> int:
    api_for(options).call("StopInvocation", InvokeId=options.run, InstanceId=options.instance)
    return 0


def saved_commands(options: argparse.Namespace) -> int:
    rows = list(api_for(options).pages("DescribeCommands", "Commands", "Command"))
    tables.show(rows, tables.COMMANDS, as_json=options.json)
    return 0


def configure(options: argparse.Namespace) -> int:
    """Ask for what was not said. The secret is read without an echo, and never from the line."""
    from getpass import getpass  # noqa: PLC0415

    path, name = profile.default_path(), options.profile or "default"
    endpoint = options.endpoint or input("Endpoint (https://host:port): ").strip()
    key_id = input("Access key ID: ").strip()
    values = {
        "endpoint": endpoint,
        "access_key_id": key_id,
        "access_key_secret": getpass("Access key secret: ").strip(),
        "region": options.region,
        "ca_file": str(Path(options.ca_file).absolute()) if options.ca_file else "",
    }
    profile.write(path, name, values)
    sys.stdout.write(f"Kept in {path} as [{name}].\n")
    return 0


def content_of(said: str) -> str:
    try:
        if said == "-":
            return sys.stdin.read()
        return Path(said[1:]).read_text(encoding="utf-8") if said.startswith("@") else said
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"The script cannot be read: {error}", USAGE) from error


def parameters_of(said: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in said]
    if not all(mark for _name, mark, _value in pairs):
        raise CliError("A parameter is said as NAME=VALUE.", USAGE)
    return {name: value for name, _mark, value in pairs}


def tag_of(text: str) -> dict[str, str]:
    key, _mark, value = text.partition("=")
    return {"Key": key, "Value": value}
