"""A call as it came over the wire, read once.

Parameters stand in the query, in a form body or in both; the form's word counts where both have one
(openapi 1.1). Django's own reading is not used: it bounds the number of fields and loses the order.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl

from openapi.errors import Malformed

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
# Far above what a legal call needs: 100 instances, 20 tags, parameters.
FIELDS_MOST = 2000
BODY_BYTES = 2_621_440
# Of a name in a JSON body, which is written anew for each member of a list.
NAME_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class Request:
    """Headers by their names in lower case, as they were sent; query and body as bytes of the wire."""

    method: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = ""
    path: str = "/"
    source_ip: str = ""
    is_secure: bool = False

    @property
    def host(self) -> str:
        return self.headers.get("host", "")


class Parameters:
    """What a call says, decoded. Names given twice: the last one counts."""

    def __init__(self, request: Request) -> None:
        """Raises Malformed for what cannot be read."""
        if len(request.body) > BODY_BYTES:
            raise Malformed("The body is larger than a call can be.")
        self.query = pairs(request.query)
        self.form = self._form(request)

    @cached_property
    def all(self) -> dict[str, str]:
        return {**self.query, **self.form}

    @staticmethod
    def _form(request: Request) -> dict[str, str]:
        kind = request.content_type.partition(";")[0].strip().lower()
        if kind == FORM:
            return pairs(text_of(request.body))
        if kind == JSON and request.body.strip():
            return fields_of(request.body)
        return {}


def pairs(text: str) -> dict[str, str]:
    try:
        found = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MOST)
    except UnicodeDecodeError as error:
        raise Malformed("The parameters are not UTF-8.") from error
    except ValueError as error:
        raise Malformed(f"There are more than {FIELDS_MOST} parameters.") from error
    return dict(found)


def text_of(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError as error:
        raise Malformed("The form is not escaped.") from error


def fields_of(body: bytes) -> dict[str, str]:
    """A JSON body's members; lists and objects become the names that a query has for them."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not JSON.") from error
    if not isinstance(said, dict):
        raise Malformed("The body is not a JSON object.")
    fields: dict[str, str] = {}
    flatten("", said, fields, depth=0)
    return fields


def flatten(prefix: str, value: object, fields: dict[str, str], *, depth: int) -> None:
    if depth > 4 or len(fields) > FIELDS_MOST or len(prefix) > NAME_CHARACTERS:
        raise Malformed("The body says more than a call can.")
    if isinstance(value, dict):
        for name, one in value.items():
            flatten(f"{prefix}.{whole(name)}" if prefix else whole(name), one, fields, depth=depth + 1)
    elif isinstance(value, list):
        for number, one in enumerate(value, start=1):
            flatten(f"{prefix}.{number}", one, fields, depth=depth + 1)
    elif value is not None:
        fields[prefix] = json.dumps(value) if isinstance(value, bool | int | float) else whole(str(value))


def whole(text: str) -> str:
    """JSON can spell halves of characters, which no text has."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Malformed("The body holds half a character.") from error
    return text
