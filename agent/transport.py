"""TLS connections to the one server that this agent belongs to."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, NamedTuple

from agent import proxy
from agent.errors import ServerUnreachable

if TYPE_CHECKING:
    from pathlib import Path

CONNECT_TIMEOUT_SECONDS = 10.0


class Route(NamedTuple):
    """Where the server is, how to get there, and whom to trust."""

    server: proxy.Address
    proxy: proxy.Proxy | None
    ca_file: Path | None


class Connector:
    """Opens connections; may be used by several threads at once."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self._context = _own_context(route.ca_file)

    def connect(self, timeout: float = CONNECT_TIMEOUT_SECONDS) -> ssl.SSLSocket:
        try:
            return self._handshake(timeout)
        except ssl.SSLCertVerificationError:
            # Perhaps the authority's file has been renewed, or the server has a certificate that
            # the system trusts. The system's roots cost megabytes, so they are read only now.
            self._context = _wide_context(self.route.ca_file)
        except OSError as error:
            raise ServerUnreachable(f"{self.route.server} does not answer: {_reason(error)}") from error
        try:
            return self._handshake(timeout)
        except OSError as error:
            raise ServerUnreachable(f"{self.route.server} does not answer: {_reason(error)}") from error

    def _handshake(self, timeout: float) -> ssl.SSLSocket:
        plain = _dial(self.route, timeout)
        try:
            plain.settimeout(timeout)
            return self._context.wrap_socket(plain, server_hostname=self.route.server.host)
        except BaseException:
            plain.close()
            raise


def _dial(route: Route, timeout: float) -> socket.socket:
    target = route.proxy.address if route.proxy else route.server
    connection = socket.create_connection((target.host, target.port), timeout)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return proxy.open_through(route.proxy, connection, route.server) if route.proxy else connection
    except BaseException:
        connection.close()
        raise


def _own_context(ca_file: Path | None) -> ssl.SSLContext:
    if ca_file is None:
        return _wide_context(None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, ca_file)
    return context


def _wide_context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    if ca_file is not None:
        _load(context, ca_file)
    return context


def _load(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise ServerUnreachable(f"The certificate file {ca_file} cannot be used: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return error.strerror or str(error) or type(error).__name__
