"""The programs' door of the web process: a call in, an answer out, without Django's request machinery."""

import asyncio
import json

import pytest

from openapi.calls import Calls
from openapi.requests import BODY_BYTES

# What the door tells without asking the database.
ACTION = b"Action=DescribeRegions&Version=2014-05-26"


def scope(*headers, method="GET", path="/", query=b""):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(b"host", b"console.example"), *headers],
        "client": ("192.0.2.7", 50_000),
        "scheme": "https",
    }


def said_to(scope, body=b""):
    """Status, headers and answer."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event):
        sent.append(event)

    async def call():
        calls = Calls()
        await calls(scope, receive, send)
        calls.close()

    asyncio.run(call())
    start, end = sent
    return start["status"], dict(start["headers"]), json.loads(end["body"])


@pytest.mark.parametrize(
    ("asked", "is_meant"),
    [
        (scope(), False),
        (scope(method="HEAD"), False),
        (scope(query=b"next=/console/"), False),
        (scope(query=ACTION, path="/console/"), False),
        (scope(query=ACTION, path="/healthz"), False),
        (scope(query=ACTION), True),
        (scope(query=b"Signature=x"), True),
        (scope(method="POST"), True),
        (scope(method="DELETE"), True),
        (scope((b"x-acs-action", b"DescribeRegions")), True),
        (scope((b"authorization", b"ACS3-HMAC-SHA256 Credential=x")), True),
    ],
)
def test_at_the_root_calls_are_told_from_browsers(asked, is_meant):
    assert Calls.are_meant(asked) is is_meant


def test_an_answer_has_its_length_and_is_taken_for_nothing_else():
    status, headers, said = said_to(scope(query=ACTION))

    assert (status, said["Code"], said["HostId"]) == (400, "MissingParameter", "console.example")
    assert headers[b"content-type"] == b"application/json;charset=utf-8"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert int(headers[b"content-length"]) == len(
        json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    )


def test_a_form_is_read():
    form = (b"content-type", b"application/x-www-form-urlencoded")

    status, _headers, said = said_to(scope(form, method="POST"), ACTION.replace(b"Regions", b"Nonsense"))

    assert (status, said["Code"]) == (404, "InvalidAction.NotFound")


def test_a_body_that_no_call_needs_is_refused_in_the_apis_shape():
    status, _headers, said = said_to(scope(method="POST", query=ACTION), b"x" * (BODY_BYTES + 1))

    assert (status, said["Code"]) == (400, "InvalidParameter")
    assert "body" in said["Message"]


def test_what_a_header_says_twice_is_signed_as_both():
    twice = [(b"x-acs-action", b"DescribeRegions"), (b"X-Acs-Action", b"RunCommand")]
    version = (b"x-acs-version", b"2014-05-26")

    _status, _headers, said = said_to(scope(*twice, version, (b"authorization", b"ACS3-HMAC-SHA256 x")))

    assert said["Code"] == "InvalidAction.NotFound"
