"""Conditions: operators as pure tests, and which keys a request of which action carries (CA-239 to CA-245)."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from operator import eq, ge, gt, le, lt
from typing import Any, NamedTuple

from access.rules.globs import regex_of

Test = Callable[[str], bool]

TAG_KEY = "ecs:tag/"
RUN_AS_KEY = "ecs:CommandRunAs"
SERVICE_NAME_KEY = "ram:ServiceName"

# Keys that every request carries, or may carry, whatever it asks for (CA-245).
GLOBAL_KEYS = frozenset({"acs:SourceIp", "acs:CurrentTime", "acs:SecureTransport", "acs:MFAPresent"})
# Keys that belong to some actions only, in small letters (CA-241).
KEYS_OF_ACTIONS: Mapping[str, frozenset[str]] = {
    RUN_AS_KEY: frozenset({"ecs:runcommand", "ecs:invokecommand"}),
    SERVICE_NAME_KEY: frozenset({"ram:createservicelinkedrole", "ram:deleteservicelinkedrole"}),
}
# What carries tags here. A statement on instances and commands does not ask commands for a tag.
TAGGED_TYPES = frozenset({"instance"})

ASCII_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def folded(text: str) -> str:
    """With small letters; of the alphabet from A to Z alone, as both databases can do it too."""
    return text.translate(ASCII_SMALL)


# --- Operators ---


def is_one_of(values: tuple[str, ...]) -> Test:
    return frozenset(values).__contains__


def is_one_of_folded(values: tuple[str, ...]) -> Test:
    wanted = frozenset(map(folded, values))
    return lambda value: folded(value) in wanted


def is_like(values: tuple[str, ...]) -> Test:
    matches = re.compile("|".join(map(regex_of, values)), re.DOTALL).fullmatch
    return lambda value: matches(value) is not None


def number(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(text)
    return value


def moment(text: str) -> datetime:
    """A date or a moment as ISO 8601 writes them; without a zone it is UTC."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def compared(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Callable[..., Test]:
    """True where the value compares so with any of the policy's; a value that cannot be read never does."""

    def operator(values: tuple[str, ...]) -> Test:
        wanted = [read(value) for value in values]

        def test(value: str) -> bool:
            try:
                given = read(value)
            except (ValueError, InvalidOperation):
                return False
            return any(compare(given, one) for one in wanted)

        return test

    return operator


def truth(text: str) -> bool:
    words = {"true": True, "false": False}
    if folded(text) not in words:
        raise ValueError(text)
    return words[folded(text)]


def is_in_network(values: tuple[str, ...]) -> Test:
    networks = [ipaddress.ip_network(value, strict=False) for value in values]

    def test(value: str) -> bool:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in networks)

    return test


class Operator(NamedTuple):
    """A positive test and whether it is turned round: `StringNotEquals` is `StringEquals`, negative."""

    positive: str
    make: Callable[[tuple[str, ...]], Test]
    negative: bool


def table() -> dict[str, Operator]:
    positives: dict[str, Callable[[tuple[str, ...]], Test]] = {
        "StringEquals": is_one_of,
        "StringEqualsIgnoreCase": is_one_of_folded,
        "StringLike": is_like,
        "Bool": compared(truth, eq),
        "IpAddress": is_in_network,
    }
    for word, read in (("Numeric", number), ("Date", moment)):
        for suffix, compare in (
            ("Equals", eq),
            ("LessThan", lt),
            ("LessThanEquals", le),
            ("GreaterThan", gt),
            ("GreaterThanEquals", ge),
        ):
            positives[word + suffix] = compared(read, compare)
    operators = {name: Operator(name, make, negative=False) for name, make in positives.items()}
    for negative, positive in {
        "StringNotEquals": "StringEquals",
        "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
        "StringNotLike": "StringLike",
        "NumericNotEquals": "NumericEquals",
        "DateNotEquals": "DateEquals",
        "NotIpAddress": "IpAddress",
    }.items():
        operators[negative] = Operator(positive, positives[positive], negative=True)
    return operators


OPERATORS = table()


# --- Conditions ---


@dataclass(frozen=True)
class Condition:
    """One key under one operator: the values are alternatives, or, for a negative operator, all excluded."""

    operator: str
    key: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises ValueError or InvalidOperation where a value is none of the operator's kind."""
        object.__setattr__(self, "_test", OPERATORS[self.operator].make(self.values))

    @property
    def is_negative(self) -> bool:
        return OPERATORS[self.operator].negative

    @property
    def positive(self) -> str:
        return OPERATORS[self.operator].positive

    def passes_positive(self, value: str) -> bool:
        """The operator's positive test on a value that is there."""
        test: Test = self.__dict__["_test"]
        return test(value)

    def holds(self, context: Mapping[str, str]) -> bool:
        """A key that the request does not carry fails a positive operator and passes a negative one."""
        value = context.get(self.key)
        if value is None:
            return self.is_negative
        return self.passes_positive(value) is not self.is_negative


def belongs(key: str, action: str, resource_type: str) -> bool:
    """Whether a request for `action` on such a resource could carry the key.

    Only keys of the action's own service are said not to belong: others are absent like any other (CA-242).
    """
    service = action.partition(":")[0]
    if key.partition(":")[0] != service:
        return True
    if key.startswith(TAG_KEY):
        return resource_type in TAGGED_TYPES
    actions = KEYS_OF_ACTIONS.get(key)
    return actions is None or action in actions


def is_known_key(key: str) -> bool:
    """Whether any request here ever carries the key."""
    return key in GLOBAL_KEYS or key in KEYS_OF_ACTIONS or (key.startswith(TAG_KEY) and key != TAG_KEY)
