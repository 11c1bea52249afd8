"""Tags, of instances."""

from typing import Any

from access.principals import Principal
from assistant.instances.models import Instance, Tag
from assistant.instances.operations.instances import tag_resources, untag_resources
from assistant.instances.querysets import InstanceQuerySet
from openapi.actions.base import Regional
from openapi.actions.instances import seen_by, tagged
from openapi.errors import ApiError, MissingParameter
from openapi.paging import Paged
from openapi.parameters import Flag, Pairs, Text, Texts

KINDS = ("instance", "managedinstance")
KEYS_MOST = 20


class ResourceNotFound(ApiError):
    code = "InvalidResourceId.NotFound"
    status = 404


class KindUnknown(ApiError):
    code = "InvalidResourceType.NotFound"
    status = 404


class KeysMissing(MissingParameter):
    code = "MissingParameter.TagKey"


class Resources(Regional):
    """Of all kinds of resources instances have tags here."""

    resource_type = Text(required=True, doc="`instance` or `managedinstance`, which are the same here")
    resource_ids = Texts(
        "ResourceId", required=True, most=50, too_many="NumberExceed.ResourceIds", doc="up to 50 ids"
    )

    def instances(self, principal: Principal) -> InstanceQuerySet:
        check_kind(self.resource_type)
        rows = Instance.objects.visible_to(principal).registered().filter(region=self.region)
        found: InstanceQuerySet = rows.filter(pk__in=self.resource_ids)
        missing = sorted(set(self.resource_ids) - set(found.values_list("pk", flat=True)))
        if missing:
            raise ResourceNotFound(f"There is no instance {missing[0]}.", field="ResourceId")
        return found


class TagResources(Resources):
    doc = "Put tags on instances; a value of the same key is replaced."
    codes = {"InvalidParameter.tags": "InvalidTagKey.Malformed"}

    tag = Pairs(required=True, most=KEYS_MOST, doc="up to 20 tags")

    def perform(self, principal: Principal) -> dict[str, Any]:
        tag_resources(principal, self.instances(principal), tags=dict(self.tag))
        return {}


class UntagResources(Resources):
    doc = "Take tags off instances."

    tag_keys = Texts("TagKey", most=KEYS_MOST, too_many="NumberExceed.Tags", doc="keys, up to 20")
    all = Flag(doc="with no TagKey: take all tags off")

    def perform(self, principal: Principal) -> dict[str, Any]:
        instances = self.instances(principal)
        keys = self.tag_keys
        if not keys and self.all:
            keys = list(Tag.objects.filter(instance__in=instances).values_list("key", flat=True).distinct())
        elif not keys:
            raise KeysMissing("Name a TagKey, or say All.", field="TagKey")
        untag_resources(principal, instances, keys=keys)
        return {}


class ListTagResources(Paged):
    doc = "The tags of instances."
    answer = {
        "TagResources": {
            "TagResource": [{"ResourceId": str, "ResourceType": str, "TagKey": str, "TagValue": str}]
        },
        "NextToken": str,
    }

    resource_type = Text(required=True, doc="`instance` or `managedinstance`, which are the same here")
    resource_ids = Texts("ResourceId", most=50, too_many="NumberExceed.ResourceIds", doc="up to 50 ids")
    tag = Pairs(doc="of instances with all of these tags")

    def perform(self, principal: Principal) -> dict[str, Any]:
        check_kind(self.resource_type)
        instances = seen_by(self, principal, self.resource_ids or None)
        rows = Tag.objects.filter(instance__in=tagged(instances, self.tag).order_by().values("pk"))
        page = self.page(rows, "instance_id", "key")
        kind = self.resource_type.lower()
        listed = [
            {"ResourceId": row.instance_id, "ResourceType": kind, "TagKey": row.key, "TagValue": row.value}
            for row in page.rows
        ]
        return {"TagResources": {"TagResource": listed}, "NextToken": page.fields["NextToken"]}


def check_kind(kind: str) -> None:
    if kind.lower() not in KINDS:
        raise KindUnknown(f"Nothing of the kind {kind[:40]} has tags here.", field="ResourceType")
