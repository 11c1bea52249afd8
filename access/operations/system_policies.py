"""The policies that come with the product: files beside this package, brought into the database."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from access.models import Policy, PolicyVersion
from access.rules import documents

FOLDER = Path(__file__).parent.parent / "system_policies"
AUTHOR = "system"


class Shipped(NamedTuple):
    name: str
    description: str
    document: str


def shipped_policies() -> list[Shipped]:
    """What the files say. Raises DocumentFault where one of them is wrong."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        members: dict[str, Any] = json.loads(path.read_text())
        document = json.dumps(members["document"], indent=2)
        documents.read(document, name=members["name"])
        found.append(Shipped(members["name"], members["description"], document))
    return found


@transaction.atomic
def ship_policies(**_signal: Any) -> None:
    """Make the database say what the files say: new ones are added, changed ones get a new version."""
    there = {policy.name: policy for policy in Policy.objects.filter(kind=Policy.Kind.SYSTEM)}
    in_force = {
        version.policy.name: version.document for version in PolicyVersion.objects.in_force(list(there))
    }
    for one in shipped_policies():
        policy = there.get(one.name)
        if policy is None:
            policy = Policy(name=one.name, kind=Policy.Kind.SYSTEM, version=0)
        elif in_force[one.name] == one.document and policy.description == one.description:
            continue
        policy.description = one.description
        policy.version += 1
        policy.updated_at = timezone.now()
        policy.save()
        PolicyVersion.objects.create(
            policy=policy, number=policy.version, document=one.document, created_by=AUTHOR
        )
