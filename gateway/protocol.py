"""The agents' wire without input or output: calls in, messages out; answers in, bytes out.

Paths, fields and forms are those of the reference agent (docs/protocol.md).
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from assistant.instances.operations.registrations import Registration
from assistant.invocations import limits
from assistant.invocations.operations.deliveries import Task, Work
from assistant.invocations.rules.reports import Report
from assistant.invocations.states import ReportKind
from console.kit import ids
from console.kit.clock import from_milliseconds, to_milliseconds
from gateway.errors import Malformed, UnknownPath
from gateway.signing import load_key, pem_text

PREFIX = "/luban"
NOTIFY_PATH = f"{PREFIX}/notify_server"
JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

NEXT_HEARTBEAT_MS = 60_000
STATE_INTERVAL_SECONDS = 1800
UPDATE_INTERVAL_SECONDS = 1800

# Numbers that agents send end in integer columns: what is further out is nonsense and is bounded.
INT32 = 2**31 - 1
BYTES_MOST = 2**53
# Of one report; they are added up, and a run has many.
DROPPED_MOST = 2**40
AGENT_VERSION = re.compile(r"^(?P<os>[a-z]+)_(?P<arch>[^/]+)/(?P<version>\S+)")
FACT_CHARACTERS = 255
# The agent's own codes and texts are at most 255 bytes before they are escaped.
DESCRIPTION_CHARACTERS = limits.ERROR_INFO_CHARACTERS
REGISTER_TAGS = 20
TIME_ZONE_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP call as it came in. `excess`: bytes of the body beyond what is read."""

    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: str = ""
    excess: int = 0

    @property
    def fields(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True, errors="replace"))

    @property
    def body_bytes(self) -> int:
        """How long the body is to be; without bounds where that is not said."""
        if "transfer-encoding" in self.headers:
            return BYTES_MOST
        return int(self.headers.get("content-length", 0))

    @property
    def agent_version(self) -> str:
        match = AGENT_VERSION.match(self.headers.get("user-agent", ""))
        return match["version"][:32] if match else ""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = JSON


# --- Messages ---


@dataclass(frozen=True, slots=True)
class Deregister:
    pass


@dataclass(frozen=True, slots=True)
class Heartbeat:
    agent_version: str
    agent_started_at: datetime | None
    peer: str


@dataclass(frozen=True, slots=True)
class FetchTasks:
    is_startup: bool
    cold_start: bool
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    report: Report


@dataclass(frozen=True, slots=True)
class StateAsked:
    """The state manager's question; it says which system the agent runs on."""

    os_version: str
    has_checkpoint: bool


@dataclass(frozen=True, slots=True)
class Courtesy:
    """A call about something that is not served yet: a correct answer that asks for nothing."""

    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SelfTest:
    """An agent's question who it is (CA-71)."""


Message = Deregister | Heartbeat | FetchTasks | Reported | StateAsked | Courtesy | SelfTest


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose signature was verified, and how far its clock is from ours."""

    instance_id: str
    sent_at: int
    now: int

    def moment(self, milliseconds: int, said_at: int = 0) -> datetime | None:
        """The agent's moment in our clock, never in the future; None for zero.

        `said_at` is the agent's clock at the call where it says so; the signature's timestamp may be older.
        """
        if milliseconds <= 0:
            return None
        return from_milliseconds(min(self.now, milliseconds + self.now - (said_at or self.sent_at)))


# --- In ---


def parse(call: Call, sender: Sender) -> Message:
    """What a signed call means. Raises Malformed, UnknownPath."""
    reader = READERS.get(call.path)
    if reader is None:
        raise UnknownPath(f"Nothing is served at {call.path[:200]}.")
    return reader(call, sender)


def parse_registration(call: Call) -> Registration:
    """The one call that is not signed. Raises Malformed."""
    said = json_object(call.body)
    key = load_key(pem_of(said))
    registration = Registration(
        activation_id=text_of(said, "activationId"),
        activation_code=text_of(said, "activationCode"),
        machine_id=text_of(said, "machineId", most=128),
        public_key=pem_text(key),
        region_id=text_of(said, "regionId"),
        instance_name=text_of(said, "instanceName", most=128),
        hostname=text_of(said, "hostname"),
        intranet_ip=address_of(text_of(said, "intranetIp", most=45)),
        os_type=os_type_of(text_of(said, "osType")),
        os_version=text_of(said, "osVersion"),
        agent_name=text_of(said, "agentName", most=64),
        agent_version=text_of(said, "agentVersion", most=32),
        username=text_of(said, "username"),
        is_privileged=said.get("privileged") is not False,
        tags=tags_of(said.get("tag")),
    )
    if not registration.machine_id:
        raise Malformed("machineId is missing.")
    return registration


def parse_heartbeat(call: Call, sender: Sender) -> Heartbeat:
    fields = call.fields
    uptime = number_of(fields, "process_uptime", most=BYTES_MOST)
    started_at = sender.moment(sender.sent_at - uptime) if "process_uptime" in fields else None
    return Heartbeat(call.agent_version, started_at, call.peer)


def parse_fetch(call: Call, _sender: Sender) -> FetchTasks:
    fields = call.fields
    is_startup = fields.get("reason") == "startup"
    is_cold = is_startup and fields.get("cold_start") == "true"
    return FetchTasks(is_startup, is_cold, shown(fields.get("timeZone", ""), TIME_ZONE_CHARACTERS))


def parse_report(kind: ReportKind) -> Callable[[Call, Sender], Reported]:
    def reader(call: Call, sender: Sender) -> Reported:
        fields = call.fields
        invocation_id = shown(fields.get("taskId", ""), 64)
        if not invocation_id:
            raise Malformed("taskId is missing.")
        said_at = number_of(fields, "currentTime", most=BYTES_MOST)
        # `stopped` spells it differently from the others.
        exit_code = number_of(fields, "exitCode", "exitcode", least=-INT32 - 1, most=INT32)
        return Reported(
            Report(
                instance_id=sender.instance_id,
                invocation_id=invocation_id,
                kind=kind,
                invoke_version=number_of(fields, "invokeVersion", most=INT32),
                start=number_of(fields, "start", most=BYTES_MOST),
                fire=number_of(fields, "fire", most=BYTES_MOST),
                is_completed=fields.get("result") == "completed",
                started_at=sender.moment(number_of(fields, "start", most=BYTES_MOST), said_at),
                ended_at=sender.moment(number_of(fields, "end", most=BYTES_MOST), said_at),
                exit_code=exit_code,
                dropped=number_of(fields, "dropped", most=DROPPED_MOST),
                offset=number_of(fields, "outputOffset", most=BYTES_MOST)
                if "outputOffset" in fields
                else None,
                body=call.body,
                excess=call.excess,
                error_code=shown(fields.get("param") or fields.get("errCode", ""), 64),
                error_info=shown(fields.get("value") or fields.get("errDesc", ""), DESCRIPTION_CHARACTERS),
            )
        )

    return reader


def parse_state_question(call: Call, _sender: Sender) -> StateAsked:
    said = json_object(call.body)
    system = f"{text_of(said, 'platformName')} {text_of(said, 'platformVersion')}".strip()
    return StateAsked(system[:FACT_CHARACTERS], bool(said.get("lastCheckpoint")))


def courtesy(**answer: Any) -> Callable[[Call, Sender], Courtesy]:
    return lambda _call, _sender: Courtesy(answer)


READERS: Mapping[str, Callable[[Call, Sender], Message]] = {
    f"{PREFIX}/api/instance/deregister": lambda _call, _sender: Deregister(),
    f"{PREFIX}/api/instance/instance-id": lambda _call, _sender: SelfTest(),
    f"{PREFIX}/api/heart-beat": parse_heartbeat,
    f"{PREFIX}/api/v1/task/list": parse_fetch,
    **{f"{PREFIX}/api/v1/task/{kind.value}": parse_report(kind) for kind in ReportKind},
    f"{PREFIX}/api/instance/list_instance_state_configurations": parse_state_question,
    f"{PREFIX}/api/instance/get_template": courtesy(errCode="TemplateNotFound", errMsg="There is none."),
    f"{PREFIX}/api/instance/put_inventory": courtesy(errCode="", errMsg="", result={}),
    f"{PREFIX}/api/instance/put_instance_state_report": courtesy(errCode="", errMsg="", result={}),
    f"{PREFIX}/api/v1/session/list": courtesy(code=200, session=[]),
    f"{PREFIX}/api/v1/session/status": courtesy(code=200),
    f"{PREFIX}/api/v1/update/update_check": courtesy(
        flag=0,
        need_update=0,
        next_interval=UPDATE_INTERVAL_SECONDS,
        update_info={"file_name": "", "md5": "", "url": ""},
    ),
    f"{PREFIX}/api/v1/plugin/list": courtesy(code=200, pluginList=[]),
    f"{PREFIX}/api/v1/plugin/report_status": courtesy(
        code=200, scanInterval=900, pullInterval=300, refreshInterval=60, reportType=0
    ),
    f"{PREFIX}/api/v2/plugin/update_check": courtesy(nextInterval=UPDATE_INTERVAL_SECONDS, plugin=[]),
    f"{PREFIX}/api/metrics": courtesy(code=200),
    f"{PREFIX}/api/v1/exception/client_report": courtesy(code=200),
    f"{PREFIX}/api/gshell": courtesy(code=200),
}


# --- Out ---


def answer_of(status: int, **said: Any) -> Answer:
    return Answer(status, json.dumps(said, separators=(",", ":")).encode())


def answer_error(status: int, code: str, message: str) -> Answer:
    """A refusal. `code` is an integer for the agent (a text makes it believe in a success); people read on."""
    return answer_of(status, code=status, errCode=code, errMsg=message, message=message)


def answer_heartbeat() -> Answer:
    return answer_of(200, nextInterval=NEXT_HEARTBEAT_MS)


def answer_state(asked: StateAsked, now: datetime) -> Answer:
    """No configurations. Without a checkpoint the answer must say that something changed."""
    result = {
        "RequestId": ids.request_id(),
        "Interval": STATE_INTERVAL_SECONDS,
        "Changed": not asked.has_checkpoint,
        "Checkpoint": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "StateConfigurations": [],
    }
    return answer_of(200, errCode="", errMsg="", result=result)


def answer_tasks(instance_id: str, work: Work, *, output_limit: int) -> Answer:
    """The work of one fetch. One field of a wrong type loses the whole answer at the agent."""
    return answer_of(
        200,
        code=200,
        instanceId=instance_id,
        run=entries(work.runs, instance_id, output_limit),
        stop=entries(work.stops, instance_id, output_limit),
        test=[],
        file=[],
        session=[],
    )


def entries(tasks: Sequence[Task], instance_id: str, output_limit: int) -> list[dict[str, Any]]:
    output = {
        "interval": limits.REPORT_INTERVAL_MS,
        "logQuota": output_limit,
        "skipEmpty": True,
        "sendStart": True,
    }
    return [
        {"task": task_entry(task, instance_id), "output": output, "repeat": task.repeat} for task in tasks
    ]


def task_entry(task: Task, instance_id: str) -> dict[str, Any]:
    return {
        "taskID": task.invocation_id,
        "type": task.type,
        "commandId": task.command_id,
        # A name would become part of a file name on the server; the id does for finding it.
        "commandName": "",
        "commandContent": task.content,
        "timeOut": str(task.timeout),
        "invokeVersion": task.invoke_version,
        "enableParameter": task.is_erased,
        "builtInParameter": {},
        "workingDirectory": task.working_dir,
        "args": "",
        "cron": task.cron,
        "username": task.username,
        "windowsPasswordName": "",
        "creationTime": to_milliseconds(task.created_at),
        # Our agent's own word: no run begins from then on.
        "notAfter": to_milliseconds(task.expires_at) if task.expires_at else 0,
        "containerId": "",
        "containerName": "",
        "instanceId": instance_id,
    }


# --- Fields ---


def json_object(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not JSON.") from error
    if not isinstance(said, dict):
        raise Malformed("The body is not a JSON object.")
    return said


def text_of(said: Mapping[str, Any], name: str, *, most: int = FACT_CHARACTERS) -> str:
    """A text field; null and absence are empty, as on the agent's side."""
    value = said.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"{name} is not a text.")
    return shown(value, most)


def shown(value: str, most: int) -> str:
    """Without what no column and no page can hold."""
    return value.replace("\x00", "").encode(errors="replace").decode()[:most].strip()


def number_of(fields: Mapping[str, str], *names: str, least: int = 0, most: int) -> int:
    """The first of these fields that is there, within bounds; 0 where none is."""
    value = next((fields[name] for name in names if fields.get(name)), "0")
    try:
        number = int(value) if len(value) <= 20 else most
    except ValueError as error:
        raise Malformed(f"{names[0]} is not a whole number.") from error
    return min(max(number, least), most)


def pem_of(said: Mapping[str, Any]) -> bytes:
    value = said.get("publicKey")
    if not isinstance(value, str):
        raise Malformed("publicKey is missing.")
    try:
        return b64decode(value, validate=True)[:4096]
    except ValueError as error:
        raise Malformed("publicKey is not Base64.") from error


def address_of(text: str) -> str:
    # What the reference agent sends where it has found none.
    return "" if text == "<nil>" else text


def os_type_of(text: str) -> str:
    return text.lower() if text.lower() in ("linux", "windows", "freebsd") else "linux"


def tags_of(value: Any) -> dict[str, str]:
    if not isinstance(value, list):
        return {}
    pairs = [one for one in value if isinstance(one, dict) and one.get("key")]
    return {text_of(one, "key", most=64): text_of(one, "value", most=128) for one in pairs[:REGISTER_TAGS]}
