"""Regions."""

from typing import Any

from access.principals import Principal
from assistant.instances.models import Region
from openapi.actions.base import Action
from openapi.parameters import Text


class DescribeRegions(Action):
    doc = "The regions of this installation."
    answer = {
        "Regions": {
            "Region": [{"RegionId": str, "LocalName": str, "RegionEndpoint": str, "Status": str}],
        }
    }

    accept_language = Text(doc="taken and not used")
    resource_type = Text(doc="taken and not used")

    def perform(self, principal: Principal) -> dict[str, Any]:
        rows = Region.objects.visible_to(principal).order_by("pk")
        regions = [
            {
                "RegionId": row.pk,
                "LocalName": row.name,
                "RegionEndpoint": self.host,
                "Status": "available",
            }
            for row in rows
        ]
        return {"Regions": {"Region": regions}}
