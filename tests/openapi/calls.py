"""Programs that call: requests signed as the SDKs do, over Django's client."""

import hashlib
import uuid
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.test import Client

from openapi.actions.base import CMS, ECS, OOS
from openapi.actions.registry import action_of
from openapi.requests import Request, pairs
from openapi.signing import v1, v3
from tests.openapi.shapes import misfits

# What every answer of a version has beside its own.
HEADS = {
    ECS: {"RequestId": str},
    OOS: {"RequestId": str},
    CMS: {"RequestId": str, "Code": str, "Message": str, "Success": bool},
}


class Program:
    """A program with an access key."""

    def __init__(self, key_id, secret):
        self.key_id = key_id
        self.secret = secret
        self.client = Client(enforce_csrf_checks=True)

    def call(self, action, /, version=ECS, **parameters):
        """Signed by V3, as the newer SDKs do: everything in the query, action and version in headers.

        What is answered has to be what the action declares.
        """
        response = self.send_v3(action, version=version, **parameters)
        said = response.json()
        if response.status_code == 200:
            assert misfits(said, {**action_of(version, action).answer, **HEADS[version]}) == []
        return said

    def send_v3(self, action, /, version=ECS, body=b"", **parameters):
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        headers = {
            "host": "console.example:8443",
            "x-acs-action": action,
            "x-acs-version": version,
            "x-acs-date": now_text(),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        }
        names = sorted(headers)
        whole = v3.canonical_request(Request("POST", query, headers, body), names)
        signature = v3.sign(self.secret, v3.string_to_sign(whole))
        said = f"Credential={self.key_id},SignedHeaders={';'.join(names)},Signature={signature}"
        headers["authorization"] = f"ACS3-HMAC-SHA256 {said}"
        return self.client.post(
            f"/?{query}" if query else "/", body, content_type="application/octet-stream", headers=headers
        )

    def send_v1(self, action, /, version=ECS, method="GET", **parameters):
        """As the older SDK and pop-core do: everything among the parameters."""
        said = {
            "Action": action,
            "Version": version,
            "Format": "JSON",
            "AccessKeyId": self.key_id,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": uuid.uuid4().hex,
            "Timestamp": now_text(),
            **{name: str(value) for name, value in parameters.items() if value is not None},
        }
        said["Signature"] = v1.sign(self.secret, v1.string_to_sign(method, said))
        if method == "GET":
            return self.client.get(f"/?{urlencode(said)}")
        return self.client.post("/", urlencode(said), content_type="application/x-www-form-urlencoded")


def now_text():
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def request_of(vector):
    """A stored request as it came over the wire."""
    sent = vector["request"]
    return Request(
        method=sent["method"],
        query=sent["raw_query"],
        headers=sent.get("headers", {}),
        body=sent["body"].encode(),
        content_type=sent.get("content_type") or sent.get("headers", {}).get("content-type", ""),
    )


def parameters_of(vector):
    return {**pairs(vector["request"]["raw_query"]), **pairs(vector["request"]["body"])}
