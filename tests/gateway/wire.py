"""An agent's side of the wire, spoken to the gateway's application directly."""

import asyncio
import base64
import json
import time
import uuid
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import MD5
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.waiting import soon

# One key for all: making one takes a tenth of a second.
KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)
MINUTE_MS = 60_000


def pem(key=KEY):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class Answer:
    def __init__(self, status, body):
        self.status = status
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Wire:
    """Calls the application as a server does; signed as `instance_id` where there is one."""

    def __init__(self, app, instance_id="", machine_id="machine-1", key=KEY, peer="192.0.2.10"):
        self.app = app
        self.instance_id = instance_id
        self.machine_id = machine_id
        self.key = key
        self.peer = peer
        self.clock_error_ms = 0

    def identity(self, request_id=None):
        timestamp = str(time.time_ns() // 1_000_000 + self.clock_error_ms)
        request_id = request_id or str(uuid.uuid4())
        text = f"{self.instance_id}{self.machine_id}{timestamp}{request_id}".encode()
        signature = base64.b64encode(self.key.sign(text, PKCS1v15(), MD5())).decode()
        return {
            "x-acs-instance-id": self.instance_id,
            "x-acs-timestamp": timestamp,
            "x-acs-request-id": request_id,
            "x-acs-signature": signature,
            "user-agent": "linux_amd64/2.2.3.578",
        }

    async def cut(self, path, body, **query):
        """A call whose connection ends in the middle of its body; whether it was answered all the same."""
        scope = {**self.scope("http", path, self.identity(), query), "method": "POST"}
        events = [{"type": "http.request", "body": body, "more_body": True}, {"type": "http.disconnect"}]
        sent = []

        async def receive():
            return events.pop(0)

        async def send(event):
            sent.append(event)

        await self.app(scope, receive, send)
        return bool(sent)

    async def post(self, path, body=b"", *, headers=None, method="POST", **query):
        headers = self.identity() if headers is None else headers
        scope = {
            **self.scope("http", path, headers, query),
            "method": method,
        }
        pieces = [body] if isinstance(body, bytes) else list(body)
        events = [
            {"type": "http.request", "body": piece, "more_body": place < len(pieces) - 1}
            for place, piece in enumerate(pieces)
        ]
        sent = []

        async def receive():
            return events.pop(0)

        async def send(event):
            sent.append(event)

        await self.app(scope, receive, send)
        return Answer(sent[0]["status"], sent[1]["body"])

    def scope(self, kind, path, headers, query):
        return {
            "type": kind,
            "path": path,
            "query_string": urlencode(query).encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": (self.peer, 40000),
            "scheme": "https",
        }

    async def register(self, activation, code, **said):
        body = {
            "activationId": activation.pk,
            "activationCode": code,
            "machineId": self.machine_id,
            "regionId": "local",
            "instanceName": "",
            "hostname": "web-1.example",
            "intranetIp": "10.0.0.7",
            "osVersion": "Linux_6.1_x86_64",
            "osType": "linux",
            "agentVersion": "2.2.3.578",
            "publicKey": base64.b64encode(pem(self.key)).decode(),
            "tag": [],
            **said,
        }
        answer = await self.post("/luban/api/instance/register", json.dumps(body).encode(), headers={})
        if answer.status == 200:
            self.instance_id = answer.json["instanceId"]
        return answer

    async def fetch(self, **query):
        return (await self.post("/luban/api/v1/task/list", **{"reason": "kickoff", **query})).json

    async def report(self, kind, task_id, body=b"", **query):
        said = {"taskId": task_id, "invokeVersion": 0, **query}
        return await self.post(f"/luban/api/v1/task/{kind}", body, **said)

    def socket(self, headers=None):
        return Notify(self, self.identity() if headers is None else headers)


class Notify:
    """The agent's end of a notify socket: `async with wire.socket() as socket`."""

    def __init__(self, wire, headers):
        self.scope = wire.scope("websocket", "/luban/notify_server", headers, {})
        self.app = wire.app
        self.incoming = asyncio.Queue()
        self.outgoing = asyncio.Queue()

    async def __aenter__(self):
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(self.app(self.scope, self.incoming.get, self.outgoing.put))
        event = await soon(self.outgoing.get())
        self.accepted = event["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *_error):
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await soon(self.task)

    async def event(self):
        return await soon(self.outgoing.get())

    async def text(self):
        return (await self.event())["text"]
