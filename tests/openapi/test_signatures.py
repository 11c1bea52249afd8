"""The signatures of unmodified SDKs, recorded on the wire."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from openapi.errors import SignatureIncomplete, SignatureWrong, TimeExpired, TimeFormat
from openapi.requests import Parameters
from openapi.signing import v1, v3
from tests.openapi.calls import parameters_of, request_of

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "signature_vectors.json").read_text())


def named(vector):
    return vector["name"]


def claim_of(vector, request=None):
    sent = request or request_of(vector)
    if "headers" in vector["request"]:
        return v3.claim_of(sent)
    return v1.claim_of(sent.method, Parameters(sent).all)


def stored(name):
    return next(vector for vector in VECTORS["v1"] + VECTORS["v3"] if vector["name"] == name)


@pytest.mark.parametrize("vector", VECTORS["v1"], ids=named)
def test_v1_signs_what_the_sdks_sign(vector):
    claim = claim_of(vector)

    assert Parameters(request_of(vector)).all == parameters_of(vector)
    assert claim.string_to_sign == vector["string_to_sign"]
    assert claim.sign(vector["access_key_secret"], claim.string_to_sign) == vector["signature"]
    claim.check_signature(vector["access_key_secret"])


@pytest.mark.parametrize("vector", VECTORS["v3"], ids=named)
def test_v3_signs_what_the_sdks_sign(vector):
    claim = claim_of(vector)

    assert claim.appendix == vector["canonical_request"]
    assert claim.string_to_sign == vector["string_to_sign"]
    claim.check_signature(vector["access_key_secret"])


CHANGES = {
    "v1-changed-parameter": lambda sent: replace(sent, query=sent.query.replace("Timeout=60", "Timeout=61")),
    "v1-method-swapped": lambda sent: replace(sent, method="POST"),
    "v1-empty-parameter-dropped": lambda sent: replace(sent, query=sent.query.replace("SignatureType=&", "")),
    "v3-changed-body": lambda sent: replace(sent, body=sent.body[:-1] + b"~"),
    "v3-changed-header": lambda sent: replace(
        sent, headers={**sent.headers, "x-acs-action": "DeleteCommand"}
    ),
}


@pytest.mark.parametrize("case", [one for one in VECTORS["negative"] if one["name"] in CHANGES], ids=named)
def test_a_call_that_was_changed_on_its_way_is_refused(case):
    vector = stored(case["base"])
    sent = CHANGES[case["name"]](request_of(vector))
    assert sent != request_of(vector)

    with pytest.raises(SignatureWrong) as refusal:
        claim_of(vector, sent).check_signature(vector["access_key_secret"])

    assert (refusal.value.code, refusal.value.status) == (case["code"], case["status"])
    assert refusal.value.message.split(":", 1)[1].startswith(claim_of(vector, sent).string_to_sign)


def test_a_header_that_is_not_signed_is_refused():
    vector = stored("tea-v3-run-command")
    sent = request_of(vector)
    authorization = sent.headers["authorization"].replace("x-acs-date;", "")

    with pytest.raises(SignatureIncomplete):
        v3.claim_of(replace(sent, headers={**sent.headers, "authorization": authorization}))


def test_of_v1_the_message_ends_with_the_string_that_the_server_signs():
    vector = stored("old-run-command-post-query")

    with pytest.raises(SignatureWrong) as refusal:
        claim_of(vector).check_signature("another secret")

    assert refusal.value.message.split(":") == [
        "The signature does not match what the server signs",
        vector["string_to_sign"],
    ]


@pytest.mark.parametrize("vector", VECTORS["v1"] + VECTORS["v3"], ids=named)
def test_a_call_is_good_for_fifteen_minutes_either_way(vector):
    claim = claim_of(vector)
    moment = v_moment(claim)

    for apart in (timedelta(), timedelta(minutes=15), -timedelta(minutes=15)):
        claim.check_time(moment + apart)
    for apart in (timedelta(seconds=901), -timedelta(seconds=901)):
        with pytest.raises(TimeExpired):
            claim.check_time(moment + apart)


@pytest.mark.parametrize("text", ["", "now", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02"])
def test_a_time_that_is_none_is_refused(text):
    claim = replace(claim_of(VECTORS["v1"][1]), moment=text)

    with pytest.raises(TimeFormat):
        claim.check_time(v_moment(claim_of(VECTORS["v1"][1])))


def v_moment(claim):
    return datetime.fromisoformat(claim.moment)
