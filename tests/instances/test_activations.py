import pytest

from access.models import AuditEntry
from assistant.instances.errors import ActivationInUse
from assistant.instances.models import Activation
from assistant.instances.operations.activations import (
    code_digest,
    create_activation,
    delete_activation,
    disable_activation,
)
from assistant.instances.rules.addresses import is_within
from console.kit.errors import InvalidParameter, NotAllowed
from tests.instances.factories import ActivationFactory, InstanceFactory, RegionFactory

pytestmark = pytest.mark.django_db


def test_a_code_is_known_once_and_kept_as_a_digest(olga):
    new = create_activation(olga, RegionFactory(), instance_name="web")

    stored = Activation.objects.get()
    assert new.code.startswith("a-lo")
    assert stored.code_digest == code_digest(new.code)
    assert new.code not in str(Activation.objects.values().get())
    assert new.code not in str(AuditEntry.objects.values().get())
    assert (stored.instance_count, stored.time_to_live_in_hours, stored.state) == (10, 4, "Valid")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instance_name", ""),
        ("instance_name", "1web"),
        ("instance_name", "w" * 51),
        ("instance_name", "http://x"),
        ("instance_name", "we b"),
        ("instance_count", 0),
        ("instance_count", 1001),
        ("time_to_live_in_hours", 0),
        ("time_to_live_in_hours", 25),
        ("description", "d" * 101),
        ("description", "https://x"),
        ("ip_address_range", ["10.0.0.0/33"]),
        ("ip_address_range", ["somewhere"]),
    ],
)
def test_a_field_out_of_range_is_refused_and_changes_nothing(olga, field, value):
    with pytest.raises(InvalidParameter) as refusal:
        create_activation(olga, RegionFactory(), **{"instance_name": "web", field: value})

    assert refusal.value.field == field
    assert not Activation.objects.exists()


@pytest.mark.parametrize(
    ("trait", "state"),
    [
        ({}, "Valid"),
        ({"expired": True}, "Expired"),
        ({"used_up": True}, "UsedUp"),
        ({"disabled": True}, "Disabled"),
    ],
)
def test_the_state_of_a_code(trait, state):
    assert ActivationFactory(**trait).state == state


def test_disabling_twice_is_disabling_once(olga):
    activation = ActivationFactory()
    disable_activation(olga, activation)

    assert disable_activation(olga, activation).state == "Disabled"


def test_a_code_that_registered_servers_stays(olga):
    instance = InstanceFactory()

    with pytest.raises(ActivationInUse):
        delete_activation(olga, instance.activation)


def test_an_unused_code_is_deleted(olga):
    delete_activation(olga, ActivationFactory())

    assert not Activation.objects.exists()


def test_a_reader_makes_no_codes(rita):
    with pytest.raises(NotAllowed):
        create_activation(rita, RegionFactory(), instance_name="web")


@pytest.mark.parametrize(
    ("address", "ranges", "within"),
    [
        ("192.0.2.1", [], True),
        ("192.0.2.1", ["192.0.2.1/32"], True),
        ("192.0.2.1", ["10.0.0.0/8", "192.0.2.0/24"], True),
        ("192.0.3.1", ["192.0.2.0/24"], False),
        ("2001:db8::1", ["2001:db8::/32"], True),
        ("2001:db8::1", ["192.0.2.0/24"], False),
        ("::ffff:192.0.2.1", ["192.0.2.0/24"], True),
        ("unknown", ["192.0.2.0/24"], False),
    ],
)
def test_source_addresses(address, ranges, within):
    assert is_within(address, ranges) is within
