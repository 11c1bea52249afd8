"""Who sends a call: identity headers, clock window, signature (section 2 of the wire)."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import MD5
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from gateway.errors import ClockWrong, Malformed, SignatureWrong, Unsigned

PADDING = PKCS1v15()
# The wire's choice; it protects no content, only who sends. Replays are caught by time and request id.
DIGEST = MD5()  # noqa: S303
KEY_BITS_LEAST = 2048
KEY_BITS_MOST = 8192
REQUEST_ID_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Claim:
    """What the headers say. Not yet believed."""

    instance_id: str
    timestamp: int
    request_id: str
    signature: bytes


def claim_of(headers: Mapping[str, str]) -> Claim:
    """The identity headers; raises Unsigned where they are not all there and well-formed."""
    instance_id = headers.get("x-acs-instance-id", "")
    timestamp = headers.get("x-acs-timestamp", "")
    request_id = headers.get("x-acs-request-id", "")
    signature = headers.get("x-acs-signature", "")
    if not (instance_id and request_id and signature and timestamp.isascii() and timestamp.isdigit()):
        raise Unsigned(
            "This call needs the headers x-acs-instance-id, x-acs-timestamp, x-acs-request-id and "
            "x-acs-signature of a registered agent. Register this server with an activation code first."
        )
    try:
        return Claim(
            instance_id[:64],
            int(timestamp[:16]),
            request_id[:REQUEST_ID_CHARACTERS],
            b64decode(signature, validate=True),
        )
    except ValueError as error:
        raise Unsigned("The header x-acs-signature is not Base64.") from error


def check_clock(claim: Claim, *, now: int, window: int) -> None:
    """Raise ClockWrong where the agent's clock (ms) is more than `window` (ms) from ours."""
    if abs(now - claim.timestamp) > window:
        seconds = (claim.timestamp - now) // 1000
        raise ClockWrong(
            f"The clock of this server is {seconds:+d} s from the console's; {window // 1000} s are allowed. "
            "Set its clock, for example by switching on time synchronisation."
        )


def check_signature(claim: Claim, machine_id: str, key: RSAPublicKey) -> None:
    text = f"{claim.instance_id}{machine_id}{claim.timestamp}{claim.request_id}"
    try:
        key.verify(claim.signature, text.encode(), PADDING, DIGEST)
    except InvalidSignature as error:
        raise SignatureWrong("The signature does not belong to this instance.") from error


def load_key(pem: bytes) -> RSAPublicKey:
    """A public key that a registration brings; raises Malformed for anything but RSA of a sane size."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("publicKey is not the Base64 of a PEM public key.") from error
    if not isinstance(key, RSAPublicKey) or not KEY_BITS_LEAST <= key.key_size <= KEY_BITS_MOST:
        raise Malformed(f"publicKey is not RSA of at least {KEY_BITS_LEAST} bits.")
    return key


def pem_text(key: RSAPublicKey) -> str:
    """The key and nothing else of what came around it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
