"""Which results say this? The index behind the reports, and what is found in it by whom."""

import re
import time

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from access.principals import SYSTEM
from assistant.invocations import limits, tasks
from assistant.invocations.models import IndexedOutput, OutputChunk, Record, UnindexedOutput
from assistant.invocations.operations import searching
from assistant.invocations.operations.indexing import (
    GRAMS,
    candidates,
    forget_outputs,
    index_outputs,
    index_step,
)
from assistant.invocations.operations.pacing import Pace
from assistant.invocations.operations.searching import LAST_KEY, Question, find_outputs
from assistant.invocations.operations.sweeps import end_overdue
from assistant.invocations.rules.searching import folded, grams, readable, snippet, terms_of, wanted_grams
from tests.instances.factories import InstanceFactory
from tests.invocations.factories import ran, report, started, target_of


def said(olga, *bodies, instance=None, exit_code=0, **script):
    """A run that has ended and is not read yet."""
    target = started(target_of(ran(olga, *([instance] if instance else []), **script)))
    for body in bodies[:-1]:
        report(target, "running", body=body if isinstance(body, bytes) else body.encode())
    last = bodies[-1]
    report(target, body=last if isinstance(last, bytes) else last.encode(), exit_code=exit_code)
    return target


def read_all():
    return index_outputs(SYSTEM, pace=Pace(50, most=200), until=time.monotonic() + 60)


def found(principal, text, **narrowed):
    hits = find_outputs(principal, Question(terms_of(text), **narrowed))
    return [hit.output.target_id for hit in hits.rows]


def everything_indexed():
    return list(
        IndexedOutput.objects.order_by("target_id", "number").values_list("target_id", "number", "text")
    )


# --- Words ---


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("disk full", ["disk", "full"]),
        ('"disk  full" /var', ["disk full", "/var"]),
        ("DISK disk", ["disk"]),
        ("磁盘", ["磁盘"]),
        ('an "open quote', ["an", '"open', "quote"]),
        ('"" x"y', ['""', 'x"y']),
        ("a AND b* OR NOT (c:d)", ["a", "and", "b*", "or", "not", "(c:d)"]),
        ("", []),
        ("İstanbul ΟΔΟΣ", ["istanbul", "οδοσ"]),
    ],
)
def test_a_question_is_words_and_phrases_and_no_operators(question, terms):
    assert terms_of(question) == terms


@given(st.text())
def test_folding_moves_no_character(text):
    assert len(folded(text)) == len(text)


@given(st.text(), st.text())
def test_a_text_has_all_pieces_of_what_it_contains(before, after):
    for term in terms_of("openssl-3.0.2 磁盘 ok"):
        text = folded(readable(f"{before}{term}{after}"))

        assert set(wanted_grams([term])) <= grams(text)


def test_a_snippet_shows_the_first_hit_as_it_was_said():
    text = "x" * 500 + " Disk FULL on /VAR; the disk " + "y" * 500

    parts = snippet(text, ["disk full", "disk", "/var"])

    assert [part.text for part in parts if part.is_hit] == ["Disk FULL", "/VAR", "disk"]
    assert parts[0].text == "… "
    assert parts[-1].text == " …"
    assert "".join(part.text for part in parts[1:-1]) in text


# --- What is found ---


OUTPUT = """\
Filesystem      Size  Used Avail Use% Mounted on
/dev/sda1        40G   39G   12M  100% /var/log
磁盘空间不足：请清理 10.0.3.7
openssl-3.0.2-18.el9 installed, it's "done" \\o/ 50% [ok]
\x1b[31mERROR\x1b[0m: Größe überschritten
"""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "question",
    [
        "filesystem",
        "SYSTEM",
        "/var/log",
        "10.0.3.7",
        "openssl-3.0.2",
        "ssl-3",
        "磁盘",
        "空间不足",
        "不足：请",
        "error größe",
        "GRÖẞE",
        '"mounted on /dev/sda1"',
        '"on /dev"',
        'it\'s "done"',
        "\\o/",
        "50%",
        "[ok]",
        "12m 100%",
        "sd",
        "a 9 el9",
    ],
)
def test_what_is_in_an_output_is_found(question, olga):
    target = said(olga, OUTPUT)
    said(olga, "something else")

    read_all()

    assert found(olga, question) == [target.pk]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "question",
    [
        "filesystem nothing",
        "盘磁",
        '"full disk"',
        "10.0.3.70",
        "sda10",
        "100% OR nothing",
        "files*",
        "file_ystem",
        "%ystem",
        "31m",
        "mounted NOT available",
    ],
)
def test_what_is_not_in_an_output_is_not_found(question, olga):
    said(olga, OUTPUT)

    read_all()

    assert found(olga, question) == []


@pytest.mark.django_db
def test_a_text_with_all_pieces_of_a_word_but_not_the_word_is_no_hit(olga):
    said(olga, "abcx bcdx cdex")

    read_all()

    assert candidates(["abcde"], within=(1, LAST_KEY), most=9) != []
    assert found(olga, "abcde") == []


@pytest.mark.django_db
def test_characters_split_between_two_reports_are_found(olga):
    whole = "磁盘空间".encode()
    target = said(olga, whole[:4], whole[4:])

    read_all()

    assert found(olga, "磁盘空间") == [target.pk]


@pytest.mark.django_db
def test_of_a_long_output_the_beginning_and_the_end_are_found(olga):
    filling = "".join(f"line {number:06}\n" for number in range(20_000))
    target = said(olga, "the-beginning\n" + filling[:60_000], "the-middle\n" + filling, "the-end\n")

    read_all()

    assert found(olga, "the-beginning") == [target.pk]
    assert found(olga, "the-end") == [target.pk]
    assert found(olga, "line 000001") == [target.pk]
    assert len(IndexedOutput.objects.get().text) < limits.INDEXED_BEGINNING + limits.INDEXED_END + 10


@pytest.mark.django_db
def test_the_newest_come_first_page_by_page(olga, monkeypatch):
    monkeypatch.setattr(searching, "HITS", 2)
    targets = [said(olga, f"needle {number}").pk for number in range(5)]
    read_all()
    question = Question(terms_of("needle"))

    pages, before = [], 0
    for _page in range(3):
        hits = find_outputs(olga, question, before=before)
        pages.append([hit.output.target_id for hit in hits.rows])
        before = hits.older

    assert pages == [[targets[4], targets[3]], [targets[2], targets[1]], [targets[0]]]
    assert before == 0


@pytest.mark.django_db
def test_a_search_that_has_looked_at_enough_says_where_to_go_on(olga, somebody, monkeypatch):
    monkeypatch.setattr(limits, "SEARCH_STEPS", (1, 1))
    theirs = said(olga, "needle")
    for _number in range(3):
        said(olga, "needle")
    read_all()
    paul = may_read(somebody, theirs.instance_id)

    first = find_outputs(paul, Question(["needle"]))
    second = find_outputs(paul, Question(["needle"]), before=first.older)

    assert (first.rows, bool(first.older)) == ([], True)
    assert [hit.output.target_id for hit in second.rows] == [theirs.pk]


def may_read(somebody, instance_id):
    resources = [f"acs:ecs:*:*:instance/{instance_id}", "acs:ecs:*:*:command/*"]
    statement = {"Effect": "Allow", "Action": "ecs:DescribeInvocationResults", "Resource": resources}
    return somebody("paul", statement).principal


@pytest.mark.django_db
def test_nobody_finds_what_they_may_not_read(olga, somebody):
    theirs, other = said(olga, "needle"), said(olga, "needle")
    read_all()

    seen = found(may_read(somebody, theirs.instance_id), "needle")

    assert seen == [theirs.pk]
    assert set(found(olga, "needle")) == {theirs.pk, other.pk}


@pytest.mark.django_db
def test_time_and_command_narrow_a_search(olga):
    first, second = said(olga, "needle", name="disk check"), said(olga, "needle", name="other")
    read_all()
    between = second.finished_at

    assert found(olga, "needle", end=between) == [first.pk]
    assert found(olga, "needle", begin=between) == [second.pk]
    assert found(olga, "needle", command="DISK") == [first.pk]
    assert found(olga, "needle", command=second.invocation.command_id) == [second.pk]
    assert found(olga, "needle", begin=between, end=between) == []


# --- The index ---


@pytest.mark.django_db
def test_every_end_with_output_is_noted_and_read_once(olga):
    ended = [
        said(olga, "one"),
        said(olga, "two", exit_code=3),
    ]
    stopped = started(target_of(ran(olga)))
    report(stopped, "running", body=b"three")
    report(stopped, "timeout")
    silent = started(target_of(ran(olga)))
    report(silent)
    running = started(target_of(ran(olga)))
    report(running, "running", body=b"four")

    noted = UnindexedOutput.objects.count()
    read_all()

    assert noted == 3
    assert [row[2] for row in everything_indexed()] == ["one", "two", "three"]
    assert [row[0] for row in everything_indexed()] == [target.pk for target in [*ended, stopped]]
    assert not UnindexedOutput.objects.exists()
    assert read_all() == 0


@pytest.mark.django_db
def test_a_step_that_is_done_twice_changes_nothing(olga):
    target = said(olga, "needle")
    read_all()
    before = everything_indexed()

    UnindexedOutput.objects.create(target_id=target.pk, number=0)
    UnindexedOutput.objects.create(target_id=target.pk, number=0)
    read_all()

    assert everything_indexed() == before
    assert len(candidates(["needle"], within=(1, LAST_KEY), most=9)) == 1


@pytest.mark.django_db
def test_the_clocks_task_reads_what_is_noted(olga):
    target = said(olga, "needle")

    for _twice in range(2):
        tasks.index_outputs()

    assert found(olga, "needle") == [target.pk]


@pytest.mark.django_db
def test_a_note_of_what_is_gone_is_dropped(olga):
    UnindexedOutput.objects.create(target_id=12345, number=0)
    UnindexedOutput.objects.create(target_id=12345, number=7)

    assert index_step(SYSTEM, 10) == 2
    assert not UnindexedOutput.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("line", ["forget_outputs", "write_index", "add_grams"])
def test_a_step_that_dies_has_done_nothing(line, olga, monkeypatch):
    target = said(olga, "needle")

    with monkeypatch.context() as dying:
        dying.setattr(f"assistant.invocations.operations.indexing.{line}", die)
        with pytest.raises(KeyboardInterrupt):
            index_step(SYSTEM, 10)
    left = (everything_indexed(), UnindexedOutput.objects.count())
    read_all()

    assert left == ([], 1)
    assert found(olga, "needle") == [target.pk]


def die(*_arguments):
    raise KeyboardInterrupt


@pytest.mark.django_db
def test_what_the_agent_says_after_a_guess_is_read_anew(olga):
    target = started(target_of(ran(olga)))
    report(target, "running", body=b"before ")
    type(target).objects.filter(pk=target.pk).update(due_at=target.started_at)
    end_overdue(SYSTEM, now=target.started_at)
    read_all()
    guessed = (found(olga, "before"), found(olga, "after"))
    report(target, body=b"after")
    read_all()

    assert guessed == ([target.pk], [])
    assert found(olga, "before after") == [target.pk]
    assert len(candidates(["before"], within=(1, LAST_KEY), most=9)) == 1


@pytest.mark.django_db
def test_what_is_forgotten_leaves_no_piece_behind(olga):
    said(olga, OUTPUT)
    kept = said(olga, "needle")
    read_all()

    forget_outputs(IndexedOutput.objects.exclude(target=kept))

    assert found(olga, "filesystem") == []
    assert candidates(["filesystem"], within=(1, LAST_KEY), most=9) == []
    assert found(olga, "needle") == [kept.pk]


@pytest.mark.django_db
def test_each_record_of_a_plan_is_found_by_itself(olga):
    target = said(olga, "the last one")
    for number in (1, 2):
        facts = {"status": "Success", "created_at": target.created_at, "finished_at": target.finished_at}
        Record.objects.create(
            target=target,
            invocation=target.invocation,
            number=number,
            fired_at=target.created_at,
            exit_code=number,
            stored_bytes=8,
            **facts,
        )
        OutputChunk.objects.create(target=target, number=number, offset=0, body=f"needle-{number}".encode())
        UnindexedOutput.objects.create(target_id=target.pk, number=number)
    read_all()

    hits = find_outputs(olga, Question(["needle"])).rows

    assert [(hit.output.number, hit.exit_code) for hit in hits] == [(2, 2), (1, 1)]
    assert [part.text for part in hits[0].snippet] == ["needle", "-2"]
    assert hits[0].address.endswith(f"/instances/{target.instance_id}/runs/2/")


# --- The page ---


SEARCH = "/console/results/search/"


@pytest.mark.django_db
def test_the_page_shows_where_and_what_and_escapes_it(olga, as_operator):
    target = said(olga, "<script>needle</script> & more", exit_code=7)
    read_all()

    page = as_operator.get(SEARCH, {"says": "needle"}).content.decode()

    assert "&lt;script&gt;<mark>needle</mark>&lt;/script&gt; &amp; more" in page
    assert reverse("invocations:target_detail", args=[target.invocation_id, target.instance_id]) in page
    assert target.instance.name in page
    assert 'data-state="failed"' in page


NASTY = [
    '"',
    '""',
    "'",
    "\\",
    "a\x00b",
    "*",
    "AND",
    "NEAR(",
    'a"b"c',
    "needle')--",
    "x" * 10_000,
    "%",
    "()",
    "-- -",
    ":*",
    "a:b",
    "!x",
    "& |",
    "\ud7ff\U0001f600\U0001f600",
    "^needle$",
    "…",
]


@pytest.mark.django_db
@pytest.mark.parametrize("text", NASTY)
def test_nothing_that_is_typed_breaks_the_search(text, as_operator, olga):
    said(olga, "needle")
    read_all()

    for address in (SEARCH, ran(olga).get_absolute_url()):
        response = as_operator.get(address, {"says": text})

        assert response.status_code in (200, 422), response.content


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({}, 200, "Search the outputs of all runs"),
        ({"says": "needle"}, 200, "No result says that"),
        ({"says": "x"}, 422, "Say a word of at least two characters."),
        ({"says": "needle", "begin": "tomorrow"}, 422, "From (UTC)"),
        ({"says": "needle", "before": "-1"}, 422, "greater than"),
    ],
)
def test_the_page_without_hits(asked, status, words, as_operator):
    response = as_operator.get(SEARCH, asked)

    assert response.status_code == status
    assert words in response.content.decode()


@pytest.mark.django_db
def test_what_is_not_read_yet_is_said(olga, as_operator):
    said(olga, "needle")

    page = as_operator.get(SEARCH, {"says": "needle"}).content.decode()

    assert "1 result that has just ended is not searched yet." in page


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 40])
def test_the_number_of_queries_does_not_grow_with_the_hits(
    size, olga, as_operator, django_assert_max_num_queries
):
    instances = InstanceFactory.create_batch(size)
    invocation = ran(olga, *instances)
    for target in invocation.targets.all():
        report(started(target), body=b"needle")
    read_all()

    with django_assert_max_num_queries(7):
        as_operator.get(SEARCH, {"says": "needle"})


@pytest.mark.django_db
def test_the_instances_of_a_run_are_narrowed_to_those_that_say_it(olga, as_operator):
    one, two = InstanceFactory.create_batch(2)
    invocation = ran(olga, one, two)
    report(started(target_of(invocation, one)), body=b"disk FULL")
    report(started(target_of(invocation, two)), body=b"all is well")
    read_all()

    page = as_operator.get(
        invocation.get_absolute_url(),
        {"says": "full"},
        headers={"HX-Request": "true", "HX-Target": "invocation-targets"},
    ).content.decode()

    assert re.findall(r'class="id">(mi-[^<]*)', page) == [one.pk]
    assert "disk <mark>FULL</mark>" in page


def test_the_table_of_the_pieces_has_the_name_that_the_migration_gave_it():
    from importlib import import_module

    migration = import_module("assistant.invocations.migrations.0004_search")

    assert f"CREATE VIRTUAL TABLE {GRAMS} " in migration.SQLITE
