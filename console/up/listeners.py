"""The two listening sockets. The supervisor owns them, so that a restart of the web process refuses nobody."""

import errno
import socket
from dataclasses import dataclass

from console.up.errors import CannotStart

BACKLOG = 2048
TLS_HOST = "0.0.0.0"  # noqa: S104 - servers come from everywhere


@dataclass(frozen=True, slots=True)
class Listeners:
    plain: socket.socket
    tls: socket.socket

    @property
    def descriptors(self) -> tuple[int, int]:
        return self.plain.fileno(), self.tls.fileno()

    @property
    def tls_port(self) -> int:
        return port_of(self.tls)

    @property
    def plain_address(self) -> tuple[str, int]:
        """Where this machine reaches the plain listener."""
        host, port = self.plain.getsockname()[:2]
        own = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - a key, not a binding
        return own.get(host, host), port

    def close(self) -> None:
        self.plain.close()
        self.tls.close()


def listen(host: str, port: int, tls_port: int) -> Listeners:
    plain = bound(host, port, option="--port")
    try:
        return Listeners(plain, bound(TLS_HOST, tls_port, option="--tls-port"))
    except CannotStart:
        plain.close()
        raise


def bound(host: str, port: int, *, option: str) -> socket.socket:
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise CannotStart(f"The host {host} cannot be resolved. Say another one with --host.") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotStart(refusal(error, host, port, option)) from error
    return listener


def refusal(error: OSError, host: str, port: int, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program. Stop that, or say another port with {option}."
    if error.errno == errno.EACCES:
        return f"Port {port} is open to root only. Say one above 1023 with {option}."
    return f"Port {port} on {host} cannot be opened: {error.strerror}. Say others with --host and {option}."


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])
