"""What an action is: its parameters, its answer, and the one operation that it calls."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from access.operations.calls import remembered
from access.operations.decisions import authorize
from access.principals import Principal
from access.scopes import arn
from assistant.instances.models import Region
from openapi.errors import ApiError
from openapi.parameters import Parameter, Text

ECS = "2014-05-26"
OOS = "2019-06-01"
CMS = "2019-01-01"
VERSIONS = (ECS, OOS, CMS)
PRODUCTS = {ECS: "ecs", OOS: "oos", CMS: "cms"}

# What an idempotent action takes beside its parameters.
CLIENT_TOKEN = "ClientToken"  # noqa: S105 - a name

# The answer's shape: names with their types, nested as in the answer; one element stands for all of a list.
Shape = Mapping[str, Any]


class RegionUnknown(ApiError):
    code = "InvalidRegionId.NotFound"
    status = 404


class Action:
    """One action of the API. A subclass declares; an instance is one call, with its parameters read."""

    version: ClassVar[str] = ECS
    # What it does, in a sentence for the reference.
    doc: ClassVar[str] = ""
    answer: ClassVar[Shape] = {}
    # Whether it takes a ClientToken, by which a second call gets the first one's answer.
    is_idempotent: ClassVar[bool] = False
    # Whether its answer holds what is shown once.
    tells_secret: ClassVar[bool] = False
    # Codes by which the API calls refusals that the console has other words for.
    codes: ClassVar[Mapping[str, str]] = {}
    # Templates show classes; they are not to make calls of them.
    do_not_call_in_templates: ClassVar[bool] = True

    def __init__(self, said: Mapping[str, str], *, host: str = "") -> None:
        """`host`: the one that was called. Raises MissingParameter and InvalidParameter."""
        self.host = host
        for parameter in parameters_of(type(self)):
            self.__dict__[parameter.attribute] = parameter.take(said)

    @classmethod
    def name(cls) -> str:
        return cls.__name__

    @classmethod
    def product(cls) -> str:
        """The first word of the permission: `ecs` of `ecs:RunCommand`."""
        return PRODUCTS[cls.version]

    @classmethod
    def permission(cls) -> str:
        return f"{cls.product()}:{cls.name()}"

    def perform(self, principal: Principal) -> dict[str, Any]:
        """Do it, and say the answer without its RequestId."""
        raise NotImplementedError


class Regional(Action):
    """An action of one region: the one that is named, else the first."""

    region_id = Text(doc="region of the call; the first one where it is left out")

    @cached_property
    def region(self) -> Region:
        regions = Region.objects.order_by("pk")
        found = regions.filter(pk=self.region_id).first() if self.region_id else regions.first()
        if found is None:
            raise RegionUnknown(f"There is no region {self.region_id}.", field="RegionId")
        return found


def check_named(call: Regional, principal: Principal, kind: str, pk: str) -> None:
    """Refuse a call that names what its caller may not see, whether it is there or not (CA-246)."""
    with remembered(principal):
        authorize(principal, call.permission(), arn("ecs", kind, pk, region=call.region.pk))


def parameters_of(action: type[Action]) -> list[Parameter[Any]]:
    """As they are declared, those of its bases first."""
    found: dict[str, Parameter[Any]] = {}
    for one in reversed(action.__mro__):
        found |= {name: value for name, value in vars(one).items() if isinstance(value, Parameter)}
    return list(found.values())


def names_of(action: type[Action]) -> Mapping[str, str]:
    """How its parameters are spelled, by their names in lower case."""
    names = [*(parameter.name for parameter in parameters_of(action)), CLIENT_TOKEN]
    return {name.lower(): name for name in names}


def as_declared(action: type[Action], said: Mapping[str, str]) -> dict[str, str]:
    """What was said, by the action's own names for it: callers write them in any case (CA-87).

    Where one name came in two spellings the declared one counts, else the last.
    """
    names = names_of(action)
    found: dict[str, str] = {}
    for name, text in said.items():
        first, dot, rest = name.partition(".")
        found[names.get(first.lower(), first) + dot + rest] = text
    return {**found, **{name: said[name] for name in found if name in said}}
