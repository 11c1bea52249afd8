"""The programs' event stream of a running console."""

import hashlib
import http.client
import json
import uuid
from urllib.parse import urlsplit

import pytest

from openapi.requests import Request
from openapi.signing import v3
from tests.openapi.calls import ECS, now_text
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def key(house):
    house.document("create_user", "listener", "--no-console", "--no-password", "--administrator")
    return house.document("create_access_key", "listener")


class Events:
    """An open stream."""

    def __init__(self, house, key, after=None):
        host = urlsplit(house.url).netloc
        self.connection = http.client.HTTPConnection(host, timeout=PATIENCE_SECONDS)
        headers = {
            "host": host,
            "x-acs-action": "StreamChanges",
            "x-acs-version": ECS,
            "x-acs-date": now_text(),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        }
        names = sorted(headers)
        whole = v3.canonical_request(Request("GET", "", headers, path="/events"), names)
        signature = v3.sign(key["AccessKeySecret"], v3.string_to_sign(whole))
        said = f"Credential={key['AccessKeyId']},SignedHeaders={';'.join(names)},Signature={signature}"
        headers["authorization"] = f"ACS3-HMAC-SHA256 {said}"
        if after is not None:
            headers["last-event-id"] = str(after)
        self.connection.request("GET", "/events", headers=headers)
        self.response = self.connection.getresponse()

    def next(self):
        """The next event with data, as (kind, what it says); waits for it."""
        kind, data = "", ""
        while line := self.response.readline().decode():
            if line.startswith("event: "):
                kind = line[7:].strip()
            elif line.startswith("data: "):
                data = line[6:]
            elif not line.strip() and kind and kind != "Position":
                return kind, json.loads(data)
        return pytest.fail("the stream has ended")

    def next_of(self, invocation_id):
        """The next event of a run: what others have left behind goes on in the same house."""
        while True:
            kind, said = self.next()
            if said.get("InvokeId") == invocation_id:
                return kind, said

    def end(self):
        self.connection.close()


@pytest.fixture
def events(house, key):
    opened = []

    def open_stream(**how):
        opened.append(Events(house, key, **how))
        return opened[-1]

    yield open_stream
    for stream in opened:
        stream.end()


def test_a_run_is_told_from_its_making_to_its_end_and_again_to_who_comes_back(house, events):
    stream = events()
    assert stream.response.status == 200
    assert stream.response.getheader("content-type").startswith("text/event-stream")

    instance = house.own_instance()
    run = house.document("run_command", "--content", "echo told", "--instance", instance["InstanceId"])

    (made, first), (ended, last) = stream.next_of(run["InvokeId"]), stream.next_of(run["InvokeId"])
    assert (made, ended) == ("InvocationCreated", "InvocationEnded")
    assert last["InvocationStatus"] == "Success"

    back = events(after=first["Id"])
    assert back.next_of(run["InvokeId"]) == (ended, last)


def test_a_stream_without_a_signature_is_refused(house):
    connection = http.client.HTTPConnection(urlsplit(house.url).netloc, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/events")
    response = connection.getresponse()

    assert response.status == 404
    assert json.loads(response.read())["Code"] == "InvalidAction.NotFound"
    connection.close()
