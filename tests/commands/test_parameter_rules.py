"""Parameters in scripts, as pure functions: what is one, what may be said of it, what becomes of it."""

import pytest

from assistant.commands.rules import parameters
from assistant.commands.rules.parameters import Definition
from console.kit.errors import InvalidParameter

BACKUP = "tar -czf /backup/my-backup-$(date +%Y%m%d).tgz {{file}}"


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        ("echo hi", []),
        (BACKUP, ["file"]),
        ("{{a}} {{b}} {{a}}", ["a", "b"]),
        ("{{File}} {{FILE}} {{file}}", ["File"]),
        ("{{ a }} {{\n b\n}} {{\tc}}", ["a", "b", "c"]),
        ("{{A-1_z}}", ["A-1_z"]),
        ("{{k" + "x" * 63 + "}}", ["k" + "x" * 63]),
        ("{{ACS::InstanceId}} {{a}}", ["a"]),
        ("{{ acs::regionid }}", []),
        ("{a} {{a} {a}} ${a} { {a} }", []),
        ("{{{a}}}", ["a"]),
        ("{{a}}{{b}}", ["a", "b"]),
        (" ".join(f"{{{{k{number}}}}}" for number in range(20)), [f"k{number}" for number in range(20)]),
    ],
)
def test_the_keys_of_a_script(content, keys):
    assert parameters.keys_in(content) == keys


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{{}}", "CmdParam.EmptyKey"),
        ("{{ \n }}", "CmdParam.EmptyKey"),
        ("{{a b}}", "CmdParam.InvalidParamName"),
        ("{{.Names}}", "CmdParam.InvalidParamName"),
        ("{{größe}}", "CmdParam.InvalidParamName"),
        ("{{oos:name}}", "CmdParam.InvalidParamName"),
        ("{{ACS::}}", "CmdParam.InvalidParamName"),
        ("{{ACS::InvokeUser}}", "CmdParam.InvalidParamName"),
        ("{{acs::other}}", "CmdParam.InvalidParamName"),
        ("{{k" + "x" * 64 + "}}", "CmdParamName.ExceedLimit"),
        (" ".join(f"{{{{k{number}}}}}" for number in range(21)), "CmdParamCount.ExceedLimit"),
    ],
)
def test_what_is_no_parameter(content, code):
    with pytest.raises(InvalidParameter) as refusal:
        parameters.keys_in(content)

    assert (refusal.value.code, refusal.value.field) == (code, "content")


def test_built_in_parameters_do_not_count_among_the_twenty():
    twenty = " ".join(f"{{{{k{number}}}}}" for number in range(20))
    built_in = " ".join(f"{{{{ACS::{name}}}}}" for name in parameters.BUILT_INS)

    assert len(parameters.keys_in(twenty + built_in)) == 20
    assert parameters.built_ins_in(twenty + built_in) == set(parameters.BUILT_INS)


@pytest.mark.parametrize(
    ("content", "values", "result"),
    [
        (
            BACKUP,
            {"file": "/app/usrcredential"},
            "tar -czf /backup/my-backup-$(date +%Y%m%d).tgz /app/usrcredential",
        ),
        ("{{a}}{{ A }}{{\na}}", {"a": "x"}, "xxx"),
        ("'{{a}}'", {"a": "' ; id '"}, "'' ; id ''"),
        ("{{a}}", {"a": "{{b}}", "b": "never"}, "{{b}}"),
        ("{{a}}", {"a": r"\1 \g<0> $1"}, r"\1 \g<0> $1"),
        ("{{a}}|{{b}}", {"a": "", "b": "\n"}, "|\n"),
        ("{{other}}", {"a": "x"}, "{{other}}"),
        ("{{{a}}}", {"a": "x"}, "{x}"),
        ("{{ACS::InstanceId}}", parameters.built_in_values(InstanceId="mi-1"), "mi-1"),
    ],
)
def test_a_value_is_put_in_as_it_is(content, values, result):
    assert parameters.substituted(content, values) == result


@pytest.mark.parametrize(
    ("definition", "given", "value"),
    [
        (Definition("a"), {}, ""),
        (Definition("a"), {"A": "x"}, "x"),
        (Definition("a", default="d"), {}, "d"),
        (Definition("a", default="d"), {"a": ""}, ""),
        (Definition("a", default="d"), {"a": "x"}, "x"),
        (Definition("a", required=True, default="d"), {}, "d"),
        (Definition("a", possible_values=("x", "y")), {"a": "y"}, "y"),
        (Definition("a", possible_values=("x", "y")), {}, ""),
    ],
)
def test_the_value_of_a_key(definition, given, value):
    assert parameters.values_for("{{a}}", [definition], given) == {"a": value}


@pytest.mark.parametrize(
    ("definition", "given", "code", "field"),
    [
        (Definition("a"), {"b": "x"}, "Parameter.NotMatched", "parameters"),
        (Definition("a"), {"ACS::InstanceId": "x"}, "Parameter.NotMatched", "parameters"),
        (Definition("a"), {"a": "x", "A": "y"}, "ParameterKey.Duplicate", "parameters"),
        (Definition("a", required=True), {}, "Parameter.MissingValue", "parameter-a"),
        (Definition("A", required=True, default="d"), {"a": ""}, "Parameter.MissingValue", "parameter-a"),
        (Definition("a", possible_values=("x",)), {"a": "X"}, "InvalidParameter.Parameters", "parameter-a"),
        (Definition("a"), {"a": "\x00"}, "InvalidParameter.Parameters", "parameter-a"),
    ],
)
def test_a_value_that_cannot_be_taken(definition, given, code, field):
    with pytest.raises(InvalidParameter) as refusal:
        parameters.values_for("{{a}}", [definition], given)

    assert (refusal.value.code, refusal.value.field) == (code, field)


@pytest.mark.parametrize(
    ("definitions", "code"),
    [
        ([Definition("b")], "Parameter.NotMatched"),
        ([Definition("a"), Definition("A")], "ParameterKey.Duplicate"),
        ([Definition("a", secret=True, default="x")], "InvalidParameter.Parameters"),
        ([Definition("a", secret=True, possible_values=("x",))], "InvalidParameter.Parameters"),
        ([Definition("a", default="z", possible_values=("x",))], "InvalidParameter.Parameters"),
        ([Definition("a", default="\x00")], "InvalidParameter.Parameters"),
        ([Definition("a", description="x" * 513)], "InvalidParameter"),
    ],
)
def test_what_cannot_be_said_of_a_parameter(definitions, code):
    with pytest.raises(InvalidParameter) as refusal:
        parameters.check_definitions(definitions, ["a"])

    assert refusal.value.code == code


def test_a_definition_is_stored_whole():
    definition = Definition("a", "what", required=True, default="x", possible_values=("x", "y"))

    assert Definition.stored(definition.document()) == definition


# {"k":"…"} around the value, in Base64: 8 characters more than the value.
@pytest.mark.parametrize(
    ("content", "value", "fits"),
    [
        ("x" * 12285 + "{{k}}", None, False),
        ("x" * 12283 + "{{k}}", None, True),
        ("x" * 6139 + "{{k}}", "v" * 6136, True),
        ("x" * 6139 + "{{k}}", "v" * 6137, False),
        ("x" * 6139 + "{{k}}", "é" * 3068, True),
        ("{{k}}" * 1000, "v" * 262, True),
        ("{{k}}" * 1000, "v" * 263, False),
    ],
)
def test_script_and_values_fit_together(content, value, fits):
    values = {} if value is None else {"k": value}

    if fits:
        parameters.check_size(content, values)
    else:
        with pytest.raises(InvalidParameter) as refusal:
            parameters.check_size(content, values)
        assert refusal.value.code == "CmdContent.ExceedLimit"
