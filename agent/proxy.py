"""Which proxy, if any, the environment names, and how to get through it."""

from __future__ import annotations

import binascii
import ipaddress
import re
import ssl
import struct
from typing import TYPE_CHECKING, NamedTuple

from agent import log, pump
from agent.errors import ServerUnreachable, WrongUsage

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080}

# ALIYUN_ASSIST_PROXY is the name that operators of the reference agent know; it wins.
VARIABLES = ("ALIYUN_ASSIST_PROXY", "HTTPS_PROXY", "https_proxy")

SOCKS_VERSION, SOCKS_CONNECT, SOCKS_NAME = 5, 1, 3
SOCKS_NO_LOGIN, SOCKS_PASSWORD = 0, 2


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Proxy(NamedTuple):
    scheme: str
    address: Address
    user: str = ""
    password: str = ""


def parse_address(text: str, default_port: int) -> Address:
    """Read `host`, `host:port`, `[v6]` or `[v6]:port`."""
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]/@\s]+))(?::(\d{1,5}))?", text)
    if not match or int(match[3] or default_port) > 65535:
        raise WrongUsage(f"{text!r} is not an address of the form host:port.")
    return Address(match[1] or match[2], int(match[3] or default_port))


def parse_proxy(text: str) -> Proxy:
    """Read `[scheme://][user:password@]host[:port]`; without a scheme it is http."""
    scheme, separator, rest = text.rpartition("://")
    scheme = scheme.lower() if separator else "http"
    if scheme not in DEFAULT_PORTS:
        raise WrongUsage(f"The proxy scheme {scheme!r} is not known; use http, https or socks5.")
    login, _, place = rest.rstrip("/").rpartition("@")
    user, _, password = login.partition(":")
    return Proxy(scheme, parse_address(place, DEFAULT_PORTS[scheme]), _unquote(user), _unquote(password))


def from_environment(environment: Mapping[str, str], server: Address) -> Proxy | None:
    name = next((name for name in VARIABLES if environment.get(name)), None)
    if name is None or is_exempt(server, environment.get("NO_PROXY") or environment.get("no_proxy") or ""):
        return None
    log.info(f"Detected environment variable {name} for proxy setting")
    return parse_proxy(environment[name])


def is_exempt(server: Address, no_proxy: str) -> bool:
    rules = (rule.strip().lower() for rule in no_proxy.split(","))
    return any(rule and _matches(server, rule) for rule in rules)


def _matches(server: Address, rule: str) -> bool:
    host = server.host.lower()
    if rule == "*":
        return True
    if "/" in rule:
        return _is_inside(host, rule)
    name, _, port = rule.rpartition(":") if rule.count(":") == 1 else (rule, "", "")
    if port and port != str(server.port):
        return False
    name = name.strip("[]").lstrip("*").lstrip(".")
    return host == name or host.endswith("." + name)


def _is_inside(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _unquote(text: str) -> str:
    return re.sub("%([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)


def open_through(proxy: Proxy, connection: socket.socket, target: Address) -> socket.socket:
    """Ask the proxy at the other end of `connection` for a way to `target`."""
    if proxy.scheme == "socks5":
        _greet_socks(proxy, connection)
        _request_socks(connection, target)
        return connection
    if proxy.scheme == "https":
        connection = ssl.create_default_context().wrap_socket(connection, server_hostname=proxy.address.host)
    _request_connect(proxy, connection, target)
    # TLS inside TLS needs a plain socket in between.
    return pump.plain_end(connection) if isinstance(connection, ssl.SSLSocket) else connection


def _request_connect(proxy: Proxy, connection: socket.socket, target: Address) -> None:
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.user:
        login = binascii.b2a_base64(f"{proxy.user}:{proxy.password}".encode(), newline=False).decode()
        lines.append(f"Proxy-Authorization: Basic {login}")
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    status = _read_head(connection).split(b"\r\n", 1)[0].decode("latin-1")
    if status.split(" ")[1:2] != ["200"]:
        raise ServerUnreachable(f"The proxy {proxy.address} refused the connection: {status}")


def _read_head(connection: socket.socket) -> bytes:
    # Byte by byte: what follows the head belongs to the server's TLS.
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < 16384:
        head += _receive(connection, 1)
    return head


def _greet_socks(proxy: Proxy, connection: socket.socket) -> None:
    method = SOCKS_PASSWORD if proxy.user else SOCKS_NO_LOGIN
    connection.sendall(bytes((SOCKS_VERSION, 1, method)))
    if _receive(connection, 2) != bytes((SOCKS_VERSION, method)):
        raise ServerUnreachable(f"The proxy {proxy.address} accepts no login of this kind.")
    if method == SOCKS_PASSWORD:
        user, password = proxy.user.encode(), proxy.password.encode()
        connection.sendall(bytes((1, len(user))) + user + bytes((len(password),)) + password)
        if _receive(connection, 2)[1] != 0:
            raise ServerUnreachable(f"The proxy {proxy.address} refused user name and password.")


def _request_socks(connection: socket.socket, target: Address) -> None:
    name = target.host.encode("idna")
    request = bytes((SOCKS_VERSION, SOCKS_CONNECT, 0, SOCKS_NAME, len(name))) + name
    connection.sendall(request + struct.pack(">H", target.port))
    _, outcome, _, kind = _receive(connection, 4)
    if outcome != 0:
        raise ServerUnreachable(f"The proxy could not reach {target} (code {outcome}).")
    size = {1: 4, 4: 16}.get(kind) or _receive(connection, 1)[0]
    _receive(connection, size + 2)


def _receive(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = connection.recv(size - len(content))
        if not piece:
            raise ServerUnreachable("The proxy closed the connection.")
        content += piece
    return content
