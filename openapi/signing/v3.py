"""Signature V3 (ACS3-HMAC-SHA256): the string that is signed, from what was sent (openapi 3)."""

import hashlib
import hmac
import re
from collections.abc import Mapping

from openapi.errors import InvalidParameter, SignatureIncomplete
from openapi.requests import Request, pairs
from openapi.signing.claims import NONCE_CHARACTERS, Claim
from openapi.signing.spelling import canonical

ALGORITHM = "ACS3-HMAC-SHA256"
MUST_BE_SIGNED = (
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
)
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=(?P<key>[^,\s]+), *SignedHeaders=(?P<names>[^,\s]+), *Signature=(?P<signature>[^,\s]+)"
)


def claim_of(request: Request) -> Claim:
    """Who signed, when and what. Raises the door's refusals for what is absent or of another kind."""
    said = AUTHORIZATION.fullmatch(request.headers.get("authorization", "").strip())
    if said is None:
        raise SignatureIncomplete(
            f"Say in Authorization: {ALGORITHM} Credential=…,SignedHeaders=…,Signature=…"
        )
    names = said["names"].lower().split(";")
    if len(set(names)) < len(names):
        raise SignatureIncomplete("SignedHeaders names a header twice.")
    absent = [name for name in MUST_BE_SIGNED if name not in names or not request.headers.get(name)]
    if absent:
        raise SignatureIncomplete(f"The header {absent[0]} has to be there and to be signed.")
    nonce = request.headers["x-acs-signature-nonce"]
    if len(nonce) > NONCE_CHARACTERS:
        raise InvalidParameter("SignatureNonce", f"It has at most {NONCE_CHARACTERS} characters.")
    whole = canonical_request(request, names)
    return Claim(
        key_id=said["key"],
        moment=request.headers["x-acs-date"],
        nonce=nonce,
        signature=said["signature"].lower(),
        string_to_sign=string_to_sign(whole),
        sign=sign,
        # For whoever looks for the difference.
        appendix=whole,
    )


def canonical_request(request: Request, names: list[str]) -> str:
    headers = "".join(f"{name}:{header(request.headers, name)}\n" for name in names)
    query = canonical(pairs(request.query))
    # Of the body that arrived: a header that says otherwise fits no signature.
    digest = hashlib.sha256(request.body).hexdigest()
    return "\n".join([request.method, request.path, query, headers, ";".join(names), digest])


def header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "").strip()


def string_to_sign(whole: str) -> str:
    return f"{ALGORITHM}\n{hashlib.sha256(whole.encode()).hexdigest()}"


def sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
