"""Who is registered: keys of instances, parsed once and kept while they are in use."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from assistant.instances.models import Instance
from gateway.batches import Batches
from gateway.signing import load_key

# Enough for the agents of one process; the least recently heard of goes first.
KEPT_MOST = 20_000
# A released instance is dropped by a ring; this is for the ring that was lost.
KEPT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Identity:
    instance_id: str
    machine_id: str
    key: RSAPublicKey
    is_released: bool
    # The same machine has registered again: this key belongs to an identity that was given up.
    is_superseded: bool


class Identities:
    """A bounded cache over the registered instances."""

    def __init__(self, lookups: Batches[str, Identity | None]) -> None:
        self._lookups = lookups
        self._kept: OrderedDict[str, tuple[float, Identity]] = OrderedDict()

    async def get(self, instance_id: str) -> Identity | None:
        kept = self._kept.get(instance_id)
        if kept is not None and kept[0] > time.monotonic():
            self._kept.move_to_end(instance_id)
            return kept[1]
        identity = await self._lookups.add(instance_id)
        if identity is not None:
            self._keep(identity)
        return identity

    def _keep(self, identity: Identity) -> None:
        self._kept[identity.instance_id] = (time.monotonic() + KEPT_SECONDS, identity)
        self._kept.move_to_end(identity.instance_id)
        while len(self._kept) > KEPT_MOST:
            self._kept.popitem(last=False)

    def forget(self, instance_id: str) -> None:
        self._kept.pop(instance_id, None)


def load_identities(instance_ids: Sequence[str]) -> list[Identity | None]:
    """The identities of these instances, in their order; None where there is no such instance."""
    rows = {row.pk: row for row in Instance.objects.filter(pk__in=instance_ids).with_successor()}
    return [identity_of(rows[pk]) if pk in rows else None for pk in instance_ids]


def identity_of(instance: Instance) -> Identity:
    return Identity(
        instance_id=instance.pk,
        machine_id=instance.machine_id,
        key=load_key(instance.public_key.encode()),
        is_released=instance.is_released,
        is_superseded=bool(getattr(instance, "has_successor", False)),
    )
