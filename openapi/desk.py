"""From a request to its answer: the order of the checks, and the one shape of all answers (openapi 3.2, 4)."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from access.operations.calls import remembered
from access.operations.decisions import authorize_look
from access.principals import Principal
from console.kit import ids
from console.kit.errors import ConsoleError, InvalidParameter, NotAllowed
from openapi.actions.base import CMS, Action, as_declared
from openapi.actions.registry import action_of
from openapi.admission import admit, is_v3
from openapi.codes import STATUSES
from openapi.errors import MethodNotAllowed, MissingParameter, Throttled
from openapi.idempotency import once
from openapi.requests import Parameters, Request

logger = logging.getLogger(__name__)

METHODS = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(request: Request) -> Answer:
    """The answer to a call; never raises for what a client can send."""

    def called(request_id: str) -> dict[str, Any]:
        check_method(request)
        parameters = Parameters(request)
        action = action_of(*asked_for(request, parameters))
        principal = admit(request, parameters, now=timezone.now())
        return carried_out(request_id, action, principal, parameters.all, host=request.host)

    return told(called, host=request.host)


def tried(action: type[Action], principal: Principal, said: Mapping[str, str], *, host: str) -> Answer:
    """The same for somebody who has signed in to the console: nothing is signed, all else is as it is."""
    return told(
        lambda request_id: carried_out(request_id, action, principal, said, host=host),
        host=host,
    )


def told(call: Callable[[str], dict[str, Any]], *, host: str) -> Answer:
    request_id = ids.request_id()
    try:
        said = call(request_id)
    except ConsoleError as error:
        logger.info("Call refused request=%s code=%s", request_id, error.code)
        return refused(request_id, error, host=host)
    except Exception:
        logger.exception("Call failed request=%s", request_id)
        return refused(request_id, None, host=host)
    return Answer(200, spelled(said))


def carried_out(
    request_id: str, action: type[Action], principal: Principal, said: Mapping[str, str], *, host: str
) -> dict[str, Any]:
    done = perform(action, principal, said, host=host)
    logger.info("Call answered request=%s action=%s principal=%s", request_id, action.name(), principal.name)
    head = {"Code": "200", "Message": "", "Success": True} if action.version == CMS else {}
    return {"RequestId": request_id, **head, **done}


def check_method(request: Request) -> None:
    if request.method not in METHODS:
        raise MethodNotAllowed("Call by GET or by POST.")


def asked_for(request: Request, parameters: Parameters) -> tuple[str, str]:
    """Version and action. V3 says them in headers, V1 among the parameters; where both do, each counts its own."""
    of_headers = (request.headers.get("x-acs-version", ""), request.headers.get("x-acs-action", ""))
    of_parameters = (parameters.all.get("Version", ""), parameters.all.get("Action", ""))
    version, name = of_headers if is_v3(request) else of_parameters
    for what, value in (("Action", name), ("Version", version)):
        if not value:
            raise MissingParameter(f"The parameter {what} is missing.", field=what)
    return version, name


def perform(
    action: type[Action], principal: Principal, said: Mapping[str, str], *, host: str = ""
) -> dict[str, Any]:
    """Read the parameters and do it; the operation asks for permission once more, on what it is done to."""
    name = action.name()
    look(principal, action.permission())
    try:
        asked = as_declared(action, said)
        called = action(asked, host=host)
        if action.is_idempotent:
            return once(
                principal,
                name,
                asked,
                lambda: called.perform(principal),
                now=timezone.now(),
                is_secret=action.tells_secret,
            )
        return called.perform(principal)
    except ConsoleError as error:
        error.code = code_of(action, error)  # type: ignore[misc]
        raise


def code_of(action: type[Action], error: ConsoleError) -> str:
    """The action's own word for a refusal: by its code and field, by its code, else the field's name in it."""
    named = f"{error.code}.{error.field}"
    if error.code == InvalidParameter.code and error.field:
        spelled_field = "".join(word.capitalize() for word in error.field.split("_"))
        return action.codes.get(named, f"{error.code}.{spelled_field}")
    return action.codes.get(named, action.codes.get(error.code, error.code))


def look(principal: Principal, action: str) -> None:
    """Whether the principal may do this anywhere at all, before a parameter is read."""
    with remembered(principal):
        authorize_look(principal, action)


def refused(request_id: str, error: ConsoleError | None, *, host: str) -> Answer:
    """An error in the API's shape; without one, something of ours broke, of which no more is told."""
    code = error.code if error else "InternalError"
    said: dict[str, Any] = {
        "RequestId": request_id,
        "HostId": host,
        "Code": code,
        "Message": error.message if error else "Something broke here. The log has it under the RequestId.",
        "Recommend": "",
    }
    if isinstance(error, NotAllowed):
        said["AccessDeniedDetail"] = {
            "AuthAction": str(error.facts.get("action", "")),
            "AuthPrincipalType": "SubUser",
            "AuthPrincipalOwnerId": "",
            "AuthPrincipalDisplayName": "",
            "PolicyType": "AccountLevelIdentityBasedPolicy",
            "NoPermissionType": "ImplicitDeny",
            "EncodedDiagnosticMessage": "",
        }
    headers = {"x-acs-retry-after": str(error.retry_after)} if isinstance(error, Throttled) else {}
    status = STATUSES.get(code, error.status) if error else 500
    return Answer(status, spelled(said), headers)


def spelled(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
