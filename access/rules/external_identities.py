"""Whom a single sign-on provider vouches for, in our words."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from access import limits

NAMELESS = "user"
# As wide as the column.
EMAIL_CHARACTERS = 254
# A user's name leaves so much of its length to the number behind it.
NUMBER_CHARACTERS = 5


class Email(NamedTuple):
    """An address, and whether the provider has seen that its mail arrives."""

    address: str = ""
    is_verified: bool = False


NO_EMAIL = Email()


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody of whom the provider has told us, just now and in its own words, who it is."""

    issuer: str
    subject: str
    email: Email = NO_EMAIL
    username: str = ""
    display_name: str = ""

    @property
    def label(self) -> str:
        """What the provider calls them."""
        return (self.username or self.email.address or self.subject)[: limits.NAME_CHARACTERS]


def identity_in(claims: Mapping[str, Any], *, issuer: str) -> Identity | None:
    """The identity that claims speak of; none where they name no subject that can be kept."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= limits.SUBJECT_CHARACTERS:
        return None
    if not subject.isprintable():
        return None
    return Identity(
        issuer,
        subject,
        email=email_in(claims),
        username=line(claims.get("preferred_username")),
        display_name=line(claims.get("name")),
    )


def email_in(claims: Mapping[str, Any]) -> Email:
    address = line(claims.get("email"))
    try:
        validate_email(address)
    except ValidationError:
        return NO_EMAIL
    if len(address) > EMAIL_CHARACTERS:
        return NO_EMAIL
    # A truth value by the standard; some providers write it as a word.
    return Email(address, claims.get("email_verified") in (True, "true"))


def line(value: Any) -> str:
    """One line of text, whatever was sent."""
    text = value if isinstance(value, str) else ""
    return "".join(one for one in text if one.isprintable()).strip()[: limits.SUBJECT_CHARACTERS]


def is_same_email(one: str, other: str) -> bool:
    """Without regard to case, which only ASCII has safely: foldings of other letters meet ("ı" and "i")."""
    return one == other or (one.isascii() and other.isascii() and one.lower() == other.lower())


def usernames(identity: Identity) -> Iterator[str]:
    """Names for a new user, the best first; without an end."""
    wanted = identity.username or identity.email.address or identity.display_name
    plain = unicodedata.normalize("NFKD", wanted.partition("@")[0]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("._-") or NAMELESS
    name = name[: limits.NAME_CHARACTERS - NUMBER_CHARACTERS]
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1
