"""What people change about a server's record: its name and its tags."""

import re

from django.db.models import Count
from django.utils.translation import gettext as _

from access.operations.calls import operation, record
from access.principals import Principal
from assistant.instances import followups, limits
from assistant.instances.models import Instance, Tag
from assistant.instances.operations.permissions import authorize_instance, authorize_instances
from assistant.instances.querysets import InstanceQuerySet
from console.kit.errors import InvalidParameter

CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@operation("ecs:ModifyManagedInstance")
def rename_instance(principal: Principal, instance: Instance, *, name: str) -> Instance:
    authorize_instance(principal, "ecs:ModifyManagedInstance", instance)

    name = name.strip()
    if not 1 <= len(name) <= limits.NAME_CHARACTERS or CONTROL.search(name):
        message = _("A name has 1 to %(most)d printable characters.") % {"most": limits.NAME_CHARACTERS}
        raise InvalidParameter(message, field="name")

    before, instance.name = instance.name, name
    instance.save(update_fields=["name"])

    record(principal, "ecs:ModifyManagedInstance", instance.pk, before=before, after=name)
    followups.instances_changed([instance.pk])
    return instance


@operation("ecs:TagResources")
def tag_resources(principal: Principal, instances: InstanceQuerySet, *, tags: dict[str, str]) -> int:
    """Put tags on instances, replacing values of the same keys; says how many instances there were."""
    places = list(instances.order_by("pk").values_list("pk", "region_id"))
    authorize_instances(principal, "ecs:TagResources", places)

    if not places:
        raise InvalidParameter(_("Choose at least one instance."), field="tags")
    for key, value in tags.items():
        check_tag(key, value)
    pks = [pk for pk, _region in places]
    Tag.objects.bulk_create(
        [Tag(instance_id=pk, key=key, value=value) for pk in pks for key, value in tags.items()],
        update_conflicts=True,
        unique_fields=["instance", "key"],
        update_fields=["value"],
        batch_size=1000,
    )
    check_tag_count(pks)

    record(principal, "ecs:TagResources", tags=tags, instances=pks[:50], count=len(pks))
    followups.instances_changed(pks)
    return len(pks)


@operation("ecs:UntagResources")
def untag_resources(principal: Principal, instances: InstanceQuerySet, *, keys: list[str]) -> int:
    """Take tags with these keys off; says how many tags went."""
    places = list(instances.order_by("pk").values_list("pk", "region_id"))
    authorize_instances(principal, "ecs:UntagResources", places)

    pks = [pk for pk, _region in places]
    gone, _by_model = Tag.objects.filter(instance__in=pks, key__in=keys).delete()

    record(principal, "ecs:UntagResources", keys=keys, instances=pks[:50], count=len(pks))
    followups.instances_changed(pks)
    return gone


def check_tag(key: str, value: str) -> None:
    well_formed = 1 <= len(key) <= limits.TAG_KEY_CHARACTERS and len(value) <= limits.TAG_VALUE_CHARACTERS
    if not well_formed or CONTROL.search(key + value) or key.startswith(("http://", "https://")):
        message = _("A tag has a key of 1 to %(key)d and a value of up to %(value)d printable characters.")
        sizes = {"key": limits.TAG_KEY_CHARACTERS, "value": limits.TAG_VALUE_CHARACTERS}
        raise InvalidParameter(message % sizes, field="tags")


def check_tag_count(pks: list[str]) -> None:
    crowded = Instance.objects.filter(pk__in=pks).annotate(n=Count("tags")).filter(n__gt=limits.TAGS)
    if crowded.exists():
        message = _("An instance has at most %(most)d tags.") % {"most": limits.TAGS}
        raise InvalidParameter(message, field="tags")
