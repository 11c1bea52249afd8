"""Whatever is sent: JSON with a RequestId, and where it is refused a Code and a 4xx; never a 500."""

import hashlib
import json
import re
import uuid
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from openapi.actions.base import ECS, parameters_of
from openapi.actions.registry import action_of, served
from openapi.codes import COMMON, codes_of
from openapi.errors import Malformed
from openapi.requests import Request
from openapi.signing import v3
from tests.commands.factories import saved
from tests.instances.factories import ActivationFactory, InstanceFactory
from tests.invocations.factories import planned, ran, report, started, target_of
from tests.openapi.calls import HEADS, now_text
from tests.openapi.shapes import misfits

ACTIONS = sorted(served())
CODE = re.compile(r"[A-Z][A-Za-z]*(\.[A-Za-z]+)*")

# The same calls each time, few enough for every run of the tests.
bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=20,
    # A failure is told as it is found: making it smaller takes minutes.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# For what costs a signature and nothing else.
wide = settings(bounded, max_examples=150)


@pytest.fixture
def world(program, olga, settings):
    """A program, and what there is for it to name."""
    settings.API_CALLS_PER_SECOND = 1_000_000
    instance = InstanceFactory()
    instance.tags.create(key="env", value="prod")
    run = ran(olga, instance)
    report(started(target_of(run)), body=b"hi\n")
    plan = planned(olga, InstanceFactory(), frequency="rate(1h)")
    return World(program, instance.pk, run.pk, plan.pk, saved(olga).pk, ActivationFactory().pk)


class World:
    def __init__(self, program, instance_id, run_id, plan_id, command_id, activation_id):
        self.program = program
        # What parameters may well be, by the end of their names.
        self.plausible = {
            "InstanceId": [instance_id],
            "InstanceIds": [json.dumps([instance_id])],
            "ResourceId": [instance_id],
            "ResourceType": ["instance"],
            "InvokeId": [run_id, plan_id],
            "CommandId": [command_id, "CA-ECS-DiskUsage.sh"],
            "ActivationId": [str(activation_id)],
            "RegionId": ["local", ""],
            "Type": ["RunShellScript", "RunPowerShellScript"],
            "CommandContent": ["echo {{a}}", "ZWNobyBoaQ=="],
            "ContentEncoding": ["PlainText", "Base64"],
            "Frequency": ["rate(1h)", "0 0 9 * * ?", "at(2099-01-01 00:00:00)"],
            "RepeatMode": ["Once", "Period", "DryRun", "EveryReboot"],
            "Parameters": ['{"a": "b"}'],
            "Name": ["name", "*a*"],
            "InstanceName": ["web-[1,3]", "web"],
            "InstanceCount": ["1", "1000000"],
            "Timeout": ["10", "999999999"],
        }

    def values_of(self, name):
        found = self.plausible.get(name, [])
        return st.sampled_from(found) if found else NONSENSE


ODD = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "x" * 10_000,
    "-1",
    "0",
    "1",
    "9" * 40,
    "1e9",
    "NaN",
    "True",
    "fAlSe",
    "null",
    "[]",
    "{}",
    "[" * 3000,
    '{"a":1,"a":2}',
    '["\\u0000"]',
    '{"\\ud800":"\\udfff"}',
    '["a"]',
    "'\"; DROP TABLE --",
    "%00",
    "*",
    "**",
    "mi-" + "a" * 300,
    "\ud800",
    "\U0001f600\u202e",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "٣",
]
TEXTS = st.text(max_size=30)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
NONSENSE = st.one_of(st.sampled_from(ODD), st.integers().map(str), DOCUMENTS.map(json.dumps), TEXTS)
ENDINGS = (
    "",
    "",
    "",
    ".1",
    ".1",
    ".2",
    ".0",
    ".999999",
    ".9999999",
    ".x",
    ".1.Key",
    ".2.Value",
    ".x.Key",
    ".1.1.Key",
)
RESERVED = {"Action", "Version"}


def pairs_for(world, action):
    """Names and values in any order, some twice: what the action knows, in all spellings, and what it does not."""
    names = [one.name for one in parameters_of(action)]
    known = st.tuples(st.sampled_from(names or ["RegionId"]), st.sampled_from(ENDINGS)).map("".join)
    unknown = TEXTS.filter(lambda name: name not in RESERVED)
    odd = st.lists(st.tuples(st.one_of(known, known, unknown), NONSENSE), max_size=4)
    return st.tuples(sensible_for(world, action), odd).flatmap(lambda two: st.permutations(two[0] + two[1]))


def sensible_for(world, action):
    """What could well be sent, so that calls come as far as they can."""
    parts = []
    for one in parameters_of(action):
        name = {"list of text": f"{one.name}.1", "list of pairs": f"{one.name}.1.Key"}.get(one.kind, one.name)
        said = st.tuples(st.just(name), world.values_of(one.name))
        if one.required:
            parts.append(said)
        elif one.name in world.plausible:
            parts.append(st.none() | said)
    return st.tuples(*parts).map(lambda found: [pair for pair in found if pair])


def escaped(pairs):
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in pairs)


def quoted(text):
    return quote_from_bytes(text.encode(errors="surrogatepass"), safe="")


def signed(program, method, query, body, headers):
    """Headers of a V3 call; of one that cannot be read, nobody can make a signature."""
    said = {
        "host": "console.example:8443",
        "x-acs-date": now_text(),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        **headers,
    }
    names = sorted(said)
    try:
        whole = v3.canonical_request(Request(method, query, said, body), names)
    except Malformed:
        whole = ""
    signature = v3.sign(program.secret, v3.string_to_sign(whole))
    credential = f"Credential={program.key_id},SignedHeaders={';'.join(names)},Signature={signature}"
    return {**said, "authorization": f"ACS3-HMAC-SHA256 {credential}"}


def call(world, version, name, query, *, method="POST", body=b"", content_type="application/octet-stream"):
    headers = signed(world.program, method, query, body, {"x-acs-action": name, "x-acs-version": version})
    return world.program.client.generic(
        method, f"/?{query}", body, content_type=content_type, headers=headers
    )


def checked(response):
    """The answer, which is as every answer is."""
    said = json.loads(response.content)
    assert said["RequestId"]
    assert response.status_code == 200 or 400 <= response.status_code < 500, said
    if response.status_code != 200:
        assert CODE.fullmatch(said["Code"]), said
    return said


@pytest.mark.parametrize(("version", "name"), ACTIONS)
@bounded
@given(data=st.data())
def test_parameters_of_all_kinds_get_an_answer_or_a_code_of_the_action(world, version, name, data):
    action = action_of(version, name)
    query = escaped(data.draw(pairs_for(world, action)))

    response = call(world, version, name, query)

    said = checked(response)
    if response.status_code == 200:
        assert misfits(said, {**action.answer, **HEADS[version]}) == []
    else:
        assert said["Code"] in {*codes_of(action), *COMMON}, said


METHODS = ["GET", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"]
KINDS = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/json",
    "application/json; charset=nonsense",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/plain",
    "",
]
BODIES = st.one_of(
    st.binary(max_size=200),
    DOCUMENTS.map(lambda document: json.dumps(document).encode()),
    st.dictionaries(st.sampled_from(["InstanceId", "Tag", "PageSize", "Type"]), DOCUMENTS).map(
        lambda document: json.dumps(document).encode()
    ),
    st.lists(st.tuples(TEXTS, NONSENSE), max_size=4).map(lambda pairs: escaped(pairs).encode()),
    st.sampled_from(
        [
            b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb",
            b"--x--",
            b"%",
            b"%FF=%ED%A0%80",
            b"[" * 50_000,
            b'{"a":' * 5000,
            b"\xff\xfe{\x00}\x00",
            b"a=1&" * 3000,
            b'{"InstanceId":["a",{"b":[[[[1]]]]}]}',
            b"1" * 5000,
        ]
    ),
)


@wide
@given(
    method=st.sampled_from(METHODS),
    pair=st.sampled_from(ACTIONS),
    kind=st.sampled_from(KINDS),
    body=BODIES,
    pairs=st.lists(st.tuples(TEXTS, NONSENSE), max_size=3),
)
def test_bodies_of_all_kinds_get_an_answer_or_a_code(world, method, pair, kind, body, pairs):
    checked(call(world, *pair, escaped(pairs), method=method, body=body, content_type=kind))


SPOKEN = [
    "authorization",
    "content-type",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-security-token",
    "x-acs-signature-nonce",
    "x-acs-version",
]
# What a web server lets through.
VISIBLE = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
HEADERS = st.dictionaries(
    st.sampled_from(SPOKEN),
    st.one_of(
        VISIBLE,
        st.sampled_from(
            [
                "ACS3-HMAC-SHA256",
                "ACS3-HMAC-SHA256 Credential=,SignedHeaders=,Signature=",
                "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=;;;,Signature=\xff",
                "ACS3-HMAC-MD5 x",
                "2026-01-02T03:04:05Z",
                "RunCommand",
                ECS,
                "",
            ]
        ),
    ),
    max_size=4,
)
NAMED = [
    "AccessKeyId",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Format",
]


@wide
@given(
    headers=HEADERS,
    pairs=st.lists(st.tuples(st.sampled_from(NAMED), NONSENSE), max_size=6),
    version=st.one_of(st.just(ECS), NONSENSE),
    name=st.one_of(st.sampled_from(ACTIONS).map(lambda pair: pair[1]), NONSENSE),
)
def test_calls_that_nobody_signed_get_a_code(world, headers, pairs, version, name):
    query = escaped([*pairs, ("Action", name), ("Version", version)])

    response = world.program.client.post(
        f"/?{query}", b"", content_type="application/octet-stream", headers=headers
    )

    assert response.status_code != 200
    checked(response)


@bounded
@given(
    more=st.dictionaries(TEXTS.filter(lambda name: not name.isascii() or "." not in name), TEXTS, max_size=4)
)
def test_what_is_unknown_is_ignored(world, more):
    known = {one.name for one in parameters_of(action_of(ECS, "DescribeManagedInstances"))}
    unknown = [(name, value) for name, value in more.items() if name not in known]

    plain = checked(call(world, ECS, "DescribeManagedInstances", ""))
    said = checked(call(world, ECS, "DescribeManagedInstances", escaped(unknown)))

    assert said["Instances"] == plain["Instances"] != []


def test_a_body_that_is_too_large_gets_a_code(program):
    response = program.client.post(
        "/?Action=DescribeRegions&Version=2014-05-26", b"a=" + b"1" * 4_000_000, content_type=KINDS[0]
    )

    assert checked(response)["Code"] == "InvalidParameter"
    assert response.status_code in (400, 413)
