"""The reference in the console, and trying an action from it."""

import re

import pytest
from django.urls import reverse

from access.models import AuditEntry
from assistant.invocations.models import Invocation
from openapi.actions.base import ECS
from openapi.actions.registry import served
from openapi.reference.described import only_looks
from tests.commands.factories import saved
from tests.instances.factories import InstanceFactory

ACTIONS = sorted(name for version, name in served() if version == ECS)

pytestmark = pytest.mark.django_db


def page_of(name):
    return reverse("api:action_detail", args=[ECS, name])


def send(client, action, /, *, confirmed=False, headers=None, **said):
    typed = {f"say:{name}": value for name, value in said.items()}
    if confirmed:
        typed["confirmed"] = "on"
    return client.post(reverse("api:action_try", args=[ECS, action]), typed, headers=headers or {})


HTMX = {"HX-Request": "true", "HX-Target": "trial"}


def test_the_list_leads_to_every_action(as_reader):
    text = as_reader.get(reverse("api:action_list")).content.decode()

    assert [name for name in ACTIONS if page_of(name) not in text] == []


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_has_a_page(name, as_reader):
    response = as_reader.get(page_of(name))

    text = response.content.decode()
    assert response.status_code == 200
    assert served()[ECS, name].permission() in text
    assert ("confirmed" in text) is not only_looks(served()[ECS, name])


@pytest.mark.parametrize("address", [page_of("SendFile"), page_of("Nothing"), "/console/api/2001-01-01/X/"])
def test_what_is_not_served_has_no_page(address, as_operator):
    assert as_operator.get(address).status_code in (400, 404)


def test_the_document_is_there_for_who_has_signed_in(as_reader, as_nobody):
    assert as_reader.get(reverse("api:document")).json()["openapi"].startswith("3.1")
    assert as_nobody.get(reverse("api:document")).status_code == 302


def test_a_call_is_made_as_the_viewer(as_operator):
    instance = InstanceFactory(name="web-1")

    response = send(as_operator, "DescribeManagedInstances", headers=HTMX, InstanceId=instance.pk)

    text = response.content.decode()
    assert "<html" not in text
    assert "web-1" in text
    assert "RequestId" in text
    assert "no-store" in response["Cache-Control"]


def test_without_javascript_the_page_comes_back_with_what_was_typed(as_operator):
    response = send(as_operator, "DescribeManagedInstances", InstanceName="web-*", Tag="env=prod\nteam=a")

    text = response.content.decode()
    assert "<html" in text
    assert 'value="web-*"' in text
    assert "env=prod\nteam=a</textarea>" in text
    assert "TotalCount" in text


def test_what_changes_something_is_confirmed(as_operator):
    instance = InstanceFactory(name="old")
    said = {"InstanceId": instance.pk, "InstanceName": "new"}

    asked = send(as_operator, "ModifyManagedInstance", **said)
    instance.refresh_from_db()
    name_before = instance.name
    done = send(as_operator, "ModifyManagedInstance", confirmed=True, **said)
    instance.refresh_from_db()

    assert (asked.status_code, name_before) == (422, "old")
    assert (done.status_code, instance.name) == (200, "new")
    assert AuditEntry.objects.filter(action="ecs:ModifyManagedInstance").count() == 1


def test_a_look_changes_nothing_and_a_change_is_a_post(as_operator):
    assert as_operator.get(reverse("api:action_try", args=[ECS, "DescribeRegions"])).status_code == 405


def test_a_refusal_is_shown_with_its_code(as_operator):
    response = send(as_operator, "DescribeManagedInstances", headers=HTMX, PageSize="many")

    text = response.content.decode()
    assert response.status_code == 200
    assert "InvalidParam.PageSize" in text
    assert re.search(r">\s*400\s*<|</svg>400<", text)


def test_who_may_not_is_refused_and_it_is_remembered(as_reader, operator):
    instance = InstanceFactory()

    response = send(
        as_reader,
        "RunCommand",
        confirmed=True,
        Type="RunShellScript",
        CommandContent="id",
        InstanceId=instance.pk,
    )

    assert "Forbidden.RAM" in response.content.decode()
    assert not Invocation.objects.exists()
    assert AuditEntry.objects.get(action="ecs:RunCommand").outcome == AuditEntry.Outcome.REFUSED


def test_a_button_that_would_be_refused_says_what_is_missing(as_reader):
    text = as_reader.get(page_of("RunCommand")).content.decode()

    assert re.search(r"<button[^>]*disabled[^>]*ecs:RunCommand", text)


def test_secrets_are_not_written_back(as_operator, olga):
    command = saved(olga)

    response = send(as_operator, "InvokeCommand", CommandId=command.pk, Parameters='{"password":"x2k9"}')

    assert "x2k9" not in response.content.decode()


def test_a_script_keeps_its_lines(as_operator):
    instance = InstanceFactory()

    response = send(
        as_operator,
        "RunCommand",
        confirmed=True,
        headers=HTMX,
        Type="RunShellScript",
        CommandContent="echo a\r\necho b",
        InstanceId=f"{instance.pk}\r\n",
        ContentEncoding="PlainText",
    )

    assert "InvokeId" in response.content.decode(), response.content.decode()
    assert Invocation.objects.get().command.content == "echo a\necho b"


@pytest.mark.parametrize("nonsense", ["a\x00b", "x" * 10_000, "[" * 5000, "=", "\ufffd\u202e"])
def test_nonsense_is_refused_with_a_code(nonsense, as_operator):
    for name in ("DescribeManagedInstances", "RunCommand", "TagResources"):
        fields = re.findall(r'name="say:(\w+)"', as_operator.get(page_of(name)).content.decode())

        response = send(as_operator, name, confirmed=True, **dict.fromkeys(fields, nonsense))

        assert response.status_code == 200
        assert "InternalError" not in response.content.decode()


def test_a_forged_form_is_refused(operator):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)

    assert send(client, "DescribeRegions").status_code == 403


def test_pages_need_few_queries(as_operator, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        as_operator.get(page_of("RunCommand"))
    with django_assert_max_num_queries(4):
        as_operator.get(reverse("api:action_list"))
