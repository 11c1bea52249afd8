"""Quotas in the console and in the administration site."""

import pytest

from access.models import AuditEntry, Quota
from access.operations.quotas import use
from access.principals import SYSTEM
from access.rules.quotas import ACTIVATION_SIZE, RUNS
from tests.instances.factories import ActivationFactory, InstanceFactory, RegionFactory

pytestmark = pytest.mark.django_db

PAGE = "/console/access/quotas/"
CHANGE = f"{PAGE}{RUNS.name}/local/"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def region():
    return RegionFactory()


@pytest.fixture
def onlooker(somebody):
    allowed = [{"Effect": "Allow", "Action": "quotas:ListProductQuotas", "Resource": "*"}]
    allowed.append({"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"})
    return somebody("otto", *allowed)


def test_who_may_see_and_who_may_change(as_nobody, as_reader, as_operator, onlooker, somebody):
    stranger = somebody("sam").client
    for path in (PAGE, CHANGE):
        assert as_nobody.get(path).status_code == 302
        assert stranger.get(path).status_code == 403
        assert as_operator.get(path).status_code == 200
    assert onlooker.client.get(PAGE).status_code == 200
    for path in (CHANGE, f"{CHANGE}reset/"):
        assert onlooker.client.post(path, {"value": "1"}).status_code == 403
    assert not Quota.objects.exists()


def test_a_change_without_permission_is_shown_as_a_button_that_says_what_is_missing(onlooker):
    text = onlooker.client.get(PAGE).content.decode()

    assert "You need quotas:UpdateProductQuota" in text
    assert CHANGE not in text


def test_use_is_shown_for_the_region_that_is_chosen(as_operator):
    RegionFactory(id="north", name="North", code="no")
    use(SYSTEM, RUNS, "north", n=4321)

    assert "4,321" not in as_operator.get(PAGE).content.decode()
    assert "4,321" in as_operator.get(f"{PAGE}?region=north").content.decode()
    assert as_operator.get(f"{PAGE}?region=nowhere").status_code == 200


def test_a_value_is_changed_for_the_region_or_for_all(as_operator):
    response = as_operator.post(CHANGE, {"value": "7"}, headers=HTMX)
    assert response["HX-Redirect"] == f"{PAGE}?region=local"
    as_operator.post(CHANGE, {"value": "9", "everywhere": "on"})

    assert sorted(Quota.objects.values_list("region_id", "value")) == [("", 9), ("local", 7)]

    as_operator.post(f"{CHANGE}reset/")
    as_operator.post(f"{CHANGE}reset/")
    assert not Quota.objects.exists()


@pytest.mark.parametrize("value", ["", "-1", "many", "1001"])
def test_a_value_that_cannot_be_taken_is_said_at_its_field(as_operator, value):
    response = as_operator.post(f"{PAGE}{ACTIVATION_SIZE.name}/local/", {"value": value}, headers=HTMX)

    assert response.status_code == 422
    assert "field-error" in response.content.decode()
    assert not Quota.objects.exists()


@pytest.mark.parametrize("path", [f"{PAGE}nothing/local/", f"{PAGE}{RUNS.name}/nowhere/"])
def test_what_is_not_there_is_not_found(as_operator, path):
    assert as_operator.get(path).status_code == 404


@pytest.mark.parametrize("size", [1, 40])
def test_the_number_of_queries_does_not_grow(as_operator, size, django_assert_max_num_queries):
    InstanceFactory.create_batch(size)
    ActivationFactory.create_batch(size)

    with django_assert_max_num_queries(12):
        as_operator.get(PAGE)


def test_a_quota_that_is_used_up_is_told_where_it_is_met(as_operator):
    instance = InstanceFactory()
    as_operator.post(CHANGE, {"value": "0"})
    words = {"language": "shell", "content": "true", "timeout": "60", "instance": instance.pk}

    response = as_operator.post("/console/run/", words, headers=HTMX)

    assert response.status_code == 403
    assert "Runs per day: 0 of 0 are used" in response.content.decode()


# --- The administration site ---

ADMIN = "/admin/access/quota/"


def test_the_administration_site_changes_quotas_by_the_same_operations(as_operator):
    as_operator.post(f"{ADMIN}add/", {"name": RUNS.name, "region_id": "local", "value": "5"})
    quota = Quota.objects.get()
    as_operator.post(f"{ADMIN}{quota.pk}/change/", {"value": "6"})
    as_operator.post(f"{ADMIN}{quota.pk}/delete/", {"post": "yes"})

    assert not Quota.objects.exists()
    entries = AuditEntry.objects.filter(action="quotas:UpdateProductQuota").order_by("number")
    assert [(one.facts["before"], one.facts["value"]) for one in entries] == [(None, 5), (5, 6), (6, None)]
    assert {(one.principal, one.door) for one in entries} == {("olga", "admin")}


@pytest.mark.parametrize(
    "words",
    [
        {"name": "nothing", "region_id": "", "value": "1"},
        {"name": ACTIVATION_SIZE.name, "region_id": "", "value": "1001"},
        {"name": RUNS.name, "region_id": "nowhere", "value": "1"},
    ],
)
def test_the_administration_site_refuses_what_the_page_refuses(as_operator, words):
    as_operator.post(f"{ADMIN}add/", words)

    assert not Quota.objects.exists()
    assert as_operator.get(ADMIN).status_code == 200
