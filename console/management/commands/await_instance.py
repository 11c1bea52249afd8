import time
from argparse import ArgumentParser
from typing import Any

from django.utils.translation import gettext as _

from access.principals import Principal
from assistant.instances.models import Instance
from console.kit.errors import Unavailable
from console.management.doors import DoorCommand

PAUSE_SECONDS = 0.05


class Command(DoorCommand):
    help = "Wait until an instance is connected and takes commands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("instance", metavar="ID")
        parser.add_argument("--seconds", type=float, default=60.0, help="how long at most (60)")

    def act(
        self, principal: Principal, *, instance: str, seconds: float, as_json: bool, **_options: Any
    ) -> None:
        visible = Instance.objects.visible_to(principal).filter(pk=instance)
        deadline = time.monotonic() + seconds
        while not visible.with_channel().connected().exists():
            if time.monotonic() > deadline:
                message = _("%(id)s is not connected. Is its agent running?")
                raise Unavailable(message % {"id": instance})
            time.sleep(PAUSE_SECONDS)
        document = {"InstanceId": instance, "Connected": True}
        self.show(document, lambda: [f"{instance} is connected."], as_json=as_json)
