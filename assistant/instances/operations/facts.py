"""What conditions may ask of instances, for questions such as "may this user do that?"."""

from collections.abc import Iterable

from access.principals import Principal
from access.rules.arns import Arn
from access.rules.conditions import KEYS_OF_ACTIONS, RUN_AS_KEY, TAG_KEY, folded
from assistant.instances.models import Instance, Tag


def instance_facts(principal: Principal, action: str, arns: Iterable[Arn]) -> dict[Arn, dict[str, str]]:
    """The tags of those that the principal may see, and whom commands run as where nobody is named (CA-243)."""
    wanted = {(arn.region, arn.relative_id.partition("/")[2]): arn for arn in arns}
    ids = [pk for _region, pk in wanted]
    rows = Instance.objects.visible_to(principal).registered().filter(pk__in=ids)
    found: dict[str, dict[str, str]] = {}
    facts: dict[Arn, dict[str, str]] = {}
    for pk, region, account in rows.values_list("pk", "region_id", "default_username"):
        arn = wanted.get((region, pk))
        if arn is not None:
            runs = folded(action) in KEYS_OF_ACTIONS[RUN_AS_KEY]
            facts[arn] = found[pk] = {RUN_AS_KEY: account} if runs else {}
    for pk, key, value in Tag.objects.filter(instance__in=found).values_list("instance", "key", "value"):
        found[pk][TAG_KEY + key] = value
    return facts
