"""Servers go: deregister, from the console or from the server (CA-45)."""

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from access.operations.calls import operation, record
from access.principals import Principal
from assistant.instances import followups
from assistant.instances.errors import InstanceGone
from assistant.instances.models import Activation, Instance
from assistant.instances.operations.permissions import authorize_instance
from assistant.instances.signals import instance_released

logger = logging.getLogger(__name__)


@operation("ecs:DeregisterManagedInstance")
def deregister_managed_instance(principal: Principal, instance: Instance) -> Instance:
    """Let a server go: its record is closed, its open runs end, a connected agent is told.

    Raises InstanceGone when it was gone before.
    """
    authorize_instance(principal, "ecs:DeregisterManagedInstance", instance)

    if not close_record(instance, timezone.now()):
        raise InstanceGone(_("%(name)s is deregistered already.") % {"name": instance.name})

    record(principal, "ecs:DeregisterManagedInstance", instance.pk, name=instance.name)
    logger.info("Instance deregistered instance=%s principal=%s", instance.pk, principal.name)
    followups.dismiss(instance.pk)
    followups.activations_changed()
    return instance


def close_record(instance: Instance, now: datetime) -> bool:
    """Close the record and let the rooms above end what is open on it, all in the caller's transaction."""
    Activation.objects.lock_in_order([instance.activation_id])
    gone = {"released_at": now, "channel": "", "channel_node": None, "channel_changed_at": now}
    if not Instance.objects.registered().filter(pk=instance.pk).update(**gone):
        return False
    # Places that were used are not given back (CA-31).
    activations = Activation.objects.filter(pk=instance.activation_id)
    activations.update(deregistered_count=F("deregistered_count") + 1)
    instance.refresh_from_db()
    instance_released.send(Instance, instance=instance, now=now)
    followups.instances_changed([instance.pk])
    return True


@transaction.atomic
def instance_left(principal: Principal, instance: Instance) -> bool:
    """A server has deregistered itself; says whether it was still registered."""
    if not close_record(instance, timezone.now()):
        return False
    record(principal, "ecs:DeregisterManagedInstance", instance.pk, name=instance.name)
    logger.info("Instance left instance=%s", instance.pk)
    followups.activations_changed()
    return True
