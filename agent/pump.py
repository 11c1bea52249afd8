"""A plain socket whose other end is a TLS connection, for TLS through an HTTPS proxy."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

PIECE_BYTES = 16384


def plain_end(outer: ssl.SSLSocket) -> socket.socket:
    """Bytes written to the returned socket leave through `outer`, and the other way round."""
    ours, theirs = socket.socketpair()
    outer.settimeout(None)
    threading.Thread(target=_carry, args=(outer, theirs), daemon=True).start()
    return ours


def _carry(outer: ssl.SSLSocket, inner: socket.socket) -> None:
    # One thread for both directions: a TLS connection must not be read and written at once.
    poll = select.poll()
    poll.register(outer, select.POLLIN)
    poll.register(inner, select.POLLIN)
    with contextlib.suppress(OSError), outer, inner:
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if inner.fileno() in ready and not _copy(inner, outer):
                return
            if outer.fileno() in ready and not _copy(outer, inner):
                return


def _copy(source: socket.socket, target: socket.socket) -> bool:
    piece = source.recv(PIECE_BYTES)
    target.sendall(piece)
    return bool(piece)
