"""Whether a text is a policy: said with the place and the reason, whatever the text is."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.rules import documents
from access.rules.documents import DocumentFault
from access.rules.places import line_of

GOOD = {"Effect": "Allow", "Action": "ecs:RunCommand", "Resource": "*"}


def policy(**changes):
    statement = {**GOOD, **changes}
    wanted = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "1", "Statement": [wanted]})


@pytest.mark.parametrize(
    ("document", "path", "reason"),
    [
        ("", "", "Line 1, column 1"),
        ("{", "", "Line 1, column 2"),
        ('{"Version": "1",\n "Statement": [}', "", "Line 2, column 16"),
        ("[]", "", "object"),
        ("null", "", "object"),
        ('{"Version": "1", "Version": "1"}', "", "Version is there twice"),
        (r'{"\ud800": 1, "\ud800": 2}', "", "cannot be printed"),
        ("[" * 5000, "", "nested too deeply"),
        ("1" * 5000, "", "too long"),
        (" " * 6145, "", "6145"),
        ('{"Version": "1", "Statement": [], "Id": "x"}', "Id", "Id"),
        ('{"Version": "2", "Statement": []}', "Version", '"1"'),
        ('{"Version": 1, "Statement": []}', "Version", '"1"'),
        ('{"Version": "1"}', "Statement", "at least one"),
        ('{"Version": "1", "Statement": {}}', "Statement", "at least one"),
        ('{"Version": "1", "Statement": ["x"]}', "Statement[0]", "object"),
        (policy(Principal="*"), "Statement[0].Principal", "Principal"),
        (policy(Effect="allow"), "Statement[0].Effect", "Allow or Deny"),
        (policy(Effect=["Allow"]), "Statement[0].Effect", "Allow or Deny"),
        (policy(NotAction="ecs:*"), "Statement[0]", "one of Action and NotAction"),
        (policy(Action=None), "Statement[0]", "one of Action and NotAction"),
        (policy(Action=[]), "Statement[0].Action", "at least one"),
        (policy(Action=["ecs:RunCommand", ""]), "Statement[0].Action[1]", "text"),
        (policy(Action="RunCommand"), "Statement[0].Action", "service:Name"),
        (policy(Action="ecs:Run Command"), "Statement[0].Action", "service:Name"),
        (policy(Resource=None), "Statement[0].Resource", "which resources"),
        (policy(Resource=["*", "acs::ecs:*:*:command/*"]), "Statement[0].Resource[1]", "no resource"),
        (policy(Resource="acs:ecs:*:instance/i-a"), "Statement[0].Resource", "no resource"),
        (policy(Resource="instance/\u0000"), "", "cannot be printed"),
        (policy(Resource="instance/\ud800"), "", "cannot be printed"),
        (policy(Condition=[]), "Statement[0].Condition", "object"),
        (policy(Condition={"StringMatches": {}}), "Statement[0].Condition.StringMatches", "StringEquals"),
        (policy(Condition={"Bool": {}}), "Statement[0].Condition.Bool", "at least one key"),
        (policy(Condition={"Bool": {"MFA": "true"}}), "Statement[0].Condition.Bool.MFA", "service:Name"),
        (
            policy(Condition={"Bool": {"acs:MFAPresent": "yes"}}),
            "Statement[0].Condition.Bool.acs:MFAPresent",
            "yes",
        ),
        (
            policy(Condition={"IpAddress": {"acs:SourceIp": "10.0.0.0/33"}}),
            "Statement[0].Condition.IpAddress.acs:SourceIp",
            "10.0.0.0/33",
        ),
        (
            policy(Condition={"NumericEquals": {"acs:N": "NaN"}}),
            "Statement[0].Condition.NumericEquals.acs:N",
            "NaN",
        ),
    ],
)
def test_a_fault_is_said_with_its_place(document, path, reason):
    with pytest.raises(DocumentFault) as fault:
        documents.read(document)

    assert fault.value.path == path
    assert reason in fault.value.reason


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Action": ["ecs:Run*", "*"]},
        {"Action": None, "NotAction": "ecs:DeleteCommand"},
        {"Effect": "Deny", "Resource": ["acs:ecs:*:*:instance/*"]},
        {"Condition": {}},
        {"Condition": {"Bool": {"acs:MFAPresent": True}, "NumericLessThan": {"acs:N": [1, 2.5]}}},
        {"Condition": {"DateLessThan": {"acs:CurrentTime": "2030-01-01"}}},
    ],
)
def test_what_is_well_formed_is_read(changes):
    assert len(documents.read(policy(**changes)).statements) == 1


WORDS = st.sampled_from(
    [
        *("Version", "1", "Statement", "Effect", "Allow", "Deny", "Action", "NotAction", "Resource"),
        *("Condition", "StringEquals", "NumericEquals", "DateLessThan", "Bool", "IpAddress", "*"),
        *("ecs:*", "acs:ecs:*:*:instance/*", "acs:SourceIp", "ecs:tag/env", "true", "1e999", "0001-01-01"),
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | WORDS, inner, max_size=4)
    ),
    max_leaves=12,
)
STATEMENTS = st.fixed_dictionaries(
    {},
    optional={
        "Effect": st.sampled_from(["Allow", "Deny"]) | ANYTHING,
        "Action": WORDS | ANYTHING,
        "NotAction": WORDS,
        "Resource": WORDS | ANYTHING,
        "Condition": st.dictionaries(WORDS, st.dictionaries(WORDS, ANYTHING, max_size=2), max_size=2)
        | ANYTHING,
    },
)
DOCUMENTS = st.fixed_dictionaries({"Version": st.just("1"), "Statement": st.lists(STATEMENTS, max_size=3)})


def fault_of(document):
    """None where it can be read; anything else than a fault goes through."""
    try:
        documents.read(document)
    except DocumentFault as fault:
        return fault
    return None


@settings(deadline=None)
@given(st.text())
def test_arbitrary_text_is_refused_with_a_reason_or_read(text):
    assert fault_of(text) is None or fault_of(text).reason


@settings(deadline=None)
@given(ANYTHING | DOCUMENTS, st.booleans())
def test_arbitrary_json_is_refused_with_reason_and_line_or_read(members, is_laid_out):
    document = json.dumps(members, indent=2 if is_laid_out else None)

    fault = fault_of(document)

    assert fault is None or (fault.reason and line_of(document, fault.path) >= 1)


LAID_OUT = """{
  "Version": "1",
  "Statement": [
    {"Effect": "Allow", "Action": "ecs:RunCommand", "Resource": "*"},
    {
      "Effect": "Allow",
      "Action": ["ecs:A", "ecs:B"],
      "Resource": [
        "*",
        "x"
      ],
      "Condition": {"Bool":
        {"acs:MFAPresent": "yes"}}
    }
  ]
}"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", 1),
        ("Version", 2),
        ("Statement", 3),
        ("Statement[0]", 4),
        ("Statement[0].Effect", 4),
        ("Statement[1]", 5),
        ("Statement[1].Action[1]", 7),
        ("Statement[1].Resource[1]", 10),
        ("Statement[1].Condition.Bool.acs:MFAPresent", 13),
        ("Statement[1].Nothing", 5),
        ("Statement[7]", 3),
        ("Version.Deeper", 2),
    ],
)
def test_a_place_is_found_on_its_line(path, line):
    assert line_of(LAID_OUT, path) == line
