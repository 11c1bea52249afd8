"""Which of them answered differently: the few against the many, and a run against the one before it."""

import pytest
from django.urls import reverse

from assistant.invocations.models import Target
from assistant.invocations.operations.runs import run_again
from assistant.invocations.rules.answers import Group, answers
from assistant.invocations.rules.comparisons import LINES_COMPARED, compare
from assistant.invocations.rules.output import Output, Piece
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import ran, report, started, target_of

USUAL, OTHER, THIRD = (letter * 32 for letter in "abc")


def group(digest, number, sample, **facts):
    said = {"status": "Success", "error_code": "", "exit_code": 0, "digest": digest} | facts
    return Group(number=number, sample=sample, **said)


def made(*groups, texts, most=12, n_ended=None):
    outputs = {one.sample: Output((Piece(0, texts[one.sample]),)) for one in groups}
    places = {one.sample: [(f"mi-{one.sample}", f"web-{one.sample}")] for one in groups}
    total = n_ended or sum(one.number for one in groups)
    return answers(groups, outputs, places, n_ended=total, most=most, most_lines=20)


def test_those_that_differ_come_before_the_majority_with_what_they_say_otherwise():
    said = made(group(USUAL, 297, 1), group(OTHER, 3, 2), texts={1: "a\nb\n", 2: "a\nc\n"})

    assert [one.number for one in said.groups] == [3, 297]
    assert said.majority.key == USUAL
    assert said.n_different == 3
    assert [(one.kind, one.text) for one in said.groups[0].comparison.lines] == [
        ("same", "a"),
        ("gone", "b"),
        ("new", "c"),
    ]


def test_without_a_majority_the_most_frequent_comes_first_and_all_are_shown_as_they_are():
    said = made(
        group(USUAL, 2, 1), group(OTHER, 1, 2), group(THIRD, 1, 3), texts={1: "a\n", 2: "b\n", 3: "c\n"}
    )

    assert said.majority is None
    assert [one.text for one in said.groups] == ["a\n", "b\n", "c\n"]
    assert not any(one.comparison for one in said.groups)


def test_one_answer_alone_is_no_majority():
    assert made(group(USUAL, 300, 1), texts={1: "a\n"}).majority is None


def test_the_majority_is_shown_also_when_there_are_more_answers_than_places():
    others = [group(f"{number:032d}", 1, number) for number in range(2, 20)]
    said = made(group(USUAL, 90, 1), *others, texts=dict.fromkeys(range(1, 20), "a\n"), most=5)

    assert len(said.groups) == 5
    assert said.majority.number == 90
    assert said.has_more


def test_what_never_came_to_its_end_is_not_compared():
    lost = group("", 1, 2, status="Aborted", error_code="ClientNotOnline", exit_code=None)
    said = made(group(USUAL, 9, 1), lost, texts={1: "a\n", 2: ""})

    assert said.groups[0].comparison is None
    assert said.groups[0].query == "code=ClientNotOnline"


def test_colours_are_no_difference_and_long_texts_are_cut():
    assert not compare("a\n", "\x1b[31ma\x1b[0m\n", most_lines=9).lines
    assert compare("a\n" * 5, "b\n" * 5, most_lines=3).is_cut
    assert compare("a\n" * (LINES_COMPARED + 1), "", most_lines=9).is_cut


# --- Pages ---

pytestmark = pytest.mark.django_db


def answered(olga, *bodies):
    """A run on as many instances as there are bodies, each of which wrote its own."""
    instances = InstanceFactory.create_batch(len(bodies))
    run = ran(olga, *instances)
    for instance, body in zip(instances, bodies, strict=True):
        report(started(target_of(run, instance)), body=body)
    return run


def names(page):
    return {target.instance.name for target in page.context["listing"].page}


def test_one_click_leads_from_a_run_to_those_that_answered_differently(olga, as_operator):
    run = answered(olga, b"same\n", b"same\n", b"same\n", b"other\n")
    different = run.targets.order_by("pk").last()

    page = as_operator.get(run.get_absolute_url())
    link = f"?unlike={page.context['answers'].majority.key}"
    shown = as_operator.get(run.get_absolute_url() + link)

    assert f'href="{link}#invocation-targets"' in page.content.decode()
    assert "Show it" in page.content.decode()
    assert 'data-copies="answer-2"' in page.content.decode()
    assert "1 of 4 answered differently" in page.content.decode()
    assert names(shown) == {different.instance.name}


def test_those_that_differ_are_listed_with_the_line_that_does(olga, as_operator):
    same, other = b"nginx ok\npostfix ok\n", b"nginx ok\npostfix missing\n"
    run = answered(olga, same, same, same, other)
    usual = as_operator.get(run.get_absolute_url()).context["answers"].majority.key

    [differs] = as_operator.get(run.get_absolute_url(), {"unlike": usual}).context["listing"].page
    plain = as_operator.get(run.get_absolute_url()).context["listing"].page

    assert differs.preview == "postfix missing"
    assert {target.preview for target in plain} == {"nginx ok"}


def test_the_few_names_of_an_answer_are_said(olga, as_operator):
    run = answered(olga, b"same\n", b"same\n", b"same\n", b"other\n", b"other\n")

    page = as_operator.get(run.get_absolute_url())

    others = run.targets.order_by("pk").values_list("instance__name", flat=True)[3:]
    assert set(page.context["answers"].groups[0].names) == set(others)


def test_those_that_are_offline_are_different_from_those_that_answered(olga):
    run = answered(olga, b"same\n", b"same\n")
    Target.objects.filter(pk=run.targets.first().pk).update(digest="", error_code="ClientNotOnline")

    [other] = run.targets.unlike("ClientNotOnline")

    assert other.error_code == ""


def comparison(as_operator, target, **query):
    address = reverse("invocations:target_compare", args=[target.invocation_id, target.instance_id])
    return as_operator.get(address, query)


def test_a_result_is_compared_with_another_one_of_its_run(olga, as_operator):
    usual, other = answered(olga, b"a\nb\n", b"a\nc\n").targets.order_by("pk")

    page = comparison(as_operator, other, instance=usual.instance_id)

    assert [line.kind for line in page.context["comparison"].lines] == ["same", "gone", "new"]


def test_a_result_is_compared_with_the_run_before_of_the_same_script(olga, as_operator):
    first = target_of(answered(olga, b"1\n"))
    again = started(target_of(run_again(olga, first.invocation)))
    report(again, body=b"2\n")
    report(started(target_of(ran(olga, first.instance, content="another one"))), body=b"1\n")

    page = comparison(as_operator, again)
    result = as_operator.get(
        reverse("invocations:target_detail", args=[again.invocation_id, again.instance_id])
    )

    assert page.context["other"] == first
    assert "Not the same answer as in the run before." in result.content.decode()


def test_the_same_answer_as_before_is_said_to_be_the_same(olga, as_operator):
    first = target_of(answered(olga, b"1\n"))
    run = run_again(olga, first.invocation)
    report(started(target_of(run)), body=b"1\n")

    page = as_operator.get(run.get_absolute_url()).content.decode()

    assert "The same answer as in the run before." in page


def test_the_first_run_has_none_before(olga, as_operator):
    page = comparison(as_operator, target_of(answered(olga, b"1\n")))

    assert "There is no run before" in page.content.decode()


def test_who_may_not_see_the_other_instance_sees_no_difference(olga, somebody):
    usual, other = answered(olga, b"a\n", b"b\n").targets.order_by("pk")
    opened = ["acs:ecs:*:*:command/*", f"acs:ecs:*:*:instance/{other.instance_id}"]
    paul = somebody("paul", {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": opened})

    assert comparison(paul.client, other).status_code == 200
    assert comparison(paul.client, other, instance=usual.instance_id).status_code == 404
