"""`/` belongs to programs when they ask as programs do."""

import json

import pytest
from django.test import Client

from access.models import AuditEntry
from console.kit import bells
from openapi.admission import CALLS, NONCES
from tests.waiting import PATIENCE_SECONDS

ASKED_BY_PROGRAMS = [
    ("get", "/?Action=DescribeRegions", {}, "MissingParameter", 400),
    ("get", "/?Action=DescribeRegions&Version=2014-05-26", {}, "MissingParameter", 400),
    ("get", "/?Action=DescribeRegions&Version=1999-01-01", {}, "InvalidVersion", 400),
    ("get", "/?Action=MakeCoffee&Version=2014-05-26", {}, "InvalidAction.NotFound", 404),
    ("get", "/?Action=SendFile&Version=2014-05-26", {}, "RegionId.ApiNotSupported", 400),
    ("get", "/?Signature=x", {}, "MissingParameter", 400),
    ("post", "/", {}, "MissingParameter", 400),
    ("put", "/", {}, "UnsupportedHTTPMethod", 405),
    (
        "get",
        "/",
        {"x-acs-action": "DescribeRegions", "x-acs-version": "2014-05-26"},
        "MissingParameter",
        400,
    ),
    ("get", "/", {"authorization": "ACS3-HMAC-SHA256 Credential=x"}, "MissingParameter", 400),
    (
        "get",
        "/",
        {
            "authorization": "ACS3-HMAC-SHA256 Credential=x",
            "x-acs-action": "DescribeRegions",
            "x-acs-version": "2014-05-26",
        },
        "IncompleteSignature",
        400,
    ),
]


@pytest.mark.parametrize(("method", "path", "headers", "code", "status"), ASKED_BY_PROGRAMS)
def test_a_program_is_answered_in_the_apis_shape(method, path, headers, code, status):
    client = Client(enforce_csrf_checks=True)

    response = getattr(client, method)(path, headers=headers)

    assert response.status_code == status
    assert response["Content-Type"] == "application/json;charset=utf-8"
    assert set(response.json()) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert response.json()["Code"] == code


def test_a_browser_goes_on_to_the_console():
    response = Client().get("/")

    assert (response.status_code, response["Location"]) == (302, "/console/")


@pytest.mark.parametrize("send", ["send_v1", "send_v3"])
def test_a_signed_call_is_answered(program, send):
    response = getattr(program, send)("DescribeRegions", RegionId="local")

    assert response.status_code == 200
    said = response.json()
    assert set(said) == {"RequestId", "Regions"}
    assert said["Regions"]["Region"][0]["RegionId"] == "local"


def test_a_form_is_as_good_as_a_query(program):
    assert program.send_v1("DescribeRegions", method="POST").status_code == 200


@pytest.mark.parametrize("send", ["send_v1", "send_v3"])
def test_a_wrong_secret_opens_nothing_and_uses_up_nothing(program, send):
    program.secret += "x"

    response = getattr(program, send)("DescribeRegions")

    assert (response.status_code, response.json()["Code"]) == (400, "SignatureDoesNotMatch")
    assert not list(bells.client().scan_iter(f"{NONCES}{program.key_id}:*"))


def test_a_call_comes_once(program):
    first = program.send_v1("DescribeRegions")
    again = program.client.get(first.request["PATH_INFO"] + "?" + first.request["QUERY_STRING"])

    assert first.status_code == 200
    assert (again.status_code, again.json()["Code"]) == (400, "SignatureNonceUsed")


def test_an_unknown_key_is_told_so(program):
    program.key_id = "LTAI" + "x" * 20

    response = program.send_v3("DescribeRegions")

    assert (response.status_code, response.json()["Code"]) == (404, "InvalidAccessKeyId.NotFound")


def test_a_key_that_is_switched_off_opens_nothing(program, operator):
    operator.access_keys.update(disabled=True)

    assert program.call("DescribeRegions")["Code"] == "InvalidAccessKeyId.Inactive"


def test_who_may_do_nothing_is_refused_and_it_is_remembered(program_of, django_user_model):
    program = program_of(django_user_model.objects.create_user("nils"))

    response = program.send_v3("DescribeRegions")

    assert (response.status_code, response.json()["Code"]) == (403, "Forbidden.RAM")
    assert response.json()["AccessDeniedDetail"]["AuthAction"] == "ecs:DescribeRegions"
    assert AuditEntry.objects.filter(
        outcome=AuditEntry.Outcome.REFUSED, action="ecs:DescribeRegions"
    ).exists()


def test_too_many_calls_wait(program, settings):
    settings.API_CALLS_PER_SECOND = 2
    # A second that lasts for as long as this machine takes.
    bells.client().set(f"{CALLS}{program.key_id}", 0, ex=int(PATIENCE_SECONDS))
    *taken, refused = [program.send_v3("DescribeRegions") for _ in range(3)]

    assert [response.status_code for response in taken] == [200, 200]
    assert (refused.status_code, refused.json()["Code"]) == (400, "Throttling.User")
    assert refused["x-acs-retry-after"] == "1000"


def test_a_long_query_arrives(program):
    assert program.send_v3("DescribeRegions", Nonsense="é" * 30_000).status_code == 200


def test_a_body_cannot_grow_in_the_reading():
    long = "k" * 100_000
    body = json.dumps({long: [1] * 1000})

    response = Client().post(
        "/?Action=DescribeRegions&Version=2014-05-26", body, content_type="application/json"
    )

    assert (response.status_code, response.json()["Code"]) == (400, "InvalidParameter")


def test_a_header_is_signed_once(program):
    names = (
        "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version" + ";host" * 9
    )
    said = f"ACS3-HMAC-SHA256 Credential=x,SignedHeaders={names},Signature=0"
    headers = {"x-acs-action": "DescribeRegions", "x-acs-version": "2014-05-26", "authorization": said}

    assert Client().get("/", headers=headers).json()["Code"] == "IncompleteSignature"


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("RunCommand", {"Parameters": '{"\\ud800": "x"}', "CommandContent": "x", "Type": "RunShellScript"}),
        ("RunCommand", {"Parameters": '{"a": "\\ud800"}', "CommandContent": "x", "Type": "RunShellScript"}),
        ("DescribeInstances", {"InstanceIds": '["\\ud800"]'}),
    ],
)
def test_half_a_character_is_refused(program, action, parameters):
    assert program.send_v3(action, **parameters).status_code == 400
