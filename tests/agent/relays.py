"""Small proxies for tests: HTTP CONNECT, the same behind TLS, and SOCKS 5."""

import base64
import contextlib
import select
import socket
import ssl
import struct
import threading


class Relay:
    """Listens on a port of its own and passes connections on to wherever they want to go."""

    def __init__(self, *, chain=None, login=""):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context = None
        if chain:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(chain)
        self._login = login
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.targets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, EOFError, ssl.SSLError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                target = self.greet(connection)
                if target:
                    self.targets.append(target)
                    with socket.create_connection(target) as onward:
                        _exchange(connection, onward)


class ConnectRelay(Relay):
    def greet(self, connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += _read(connection, 1)
        lines = head.decode().split("\r\n")
        expected = base64.b64encode(self._login.encode()).decode()
        if self._login and f"Proxy-Authorization: Basic {expected}" not in lines:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return None
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        host, _, port = lines[0].split(" ")[1].rpartition(":")
        return host, int(port)


class SocksRelay(Relay):
    def greet(self, connection):
        _, count = _read(connection, 2)
        methods = _read(connection, count)
        wanted = 2 if self._login else 0
        connection.sendall(bytes((5, wanted if wanted in methods else 0xFF)))
        if self._login:
            user = _read(connection, _read(connection, 2)[1])
            password = _read(connection, _read(connection, 1)[0])
            is_right = f"{user.decode()}:{password.decode()}" == self._login
            connection.sendall(bytes((1, 0 if is_right else 1)))
        _, _, _, kind, size = _read(connection, 5)
        assert kind == 3
        host = _read(connection, size).decode()
        (port,) = struct.unpack(">H", _read(connection, 2))
        connection.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        return host, port


def _read(connection, size):
    content = b""
    while len(content) < size:
        piece = connection.recv(size - len(content))
        if not piece:
            raise EOFError
        content += piece
    return content


def _exchange(one, other):
    pairs = {one: other, other: one}
    while True:
        pending = [one] if isinstance(one, ssl.SSLSocket) and one.pending() else []
        for source in pending or select.select(list(pairs), [], [])[0]:
            piece = source.recv(65536)
            if not piece:
                return
            pairs[source].sendall(piece)
