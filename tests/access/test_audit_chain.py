"""The chain: what is hashed, what it promises, and what a verifier notices."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.utils import timezone

from access.models import AuditEntry, AuditHead
from access.operations.audit import append, entry
from access.principals import SYSTEM, Door, Principal
from access.rules.chain import Link, Verifier, canonical, moment, plain

# --- What is hashed ---


def test_canonical_json_is_sorted_without_spaces_and_says_every_letter_itself():
    assert canonical({"b": [1, True, None], "a": "é\u4e2d"}) == '{"a":"é中","b":[1,true,null]}'


def test_moments_are_utc_in_microseconds():
    assert moment(datetime(2026, 11, 21, 10, tzinfo=UTC)) == "2026-11-21T10:00:00.000000Z"


@pytest.mark.parametrize(
    ("fact", "as_kept"),
    [
        ((1, 2), [1, 2]),
        ({1: "x"}, {"1": "x"}),
        ("a\0b", "a\ufffdb"),
        ("\ud800", "?"),
        (Door.CONSOLE, "console"),
        ({"deep": [{"x": None}]}, {"deep": [{"x": None}]}),
    ],
)
def test_facts_are_what_every_database_gives_back(fact, as_kept):
    assert plain(fact) == as_kept
    assert json.loads(canonical({"fact": plain(fact)})) == {"fact": as_kept}


@pytest.mark.parametrize("fact", [1.5, float("nan"), {"x": [0.1]}, object(), b"bytes", {1, 2}])
def test_what_databases_spell_differently_is_no_fact(fact):
    with pytest.raises(TypeError, match="cannot be a fact"):
        plain(fact)


def test_the_hash_of_an_entry_does_not_change_with_the_product():
    link = Link(1, "2026-11-21T10:00:00.000000Z", *LETTERS, {"n": 1, "é": ["x"]}, "", "")

    assert link.computed_hash() == "24cd9db528671695c50d9aaa92fb3746f73d2a734bdec8acaea3f63782b273b7"


LETTERS = ["olga", "", "console", "192.0.2.7", "ecs:RunCommand", "t-1", "Done", "P#1"]


def chained(n, start=1, previous=""):
    links = []
    for number in range(start, start + n):
        link = Link(number, "2026-11-21T10:00:00.000000Z", *LETTERS, {"n": number}, previous, "")
        links.append(link._replace(hash=link.computed_hash()))
        previous = links[-1].hash
    return links


def said_of(links, noted="", **how):
    verifier = Verifier(noted)
    for link in links:
        verifier.add(link)
    return verifier.fault(**how) or verifier.noted_fault()


def rehashed(link, **changes):
    changed = link._replace(**changes)
    return changed._replace(hash=changed.computed_hash())


FIVE = chained(5)
OLD = Link(None, "2026-11-20T10:00:00.000000Z", *LETTERS, {}, "", "")


@pytest.mark.parametrize(
    ("links", "sentence"),
    [
        (FIVE, ""),
        ([], ""),
        (FIVE[2:], ""),
        ([OLD, *FIVE], ""),
        ([*FIVE[:2], FIVE[2]._replace(action="ecs:Other"), *FIVE[3:]], "Entry 3 was changed"),
        ([*FIVE[:2], rehashed(FIVE[2], action="x"), *FIVE[3:]], "Entry 4 does not follow entry 3"),
        ([*FIVE[:2], *FIVE[3:]], "Entry 3 is missing."),
        ([FIVE[0], FIVE[4]], "Entries 2 to 4 are missing."),
        ([*FIVE[:1], FIVE[2], FIVE[1], *FIVE[3:]], "Entry 2 stands after entry 3: swapped"),
        ([*FIVE, FIVE[4]], "Entry 5 stands after entry 5"),
        ([FIVE[0], FIVE[2], FIVE[3]._replace(facts={})], "Entry 2 is missing."),
        ([FIVE[0]._replace(facts={}), FIVE[2]], "Entry 1 was changed"),
        ([FIVE[0], OLD, FIVE[1]], "An entry without a number"),
    ],
)
def test_the_first_fault_is_named(links, sentence):
    assert said_of(links).startswith(sentence)
    assert bool(said_of(links)) == bool(sentence)


def test_gaps_are_right_where_only_some_entries_were_asked_for():
    assert said_of([FIVE[0], FIVE[4]], gaps_allowed=True) == ""
    assert said_of([FIVE[0], FIVE[4]._replace(facts={})], gaps_allowed=True).startswith("Entry 5 was changed")


def test_a_chain_that_was_made_anew_from_the_beginning_shows_against_a_noted_hash():
    forged = [rehashed(FIVE[0], principal="eve")]
    for link in FIVE[1:]:
        forged.append(rehashed(link, previous=forged[-1].hash))

    assert said_of(forged) == ""
    assert said_of(forged, FIVE[4].hash).startswith("No entry has the noted hash")
    assert said_of(FIVE, FIVE[2].hash.upper()) == ""
    assert said_of(FIVE[:4], FIVE[4].hash).startswith("No entry has the noted hash")


# --- What is written ---

ODD = {"text": "é中\u2028 'quoted' \\ \t", "number": 2**70, "deep": {"b": [True, None, "x"], "a": -1}}


def written(n=1, **facts):
    append([entry(SYSTEM, "ecs:RunCommand", f"t-{number}", facts) for number in range(n)])


def trail():
    return [one.link for one in AuditEntry.objects.order_by("number")]


@pytest.mark.django_db
def test_what_was_written_is_read_back_as_it_was_hashed():
    written(3, **ODD)
    written(2)

    links = trail()
    assert [link.number for link in links] == [1, 2, 3, 4, 5]
    assert links[0].facts == ODD
    assert said_of(links) == ""
    assert AuditHead.objects.values_list("number", "hash").get() == (5, links[-1].hash)


@pytest.mark.django_db
def test_texts_are_cut_to_what_there_is_room_for():
    visitor = Principal(name="n" * 200 + "\0", door=Door.CONSOLE, source_ip="f" * 60, role="r" * 70)
    append([entry(visitor, "a" * 80, "x" * 300, {}, decided_by="d" * 200)])

    one = AuditEntry.objects.get()
    lengths = [len(text) for text in (one.principal, one.role, one.source_ip, one.action, one.resource)]
    assert lengths == [150, 64, 45, 64, 200]
    assert said_of(trail()) == ""


@pytest.mark.django_db
@pytest.mark.parametrize("n", [1, 60])
def test_appending_takes_three_steps_however_much_there_is(n, django_assert_num_queries):
    written()

    with django_assert_num_queries(3):
        written(n)


@pytest.mark.django_db
def test_nothing_is_written_of_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        append([])


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_rolled_back_leaves_no_hole():
    written()
    with transaction.atomic():
        written()
        transaction.set_rollback(True)
    written()

    assert [link.number for link in trail()] == [1, 2]
    assert said_of(trail()) == ""


@pytest.mark.django_db(transaction=True)
def test_many_writers_make_one_chain():
    written_by(8, times=12)

    links = trail()
    assert [link.number for link in links] == list(range(1, 8 * 12 * 2 + 1))
    assert said_of(links) == ""


def written_by(n_threads, *, times):
    begin = threading.Barrier(n_threads)

    def write(_number):
        begin.wait()
        for _ in range(times):
            with transaction.atomic():
                written(2, at=str(timezone.now()))
        connection.close()

    with ThreadPoolExecutor(n_threads) as threads:
        list(threads.map(write, range(n_threads)))


@pytest.mark.django_db
def test_the_trail_is_written_once():
    written()

    with pytest.raises(TypeError, match="written once"):
        AuditEntry.objects.all().delete()
    with pytest.raises(TypeError, match="written once"):
        AuditEntry.objects.update(principal="eve")
