"""The calls of the gateway protocol, as the agent makes them."""

from __future__ import annotations

import binascii
import json
import math
import os
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from agent import NAME, VERSION, facts, http, log, websocket
from agent.errors import RegistrationRefused

if TYPE_CHECKING:
    from agent.signing import Signer
    from agent.state import Identity
    from agent.transport import Connector

CALL_TIMEOUT_SECONDS = 5.0
TASK_LIST_TIMEOUT_SECONDS = 8.0

JSON_TYPE = "application/json; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"

UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

# A signature takes a millisecond, which counts between the end of a command and its report. One that is
# made beforehand must be young: the server compares its time with its own.
SPARE_SECONDS = 20.0
NO_SPARE: tuple[float, dict[str, str]] = (-math.inf, {})

Parameters = dict[str, "str | int"]


class Registration(NamedTuple):
    activation_id: str
    activation_code: str
    region_id: str
    instance_name: str
    machine_id: str
    public_key: str
    tags: list[tuple[str, str]]


def quote(text: str) -> str:
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def query(parameters: Parameters) -> str:
    return "&".join(f"{name}={quote(str(value))}" for name, value in parameters.items())


def request_id() -> str:
    """A random UUID, version 4."""
    number = bytearray(os.urandom(16))
    number[6] = number[6] & 0x0F | 0x40
    number[8] = number[8] & 0x3F | 0x80
    text = number.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def register(connector: Connector, registration: Registration) -> str:
    """Register this machine and return its instance id; raises RegistrationRefused."""
    request = http.Request("POST", "/luban/api/instance/register", _body(connector, registration), JSON_TYPE)
    response = http.Client(connector).send(
        request, lambda: {"User-Agent": facts.user_agent()}, CALL_TIMEOUT_SECONDS * 4
    )
    answer = parse_object(response.body)
    instance_id = answer.get("instanceId")
    if response.status > 400 or answer.get("code") != 200 or not isinstance(instance_id, str):
        raise RegistrationRefused(f"The server refused the registration: {readable_reason(response)}")
    return instance_id


def _body(connector: Connector, registration: Registration) -> bytes:
    fields = {
        "activationCode": registration.activation_code,
        "activationId": registration.activation_id,
        "machineId": registration.machine_id,
        "regionId": registration.region_id,
        "instanceName": registration.instance_name,
        "hostname": facts.hostname(),
        "intranetIp": facts.intranet_ip(connector.route.server.host) or "<nil>",
        "osVersion": facts.os_version(),
        "osType": "linux",
        "agentVersion": VERSION,
        "publicKey": binascii.b2a_base64(registration.public_key.encode(), newline=False).decode(),
        "tag": [{"key": key, "value": value} for key, value in registration.tags],
        "agentName": NAME,
        "username": facts.account_name(),
        "privileged": facts.is_privileged(),
    }
    return json.dumps(fields).encode()


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; empty for anything else, which no caller can use."""
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def readable_reason(response: http.Response) -> str:
    answer = parse_object(response.body)
    for name in ("message", "errMsg", "Message", "reason", "error"):
        if isinstance(answer.get(name), str) and answer[name]:
            return str(answer[name])
    text = response.body.decode("utf-8", "replace").strip()
    return f"{text[:500]} (status {response.status})" if text else f"status {response.status}"


class Gateway:
    """The server as a registered agent sees it; may be used by several threads at once."""

    def __init__(self, connector: Connector, identity: Identity, signer: Signer) -> None:
        self.identity = identity
        self._connector = connector
        self._client = http.Client(connector)
        self._signer = signer
        self._address = facts.intranet_ip(connector.route.server.host)
        self._lock = threading.Lock()
        self._spare = NO_SPARE
        self.is_refused = False

    def heartbeat(self, parameters: Parameters) -> http.Response:
        return self._call(http.Request("GET", f"/luban/api/heart-beat?{query(parameters)}"))

    def task_list(self, parameters: Parameters) -> http.Response:
        target = f"/luban/api/v1/task/list?{query(parameters)}"
        return self._call(http.Request("POST", target, b"", JSON_TYPE), TASK_LIST_TIMEOUT_SECONDS)

    def report(self, kind: str, parameters: Parameters, body: bytes = b"") -> http.Response:
        # The signature may have been made a while ago; the server needs this clock's now to place the moments.
        said = {**parameters, "currentTime": time.time_ns() // 1_000_000}
        target = f"/luban/api/v1/task/{kind}?{query(said)}"
        return self._call(http.Request("POST", target, body, TEXT_TYPE))

    def deregister(self) -> http.Response:
        return self._call(http.Request("POST", "/luban/api/instance/deregister", b"", JSON_TYPE))

    def open_push_channel(self) -> websocket.WebSocket:
        try:
            channel = websocket.connect(self._connector, "/luban/notify_server", self._headers())
        except websocket.UpgradeRefused as refusal:
            self._note_refusal(refusal.status, str(refusal))
            raise
        self._note_refusal(101, "")
        return channel

    def _call(self, request: http.Request, timeout: float = CALL_TIMEOUT_SECONDS) -> http.Response:
        response = self._client.send(request, self._headers, timeout)
        self._note_refusal(response.status, readable_reason(response) if response.status > 400 else "")
        return response

    def prepare(self) -> None:
        """Sign the next call beforehand, while there is nothing better to do."""
        self._spare = (time.monotonic(), self._sign())

    def _headers(self) -> dict[str, str]:
        with self._lock:
            (made_at, headers), self._spare = self._spare, NO_SPARE
        return headers if time.monotonic() - made_at < SPARE_SECONDS else self._sign()

    def _sign(self) -> dict[str, str]:
        timestamp, identifier = str(facts.now_ms()), request_id()
        text = self.identity.instance_id + self.identity.machine_id + timestamp + identifier
        headers = {
            "User-Agent": facts.user_agent(),
            "x-acs-instance-id": self.identity.instance_id,
            "x-acs-timestamp": timestamp,
            "x-acs-request-id": identifier,
            "x-acs-signature": self._signer.sign(text),
        }
        if self._address:
            headers["X-Client-IP"] = self._address
        return headers

    def _note_refusal(self, status: int, reason: str) -> None:
        """Say once that the server does not accept this agent, and once that it does again."""
        is_refused = status in (401, 403)
        with self._lock:
            has_changed, self.is_refused = self.is_refused != is_refused, is_refused
        if has_changed and is_refused:
            log.error(
                "The server does not accept this agent; it stays registered here and keeps trying. "
                f"Register it again if it was removed from the console. Reason: {reason}",
                instance=self.identity.instance_id,
            )
        elif has_changed:
            log.info("The server accepts this agent again", instance=self.identity.instance_id)
