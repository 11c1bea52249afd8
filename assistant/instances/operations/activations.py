"""Activation codes: make, disable, delete (CA-24 to CA-31)."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from access.operations.calls import operation, record
from access.operations.decisions import authorize
from access.operations.quotas import check_size, claim
from access.principals import Principal
from access.rules.quotas import ACTIVATION_SIZE, ACTIVATIONS
from access.scopes import arn
from assistant.instances import followups, limits
from assistant.instances.errors import ActivationInUse
from assistant.instances.models import Activation, Region
from assistant.instances.rules.addresses import parse_ranges
from console.kit import ids
from console.kit.errors import InvalidParameter

SECRET_BYTES = 24
PREFIX_FORM = re.compile(r"[A-Za-z][A-Za-z0-9._:-]*")


@dataclass(frozen=True, slots=True)
class NewActivation:
    """An activation with its code, which is known here and never again (CA-26)."""

    activation: Activation
    code: str


@operation("ecs:CreateActivation")
def create_activation(
    principal: Principal,
    region: Region,
    *,
    instance_name: str,
    instance_count: int = limits.QUOTA_DEFAULT,
    time_to_live_in_hours: int = limits.HOURS_DEFAULT,
    ip_address_range: list[str] | None = None,
    description: str = "",
) -> NewActivation:
    """Make a code with which servers can register. Raises InvalidParameter."""
    authorize(principal, "ecs:CreateActivation", arn("ecs", "activation", "*", region=region.pk))

    check_prefix(instance_name)
    check_between("instance_count", instance_count, 1, limits.QUOTA_MOST)
    check_between("time_to_live_in_hours", time_to_live_in_hours, 1, limits.HOURS_MOST)
    check_description(description)
    check_size(principal, ACTIVATION_SIZE, region.pk, instance_count, field="instance_count")
    ranges = checked_ranges(ip_address_range or [])

    code = new_code(region)
    now = timezone.now()
    in_force = Activation.objects.usable(now).filter(region=region)
    claim(principal, ACTIVATIONS, region.pk, in_use=in_force.count)
    activation = Activation.objects.create(
        id=ids.request_id(),
        region=region,
        code_digest=code_digest(code),
        instance_name=instance_name,
        instance_count=instance_count,
        time_to_live_in_hours=time_to_live_in_hours,
        expires_at=now + timedelta(hours=time_to_live_in_hours),
        ip_address_range=ranges,
        description=description,
        created_at=now,
        created_by=principal.name,
    )

    record(principal, "ecs:CreateActivation", activation.pk, prefix=instance_name, quota=instance_count)
    followups.activations_changed()
    return NewActivation(activation, code)


@operation("ecs:DisableActivation")
def disable_activation(principal: Principal, activation: Activation) -> Activation:
    """Let the code register nothing more; servers that did stay (CA-30). Twice is once."""
    authorize(principal, "ecs:DisableActivation", activation.arn)

    Activation.objects.filter(pk=activation.pk).update(disabled=True)
    activation.refresh_from_db()

    record(principal, "ecs:DisableActivation", activation.pk)
    followups.activations_changed()
    return activation


@operation("ecs:DeleteActivation")
def delete_activation(principal: Principal, activation: Activation) -> None:
    """Forget a code. Raises ActivationInUse while a server registered with it is still there (CA-30)."""
    authorize(principal, "ecs:DeleteActivation", activation.arn)

    # Also the rows of deregistered servers point here: they keep their runs readable.
    if activation.instances.exists():
        message = _("Servers were registered with this code. Disable it instead; their records refer to it.")
        raise ActivationInUse(message)
    activation_id = activation.pk
    activation.delete()

    record(principal, "ecs:DeleteActivation", activation_id)
    followups.activations_changed()


def new_code(region: Region) -> str:
    return f"a-{region.code}{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def code_digest(code: str) -> str:
    # The code is 192 bits of chance: nothing is gained by a slow hash.
    return hashlib.sha256(code.encode()).hexdigest()


def check_prefix(prefix: str) -> None:
    if not 1 <= len(prefix) <= limits.PREFIX_CHARACTERS or not PREFIX_FORM.fullmatch(prefix):
        message = _(
            "The instance name prefix starts with a letter and has 1 to %(most)d letters, digits or . _ - :"
        )
        raise InvalidParameter(message % {"most": limits.PREFIX_CHARACTERS}, field="instance_name")


def check_between(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        message = _("Say a whole number from %(least)d to %(most)d.") % {"least": least, "most": most}
        raise InvalidParameter(message, field=field)


def check_description(description: str) -> None:
    if len(description) > limits.DESCRIPTION_CHARACTERS:
        message = _("The description has at most %(most)d characters.")
        raise InvalidParameter(message % {"most": limits.DESCRIPTION_CHARACTERS}, field="description")
    if description.startswith(("http://", "https://")):
        raise InvalidParameter(_("The description may not start with an address."), field="description")


def checked_ranges(texts: list[str]) -> list[str]:
    if len(texts) > limits.IP_RANGES:
        message = _("Name at most %(most)d source addresses.") % {"most": limits.IP_RANGES}
        raise InvalidParameter(message, field="ip_address_range")
    try:
        return parse_ranges(texts)
    except ValueError as error:
        message = _("Not an address or CIDR block: %(error)s.") % {"error": error}
        raise InvalidParameter(message, field="ip_address_range") from error
