"""The pages of one's own account: open to everybody who has signed in, for themselves alone."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from access.models import Policy, PolicyAttachment, Role
from tests.access.authenticators import bound
from tests.conftest import attach, signed_in

pytestmark = pytest.mark.django_db

PAGES = [
    "/console/account/",
    "/console/password/",
    "/console/account/second-factor/",
    "/console/account/sessions/",
    "/console/account/roles/",
]
PANELS = [
    "/console/account/second-factor/remove/",
    "/console/account/recovery-codes/create/",
    "/console/account/roles/auditor/assume/",
]
CHANGES = [
    "/console/account/second-factor/begin/",
    "/console/account/sessions/end-others/",
    "/console/account/sessions/0123456789abcdef/end/",
    "/console/account/roles/leave/",
]


@pytest.mark.parametrize("path", [*PAGES, *PANELS])
def test_it_opens_for_who_has_signed_in_and_leads_others_to_do_so(path, operator):
    Role.objects.create(name="auditor")

    assert signed_in(operator).get(path).status_code == 200
    assert Client().get(path)["Location"].startswith("/console/sign-in/")


@pytest.mark.parametrize("path", PANELS)
def test_a_form_comes_as_a_panel_and_as_a_page(path, as_operator):
    Role.objects.create(name="auditor")

    panel = as_operator.get(path, headers={"HX-Request": "true"}).content.decode()
    page = as_operator.get(path).content.decode()

    assert "<html" not in panel
    assert "<html" in page
    assert 'class="panel"' in panel


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_is_changed_by_looking(path, as_operator):
    assert as_operator.get(path).status_code == 405


def test_the_account_shows_what_counts_and_by_what(reader):
    group = Group.objects.create(name="night-shift")
    reader.groups.add(group)
    PolicyAttachment.objects.create(policy=Policy.objects.get(name="AliyunRAMReadOnlyAccess"), group=group)
    PolicyAttachment.objects.create(
        policy=Policy.objects.get(name="AliyunOOSReadOnlyAccess"), role=Role.objects.create(name="auditor")
    )

    page = signed_in(reader).get("/console/account/").content.decode()

    assert "AliyunECSAssistantReadonlyAccess" in page
    assert "AliyunRAMReadOnlyAccess" in page
    assert "group night-shift" in page
    assert "AliyunOOSReadOnlyAccess" not in page


def test_an_account_without_policies_says_what_to_do(reader):
    reader.attachments.all().delete()

    assert (
        "Ask an administrator to attach a policy"
        in signed_in(reader).get("/console/account/").content.decode()
    )


@pytest.mark.parametrize(
    "names", [[], ["AliyunRAMReadOnlyAccess", "AliyunOOSReadOnlyAccess", "ReadOnlyAccess"]]
)
def test_the_account_costs_the_same_whatever_it_shows(reader, names, django_assert_max_num_queries):
    attach(reader, *names)
    reader.groups.add(*Group.objects.bulk_create(Group(name=name) for name in names))
    client = signed_in(reader)
    client.get("/console/account/")

    with django_assert_max_num_queries(10):
        client.get("/console/account/")


def test_who_has_no_recovery_code_left_is_warned(reader):
    bound(reader)

    assert (
        "No recovery code is left"
        in signed_in(reader).get("/console/account/second-factor/").content.decode()
    )
