"""Servers come: register with an activation (CA-33 to CA-36, CA-48)."""

import hmac
import logging
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from access.operations.calls import record
from access.operations.quotas import claim
from access.principals import Principal
from access.rules.quotas import INSTANCES
from assistant.instances import errors, followups, limits
from assistant.instances.models import Activation, Instance, Tag
from assistant.instances.operations.activations import code_digest
from assistant.instances.operations.releases import close_record
from assistant.instances.rules.addresses import is_within
from console.kit import ids

logger = logging.getLogger(__name__)

WINDOWS = "windows"


@dataclass(frozen=True, slots=True)
class Registration:
    """What an agent says when it registers. `public_key` is PEM that has been parsed already."""

    activation_id: str
    activation_code: str
    machine_id: str
    public_key: str
    region_id: str = ""
    instance_name: str = ""
    hostname: str = ""
    intranet_ip: str = ""
    os_type: str = "linux"
    os_version: str = ""
    agent_name: str = ""
    agent_version: str = ""
    username: str = ""
    is_privileged: bool = True
    tags: dict[str, str] = field(default_factory=dict)


@transaction.atomic
def register_instance(principal: Principal, registration: Registration, *, source_ip: str) -> Instance:
    """Make a server ours. The code's quota is used exactly once per success.

    A machine that was registered before gets a new id; its old record is closed and its open runs end
    in the same transaction (CA-48). Raises one RegistrationRefused for each reason of CA-36.
    """
    now = timezone.now()
    earlier_ones = list(Instance.objects.registered().filter(machine_id=registration.machine_id))
    activations = {registration.activation_id, *(earlier.activation_id for earlier in earlier_ones)}
    Activation.objects.lock_in_order(activations)
    activation = admit(registration, source_ip=source_ip, now=now)
    check_same_region(earlier_ones, activation)

    for earlier in earlier_ones:
        close_record(earlier, now)
        followups.replace(earlier.pk)
    of_region = Instance.objects.registered().filter(region=activation.region_id)
    claim(principal, INSTANCES, activation.region_id, in_use=of_region.count)
    instance = Instance.objects.create(**facts(registration, activation, source_ip=source_ip, now=now))
    Tag.objects.bulk_create(
        Tag(instance=instance, key=key, value=value) for key, value in registration.tags.items()
    )

    told = {"activation": activation.pk, "address": source_ip, "replaces": [one.pk for one in earlier_ones]}
    record(principal, "ecs:RegisterManagedInstance", instance.pk, **told)
    logger.info("Instance registered instance=%s activation=%s", instance.pk, activation.pk)
    followups.activations_changed()
    followups.instances_changed([instance.pk])
    return instance


def check_same_region(earlier_ones: list[Instance], activation: Activation) -> None:
    """A code of one region takes no server away from another: whoever moves one deregisters it first."""
    if any(earlier.region_id != activation.region_id for earlier in earlier_ones):
        raise errors.MachineElsewhere(
            _("This machine is registered in another region. Deregister it there first.")
        )


def admit(registration: Registration, *, source_ip: str, now: datetime) -> Activation:
    """Take one registration from the activation's quota, or say why not."""
    activation = Activation.objects.select_related("region").filter(pk=registration.activation_id).first()
    if activation is None:
        raise errors.ActivationUnknown(_("There is no activation with this id."))
    if not hmac.compare_digest(activation.code_digest, code_digest(registration.activation_code)):
        raise errors.ActivationCodeWrong(_("The activation code does not belong to this activation id."))
    if registration.region_id and registration.region_id != activation.region_id:
        message = _("The activation code is for the region %(region)s.") % {"region": activation.region_id}
        raise errors.ActivationRegionWrong(message)
    if not is_within(source_ip, activation.ip_address_range):
        message = _("The address %(address)s may not register with this code.") % {"address": source_ip}
        raise errors.ActivationAddressRefused(message)
    # One conditional UPDATE: of two servers that ask for the last place one gets it.
    usable = Activation.objects.usable(now).filter(pk=activation.pk)
    if not usable.update(registered_count=F("registered_count") + 1):
        raise refusal(activation)
    activation.refresh_from_db(fields=["registered_count"])
    return activation


def refusal(activation: Activation) -> errors.RegistrationRefused:
    if activation.disabled:
        return errors.ActivationDisabled(_("The activation code was disabled."))
    if activation.expires_at <= timezone.now():
        message = _("The activation code expired at %(at)s UTC. Create a new one in the console.")
        return errors.ActivationExpired(message % {"at": f"{activation.expires_at:%Y-%m-%d %H:%M}"})
    message = _("The activation code is used up: %(count)d servers have registered with it.")
    return errors.ActivationUsedUp(message % {"count": activation.instance_count})


def facts(
    registration: Registration, activation: Activation, *, source_ip: str, now: datetime
) -> dict[str, object]:
    default_username = registration.username or ("system" if registration.os_type == WINDOWS else "root")
    return {
        "id": ids.new_id("mi", activation.region.code),
        "region": activation.region,
        "activation": activation,
        "name": instance_name(registration, activation),
        "hostname": registration.hostname,
        "internet_ip": source_ip,
        "intranet_ip": registration.intranet_ip,
        "os_type": registration.os_type,
        "os_version": registration.os_version,
        "machine_id": registration.machine_id,
        "agent_name": registration.agent_name,
        "agent_version": registration.agent_version,
        "default_username": default_username,
        "is_privileged": registration.is_privileged,
        "public_key": registration.public_key,
        "registered_at": now,
    }


def instance_name(registration: Registration, activation: Activation) -> str:
    """The name that the server brings, else `<prefix>-<number>`, else its host name (CA-28)."""
    if registration.instance_name:
        return registration.instance_name
    if not activation.instance_name:
        return registration.hostname
    digits = max(limits.NUMBER_DIGITS, len(str(activation.instance_count)))
    return f"{activation.instance_name}-{activation.registered_count:0{digits}d}"
