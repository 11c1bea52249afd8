"""What conditions may ask of a resource, as the rooms above keep it: tags, the account commands run as.

This room knows no instances. The room that does says how to ask it, once, when it is ready:

    SOURCES["ecs", "instance"] = instance_facts
"""

from collections.abc import Callable, Iterable, Mapping

from access.principals import Principal
from access.rules import arns
from access.rules.arns import Arn

Facts = Mapping[str, str]

# (service, type) → the condition keys of the resources of that type that the principal may see, for an
# action. What the principal may not see is left out, as if it were not there.
Source = Callable[[Principal, str, Iterable[Arn]], Mapping[Arn, Facts]]

SOURCES: dict[tuple[str, str], Source] = {}


def resource_facts(principal: Principal, action: str, resources: Iterable[str]) -> dict[str, Facts]:
    """The condition keys of each of these resources, of those that the principal may see."""
    wanted: dict[tuple[str, str], list[Arn]] = {}
    for resource in resources:
        arn = arns.split(resource)
        if arn is not None:
            wanted.setdefault((arn.service, arns.resource_type(resource)), []).append(arn)
    found: dict[str, Facts] = {}
    for kind, names in wanted.items():
        source = SOURCES.get(kind)
        if source is not None:
            found |= {str(arn): facts for arn, facts in source(principal, action, names).items()}
    return found
