"""Whom the run panel offers, whom it does not and why, and how it begins as an earlier run did."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from assistant.instances.models import Instance
from assistant.instances.operations.releases import deregister_managed_instance
from assistant.instances.rules.fitness import Misfit, Part, fit
from assistant.invocations.models import Invocation
from assistant.invocations.views.picking import CHOICES_SHOWN
from tests.commands.factories import saved
from tests.instances.factories import InstanceFactory, RegionFactory
from tests.invocations.factories import ran, report, started, target_of

pytestmark = pytest.mark.django_db

RUN = {"language": "shell", "content": "true", "timeout": 60}
POWERSHELL = {"language": "powershell", "content": "dir", "timeout": 60}


def panel(client, **fields):
    return client.get(reverse("invocations:run"), fields).content.decode()


def picked(client, **fields):
    return client.get(reverse("invocations:run_targets"), fields).content.decode()


def sentence(client, **fields):
    return client.post(reverse("invocations:run_preview"), fields).content.decode()


def line_of(page, instance):
    """The row of the list to tick."""
    [row] = [row for row in page.split("<tr")[1:] if f'value="{instance.pk}"' in row]
    return row


def test_what_does_not_fit_is_shown_with_its_reason_and_cannot_be_ticked(as_operator):
    linux, windows = InstanceFactory(), InstanceFactory(windows=True)

    page = picked(as_operator, language="shell", instance=windows.pk)
    turned = picked(as_operator, language="powershell")

    assert "disabled" not in line_of(page, linux)
    assert "disabled" in line_of(page, windows)
    assert "checked" not in line_of(page, windows)
    assert str(Misfit.SYSTEM.label) in line_of(page, windows)
    assert "disabled" in line_of(turned, linux)
    assert "disabled" not in line_of(turned, windows)


def test_a_tick_that_does_not_fit_is_in_sight_and_not_sent_however_many_there_are(as_operator):
    windows = InstanceFactory(windows=True)
    InstanceFactory.create_batch(CHOICES_SHOWN + 1)

    page = panel(as_operator, language="shell", instance=windows.pk)

    assert "disabled" in line_of(page, windows)
    assert f'type="hidden" name="instance" value="{windows.pk}"' not in page
    assert "2 more are not shown" in page


def test_where_there_is_no_server_at_all_the_panel_says_how_to_add_one(as_operator):
    way = reverse("instances:activation_create")

    assert way in panel(as_operator)
    assert way not in picked(as_operator, q="nobody")
    InstanceFactory()
    assert way not in panel(as_operator)


def test_who_is_offline_can_be_ticked_and_is_marked(as_operator):
    here, away = InstanceFactory(), InstanceFactory(offline=True)

    page = picked(as_operator, language="shell")

    assert "Offline: fails at once" in line_of(page, away)
    assert "disabled" not in line_of(page, away)
    assert "Offline" not in line_of(page, here)


def test_step_by_step_who_is_offline_fails_when_its_turn_comes(as_operator):
    away = InstanceFactory(offline=True)
    steps = {**RUN, "at_a_time": "10%"}

    assert "Offline: fails when its turn comes" in line_of(picked(as_operator, **steps), away)
    assert "when its turn comes" in sentence(as_operator, instance=away.pk, **steps)
    assert "Offline: waits for it" in line_of(picked(as_operator, **steps, waits_until=24), away)


def test_an_agent_without_roots_rights_is_not_offered_another_account(as_operator):
    bound = InstanceFactory(unprivileged=True)

    assert "disabled" in line_of(picked(as_operator, username="root"), bound)
    assert "disabled" not in line_of(picked(as_operator, username="deploy"), bound)
    assert "disabled" not in line_of(picked(as_operator), bound)


def test_a_saved_command_is_offered_to_its_own_region_and_system(as_operator, olga):
    here = InstanceFactory()
    there = InstanceFactory(region=RegionFactory(id="north", name="North", code="no"))

    page = picked(as_operator, command=saved(olga).pk)

    assert "disabled" not in line_of(page, here)
    assert str(Misfit.REGION.label) in line_of(page, there)


def test_who_was_ticked_and_is_deregistered_is_named(as_operator, olga):
    instance = InstanceFactory()
    deregister_managed_instance(olga, instance)

    page = panel(as_operator, instance=instance.pk)

    assert str(Misfit.GONE.label) in line_of(page, instance)
    assert "disabled" in line_of(page, instance)


def test_those_that_fit_come_first(as_operator):
    for number in range(60):
        InstanceFactory(windows=True, name=f"a-{number:02}")
    linux = InstanceFactory(name="z")

    page = picked(as_operator, language="shell")

    assert "disabled" not in line_of(page, linux)
    assert "11 more are not shown" in page


def test_all_that_match_are_all_that_fit(as_operator):
    linux = InstanceFactory.create_batch(2)
    InstanceFactory.create_batch(3, windows=True)

    counted = picked(as_operator, language="shell", all="1")
    said = sentence(as_operator, language="shell", all="1")
    as_operator.post(reverse("invocations:run"), {**RUN, "all": "1"})

    assert "All 2 instances that match" in counted
    assert "3 are left out: another system than the command is for." in " ".join(said.split())
    assert "<b>2 instances</b>" in said
    chosen = Invocation.objects.get().targets.order_by("instance").values_list("instance", flat=True)
    assert list(chosen) == sorted(instance.pk for instance in linux)


def test_who_matches_is_looked_at_when_it_runs(as_operator):
    InstanceFactory()
    counted = picked(as_operator, language="shell")
    InstanceFactory()

    as_operator.post(reverse("invocations:run"), {**RUN, "all": "1"})

    assert "The one instance that matches" in counted
    assert Invocation.objects.get().n_total == 2


def test_where_nobody_fits_nothing_runs(as_operator):
    InstanceFactory()

    response = as_operator.post(reverse("invocations:run"), {**POWERSHELL, "all": "1"})

    assert response.status_code == 422
    assert not Invocation.objects.exists()


def test_ticked_ones_that_do_not_fit_are_said_and_refused(as_operator):
    linux, windows = InstanceFactory(), InstanceFactory(windows=True)
    ticked = {**RUN, "instance": [linux.pk, windows.pk]}

    said = sentence(as_operator, **ticked)
    response = as_operator.post(reverse("invocations:run"), ticked)

    assert "1 that is ticked cannot take the command" in said
    assert response.status_code == 422
    assert not Invocation.objects.exists()


def test_of_several_regions_the_run_takes_the_one_with_the_most(as_operator):
    north = RegionFactory(id="north", name="North", code="no")
    InstanceFactory()
    InstanceFactory.create_batch(2, region=north)

    said = sentence(as_operator, language="shell", all="1")
    as_operator.post(reverse("invocations:run"), {**RUN, "all": "1"})

    assert "1 is left out: another region." in " ".join(said.split())
    assert Invocation.objects.get().region == north
    assert Invocation.objects.get().n_total == 2


def test_a_plan_is_not_offered_to_clients_that_are_too_old(as_operator):
    old, new = InstanceFactory(agent_version="1.0.2.458"), InstanceFactory()
    hourly = {"language": "shell", "plan": "interval", "interval": "1", "unit": "h"}

    page = picked(as_operator, **hourly)

    assert str(Misfit.CLIENT.label) in line_of(page, old)
    assert "disabled" not in line_of(page, new)
    assert "disabled" not in line_of(picked(as_operator, language="shell"), old)


def test_a_choice_is_added_up():
    parts = [
        Part("local", "", 5, 4),
        Part("north", "", 2, 2),
        Part("local", Misfit.SYSTEM.value, 3, 3),
        Part("north", Misfit.SYSTEM.value, 1, 0),
    ]

    added = fit(parts)

    assert (added.region_id, added.number, added.n_connected, added.n_offline) == ("local", 5, 4, 1)
    assert added.left_out == {Misfit.SYSTEM: 4, Misfit.REGION: 2}
    assert added.n_left_out == 6


@pytest.mark.parametrize("size", [1, 60])
def test_the_list_to_tick_costs_the_same_with_many(size, as_operator, django_assert_max_num_queries):
    InstanceFactory.create_batch(size)
    InstanceFactory.create_batch(size, windows=True)

    with django_assert_max_num_queries(9):
        picked(as_operator, language="shell", all="1")


def test_a_command_that_was_begun_elsewhere_stands_in_the_panel(as_operator):
    page = panel(as_operator, content="systemctl status nginx")

    assert "systemctl status nginx</textarea>" in page
    assert reverse("commands:common_list") in page


# --- Run again, edited ---


def test_an_edited_copy_begins_as_the_run_did(as_operator, olga):
    invocation = ran(olga, content="uptime", username="deploy", working_dir="/srv", timeout=77, name="check")

    page = panel(as_operator, again=invocation.pk, all="1")

    assert "uptime</textarea>" in page
    for value in ("deploy", "/srv", "77", "check"):
        assert f'value="{value}"' in page
    assert "The one instance that matches" in page


def test_the_copys_targets_are_those_of_the_run_or_those_that_failed(as_operator, olga):
    good, bad, _stranger = InstanceFactory.create_batch(3)
    invocation = ran(olga, good, bad)
    report(started(target_of(invocation, good)))
    report(started(target_of(invocation, bad)), exit_code=1)

    def targets_of_a_copy(**fields):
        as_operator.post(reverse("invocations:run"), {**RUN, "again": invocation.pk, "all": "1", **fields})
        made = Invocation.objects.exclude(pk=invocation.pk).order_by("-created_at").first()
        return set(made.targets.values_list("instance", flat=True))

    assert targets_of_a_copy() == {good.pk, bad.pk}
    assert targets_of_a_copy(outcome="failed") == {bad.pk}


def test_secret_values_of_a_copy_are_typed_anew(as_operator, olga):
    instance = InstanceFactory()
    made = as_operator.post(
        reverse("invocations:run"),
        {
            **RUN,
            "content": "login {{user}} {{word}}",
            "enable_parameter": "on",
            "parameter-user": "anna",
            "secret-word": "on",
            "parameter-word": "opensesame",
            "instance": instance.pk,
        },
    )
    assert made.status_code == 302
    invocation = Invocation.objects.get()

    page = panel(as_operator, again=invocation.pk, all="1")

    assert 'value="anna"' in page
    assert "opensesame" not in page
    assert 'name="secret-word" id="secret-word" checked' in page


def test_a_copy_says_who_of_the_run_is_gone(as_operator, olga):
    gone, here = InstanceFactory.create_batch(2)
    invocation = ran(olga, gone, here)
    deregister_managed_instance(olga, gone)

    page = panel(as_operator, again=invocation.pk, all="1")

    assert "1 of them is deregistered by now." in page
    assert "The one instance that matches" in page


def test_a_run_that_may_not_be_seen_is_not_copied_and_says_nothing_of_its_instances(somebody, olga):
    mine, theirs = InstanceFactory(), InstanceFactory()
    mine.tags.create(key="env", value="prod")
    invocation = ran(olga, mine, theirs)
    paul = somebody(
        "paul",
        {"Effect": "Allow", "Action": ["ecs:DescribeInstances", "ecs:RunCommand"], "Resource": "*"},
    )

    copied = paul.client.get(reverse("invocations:run"), {"again": invocation.pk})
    listed = picked(paul.client, again=invocation.pk)

    assert copied.status_code == 404
    assert mine.pk not in listed


def test_an_old_run_can_be_copied_when_its_instances_are_away(as_operator, olga):
    instance = InstanceFactory()
    invocation = ran(olga, instance)
    Instance.objects.update(last_seen_at=timezone.now() - timedelta(days=2), channel="")

    assert "Offline: fails at once" in line_of(panel(as_operator, again=invocation.pk), instance)
