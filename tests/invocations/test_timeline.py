"""The runs of a plan that recurs, as pages show them: moment by moment, instance by instance, run by run."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from access.principals import SYSTEM
from assistant.invocations.models import Record, Target
from assistant.invocations.operations.plan_limits import hold_plans
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import blackout, planned, ran, ran_at, report, started, target_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(olga):
    """Three instances, and what one plan ran on them at two moments: at the second, one said something else."""
    instances = [InstanceFactory(name=f"web-{number}") for number in (1, 2, 3)]
    invocation = planned(olga, *instances, frequency="rate(1h)")
    invocation.created_at -= timedelta(minutes=150)
    invocation.save(update_fields=["created_at"])
    first = invocation.created_at + timedelta(hours=1)
    for instance in instances:
        ran_at(target_of(invocation, instance), first, body=b"ok\n")
    for instance, body in zip(instances, (b"ok\n", b"ok\n", b"full\n"), strict=True):
        ran_at(target_of(invocation, instance), first + timedelta(hours=1), body=body)
    invocation.refresh_from_db()
    return invocation


def page_of(client, invocation, **query):
    return client.get(invocation.get_absolute_url(), query)


def record_of(invocation, name, number):
    return Record.objects.get(invocation=invocation, target__instance__name=name, number=number)


def test_the_page_says_when_it_runs_and_ran(web, as_operator):
    page = page_of(as_operator, web).content.decode()

    assert "Every hour, for the first time after 1 hour" in page
    assert "Next run" in page
    assert "Waiting for execution" in page
    assert web.repeats == 2


def test_moments_are_listed_the_newest_first_with_their_runs_by_state(web, as_operator):
    moments = page_of(as_operator, web).context["moments"]

    assert [moment["number"] for moment in moments] == [3, 3]
    assert [moment["at"] for moment in moments] == [
        web.last_run_at,
        web.last_run_at - timedelta(hours=1),
    ]
    assert [segment.group for segment in moments[0]["segments"]] == ["success"]


def test_the_newest_moment_is_shown_and_who_answered_differently(web, as_operator):
    page = page_of(as_operator, web)

    assert page.context["moment"] == web.last_run_at
    assert page.context["answers"].n_different == 1
    assert page.context["answers"].groups[0].names == ("web-3",)
    assert "full" in page.content.decode()


def test_an_older_moment_is_one_click_away(web, as_operator):
    older = page_of(as_operator, web).context["moments"][1]["word"]

    page = page_of(as_operator, web, at=older)

    assert page.context["answers"].n_different == 0
    assert "full" not in page.content.decode()


@pytest.mark.parametrize("word", ["yesterday", "2001-01-01", "9"])
def test_a_moment_that_is_none_is_the_newest(word, web, as_operator):
    assert page_of(as_operator, web, at=word).context["moment"] == web.last_run_at


def test_the_runs_of_a_moment_are_filtered_and_keep_their_moment(web, as_operator):
    page = page_of(as_operator, web)
    usual = page.context["answers"].majority

    found = page_of(as_operator, web, at=page.context["moments"][0]["word"], unlike=usual.key)

    assert [record.instance.name for record in found.context["records"].page] == ["web-3"]
    assert "at=" in found.context["records"].address


def test_the_instances_of_the_plan_are_a_tab(web, as_operator):
    Target.objects.filter(instance__name="web-2").update(missed=4)

    page = page_of(as_operator, web, tab="instances")

    assert page.context["listing"].number == 3
    assert "4 runs were missed" in page.content.decode()
    assert "tab=instances" in page.context["listing"].address


def test_before_the_first_run_the_instances_are_shown(olga, as_operator):
    invocation = planned(olga, frequency="0 0 3 * * ?")

    page = page_of(as_operator, invocation)

    assert page.context["listing"].number == 1
    assert "by each server&#x27;s own clock" in page.content.decode()
    assert "by each server's clock" in page.content.decode()


def test_an_instance_that_has_not_run_yet_says_so(olga, as_operator):
    page = as_operator.get(target_of(planned(olga, frequency="rate(1h)")).get_absolute_url())

    assert "It has not run here yet." in page.content.decode()


def test_an_instance_has_the_history_of_its_runs(web, as_operator):
    target = target_of(web, web.targets.get(instance__name="web-3").instance)

    page = as_operator.get(target.get_absolute_url())

    assert [record.number for record in page.context["history"]] == [2, 1]
    assert page.context["target"].number == 2
    assert "full" in page.content.decode()


def test_the_history_says_where_the_answer_changed(web, as_operator):
    same, other = [web.targets.get(instance__name=name).get_absolute_url() for name in ("web-1", "web-3")]

    assert "another answer than before" not in as_operator.get(same).content.decode()
    page = as_operator.get(other).content.decode()
    assert page.count("another answer than before") == 1
    assert record_of(web, "web-3", 2).get_absolute_url() + "compare/" in page


def test_what_failed_on_an_instance_is_run_again_there(olga, as_operator):
    target = target_of(ran(olga))

    page = as_operator.get(target.get_absolute_url()).content.decode()

    again = f"?again={target.invocation_id}&amp;instance={target.instance_id}"
    assert reverse("invocations:run") + again in page


@pytest.mark.parametrize("page", ["2", "0", "x", "9" * 30])
def test_moments_are_paged_without_being_counted(page, web, as_operator):
    Record.objects.filter(number=1).update(fired_at=web.last_run_at - timedelta(days=1))
    shown = page_of(as_operator, web, moments=page)

    assert shown.status_code == 200
    assert (not shown.context["moments"]) == (page == "2")


def test_a_run_has_a_page_an_output_and_a_comparison_with_the_one_before(web, as_operator):
    record = record_of(web, "web-3", 2)

    page = as_operator.get(record.get_absolute_url()).content.decode()
    output = as_operator.get(f"{record.get_absolute_url()}output/")
    compared = as_operator.get(f"{record.get_absolute_url()}compare/")

    assert "Not the same answer as in the run before." in page
    assert output.content == b"full\n"
    assert f"{web.pk}-{record.instance_id}-2.txt" in output["Content-Disposition"]
    assert compared.context["other"].number == 1
    assert compared.context["comparison"].n_new == 1


def test_a_run_is_compared_with_another_instances_at_the_same_moment(web, as_operator):
    record, other = record_of(web, "web-3", 2), record_of(web, "web-1", 2)

    page = as_operator.get(f"{record.get_absolute_url()}compare/", {"instance": other.instance_id})

    assert page.context["other"] == other
    assert "web-3 against web-1" in page.content.decode()


def test_of_a_moment_that_came_twice_the_last_run_is_compared(web, as_operator):
    record, other = record_of(web, "web-3", 2), record_of(web, "web-1", 2)
    ran_at(other.target, other.fired_at + timedelta(minutes=1), body=b"again\n")

    page = as_operator.get(f"{record.get_absolute_url()}compare/", {"instance": other.instance_id})

    assert page.context["other"] == record_of(web, "web-1", 3)


def test_a_run_by_hand_is_compared_with_the_plans_last_one(web, olga, as_operator):
    instance = web.targets.get(instance__name="web-3").instance
    target = started(target_of(ran(olga, instance, content=web.command.content)))
    report(target, body=b"ok\n")

    page = as_operator.get(f"{target.get_absolute_url()}compare/")

    assert page.context["other"] == record_of(web, "web-3", 2)


@pytest.mark.parametrize("what", ["", "output/", "compare/"])
def test_a_run_that_is_none_is_not_found(what, web, as_operator):
    record = record_of(web, "web-3", 2)

    address = record.get_absolute_url().replace("/runs/2/", "/runs/9/")

    assert as_operator.get(address + what).status_code == 404


@pytest.mark.parametrize(
    ("part", "query"),
    [
        ("invocation-status", {}),
        ("invocation-timeline", {}),
        ("invocation-answers", {}),
        ("invocation-records", {}),
        ("invocation-targets", {"tab": "instances"}),
    ],
)
def test_each_part_of_the_page_comes_by_itself(part, query, web, as_operator):
    headers = {"HX-Request": "true", "HX-Target": part}

    fragment = as_operator.get(web.get_absolute_url(), query, headers=headers).content.decode()

    assert "<html" not in fragment
    assert fragment.count(' id="invocation-') == 1
    assert f'id="{part}"' in fragment


def test_a_page_from_before_the_first_run_still_renews_its_own_part(web, as_operator):
    headers = {"HX-Request": "true", "HX-Target": "invocation-targets"}

    fragment = as_operator.get(web.get_absolute_url(), headers=headers).content.decode()

    assert "<html" not in fragment
    assert 'id="invocation-targets"' in fragment


def test_the_number_of_queries_does_not_grow_with_runs(web, olga, as_operator, django_assert_max_num_queries):
    now = timezone.now()
    records = [
        Record(
            invocation=web,
            target=target,
            number=number,
            fired_at=now - timedelta(hours=number),
            created_at=now,
            finished_at=now,
            status="Success",
            digest=f"{number}",
        )
        for target in web.targets.all()
        for number in range(10, 110)
    ]
    Record.objects.bulk_create(records)
    place = web.targets.first()

    for address, most in [
        (web.get_absolute_url(), 12),
        (f"{web.get_absolute_url()}?tab=instances", 10),
        (place.get_absolute_url(), 10),
        (place.records.first().get_absolute_url(), 10),
    ]:
        with django_assert_max_num_queries(most):
            assert as_operator.get(address).status_code == 200


@pytest.mark.parametrize("windows", [1, 6])
def test_a_plan_that_is_held_in_part_says_by_what_at_no_more_cost(
    windows, web, as_operator, django_assert_max_num_queries
):
    web.targets.get(instance__name="web-1").instance.tags.create(key="env", value="prod")
    for number in range(windows):
        blackout(start=-timedelta(minutes=5), length=timedelta(hours=1 + number), tag_key="env")
    blackout(start=-timedelta(minutes=5), tag_key="elsewhere")
    hold_plans(SYSTEM, now=timezone.now())

    with django_assert_max_num_queries(12):
        page = page_of(as_operator, web).content.decode()

    assert page.count("1 of 3 instances are held until") == windows
    assert "Next run" in page


def test_the_page_of_an_instance_says_which_plans_run_there_and_when(web, olga, as_operator):
    instance = web.targets.get(instance__name="web-1").instance
    ran(olga, instance)

    page = as_operator.get(instance.get_absolute_url())

    assert [target.invocation for target in page.context["plans"]] == [web]
    assert "Every hour" in page.content.decode()


def test_the_overview_says_how_far_it_is_what_goes_on(olga, as_operator):
    invocation = ran(olga, InstanceFactory(), InstanceFactory())
    report(started(invocation.targets.first()))

    page = as_operator.get(reverse("console:overview")).content.decode()

    assert "Runs that go on" in page
    assert "<b>1</b> Task Completed" in page


def test_the_overview_counts_no_plan_that_waits_as_going_on(web, as_operator):
    page = as_operator.get(reverse("console:overview"))

    assert not page.context["running"]


def test_the_list_says_the_plan_and_the_next_run(web, as_operator):
    page = as_operator.get(reverse("invocations:invocation_list")).content.decode()

    assert "Every hour" in page
    assert "next" in page


@pytest.mark.parametrize(
    ("kind", "frequency"),
    [("interval", "rate(5m)"), ("moment", "at(2090-01-01 00:00:00 UTC)"), ("clock", "0 0 3 * * ? UTC")],
)
def test_the_list_is_filtered_by_the_kind_of_plan(kind, frequency, olga, as_operator):
    for other in ("rate(2h)", "at(2091-01-01 00:00:00 UTC)", "0 0 4 * * ?"):
        planned(olga, frequency=other)
    ran(olga)
    wanted = planned(olga, frequency=frequency)

    page = as_operator.get(reverse("invocations:invocation_list"), {"plan": kind})

    found = list(page.context["listing"].page)
    assert found[0] == wanted
    assert {one.plan.kind for one in found} == {kind}
    assert len(found) == 2
