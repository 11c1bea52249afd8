"""The OpenAPI document and the table in docs/api.md say what is served."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from openapi_spec_validator import validate

from openapi.actions.registry import served
from openapi.codes import COMMON, MORE, codes_of
from openapi.reference.coverage import with_coverage
from openapi.reference.described import answer_of, by_group, lines_of
from openapi.reference.document import document, form_of
from openapi.reference.examples import examples_of

PAGE = Path(__file__).parent.parent.parent / "docs" / "api.md"
ACTIONS = sorted(served().values(), key=lambda one: one.name())


def test_the_document_is_valid():
    validate(document(server="https://console.example:8443"))


def test_the_document_has_every_action_once():
    paths = document()["paths"]

    assert sorted(paths) == [f"/#{action.name()}" for action in ACTIONS]
    assert {one["post"]["operationId"] for one in paths.values()} == {action.name() for action in ACTIONS}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda one: one.name())
def test_what_is_required_is_in_the_form(action):
    form = form_of(action)

    for name in form["required"]:
        listed = [one for one in form.get("patternProperties", {}) if re.search(one, name)]
        assert name in form["properties"] or listed


def test_lists_are_sent_name_by_name():
    form = form_of(served()["2014-05-26", "TagResources"])

    assert [name for name in form["patternProperties"] if re.search(name, "ResourceId.12")]
    assert [name for name in form["patternProperties"] if re.search(name, "Tag.1.Key")]
    assert not [name for name in form["patternProperties"] if re.search(name, "Tag.1.Other")]


def test_fields_of_answers_are_named_by_their_way():
    action = served()["2014-05-26", "DescribeRegions"]

    names = [line.name for line in lines_of(answer_of(action))]

    assert names[:2] == ["RequestId", "Regions.Region[].RegionId"]


def test_every_action_is_in_a_group():
    assert sorted(one.name() for members in by_group().values() for one in members) == [
        action.name() for action in ACTIONS
    ]


def test_codes_are_told_once_and_of_actions_that_there_are():
    assert set(MORE) <= {action.name() for action in ACTIONS}
    for action in ACTIONS:
        assert not set(codes_of(action)) & COMMON.keys()


@pytest.mark.parametrize("action", ACTIONS, ids=lambda one: one.name())
def test_examples_in_python_are_python(action):
    examples = examples_of(action, endpoint="console.example:8443", region="local")

    assert {example.id for example in examples} >= {"newer", "older"}
    for example in examples:
        if example.id != "ca":
            compile(example.text, example.id, "exec")


def test_the_command_prints_the_document(capsys):
    call_command("describe_api", server="https://console.example")

    assert json.loads(capsys.readouterr().out)["servers"] == [{"url": "https://console.example"}]


def test_the_table_of_what_is_served_is_true():
    """`manage.py describe_api --coverage` writes it."""
    assert with_coverage(PAGE.read_text()) == PAGE.read_text()
