"""The same call twice is done once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.models import AuditEntry
from access.principals import SYSTEM
from assistant.commands.models import Command
from openapi import idempotency
from openapi.models import IdempotentCall
from tests.instances.factories import RegionFactory

pytestmark = pytest.mark.django_db

ASKED = {"Name": "disk", "Type": "RunShellScript", "CommandContent": "ZGYgLWg="}


@pytest.fixture(autouse=True)
def region(db):
    return RegionFactory()


def create(program, named="one", **more):
    return program.call("CreateCommand", **{**ASKED, "ClientToken": named, **more})


def test_the_second_call_gets_the_first_ones_answer(program):
    first, second = create(program), create(program)

    assert first["CommandId"] == second["CommandId"]
    assert first["RequestId"] != second["RequestId"]
    assert Command.objects.count() == 1


def test_it_does_not_matter_how_the_second_one_is_signed(program):
    first = create(program, RegionId="local")
    second = program.send_v1("CreateCommand", method="POST", **ASKED, ClientToken="one", RegionId="local")

    assert second.json()["CommandId"] == first["CommandId"]


def test_it_does_not_matter_in_which_case_names_are_written(program):
    first = create(program)
    again = program.call(
        "CreateCommand", **{name.lower(): text for name, text in ASKED.items()}, CLIENTTOKEN="one"
    )

    assert again["CommandId"] == first["CommandId"]


def test_another_token_or_none_is_another_call(program):
    assert len({create(program, token)["CommandId"] for token in ("one", "two", None, None)}) == 4


def test_the_same_token_with_other_parameters_is_refused(program):
    create(program)

    response = program.send_v3("CreateCommand", **{**ASKED, "Name": "disks"}, ClientToken="one")

    assert (response.json()["Code"], response.status_code) == ("IdempotentParameterMismatch", 403)
    assert Command.objects.count() == 1


def test_a_token_is_of_one_user(program, program_of, django_user_model):
    first = create(program)
    other = program_of(django_user_model.objects.create_superuser("otto"))

    assert create(other)["CommandId"] != first["CommandId"]


def test_a_call_that_was_refused_may_be_mended(program):
    refused = create(program, Type="RunPythonScript")
    assert refused["Code"] == "InvalidCmdType.NotFound"

    assert create(program)["CommandId"]


def test_a_call_that_may_not_be_made_is_remembered_and_uses_up_nothing(program_of, somebody):
    may = {"Effect": "Allow", "Action": "ecs:CreateCommand", "Resource": "acs:ecs:elsewhere:*:command/*"}
    theirs = program_of(somebody("nora", may).user)

    assert create(theirs)["Code"] == "Forbidden.RAM"
    assert not IdempotentCall.objects.exists()
    assert (
        AuditEntry.objects.filter(outcome=AuditEntry.Outcome.REFUSED, action="ecs:CreateCommand").count() == 1
    )


def test_a_token_stands_for_a_day(program):
    first = create(program)
    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(hours=25))

    assert create(program)["CommandId"] != first["CommandId"]


def test_old_tokens_are_let_go_of(program):
    create(program)
    create(program, "two")
    IdempotentCall.objects.filter(token="one").update(created_at=timezone.now() - timedelta(hours=25))

    assert idempotency.forget(SYSTEM, now=timezone.now()) == 1
    assert IdempotentCall.objects.get().token == "two"


def test_a_secret_that_is_told_again_lies_sealed_meanwhile(program):
    first = program.call("CreateActivation", ClientToken="once")
    again = program.call("CreateActivation", ClientToken="once")

    assert first["ActivationCode"] == again["ActivationCode"]
    [kept] = IdempotentCall.objects.values_list("answer", "sealed_answer")
    assert first["ActivationCode"] not in str(kept)
