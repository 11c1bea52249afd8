from typing import Any

from access.models import Policy
from access.principals import Principal
from console.management.doors import DoorCommand
from console.management.policies import described


class Command(DoorCommand):
    help = "List the policies that the acting user may see."

    def act(self, principal: Principal, *, as_json: bool, **_options: Any) -> None:
        policies = list(Policy.objects.visible_to(principal).with_use().order_by("kind", "name"))
        rows = [described(policy) for policy in policies]
        self.show(rows, lambda: [line_of(row) for row in rows], as_json=as_json)


def line_of(row: dict[str, Any]) -> str:
    return (
        f"{row['PolicyName']:40} {row['PolicyType']:6} {row['DefaultVersion']:>4} {row['AttachmentCount']:>5}"
    )
