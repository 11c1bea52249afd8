"""The API as an OpenAPI 3.1 document.

All actions have one address. A document cannot say that, so each has a fragment of its own behind it
(`/#RunCommand`), which no client sends; the action is a parameter of the form.
"""

from collections.abc import Mapping
from typing import Any

from openapi.actions.base import ECS, Action
from openapi.actions.registry import served
from openapi.codes import codes_of
from openapi.parameters import Pairs, Parameter, Texts
from openapi.reference.described import (
    answer_of,
    by_group,
    choices_of,
    group_of,
    parameters_shown,
)

VERSION = "3.1.1"
SCALARS = {str: "string", int: "integer", bool: "boolean"}
SIGNED = """\
Every call is signed with an access key: by ACS3-HMAC-SHA256 in the header Authorization, or by HMAC-SHA1
among the parameters. The official SDKs do it. Parameters may stand in the query, in a form or in a JSON body.
"""
ERROR = {
    "type": "object",
    "required": ["RequestId", "HostId", "Code", "Message", "Recommend"],
    "properties": {
        "RequestId": {"type": "string"},
        "HostId": {"type": "string"},
        "Code": {"type": "string"},
        "Message": {"type": "string"},
        "Recommend": {"type": "string"},
        "AccessDeniedDetail": {"type": "object"},
    },
}


def document(*, server: str = "/") -> dict[str, Any]:
    """`server`: where the API is, such as `https://console.example:8443`."""
    actions = [served()[pair] for pair in sorted(served())]
    groups = [name for name, members in by_group().items() if members]
    return {
        "openapi": VERSION,
        "info": {"title": "Cloud Assistant", "version": ECS, "description": SIGNED},
        "servers": [{"url": server}],
        "security": [{"ACS3": []}],
        "tags": [{"name": name} for name in groups],
        "paths": {f"/#{action.name()}": {"post": operation_of(action)} for action in actions},
        "components": {
            "schemas": {"Error": ERROR},
            "responses": {
                "Refused": {
                    "description": "Refused, with a code.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
            },
            "securitySchemes": {
                "ACS3": {"type": "apiKey", "in": "header", "name": "Authorization", "description": SIGNED}
            },
        },
    }


def operation_of(action: type[Action]) -> dict[str, Any]:
    return {
        "operationId": action.name(),
        "tags": [group_of(action)],
        "summary": action.doc,
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": form_of(action)}},
        },
        "responses": {
            "200": {
                "description": "Done.",
                "content": {"application/json": {"schema": schema_of(answer_of(action))}},
            },
            "4XX": {"$ref": "#/components/responses/Refused"},
        },
        "x-permission": action.permission(),
        "x-error-codes": codes_of(action),
    }


def form_of(action: type[Action]) -> dict[str, Any]:
    """What is sent. Lists have a name for each of their members; what is not named here is ignored."""
    properties: dict[str, Any] = {"Action": {"const": action.name()}, "Version": {"const": action.version}}
    patterns: dict[str, Any] = {}
    required = ["Action", "Version"]
    for parameter in parameters_shown(action):
        if isinstance(parameter, Texts | Pairs):
            member = r"\.(Key|Value)" if isinstance(parameter, Pairs) else ""
            # Some of them are required: the first one is.
            patterns[rf"^{parameter.name}\.[0-9]+{member}$"] = {
                "type": "string",
                "description": parameter.doc,
            }
        else:
            properties[parameter.name] = field_of(parameter)
        required += [first_of(parameter)] if parameter.required else []
    form: dict[str, Any] = {"type": "object", "required": required, "properties": properties}
    return {**form, "patternProperties": patterns} if patterns else form


def first_of(parameter: Parameter[Any]) -> str:
    if isinstance(parameter, Pairs):
        return f"{parameter.name}.1.Key"
    return f"{parameter.name}.1" if isinstance(parameter, Texts) else parameter.name


def field_of(parameter: Parameter[Any]) -> dict[str, Any]:
    choices = choices_of(parameter)
    chosen = {"enum": list(choices)} if choices else {}
    return {**parameter.schema, **chosen, "description": parameter.doc}


def schema_of(shape: Any) -> dict[str, Any]:
    """Scalars may be absent; lists and what wraps them are always there."""
    if isinstance(shape, list):
        return {"type": "array", "items": schema_of(shape[0])}
    if not isinstance(shape, Mapping):
        return {"type": SCALARS[shape]}
    required = [name for name, kind in shape.items() if isinstance(kind, Mapping | list)]
    said = {"type": "object", "properties": {name: schema_of(kind) for name, kind in shape.items()}}
    return {**said, "required": required} if required else said
