"""Scripts and outputs as calls have them: as they are, or in Base64. Which one is the default differs by action."""

import binascii
from base64 import b64decode, b64encode

from assistant.invocations.rules.output import decoded as shown
from openapi.errors import ApiError

BASE64 = "base64"
PLAIN = "plaintext"


class ContentUnreadable(ApiError):
    code = "CmdContent.DecodeError"


def decoded(content: str, encoding: str, *, default: str) -> str:
    """A script as it was sent. Any other word for the encoding counts as the default. Raises ContentUnreadable."""
    if chosen(encoding, default) == PLAIN:
        return content
    try:
        return b64decode("".join(content.split()), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        message = "The content is not the Base64 of UTF-8 text. Say ContentEncoding=PlainText if it is plain."
        raise ContentUnreadable(message, field="CommandContent") from error


def encoded(content: str | bytes, encoding: str) -> str:
    """A script or an output for an answer; Base64 unless it is asked for as it is."""
    if chosen(encoding, BASE64) == PLAIN:
        return content if isinstance(content, str) else shown(content)
    return b64encode(content.encode() if isinstance(content, str) else content).decode()


def chosen(encoding: str, default: str) -> str:
    said = encoding.lower()
    return said if said in (BASE64, PLAIN) else default
