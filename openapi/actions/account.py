"""What an account may have."""

from typing import Any

from access.operations.quotas import quotas_in_use
from access.principals import Principal
from openapi.actions.base import Regional
from openapi.errors import ApiError
from openapi.parameters import Text, Texts


class AttributeUnknown(ApiError):
    code = "InvalidParameter.AttributeName"


class DescribeAccountAttributes(Regional):
    doc = "The quotas of a region."
    answer = {
        "AccountAttributeItems": {
            "AccountAttributeItem": [
                {"AttributeName": str, "AttributeValues": {"ValueItem": [{"Value": str, "Count": int}]}}
            ]
        }
    }

    attribute_names = Texts("AttributeName", most=50, doc="only these quotas")
    zone_id = Text(doc="taken and not used")

    def perform(self, principal: Principal) -> dict[str, Any]:
        quotas = {quota.rule.name: quota for quota in quotas_in_use(principal, self.region.pk)}
        unknown = [name for name in self.attribute_names if name not in quotas]
        if unknown:
            raise AttributeUnknown(f"There is no quota {unknown[0][:80]}.", field="AttributeName")
        listed = [
            {
                "AttributeName": name,
                "AttributeValues": {"ValueItem": [{"Value": str(quota.value), "Count": quota.used or 0}]},
            }
            for name, quota in quotas.items()
            if not self.attribute_names or name in self.attribute_names
        ]
        return {"AccountAttributeItems": {"AccountAttributeItem": listed}}
