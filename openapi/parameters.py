"""Parameters of an action, declared: what they are called, what they may be, and how they are read.

    class StopInvocation(Action):
        invoke_id = Text(required=True, doc="id of the run")
        instance_ids = Texts("InstanceId", most=50, too_many="InstanceIds.ExceedLimit")

On an action that was called they are the values.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from openapi.errors import InvalidParameter, MissingParameter

Value = TypeVar("Value")


def is_whole(text: str) -> bool:
    """Without NUL and without surrogates, which JSON can spell and UTF-8 cannot."""
    return not any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in text)


MOMENTS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ")
NUMBERED = re.compile(r"(?P<name>[A-Za-z]+)\.(?P<number>[0-9]{1,6})(?:\.(?P<member>[A-Za-z]+))?")


class Parameter(Generic[Value]):
    """One parameter. Its name is that of the attribute, spelled as the API does, unless one is given."""

    # As the reference names it.
    kind: ClassVar[str] = "text"
    schema: ClassVar[Mapping[str, Any]] = {"type": "string"}

    def __init__(self, name: str = "", *, required: bool = False, doc: str = "", missing: str = "") -> None:
        self.name = name
        self.required = required
        self.doc = doc
        # The code where it is absent, where the API has one of its own.
        self.missing = missing

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute
        self.name = self.name or "".join(word.capitalize() for word in attribute.split("_"))

    @overload
    def __get__(self, action: None, owner: type) -> Self: ...
    @overload
    def __get__(self, action: object, owner: type) -> Value: ...
    def __get__(self, action: object | None, owner: type) -> Self | Value:
        if action is None:
            return self
        value: Value = action.__dict__[self.attribute]
        return value

    def take(self, said: Mapping[str, str]) -> Value:
        """The value out of a call's parameters. Raises MissingParameter and InvalidParameter."""
        if not said.get(self.name):
            if self.required:
                refusal = MissingParameter(f"The parameter {self.name} is missing.", field=self.name)
                refusal.code = self.missing or refusal.code  # type: ignore[misc]
                raise refusal
            return self.absent()
        return self.read(said[self.name])

    def absent(self) -> Value:
        raise NotImplementedError

    def read(self, text: str) -> Value:
        raise NotImplementedError

    @property
    def spelled(self) -> str:
        """The name as the reference has it: `InstanceId.N`."""
        return self.name

    def codes(self) -> set[str]:
        """The codes by which `take` refuses."""
        wrong = {f"InvalidParameter.{self.name}"}
        return wrong | {self.missing or MissingParameter.code} if self.required else wrong

    def check_text(self, text: str) -> None:
        """Raises InvalidParameter for what no column and no agent can hold."""
        if not is_whole(text):
            raise self.wrong("it holds a NUL character, or half of one that has two.")

    def wrong(self, sentence: str) -> InvalidParameter:
        return InvalidParameter(self.name, f"{self.name}: {sentence}")

    def refused(self, code: str, sentence: str) -> InvalidParameter:
        """What is wrong, by a code of the API's own."""
        refusal = self.wrong(sentence)
        refusal.code = code  # type: ignore[misc]
        return refusal


class Text(Parameter[str]):
    """Empty where it is absent. What is longer or holds NUL is refused."""

    def __init__(
        self,
        name: str = "",
        *,
        required: bool = False,
        doc: str = "",
        missing: str = "",
        most: int = 1_000_000,
        one_of: tuple[str, ...] = (),
    ) -> None:
        super().__init__(name, required=required, doc=doc, missing=missing)
        self.most = most
        self.one_of = one_of

    def absent(self) -> str:
        return ""

    def read(self, text: str) -> str:
        self.check_text(text)
        if len(text) > self.most:
            raise self.wrong(f"it has at most {self.most} characters.")
        return self._among(text) if self.one_of else text

    def _among(self, text: str) -> str:
        for choice in self.one_of:
            if choice.lower() == text.lower():
                return choice
        raise self.wrong(f"it is one of {', '.join(self.one_of)}.")


class MaybeText(Parameter[str | None]):
    """None where it is absent, told apart from empty: what is not named is not changed."""

    def take(self, said: Mapping[str, str]) -> str | None:
        if self.name not in said:
            return self.absent()
        return self.read(said[self.name])

    def absent(self) -> str | None:
        return None

    def read(self, text: str) -> str | None:
        self.check_text(text)
        return text


class Number(Parameter[int]):
    kind = "int"
    schema = {"type": "integer"}

    def __init__(
        self,
        name: str = "",
        *,
        default: int = 0,
        required: bool = False,
        doc: str = "",
        least: int = -(2**31),
        most: int = 2**31 - 1,
        code: str = "",
    ) -> None:
        super().__init__(name, required=required, doc=doc)
        self.default = default
        self.least = least
        self.most = most
        self.code = code

    def absent(self) -> int:
        return self.default

    def read(self, text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,10}", text) or not self.least <= int(text) <= self.most:
            refusal = self.wrong(f"it is a whole number from {self.least} to {self.most}.")
            refusal.code = self.code or refusal.code  # type: ignore[misc]
            raise refusal
        return int(text)

    def codes(self) -> set[str]:
        return {self.code} if self.code else super().codes()


class MaybeNumber(Parameter[int | None]):
    """None where it is absent."""

    kind = "int"
    schema = {"type": "integer"}

    def __init__(self, name: str = "", *, doc: str = "", least: int = 0, most: int = 2**31 - 1) -> None:
        super().__init__(name, doc=doc)
        self._number = Number(self.name, least=least, most=most)

    def absent(self) -> int | None:
        return None

    def read(self, text: str) -> int | None:
        self._number.name = self.name
        return self._number.read(text)


class Flag(Parameter[bool]):
    """`True`, `true`, `False` or `false`: the SDKs differ."""

    kind = "bool"
    schema = {"type": "boolean"}

    def __init__(
        self, name: str = "", *, default: bool = False, required: bool = False, doc: str = ""
    ) -> None:
        super().__init__(name, required=required, doc=doc)
        self.default = default

    def absent(self) -> bool:
        return self.default

    def read(self, text: str) -> bool:
        if text.lower() not in ("true", "false"):
            raise self.wrong("it is true or false.")
        return text.lower() == "true"


class MaybeFlag(Parameter[bool | None]):
    """None where it is absent."""

    kind = "bool"
    schema = {"type": "boolean"}

    def absent(self) -> bool | None:
        return None

    def read(self, text: str) -> bool | None:
        if text.lower() not in ("true", "false"):
            raise self.wrong("it is true or false.")
        return text.lower() == "true"


class Moment(Parameter[datetime | None]):
    kind = "time"
    schema = {"type": "string", "format": "date-time"}

    def absent(self) -> datetime | None:
        return None

    def read(self, text: str) -> datetime | None:
        for form in MOMENTS:
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
        raise self.wrong("a time is written as 2026-01-02T03:04:05Z, in UTC.")


class Texts(Parameter[list[str]]):
    """`Name.1`, `Name.2` …: all that are there, in the order of their numbers; some say them as a JSON list."""

    kind = "list of text"
    schema = {"type": "array", "items": {"type": "string"}}

    def __init__(
        self,
        name: str = "",
        *,
        required: bool = False,
        doc: str = "",
        missing: str = "",
        most: int = 100,
        too_many: str = "",
    ) -> None:
        super().__init__(name, required=required, doc=doc, missing=missing)
        self.most = most
        self.too_many = too_many

    def take(self, said: Mapping[str, str]) -> list[str]:
        found = [text for _number, text in sorted(numbered(self.name, said))] or self._listed(said)
        if self.required and not found:
            refusal = MissingParameter(f"The parameter {self.name}.1 is missing.", field=self.name)
            refusal.code = self.missing or refusal.code  # type: ignore[misc]
            raise refusal
        if len(found) > self.most:
            too_many = self.wrong(f"at most {self.most} may be named.")
            too_many.code = self.too_many or too_many.code  # type: ignore[misc]
            raise too_many
        for text in found:
            self.check_text(text)
        return list(dict.fromkeys(found))

    @property
    def spelled(self) -> str:
        return f"{self.name}.N"

    def codes(self) -> set[str]:
        return super().codes() | ({self.too_many} if self.too_many else set())

    def _listed(self, said: Mapping[str, str]) -> list[str]:
        return [said[self.name]] if said.get(self.name) else []


class Pairs(Parameter[list[tuple[str, str]]]):
    """`Tag.1.Key` with `Tag.1.Value`: a list of (key, value); the value is empty where it is absent.

    Its refusals are called by its name: `NumberExceed.Tags`, `Duplicate.TagKey` and so on.
    """

    kind = "list of pairs"
    schema = {
        "type": "array",
        "items": {"type": "object", "properties": {"Key": {"type": "string"}, "Value": {"type": "string"}}},
    }

    def __init__(self, name: str = "", *, doc: str = "", most: int = 20, required: bool = False) -> None:
        super().__init__(name, doc=doc, required=required)
        self.most = most

    def take(self, said: Mapping[str, str]) -> list[tuple[str, str]]:
        found: dict[int, dict[str, str]] = {}
        for name, text in said.items():
            match = NUMBERED.fullmatch(name)
            member = (match["member"] or "").lower() if match and match["name"] == self.name else ""
            if match and member in ("key", "value"):
                found.setdefault(int(match["number"]), {})[member] = text
        if self.required and not found:
            raise MissingParameter(f"The parameter {self.name}.1.Key is missing.", field=self.name)
        if len(found) > self.most:
            raise self.refused(f"NumberExceed.{self.name}s", f"at most {self.most} may be named.")
        pairs = [(one.get("key", ""), one.get("value", "")) for _number, one in sorted(found.items())]
        self._check(pairs)
        return pairs

    @property
    def spelled(self) -> str:
        return f"{self.name}.N.Key, {self.name}.N.Value"

    def codes(self) -> set[str]:
        named = {
            f"NumberExceed.{self.name}s",
            f"MissingParameter.{self.name}Key",
            f"Duplicate.{self.name}Key",
            f"Invalid{self.name}Key.Malformed",
            f"Invalid{self.name}Value.Malformed",
        }
        return named | {MissingParameter.code} if self.required else named

    def _check(self, pairs: list[tuple[str, str]]) -> None:
        keys = [key for key, _value in pairs]
        if any(not key for key in keys):
            raise self.refused(f"MissingParameter.{self.name}Key", "one has no Key.")
        if len(set(keys)) < len(keys):
            raise self.refused(f"Duplicate.{self.name}Key", "a key is named twice.")
        if any("\x00" in key for key in keys):
            raise self.refused(f"Invalid{self.name}Key.Malformed", "a key holds a NUL character.")
        if any("\x00" in value for _key, value in pairs):
            raise self.refused(f"Invalid{self.name}Value.Malformed", "a value holds a NUL character.")


class JsonObject(Parameter[dict[str, str]]):
    """A JSON object of texts; numbers and truth values in it are taken as they are spelled."""

    kind = "JSON text"

    def absent(self) -> dict[str, str]:
        return {}

    def read(self, text: str) -> dict[str, str]:
        try:
            said = json.loads(text, object_pairs_hook=self._once)
        except (ValueError, RecursionError) as error:
            raise self.wrong("it is not JSON.") from error
        if not isinstance(said, dict):
            raise self.wrong("it is not a JSON object.")
        for name in said:
            self.check_text(name)
        return {name: self._text(value) for name, value in said.items()}

    def _once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise self.wrong("a name stands in it twice.")
        return dict(pairs)

    def _text(self, value: Any) -> str:
        if isinstance(value, dict | list) or value is None:
            raise self.wrong("its values are texts.")
        self.check_text(str(value))
        return value if isinstance(value, str) else json.dumps(value)


def numbered(name: str, said: Mapping[str, str]) -> list[tuple[int, str]]:
    matches = ((NUMBERED.fullmatch(one), text) for one, text in said.items())
    return [
        (int(match["number"]), text)
        for match, text in matches
        if match and match["name"] == name and not match["member"] and text
    ]
