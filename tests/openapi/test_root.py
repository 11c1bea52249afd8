"""`/` belongs to programs when they ask as programs do."""

import pytest
from django.test import Client

ASKED_BY_PROGRAMS = [
    ("get", "/?Action=DescribeRegions", {}),
    ("get", "/?Signature=x", {}),
    ("post", "/", {}),
    ("get", "/", {"x-acs-action": "DescribeRegions"}),
    ("get", "/", {"authorization": "ACS3-HMAC-SHA256 Credential=x"}),
]


@pytest.mark.parametrize(("method", "path", "headers"), ASKED_BY_PROGRAMS)
def test_a_program_is_answered_in_the_apis_shape(method, path, headers):
    client = Client(enforce_csrf_checks=True)

    response = getattr(client, method)(path, headers=headers)

    assert response.status_code == 400
    assert set(response.json()) == {"RequestId", "HostId", "Code", "Message"}
    assert response.json()["Code"] == "RegionId.ApiNotSupported"


def test_a_browser_goes_on_to_the_console():
    response = Client().get("/")

    assert (response.status_code, response["Location"]) == (302, "/console/")
