"""Signature V1 (RPC, HMAC-SHA1): the string that is signed, from what was sent (openapi 2)."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping

from openapi.errors import InvalidParameter, MissingParameter, SignatureMethodUnknown
from openapi.signing.claims import NONCE_CHARACTERS, Claim
from openapi.signing.spelling import canonical, escaped

NEEDED = ("AccessKeyId", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp", "Signature")
METHOD = "HMAC-SHA1"


def claim_of(method: str, parameters: Mapping[str, str]) -> Claim:
    """Who signed, when and what. Raises the door's refusals for what is absent or of another kind."""
    for name in NEEDED:
        if not parameters.get(name):
            raise MissingParameter(f"The parameter {name} is missing.", field=name)
    if parameters["SignatureMethod"].upper() != METHOD:
        raise SignatureMethodUnknown(f"Sign with {METHOD}: no other method is taken.")
    if parameters["SignatureVersion"] != "1.0":
        raise InvalidParameter("SignatureVersion", "The signature's version is 1.0.")
    if parameters.get("SignatureType"):
        raise InvalidParameter("SignatureType", "Leave it empty: bearer tokens are not taken.")
    if len(parameters["SignatureNonce"]) > NONCE_CHARACTERS:
        raise InvalidParameter("SignatureNonce", f"It has at most {NONCE_CHARACTERS} characters.")
    return Claim(
        key_id=parameters["AccessKeyId"],
        moment=parameters["Timestamp"],
        nonce=parameters["SignatureNonce"],
        signature=parameters["Signature"],
        string_to_sign=string_to_sign(method, parameters),
        sign=sign,
    )


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    signed = {name: value for name, value in parameters.items() if name != "Signature"}
    return f"{method}&%2F&{escaped(canonical(signed))}"


def sign(secret: str, text: str) -> str:
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return b64encode(digest).decode()
