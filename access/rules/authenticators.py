"""Numbers that an app shows (RFC 6238), the key it is given, and the codes for when it is lost."""

import base64
import hashlib
import secrets
from urllib.parse import quote, urlencode

import qrcode
from django_otp.oath import TOTP
from qrcode.image.svg import SvgPathFillImage

KEY_BYTES = 20
DIGITS = 6
CODE_BYTES = 10
GROUP = 4


def new_key() -> str:
    """A key as people type it: 32 signs of base 32."""
    return base64.b32encode(secrets.token_bytes(KEY_BYTES)).decode()


def is_number(typed: str) -> bool:
    """Whether something may be a number of an app, however it was grouped."""
    digits = typed.replace(" ", "")
    return len(digits) == DIGITS and digits.isascii() and digits.isdigit()


def step_of(key: str, number: str, *, after: int, drift: int, now: float) -> int | None:
    """The time step that a number belongs to, if it is one of now and later than the step `after`."""
    if not is_number(number):
        return None
    clock = TOTP(base64.b32decode(key), digits=DIGITS)
    clock.time = now
    if not clock.verify(int(number.replace(" ", "")), tolerance=drift, min_t=after + 1):
        return None
    step: int = clock.t()
    return step


def link_for(key: str, *, username: str, issuer: str) -> str:
    """What the picture says, and what an app on the same device opens."""
    return f"otpauth://totp/{quote(f'{issuer}:{username}')}?{urlencode({'secret': key, 'issuer': issuer})}"


def picture_of(link: str) -> str:
    """The link as a QR code: an SVG as a `data:` address, black on white whatever the theme."""
    image = qrcode.make(link, image_factory=SvgPathFillImage)
    return f"data:image/svg+xml;base64,{base64.b64encode(image.to_string()).decode()}"


def grouped(text: str) -> str:
    """In fours, to be read and typed."""
    return " ".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))


def new_recovery_code() -> str:
    """Eighty bits: nobody guesses one of ten, so only the number of tries per address is limited."""
    letters = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower()
    return grouped(letters).replace(" ", "-")


def recovery_digest(code: str) -> str:
    """However it was typed. Chance needs no slow hash."""
    return hashlib.sha256(code.strip().lower().replace("-", "").replace(" ", "").encode()).hexdigest()
