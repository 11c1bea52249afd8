"""A gateway for tests: it speaks the server's half of the wire and remembers what agents did.

Real TLS, real HTTP/1.1 with kept connections, real websocket frames; no product behind it.
"""

import base64
import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from tests.waiting import PATIENCE_SECONDS

ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Call(NamedTuple):
    path: str
    parameters: dict
    body: bytes
    at: float

    @property
    def kind(self):
        return self.path.rpartition("/")[2]

    @property
    def task(self):
        return self.parameters.get("taskId", "")


def shell(task_id, script, *, output=None, repeat="Once", **fields):
    """One entry of a task list."""
    content = base64.b64encode(script.encode() if isinstance(script, str) else script).decode()
    task = {"taskID": task_id, "type": "RunShellScript", "commandContent": content, "timeOut": "60", **fields}
    output = {"interval": 1000, "logQuota": 1048576, "skipEmpty": True, "sendStart": True, **(output or {})}
    return {"task": task, "output": output, "repeat": repeat}


class Stage:
    def __init__(self, chain):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain)
        self._server = None
        self.port = 0
        self.changed = threading.Condition()
        self.calls = []
        self.texts = []
        self.pings = 0
        self.channels = []
        self.work = {"run": [], "stop": [], "test": []}
        self.registrations = {}
        self.handshakes = 0
        self.refuse_registration = None
        self.answer_pings = True
        # What to answer instead of 200: by the last word of the path.
        self.statuses = {}
        # What is served to anybody: by path.
        self.files = {}

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self._server = _Server(("127.0.0.1", self.port), self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        """Go away as a crashed server does: nothing listens, and open connections break."""
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()
            server.cut_all()

    def wrap(self, connection):
        self.handshakes += 1
        return self._context.wrap_socket(connection, server_side=True)

    # What tests do

    def give(self, *, kick=True, **work):
        with self.changed:
            for name, entries in work.items():
                self.work[name].extend(entries)
        if kick:
            self.kick()

    def run(self, task_id, script, **fields):
        self.give(run=[shell(task_id, script, **fields)])

    def kick(self, text="kick_vm"):
        for channel in list(self.channels):
            channel.send_text(text)

    def cut_channels(self):
        for channel in list(self.channels):
            channel.cut()

    def wait(self, condition):
        """Wait until `condition()` gives something true, and return it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.changed:
            while not (found := condition()):
                remaining = deadline - time.monotonic()
                assert remaining > 0, f"it did not happen; calls: {[call[:2] for call in self.calls[-20:]]}"
                self.changed.wait(min(remaining, 0.05))
            return found

    def wait_for_channel(self):
        return self.wait(lambda: self.channels and any(call.kind == "list" for call in self.calls))

    def reports(self, task_id, kind=None):
        return [
            call
            for call in self.calls
            if "/task/" in call.path and call.task == task_id and kind in (None, call.kind)
        ]

    def final(self, task_id):
        kinds = {"finish", "timeout", "error", "stopped", "invalid"}
        return self.wait(lambda: next((call for call in self.reports(task_id) if call.kind in kinds), None))

    def final_output(self, task_id):
        self.final(task_id)
        return self.output(task_id)

    def output(self, task_id):
        """The chunks and the final body put together by their offsets."""
        whole = b""
        for call in self.reports(task_id):
            if "outputOffset" in call.parameters:
                offset = int(call.parameters["outputOffset"])
                assert offset <= len(whole), "there is a gap in the output"
                whole = whole[:offset] + call.body if offset + len(call.body) > len(whole) else whole
        return whole

    # What agents meet

    def note(self, call):
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()

    def take_work(self):
        with self.changed:
            work, self.work = self.work, {"run": [], "stop": [], "test": []}
        return {"code": 200, "instanceId": "mi-1", **work}

    def register(self, body):
        if self.refuse_registration:
            return 403, self.refuse_registration
        fields = json.loads(body)
        instance_id = f"mi-{len(self.registrations) + 1:06d}"
        key = serialization.load_pem_public_key(base64.b64decode(fields["publicKey"]))
        self.registrations[instance_id] = (fields, key)
        return 200, {"code": 200, "instanceId": instance_id}

    def is_signed(self, headers):
        fields, key = self.registrations.get(headers.get("x-acs-instance-id"), ({}, None))
        if key is None:
            return False
        names = ("x-acs-timestamp", "x-acs-request-id")
        text = headers["x-acs-instance-id"] + fields["machineId"] + "".join(headers[name] for name in names)
        try:
            signature = base64.b64decode(headers["x-acs-signature"])
            key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.MD5())
        except InvalidSignature:
            return False
        return True

    def answer(self, path, body):
        word = path.rpartition("/")[2]
        status = self.statuses.get(word, 200)
        if callable(status):
            status = status()
        if status != 200:
            return status, {"code": status, "message": "not now"}
        if word == "list":
            return 200, self.take_work()
        if word == "heart-beat":
            return 200, {"nextInterval": 55000}
        return 200, {"code": 200}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address, stage):
        self.stage = stage
        self._open = set()
        super().__init__(address, _Handler)

    def process_request_thread(self, request, client_address):
        try:
            request.settimeout(60)
            request = self.stage.wrap(request)
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            return
        self._open.add(request)
        super().process_request_thread(request, client_address)
        self._open.discard(request)

    def cut_all(self):
        for connection in list(self._open):
            _cut(connection)

    def handle_error(self, request, client_address):
        """Agents that are killed in the middle of a call are the purpose of some tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        if self.headers.get("Upgrade") == "websocket":
            self._serve_channel()
        else:
            self._serve()

    def do_POST(self):
        self._serve()

    def log_message(self, *arguments):
        pass

    def _serve(self):
        stage, came_at = self.server.stage, time.monotonic()
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parameters = {
            name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()
        }
        if url.path in stage.files:
            self._answer(200, stage.files[url.path])
            return
        if url.path.endswith("/register"):
            status, answer = stage.register(body)
        elif not stage.is_signed(self.headers):
            status, answer = 401, {"code": 401, "message": "unknown agent"}
        else:
            status, answer = stage.answer(url.path, body)
        self._answer(status, json.dumps(answer).encode())
        if status == 200 or url.path.endswith("heart-beat"):
            stage.note(Call(url.path, {**parameters, "agent": self.headers["User-Agent"]}, body, came_at))

    def _answer(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _serve_channel(self):
        stage = self.server.stage
        if not stage.is_signed(self.headers) or stage.statuses.get("notify_server"):
            self._answer(stage.statuses.get("notify_server", 401), b'{"message": "no"}')
            return
        digest = hashlib.sha1(
            (self.headers["Sec-WebSocket-Key"] + ACCEPT_SUFFIX).encode(), usedforsecurity=False
        ).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        Channel(stage, self.connection, self.rfile).serve()


class Channel:
    def __init__(self, stage, connection, stream):
        self._stage = stage
        self._connection = connection
        self._stream = stream

    def serve(self):
        with self._stage.changed:
            self._stage.channels.append(self)
            self._stage.changed.notify_all()
        try:
            while True:
                self._take(*self._read_frame())
        except (OSError, EOFError, struct.error, ValueError):
            pass
        finally:
            self._stage.channels.remove(self)

    def send_text(self, text):
        self.send(0x1, text.encode())

    def send(self, opcode, payload):
        assert len(payload) < 126
        self._connection.sendall(bytes((0x80 | opcode, len(payload))) + payload)

    def cut(self):
        _cut(self._connection)

    def _take(self, opcode, payload):
        stage = self._stage
        if opcode == 0x9 and stage.answer_pings:
            self.send(0xA, payload)
        with stage.changed:
            stage.pings += opcode == 0x9
            if opcode == 0x1:
                stage.texts.append(payload.decode())
            stage.changed.notify_all()
        if opcode == 0x8:
            raise EOFError

    def _read_frame(self):
        first, second = self._stream.read(2)
        assert second & 0x80, "clients have to mask"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._stream.read(2))
        mask = self._stream.read(4)
        payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(self._stream.read(size)))
        return first & 0x0F, payload


def _cut(connection):
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
