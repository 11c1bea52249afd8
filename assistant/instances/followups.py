"""What leaves the process after this room's commits."""

from collections.abc import Iterable
from functools import partial

from django.db import transaction

from console.kit import bells

# What is rung for an instance that is ours no more: a text for its agent, or only the end of its socket.
DEREGISTER = "kick_vm agent deregister"
HANG_UP = ""
GOODBYES = (DEREGISTER, HANG_UP)

# Above this many, pages are told "instances changed" without a name for each.
NAMED_TOPICS = 200


def instances_changed(pks: Iterable[str]) -> None:
    names = list(pks)
    if names:
        topics = ["instances", *(f"instance-{pk}" for pk in names[:NAMED_TOPICS])]
        transaction.on_commit(partial(bells.tell, topics))


def activations_changed() -> None:
    transaction.on_commit(partial(bells.tell, ["activations"]))


def dismiss(pk: str) -> None:
    """Tell a connected agent that it is ours no more; one that is away is told when it comes back."""
    transaction.on_commit(partial(bells.kick, {pk: DEREGISTER}))


def replace(pk: str) -> None:
    """Close the socket of an identity that the same machine has given up. Its agent is told nothing:
    what it would forget on disk is the new identity already.
    """
    transaction.on_commit(partial(bells.kick, {pk: HANG_UP}))
