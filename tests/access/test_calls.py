"""Operations: whoever forgets to ask changes nothing, and a refusal is remembered."""

import pytest

from access.models import AuditEntry
from access.operations.calls import OPERATIONS, PermissionNotAsked, operation, record
from access.operations.decisions import authorize
from access.rules import actions
from assistant.instances.models import Region
from tests.instances.factories import RegionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def declared():
    """What a test declares is not part of the product."""
    before = dict(OPERATIONS)
    yield operation
    OPERATIONS.clear()
    OPERATIONS.update(before)


def test_an_operation_that_does_not_ask_is_rolled_back(declared, olga):
    @declared("ecs:RunCommand")
    def forgets(principal):
        RegionFactory(id="made", code="mm")

    with pytest.raises(PermissionNotAsked, match="forgets never asked for ecs:RunCommand"):
        forgets(olga)

    assert not Region.objects.filter(pk="made").exists()


def test_a_refusal_is_remembered_though_everything_else_is_rolled_back(declared, rita):
    @declared("ecs:RunCommand")
    def refused(principal):
        RegionFactory(id="made", code="mm")
        record(principal, "ecs:RunCommand", "never")
        authorize(principal, "ecs:RunCommand", "acs:ecs:local:1000000000000001:instance/mi-1")

    with pytest.raises(Exception, match="rita may not run commands: ecs:RunCommand on acs:"):
        refused(rita)

    assert not Region.objects.filter(pk="made").exists()
    entry = AuditEntry.objects.get()
    assert (entry.outcome, entry.action) == ("Refused", "ecs:RunCommand")
    assert entry.resource == "acs:ecs:local:1000000000000001:instance/mi-1"


def test_an_operation_within_another_is_part_of_it(declared, somebody):
    @declared("ecs:DescribeTags")
    def inner(principal):
        authorize(principal, "ecs:DescribeTags")
        record(principal, "ecs:DescribeTags", "inner")

    @declared("ecs:RunCommand")
    def outer(principal):
        authorize(principal, "ecs:RunCommand")
        inner(principal)
        record(principal, "ecs:RunCommand", "outer")
        assert not AuditEntry.objects.filter(action__startswith="ecs:").exists(), (
            "entries are written at the end"
        )

    paul = somebody("paul", {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"})
    outer(paul.principal)

    written = (
        AuditEntry.objects.filter(action__startswith="ecs:")
        .order_by("pk")
        .values_list("action", "resource", "decided_by")
    )
    assert list(written) == [
        ("ecs:DescribeTags", "inner", "of-paul/Statement[0]"),
        ("ecs:RunCommand", "outer", "of-paul/Statement[0]"),
    ]


def test_every_operation_names_an_action_that_is_known():
    names = set(OPERATIONS.values()) - actions.UNDECIDED

    assert not {name for name in names if actions.known(name) is None}
