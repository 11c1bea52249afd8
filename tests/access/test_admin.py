"""The admin site looks and changes nothing: there is no way past the operations and the audit trail."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from access.models import AuditEntry, Policy, PolicyAttachment, Quota, Role, User
from assistant.instances.models import Region
from assistant.invocations.models import Guard
from tests.access.factories import GroupFactory, PolicyFactory, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db

OURS = [User, Group, Role, Policy, PolicyAttachment]


@pytest.fixture
def rows(as_operator):
    """One of each."""
    group = GroupFactory(name="ops")
    policy = PolicyFactory(name="runs")
    return {
        User: UserFactory(username="ana"),
        Group: group,
        Role: RoleFactory(name="fixer"),
        Policy: policy,
        PolicyAttachment: PolicyAttachment.objects.create(policy=policy, group=group),
    }


def address(model, verb, *words):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{verb}", args=words)


def everything():
    return [list(model.objects.order_by("pk").values()) for model in OURS]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_an_administrator_looks(as_operator, rows, model):
    assert as_operator.get(address(model, "changelist")).status_code == 200
    assert as_operator.get(address(model, "changelist"), {"q": "a"}).status_code == 200
    assert as_operator.get(address(model, "change", rows[model].pk)).status_code == 200


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("verb", ["add", "change", "delete", "changelist"])
def test_nothing_is_changed_there_by_anybody(as_operator, rows, model, verb):
    words = [rows[model].pk] if verb in ("change", "delete") else []
    before = everything()
    form = {
        "username": "x",
        "name": "x",
        "is_superuser": "on",
        "post": "yes",
        "action": "delete_selected",
        "_selected_action": rows[model].pk,
    }

    response = as_operator.post(address(model, verb, *words), form)

    assert response.status_code == (200 if verb == "changelist" else 403) or response.status_code == 302
    assert everything() == before


def test_the_way_leads_to_the_page_where_it_is_changed(as_operator, rows):
    page = as_operator.get(address(User, "changelist")).content.decode()

    assert f'href="{rows[User].get_absolute_url()}"' in page


def test_hashes_of_passwords_are_not_shown(as_operator, rows):
    page = as_operator.get(address(User, "change", rows[User].pk)).content.decode()

    assert rows[User].password not in page
    assert "md5" not in page


def test_passwords_are_not_changed_past_the_operations(as_operator, rows):
    before = everything()
    for path in (f"/admin/access/user/{rows[User].pk}/password/", "/admin/password_change/"):
        as_operator.post(path, {"password1": "x" * 12, "password2": "x" * 12, "usable_password": "true"})

    assert everything() == before


# What is changed there after all, and how the change comes into the audit trail.
AUDITED = {
    Quota: "by the operations that it calls",
    Region: "by its save_model and delete_model",
    Guard: "by its save_model and delete_model",
}


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=str), ids=lambda model: model.__name__)
def test_every_model_there_is_for_looking_or_audited(model, rf, operator):
    request = rf.get("/admin/")
    request.user = operator
    site = admin.site._registry[model]
    may = [
        site.has_add_permission(request),
        site.has_change_permission(request),
        site.has_delete_permission(request),
    ]

    assert not any(may) or model in AUDITED


def test_a_region_that_is_made_changed_or_deleted_there_is_in_the_audit_trail(as_operator):
    words = {"id": "north", "name": "North", "code": "no"}
    as_operator.post("/admin/instances/region/add/", words)
    as_operator.post("/admin/instances/region/north/change/", {**words, "name": "Far north"})
    as_operator.post("/admin/instances/region/north/delete/", {"post": "yes"})

    entries = AuditEntry.objects.filter(door="admin").order_by("pk")
    assert list(entries.values_list("principal", "action", "resource")) == [
        ("olga", "ecs:CreateRegion", "north"),
        ("olga", "ecs:ModifyRegion", "north"),
        ("olga", "ecs:DeleteRegion", "north"),
    ]


def test_regions_are_not_deleted_several_at_once(as_operator):
    Region.objects.create(id="north", name="North", code="no")
    form = {"action": "delete_selected", "_selected_action": "north", "post": "yes"}

    as_operator.post("/admin/instances/region/", form)

    assert Region.objects.filter(pk="north").exists()
