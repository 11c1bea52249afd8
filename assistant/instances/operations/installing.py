"""How a server joins: the lines to paste, for this console."""

import hashlib

from django.conf import settings

from assistant.instances.operations.activations import NewActivation
from assistant.instances.rules.install import InstallLine, Server, install_lines


def lines_for(new: NewActivation) -> list[InstallLine]:
    """The lines of a code that was just made, one per kind of system. Reads the authority's certificate."""
    activation = new.activation
    return install_lines(
        this_server(), activation_id=activation.pk, code=new.code, region=activation.region_id
    )


def this_server() -> Server:
    authority = (settings.TLS_DIR / "ca.pem").read_bytes()
    return Server(f"{settings.PUBLIC_HOST}:{settings.TLS_PORT}", hashlib.sha256(authority).hexdigest())
