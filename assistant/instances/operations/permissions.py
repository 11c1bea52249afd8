"""Asks for an action on instances, with what conditions may ask of each of them."""

from collections.abc import Iterable, Mapping

from access.operations.decisions import Question, authorize_each, authorize_look
from access.principals import Principal
from access.rules.conditions import TAG_KEY
from access.scopes import arn
from assistant.instances.models import Instance, Tag


def authorize_instances(
    principal: Principal,
    action: str,
    places: Iterable[tuple[str, str]],
    *,
    contexts: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Raise NotAllowed unless `principal` may do `action` on all of `places`, (id, region id) each.

    `contexts` are further condition keys by instance. Tags are read only where a policy asks for one.
    """
    if principal.is_administrator:
        authorize_each(principal, action, [])
        return
    wanted = list(places)
    if not wanted:
        authorize_look(principal, action)
        return
    tags = tags_asked(principal, action, [pk for pk, _region in wanted])
    given = contexts or {}
    questions: list[Question] = [
        (arn("ecs", "instance", pk, region=region), {**tags.get(pk, {}), **given.get(pk, {})})
        for pk, region in wanted
    ]
    authorize_each(principal, action, questions)


def authorize_instance(principal: Principal, action: str, instance: Instance) -> None:
    authorize_instances(principal, action, [(instance.pk, instance.region_id)])


def tags_asked(principal: Principal, action: str, pks: list[str]) -> dict[str, dict[str, str]]:
    """The condition keys of tags, per instance; of those tags alone that a policy asks for."""
    asked = principal.policies.keys_asked(action, "instance")
    keys = [key.removeprefix(TAG_KEY) for key in asked if key.startswith(TAG_KEY)]
    found: dict[str, dict[str, str]] = {}
    if keys:
        rows = Tag.objects.filter(instance__in=pks, key__in=keys).values_list("instance_id", "key", "value")
        for pk, key, value in rows:
            found.setdefault(pk, {})[TAG_KEY + key] = value
    return found
