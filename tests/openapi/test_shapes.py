"""Every action answers as it declares, and refuses by its codes whatever is sent."""

import json
import re
from itertools import product

import pytest

from access.rules.actions import known
from openapi.actions.base import CMS, parameters_of
from openapi.actions.registry import NOT_SERVED, served
from openapi.parameters import Parameter
from tests.instances.factories import InstanceFactory
from tests.openapi.shapes import misfits

ACTIONS = sorted(served())
LISTS = [pair for pair in ACTIONS if re.match("Describe|List", pair[1])]
CODE = re.compile(r"[A-Z][A-Za-z]*(\.[A-Z][A-Za-z]*)*")

# What no parameter is meant to be.
NONSENSE = {
    "NUL": "a\x00b",
    "long": "x" * 10_000,
    "negative": "-1",
    "huge": "9" * 40,
    "quotes": "'\"; DROP TABLE --",
    "beyond": "\U0001f600\u202e",
    "JSON": '{"a":[1,{"b":null}]}',
    "deep": "[" * 5000,
    "blank": " ",
}


@pytest.mark.parametrize(("version", "name"), ACTIONS)
def test_an_action_is_known_to_policies_and_says_what_it_does(version, name):
    action = served()[version, name]

    assert known(action.permission()), "access/rules/actions.py does not have it"
    assert action.doc
    assert name not in NOT_SERVED[version]
    assert all(parameter.doc for parameter in parameters_of(action))


@pytest.mark.parametrize(("version", "name"), LISTS)
def test_a_list_that_is_empty_has_its_wrappers(program, version, name):
    needed = {one.name: "instance" for one in parameters_of(served()[version, name]) if one.required}
    response = program.send_v3(name, version=version, **needed)

    said = response.json()
    assert response.status_code in (200, 400, 404), said
    if response.status_code == 200:
        head = {"RequestId": str}
        if version == CMS:
            head |= {"Code": str, "Message": str, "Success": bool}
        assert misfits(said, {**served()[version, name].answer, **head}) == []


@pytest.mark.parametrize(("version", "name"), ACTIONS)
def test_nonsense_is_answered_with_a_code(program, version, name, settings, subtests):
    """Parameter by parameter, so that none hides behind the refusal of another."""
    settings.API_CALLS_PER_SECOND = 1_000_000
    InstanceFactory()
    parameters = parameters_of(served()[version, name])
    for nonsense, wrong in product(NONSENSE, parameters):
        with subtests.test(nonsense, parameter=wrong.name):
            said = {name: text for one in parameters if one.required for name, text in plausible(one).items()}
            said |= dict.fromkeys(spelled(wrong), NONSENSE[nonsense])
            response = program.send_v3(name, version=version, **said)

            answer = response.json()
            assert response.status_code < 500, answer
            assert response.status_code == 200 or CODE.fullmatch(answer["Code"]), answer


def spelled(parameter: Parameter):
    """The names under which a call says it."""
    return [parameter.name, f"{parameter.name}.1", f"{parameter.name}.1.Key", f"{parameter.name}.1.Value"]


def plausible(parameter: Parameter):
    text = {"list of text": f"{parameter.name}.1", "list of pairs": f"{parameter.name}.1.Key"}
    return {text.get(parameter.kind, parameter.name): "1" if parameter.kind == "int" else "RunShellScript"}


@pytest.mark.parametrize("text", ['{"RegionId": "\\ud800"}', '{"\\ud800": "x"}', "[" * 100_000, '{"a": NaN}'])
def test_a_body_of_nonsense_is_answered_with_a_code(program, text):
    response = program.client.post(
        "/?Action=DescribeRegions&Version=2014-05-26", text, content_type="application/json"
    )

    assert response.status_code == 400
    assert json.loads(response.content)["Code"] in ("InvalidParameter", "MissingParameter")
