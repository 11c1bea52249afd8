"""Pages by number and by token."""

import pytest

from assistant.commands.models import Command
from tests.instances.factories import RegionFactory

pytestmark = pytest.mark.django_db

ALL = [f"c-{number:02d}" for number in range(24, -1, -1)]


@pytest.fixture(autouse=True)
def commands(db):
    """25 of the same moment but one: only the id tells them apart."""
    region = RegionFactory()
    rows = [Command(id=pk, region=region, name=pk, type="RunShellScript", kept=True) for pk in ALL]
    moment = rows[0].created_at
    for row in rows:
        row.created_at = moment
    Command.objects.bulk_create(rows)


def ask(program, **asked):
    return program.call("DescribeCommands", **asked)


def ids(page):
    return [one["CommandId"] for one in page["Commands"]["Command"]]


def numbers(page):
    return page["PageNumber"], page["PageSize"], page["TotalCount"]


def pages(program, **asked):
    """By tokens, to the end."""
    page = ask(program, **asked)
    while True:
        yield page
        if not page["NextToken"]:
            return
        page = ask(program, **asked, NextToken=page["NextToken"])


def test_without_a_word_it_is_the_first_page_of_ten_the_newest_first(program):
    page = ask(program)

    assert ids(page) == ALL[:10]
    assert numbers(page) == (1, 10, 25)


def test_pages_by_number_go_to_the_end(program):
    assert ids(ask(program, PageNumber=3)) == ALL[20:]
    assert ids(ask(program, PageNumber=4)) == []
    assert numbers(ask(program, PageNumber=2, PageSize=20)) == (2, 20, 25)
    assert ask(program, PageNumber=3)["NextToken"] == ""


@pytest.mark.parametrize("asked", [{"MaxResults": 10}, {"MaxResults": 7}, {"MaxResults": 25}, {}])
def test_pages_by_token_have_everything_once(program, asked):
    found = [pk for page in pages(program, **asked) for pk in ids(page)]

    assert found == ALL


def test_with_max_results_the_numbers_are_not_looked_at(program):
    page = ask(program, MaxResults=5, PageNumber=3, PageSize=2)

    assert ids(page) == ALL[:5]
    assert page["PageSize"] == 5


def test_what_comes_and_goes_between_two_pages_moves_nothing(program):
    first = ask(program, MaxResults=10)
    Command.objects.filter(pk__in=["c-20", "c-10"]).delete()
    Command.objects.create(id="c-99", region=RegionFactory(), name="new", type="RunShellScript", kept=True)

    second = ask(program, MaxResults=10, NextToken=first["NextToken"])

    assert ids(second) == [pk for pk in ALL[10:] if pk != "c-10"][:10]


def test_a_token_is_of_one_list_with_its_filters(program):
    token = ask(program, MaxResults=5)["NextToken"]

    for action, asked in (
        ("DescribeCommands", {"Name": "c-*"}),
        ("DescribeInvocations", {}),
        ("DescribeCommands", {"NextToken": token[:-2]}),
        ("DescribeCommands", {"NextToken": "x" * 5000}),
        ("DescribeCommands", {"NextToken": "é"}),
    ):
        response = program.send_v3(action, **{"NextToken": token, **asked})
        assert (response.json()["Code"], response.status_code) == ("InvalidParameter.NextToken", 400)


def test_pages_of_what_is_in_memory_have_everything_once(program):
    found = [pk for page in pages(program, Provider="AlibabaCloud", MaxResults=7) for pk in ids(page)]
    total = ask(program, Provider="AlibabaCloud")["TotalCount"]

    assert found == sorted(found)
    assert len(found) == len(set(found)) == total


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"PageNumber": 0}, "InvalidParam.PageNumber"),
        ({"PageNumber": "one"}, "InvalidParam.PageNumber"),
        ({"PageSize": 51}, "InvalidParam.PageSize"),
        ({"PageSize": -1}, "InvalidParam.PageSize"),
        ({"MaxResults": 0}, "InvalidParameter.MaxResults"),
        ({"MaxResults": 51}, "InvalidParameter.MaxResults"),
    ],
)
def test_a_page_that_is_none_is_refused(program, asked, code):
    response = program.send_v3("DescribeCommands", **asked)

    assert (response.json()["Code"], response.status_code) == (code, 400)


def test_a_page_beyond_all_is_empty(program):
    assert ids(ask(program, PageNumber=2_147_483_647, PageSize=50)) == []
