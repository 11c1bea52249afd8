"""Saved selections: kept filters or ticked instances, chosen again in the list and in the run panel."""

import pytest
from django.urls import reverse

from access.models import AuditEntry
from assistant.instances import limits
from assistant.instances.errors import SelectionEmpty, SelectionNameTaken
from assistant.instances.models import Instance, Selection
from assistant.instances.operations.selections import create_selection, delete_selection, modify_selection
from assistant.invocations.models import Invocation
from console.kit.errors import InvalidParameter, NotAllowed, QuotaExceeded
from tests.instances.factories import InstanceFactory

pytestmark = pytest.mark.django_db

SEES = {"Effect": "Allow", "Action": ["ecs:DescribeInstances", "ecs:RunCommand"], "Resource": "*"}
PRODUCTION = {
    "Effect": "Allow",
    "Action": ["ecs:DescribeInstances", "ecs:RunCommand"],
    "Resource": "*",
    "Condition": {"StringEquals": {"ecs:tag/env": "prod"}},
}


def tagged(**tags):
    instance = InstanceFactory()
    for key, value in tags.items():
        instance.tags.create(key=key, value=value)
    return instance


def ids_in(page):
    return {pk for pk in Instance.objects.values_list("pk", flat=True) if pk in page.content.decode()}


def test_kept_filters_find_who_matches_them_now(as_operator, olga):
    web, other = tagged(role="web"), tagged(role="db")
    selection = create_selection(olga, "web servers", filters={"tag": "role=web"})
    later = tagged(role="web")

    found = ids_in(as_operator.get(selection.get_absolute_url()))

    assert found == {web.pk, later.pk}
    assert other.pk not in found


def test_ticked_instances_are_kept_one_by_one(as_operator, olga):
    chosen, _other = InstanceFactory.create_batch(2)
    create_selection(olga, "this one", instances=Instance.objects.filter(pk=chosen.pk))

    page = as_operator.get(Selection.objects.get().get_absolute_url())

    assert ids_in(page) == {chosen.pk}


def test_a_selection_and_a_filter_narrow_each_other(as_operator, olga):
    web = tagged(role="web")
    tagged(role="web", env="test")
    selection = create_selection(olga, "web servers", filters={"tag": "role=web"})

    page = as_operator.get(f"{selection.get_absolute_url()}&q={web.name}")

    assert ids_in(page) == {web.pk}


def test_all_of_a_selection_are_run_on(as_operator, olga):
    web = tagged(role="web")
    tagged(role="db")
    selection = create_selection(olga, "web servers", filters={"tag": "role=web"})
    script = {"language": "shell", "content": "true", "timeout": 60}

    as_operator.post(reverse("invocations:run"), {**script, "selection": selection.pk, "all": "1"})

    assert list(Invocation.objects.get().targets.values_list("instance", flat=True)) == [web.pk]


def test_whoever_uses_a_shared_selection_gets_what_they_may_see(olga, somebody):
    paul = somebody("paul", PRODUCTION)
    production = tagged(env="prod", role="web")
    tagged(env="test", role="web")
    selection = create_selection(olga, "web servers", filters={"tag": "role=web"}, is_shared=True)

    page = paul.client.get(selection.get_absolute_url())

    assert ids_in(page) == {production.pk}


def test_a_private_selection_is_its_owners_alone(olga, somebody):
    paul = somebody("paul", SEES)
    InstanceFactory()
    selection = create_selection(olga, "nightly", filters={"q": "web"})

    listed = paul.client.get(reverse("instances:selection_list")).content.decode()
    used = paul.client.get(selection.get_absolute_url())
    changed = paul.client.get(reverse("instances:selection_modify", args=[selection.pk]))

    assert "nightly" not in listed
    assert "nightly" not in used.content.decode()
    assert changed.status_code == 404


def test_a_selection_that_cannot_be_read_widens_no_choice(as_operator):
    InstanceFactory()
    script = {"language": "shell", "content": "true", "timeout": 60}

    response = as_operator.post(reverse("invocations:run"), {**script, "selection": "999", "all": "1"})

    assert response.status_code == 422
    assert not Invocation.objects.exists()


def test_a_shared_selection_is_changed_by_its_owner_and_administrators(olga, somebody):
    paul, sam = somebody("paul", SEES), somebody("sam", SEES)
    selection = create_selection(paul.principal, "web", filters={"q": "web"}, is_shared=True)

    with pytest.raises(NotAllowed):
        modify_selection(sam.principal, selection, name="mine", is_shared=True)
    with pytest.raises(NotAllowed):
        delete_selection(sam.principal, selection)
    modify_selection(olga, selection, name="web servers", is_shared=True)
    modify_selection(paul.principal, selection, name="my web servers", is_shared=False)
    delete_selection(paul.principal, selection)

    assert not Selection.objects.exists()


@pytest.mark.parametrize(
    ("name", "filters", "error"),
    [
        ("", {"q": "web"}, InvalidParameter),
        ("a\nb", {"q": "web"}, InvalidParameter),
        ("x" * (limits.SELECTION_NAME_CHARACTERS + 1), {"q": "web"}, InvalidParameter),
        ("web", {"q": "web"}, SelectionNameTaken),
        ("none", {}, SelectionEmpty),
        ("none", {"q": "", "page": "3", "selection": "1"}, SelectionEmpty),
    ],
)
def test_what_cannot_be_kept_is_refused(olga, name, filters, error):
    create_selection(olga, "web", filters={"q": "web"})

    with pytest.raises(error):
        create_selection(olga, name, filters=filters)

    assert Selection.objects.count() == 1


def test_two_people_call_their_selections_the_same(olga, somebody):
    create_selection(olga, "web", filters={"q": "web"})

    create_selection(somebody("paul").principal, "web", filters={"q": "web"})

    assert Selection.objects.filter(name="web").count() == 2


def test_nobody_keeps_more_than_the_limit(olga, monkeypatch):
    monkeypatch.setattr(limits, "SELECTIONS", 1)
    create_selection(olga, "one", filters={"q": "web"})

    with pytest.raises(QuotaExceeded):
        create_selection(olga, "two", filters={"q": "web"})


def test_the_trail_remembers_what_was_done_with_a_selection(olga):
    selection = create_selection(olga, "web", filters={"q": "web"})
    modify_selection(olga, selection, name="web servers", is_shared=True)
    delete_selection(olga, selection)

    remembered = AuditEntry.objects.filter(action__contains="Selection").order_by("pk")

    assert list(remembered.values_list("action", "resource")) == [
        ("ecs:CreateSelection", "web"),
        ("ecs:ModifySelection", "web"),
        ("ecs:DeleteSelection", "web servers"),
    ]


def test_a_selection_is_saved_from_the_list(as_operator):
    instances = InstanceFactory.create_batch(2)
    address = reverse("instances:selection_create")

    asked = as_operator.get(address, {"q": "web"}).content.decode()
    as_operator.post(address, {"q": "web", "name": "by filter"})
    as_operator.post(address, {"q": "web", "name": "by tick", "instance": instances[0].pk, "is_shared": "on"})
    again = as_operator.post(address, {"q": "web", "name": "by tick"})

    assert "2 instances match now" in asked
    by_filter, by_tick = Selection.objects.order_by("name")
    assert (by_filter.filters, by_filter.instance_ids, by_filter.is_shared) == ({"q": "web"}, [], False)
    assert (by_tick.filters, by_tick.instance_ids, by_tick.is_shared) == ({}, [instances[0].pk], True)
    assert again.status_code == 422


def test_a_selection_is_renamed_and_deleted_from_its_page(as_operator, olga):
    selection = create_selection(olga, "web", filters={"q": "web"})

    as_operator.post(reverse("instances:selection_modify", args=[selection.pk]), {"name": "all web"})
    renamed = as_operator.get(reverse("instances:selection_list")).content.decode()
    as_operator.post(reverse("instances:selection_delete", args=[selection.pk]))

    assert "all web" in renamed
    assert not Selection.objects.exists()


def test_the_page_of_selections_costs_the_same_with_many(as_operator, olga, django_assert_max_num_queries):
    for number in range(30):
        create_selection(olga, f"web {number}", filters={"q": "web"}, is_shared=True)

    with django_assert_max_num_queries(5):
        as_operator.get(reverse("instances:selection_list"))
