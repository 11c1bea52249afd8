"""Activation codes."""

from typing import Any

from access.principals import Principal
from assistant.instances.models import Activation
from assistant.instances.operations.activations import (
    create_activation,
    delete_activation,
    disable_activation,
)
from console.kit.clock import api_time
from openapi.actions.base import Regional, check_named
from openapi.errors import ApiError
from openapi.paging import PAGE, Paged
from openapi.parameters import Number, Pairs, Text

COUNTS = {
    "ActivationId": str,
    "CreationTime": str,
    "DeregisteredCount": int,
    "Description": str,
    "InstanceCount": int,
    "InstanceName": str,
    "IpAddressRange": str,
    "RegisteredCount": int,
    "TimeToLiveInHours": int,
}


class ActivationNotFound(ApiError):
    code = "ActivationId.NotFound"
    status = 404


class TagsNotKept(ApiError):
    code = "InvalidParameter.Tag"


class CreateActivation(Regional):
    doc = "Make a code with which servers register. The code is shown here and never again."
    answer = {"ActivationId": str, "ActivationCode": str}
    is_idempotent = True
    tells_secret = True
    codes = {
        "InvalidParameter.instance_name": "InstanceName.InvalidPattern",
        "InvalidParameter.instance_count": "ActivationLimitation.Invalid",
        "InvalidParameter.time_to_live_in_hours": "ActivationTTL.ExceedLimit",
        "InvalidParameter.description": "ActivationDesc.ExceedLimit",
        "InvalidParameter.ip_address_range": "AddressRange.InvalidPattern",
    }

    description = Text(doc="what it is for, up to 100 characters")
    instance_count = Number(default=10, doc="servers that may register with it, 1 to 1,000")
    instance_name = Text(doc="what the names of its servers begin with")
    ip_address_range = Text(doc="addresses or blocks from which servers register, with commas between")
    time_to_live_in_hours = Number(default=4, doc="how long it can be used")
    tag = Pairs(doc="not kept: tags are put on instances")

    def perform(self, principal: Principal) -> dict[str, Any]:
        if self.tag:
            raise TagsNotKept("Activations have no tags here. Leave Tag out, and tag the instances.")
        new = create_activation(
            principal,
            self.region,
            # The original takes none; ours is what servers without a name of their own begin with.
            instance_name=self.instance_name or "instance",
            instance_count=self.instance_count,
            time_to_live_in_hours=self.time_to_live_in_hours,
            ip_address_range=[text.strip() for text in self.ip_address_range.split(",") if text.strip()],
            description=self.description,
        )
        return {"ActivationId": new.activation.pk, "ActivationCode": new.code}


class DescribeActivations(Paged):
    doc = "The activation codes of a region, the newest first; never the codes themselves."
    answer = {
        "ActivationList": [{**COUNTS, "Disabled": bool, "ResourceGroupId": str, "Tags": [{}]}],
        **PAGE,
    }

    activation_id = Text(doc="one activation")
    instance_name = Text(doc="what the names begin with")

    def perform(self, principal: Principal) -> dict[str, Any]:
        rows = Activation.objects.visible_to(principal).filter(region=self.region)
        if self.activation_id:
            check_named(self, principal, "activation", self.activation_id)
            rows = rows.filter(pk=self.activation_id)
        if self.instance_name:
            rows = rows.filter(instance_name__startswith=self.instance_name)
        page = self.page(rows, "-created_at", "-pk")
        listed = [{**described(row), **switched(row), "ResourceGroupId": "", "Tags": []} for row in page.rows]
        return {"ActivationList": listed, **page.fields}


class OneActivation(Regional):
    activation_id = Text(required=True, doc="the activation")

    def activation(self, principal: Principal) -> Activation:
        rows = Activation.objects.visible_to(principal).filter(region=self.region)
        found = rows.filter(pk=self.activation_id).first()
        if found is None:
            raise ActivationNotFound("There is no such activation.", field="ActivationId")
        return found


class DisableActivation(OneActivation):
    doc = "Let a code register nothing more; servers that did stay."
    answer = {"Activation": {**COUNTS, "Disabled": bool}}

    def perform(self, principal: Principal) -> dict[str, Any]:
        activation = disable_activation(principal, self.activation(principal))
        return {"Activation": {**described(activation), **switched(activation)}}


class DeleteActivation(OneActivation):
    doc = "Forget a code with which no server has registered."
    answer = {"Activation": COUNTS}
    codes = {"OperationDenied.ActivationInUse": "Activation.InUse"}

    def perform(self, principal: Principal) -> dict[str, Any]:
        activation = self.activation(principal)
        said = described(activation)
        delete_activation(principal, activation)
        return {"Activation": said}


def described(activation: Activation) -> dict[str, Any]:
    return {
        "ActivationId": activation.pk,
        "CreationTime": api_time(activation.created_at),
        "DeregisteredCount": activation.deregistered_count,
        "Description": activation.description,
        "InstanceCount": activation.instance_count,
        "InstanceName": activation.instance_name,
        "IpAddressRange": ",".join(activation.ip_address_range),
        "RegisteredCount": activation.registered_count,
        "TimeToLiveInHours": activation.time_to_live_in_hours,
    }


def switched(activation: Activation) -> dict[str, Any]:
    return {"Disabled": activation.disabled}
