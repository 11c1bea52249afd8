"""How a server joins: the lines to paste, for this console."""

import hashlib

from django.conf import settings

from access.operations.calls import operation, record
from access.principals import Principal
from assistant.instances.operations.activations import NewActivation
from assistant.instances.operations.permissions import authorize_instances
from assistant.instances.querysets import InstanceQuerySet
from assistant.instances.rules.install import InstallLine, Server, install_lines


@operation("ecs:InstallCloudAssistant")
def install_cloud_assistant(principal: Principal, instances: InstanceQuerySet) -> int:
    """Have agents on these instances; says how many there are. They are registered: their agents are there."""
    places = list(instances.order_by("pk").values_list("pk", "region_id"))
    authorize_instances(principal, "ecs:InstallCloudAssistant", places)

    record(principal, "ecs:InstallCloudAssistant", instances=[pk for pk, _region in places])
    return len(places)


def lines_for(new: NewActivation) -> list[InstallLine]:
    """The lines of a code that was just made, one per kind of system. Reads the authority's certificate."""
    activation = new.activation
    return install_lines(
        this_server(), activation_id=activation.pk, code=new.code, region=activation.region_id
    )


def this_server() -> Server:
    authority = (settings.TLS_DIR / "ca.pem").read_bytes()
    return Server(f"{settings.PUBLIC_HOST}:{settings.TLS_PORT}", hashlib.sha256(authority).hexdigest())
