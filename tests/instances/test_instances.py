import pytest

from assistant.instances.errors import InstanceGone
from assistant.instances.models import Activation, Instance
from assistant.instances.operations.instances import rename_instance, tag_resources, untag_resources
from assistant.instances.operations.releases import deregister_managed_instance
from console.kit.errors import InvalidParameter, NotAllowed
from tests.instances.factories import InstanceFactory

pytestmark = pytest.mark.django_db


def test_an_instance_gets_another_name(olga):
    instance = rename_instance(olga, InstanceFactory(), name=" db-1 ")

    assert Instance.objects.get().name == instance.name == "db-1"


@pytest.mark.parametrize("name", ["", " ", "n" * 129, "two\nlines", "\x07"])
def test_a_name_that_is_none_is_refused(olga, name):
    with pytest.raises(InvalidParameter):
        rename_instance(olga, InstanceFactory(), name=name)


def test_tags_are_added_and_replaced(olga):
    instance = InstanceFactory()
    tag_resources(olga, Instance.objects.all(), tags={"env": "test", "role": "web"})

    tag_resources(olga, Instance.objects.all(), tags={"env": "prod"})

    assert sorted(str(tag) for tag in instance.tags.all()) == ["env=prod", "role=web"]
    assert list(Instance.objects.tagged("env", "prod")) == [instance]
    assert list(Instance.objects.tagged("env", "test")) == []
    assert list(Instance.objects.tagged("role")) == [instance]


@pytest.mark.parametrize("tags", [{"": "x"}, {"k" * 65: "x"}, {"k": "v" * 129}, {"k\n": "v"}])
def test_a_tag_that_is_none_is_refused(olga, tags):
    InstanceFactory()

    with pytest.raises(InvalidParameter):
        tag_resources(olga, Instance.objects.all(), tags=tags)


def test_twenty_tags_are_the_most(olga):
    InstanceFactory()
    tag_resources(olga, Instance.objects.all(), tags={f"k{n}": "" for n in range(20)})

    with pytest.raises(InvalidParameter, match="at most 20"):
        tag_resources(olga, Instance.objects.all(), tags={"one": "more"})


def test_tags_are_taken_off(olga):
    InstanceFactory()
    tag_resources(olga, Instance.objects.all(), tags={"env": "prod"})

    assert untag_resources(olga, Instance.objects.all(), keys=["env", "none"]) == 1


def test_deregistering_closes_the_record_and_tells_the_agent(olga, bell, django_capture_on_commit_callbacks):
    instance = InstanceFactory()

    with django_capture_on_commit_callbacks(execute=True):
        deregister_managed_instance(olga, instance)

    assert instance.is_released
    assert not Instance.objects.registered().exists()
    assert Activation.objects.get().deregistered_count == 1
    assert bell.kicks == {instance.pk: "kick_vm agent deregister"}


def test_an_instance_goes_once(olga):
    instance = InstanceFactory()
    deregister_managed_instance(olga, instance)

    with pytest.raises(InstanceGone):
        deregister_managed_instance(olga, instance)


def test_a_reader_changes_nothing(rita):
    instance = InstanceFactory()

    with pytest.raises(NotAllowed):
        rename_instance(rita, instance, name="mine")
    with pytest.raises(NotAllowed):
        deregister_managed_instance(rita, instance)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("web", True),
        ("WEB-1", True),
        ("web-1.example", True),
        ("10.0.0", True),
        ("mi-lo", True),
        ("db", False),
    ],
)
def test_search(text, found):
    InstanceFactory(name="web-1", hostname="web-1.example", intranet_ip="10.0.0.7")

    assert Instance.objects.search(text).exists() is found
