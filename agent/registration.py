"""Registering this machine with a server, and giving the registration up."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple

from agent import durable, facts, gateway, proxy, signing
from agent.errors import AlreadyRegistered, RegistrationRefused, WrongUsage
from agent.state import Identity, State
from agent.transport import Connector, Route

DEFAULT_PORT = 443

CODE_VARIABLE = "ACTIVATION_CODE"


class Wish(NamedTuple):
    """What the operator asked for."""

    server: str
    region_id: str
    activation_id: str
    activation_code: str
    ca_file: Path | None
    instance_name: str
    machine_id: str
    tags: list[tuple[str, str]]


def register(state: State, wish: Wish, *, force: bool) -> str:
    """Register, store the identity, and return the instance id."""
    if state.is_registered() and not force:
        known = state.identity().instance_id
        raise AlreadyRegistered(
            f"This machine is already registered as {known}; use --force to register anew."
        )
    state.prepare()
    if wish.ca_file and wish.ca_file.resolve() != state.ca_file.resolve():
        durable.write_file(state.ca_file, _read_ca(wish.ca_file), mode=0o644)
    machine_id = wish.machine_id or facts.machine_id() or os.urandom(16).hex()
    keys = signing.generate()
    connector = Connector(route(state, wish.server))
    instance_id = gateway.register(connector, _registration(wish, machine_id, keys))
    identity = Identity(instance_id, machine_id, wish.region_id, str(connector.route.server))
    state.save(identity, keys.private_pem)
    return instance_id


def deregister(state: State) -> None:
    """Tell the server, forget the identity, and end the agent that runs with it."""
    identity = state.identity()
    connector = Connector(route(state, identity.server))
    server = gateway.Gateway(connector, identity, signing.signer(state.private_key()))
    response = server.deregister()
    if gateway.parse_object(response.body).get("code") != 200:
        reason = gateway.readable_reason(response)
        raise RegistrationRefused(f"The server refused the deregistration, so nothing was changed: {reason}")
    state.forget()
    state.signal_running_process(signal.SIGTERM)


def route(state: State, server: str, ca_file: Path | None = None) -> Route:
    address = proxy.parse_address(server, DEFAULT_PORT)
    named = os.environ.get("ALIYUN_ASSIST_CERT_PATH")
    kept = state.ca_file if state.ca_file.exists() else None
    return Route(
        address,
        proxy.from_environment(os.environ, address),
        ca_file or (Path(named) if named else kept),
    )


def activation_code(code_file: Path | None) -> str:
    """From the file, the environment or standard input; never from the arguments, which everybody can see."""
    if code_file:
        code = code_file.read_text(encoding="utf-8")
    elif os.environ.get(CODE_VARIABLE):
        code = os.environ.pop(CODE_VARIABLE)
    elif sys.stdin.isatty():
        import getpass  # noqa: PLC0415  (only people need it)

        code = getpass.getpass("Activation code: ")
    else:
        code = sys.stdin.readline()
    if not code.strip():
        raise WrongUsage("There is no activation code on standard input, in the file or in the environment.")
    return code.strip()


def parse_tag(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key or "=" in value:
        raise WrongUsage(f"The tag {text!r} is not of the form key=value.")
    return key, value


def _registration(wish: Wish, machine_id: str, keys: signing.KeyPair) -> gateway.Registration:
    return gateway.Registration(
        activation_id=wish.activation_id,
        activation_code=wish.activation_code,
        region_id=wish.region_id,
        instance_name=wish.instance_name,
        machine_id=machine_id,
        public_key=keys.public_pem,
        tags=wish.tags,
    )


def _read_ca(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongUsage(f"The file {path} cannot be read: {error.strerror}.") from error
