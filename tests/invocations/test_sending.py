"""The short form of an instance's page, and what is said about errors."""

import pytest
from django.urls import reverse

from assistant.commands.models import Command
from assistant.invocations.models import Invocation
from assistant.invocations.rules import codes
from assistant.invocations.rules.remedies import REMEDIES, remedy_for
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import ran, report, started, target_of

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def send(instance):
    return reverse("invocations:instance_send", args=[instance.pk])


def test_what_is_sent_from_an_instances_page_is_shown_there(as_operator):
    instance = InstanceFactory()

    panel = as_operator.post(
        send(instance), {"language": "shell", "content": "uptime"}, headers=HTMX
    ).content.decode()
    target = target_of(Invocation.objects.get())
    report(started(target), body=b"up 12 days\n")
    shown = as_operator.get(
        reverse("invocations:instance_sent", args=[instance.pk, target.invocation_id])
    ).content.decode()

    assert 'id="sent"' in panel
    assert "up 12 days" in shown
    assert "Successful" in shown
    assert not Command.objects.kept().exists()


def test_without_scripts_the_short_form_leads_to_the_run(as_operator):
    instance = InstanceFactory()

    response = as_operator.post(send(instance), {"language": "shell", "content": "uptime", "keep": "on"})

    assert response["Location"] == Invocation.objects.get().get_absolute_url()
    assert Command.objects.kept().get().content == "uptime"


@pytest.mark.parametrize(
    ("traits", "offered", "not_offered"),
    [({}, "shell", "powershell"), ({"windows": True}, "powershell", "shell")],
)
def test_the_short_form_offers_what_the_system_takes(as_operator, traits, offered, not_offered):
    page = as_operator.get(send(InstanceFactory(**traits))).content.decode()

    assert f'value="{offered}"' in page
    assert f'value="{not_offered}"' not in page


def test_nothing_is_sent_to_an_instance_that_may_not_be_run_on(somebody):
    mine, other = InstanceFactory(), InstanceFactory()
    mine.tags.create(key="env", value="prod")
    condition = {"StringEquals": {"ecs:tag/env": "prod"}}
    paul = somebody(
        "paul",
        {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"},
        {"Effect": "Allow", "Action": "ecs:RunCommand", "Resource": "*", "Condition": condition},
    )
    words = {"language": "shell", "content": "true"}

    assert paul.client.post(send(other), words).status_code == 403
    assert paul.client.post(send(mine), words).status_code == 302


def test_every_error_code_has_a_text_and_a_remedy():
    assert set(codes.INFO) == set(REMEDIES)
    assert set(codes.AGENT_CODES.values()) | set(codes.INVALID_CODES.values()) <= set(REMEDIES)
    assert remedy_for("NotOfOurs") is None


def test_an_error_without_the_agents_words_has_the_apis_text(olga):
    target = started(target_of(ran(olga)))

    report(target, exit_code=3)

    assert target.error_info == "the exit code of the command is not 0."


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ExecutionTimeout", "the command execution has been timeout."),
        ("InstanceNotExists", "the specified instance does not exists"),
    ],
)
def test_two_texts_are_those_of_the_specification(code, text):
    assert codes.info_of(code) == text


def test_an_error_in_the_agents_words_keeps_them(olga):
    target = started(target_of(ran(olga)))

    report(target, "error", error_code="-13", error_info="General: no idea")

    assert target.error_info == "General: no idea"


def test_who_is_away_has_its_text_from_the_beginning(olga):
    target = target_of(ran(olga, InstanceFactory(never_seen=True)))

    assert (target.error_code, target.error_info) == (
        "ClientNotRunning",
        "the client is not running or is not installed.",
    )


@pytest.mark.parametrize("name", ["invocations:invocation_detail", "invocations:target_detail"])
def test_an_error_shows_its_remedy_and_leads_to_all_of_them(name, as_operator, olga):
    target = target_of(ran(olga, InstanceFactory(never_seen=True)))
    arguments = [target.invocation_id, target.instance_id]
    address = reverse(name, args=arguments[:1] if name.endswith("invocation_detail") else arguments)

    page = as_operator.get(address).content.decode()

    assert f"{reverse('invocations:error_codes')}#ClientNotRunning" in page
    assert "systemctl restart cloud-assistant" in page
    assert codes.INFO["ClientNotRunning"] not in page, "the console says it in its own words"


def test_the_remedies_stand_on_a_page(as_reader):
    page = as_reader.get(reverse("invocations:error_codes")).content.decode()

    for code in REMEDIES:
        assert f'id="{code}"' in page


def test_the_tabs_of_a_run_have_the_coarse_words_and_count_what_they_list(as_operator, olga):
    instances = InstanceFactory.create_batch(4)
    invocation = ran(olga, *instances)
    report(started(target_of(invocation, instances[0])))
    report(started(target_of(invocation, instances[1])), exit_code=1)
    report(started(target_of(invocation, instances[2])), "timeout")

    page = as_operator.get(invocation.get_absolute_url()).content.decode()
    failed = as_operator.get(invocation.get_absolute_url() + "?state=failed").content.decode()

    assert "Task Completed 1" in page
    assert "Task Failed 2" in page
    listed = failed[failed.index('id="invocation-targets"') :]
    assert [instance.pk for instance in instances if f">{instance.pk}<" in listed] == [
        instances[1].pk,
        instances[2].pk,
    ]
