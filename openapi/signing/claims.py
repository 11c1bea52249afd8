"""What a signed call claims, whichever way it is signed, and whether it is so."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from openapi.errors import SignatureWrong, TimeExpired, TimeFormat

NONCE_CHARACTERS = 128
# How far a call's moment may be from ours, either way.
WINDOW = timedelta(minutes=15)
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")


@dataclass(frozen=True, slots=True)
class Claim:
    key_id: str
    moment: str
    nonce: str
    signature: str
    string_to_sign: str
    sign: Callable[[str, str], str]
    appendix: str = ""

    def check_time(self, now: datetime) -> None:
        """Raises TimeFormat and TimeExpired."""
        if not MOMENT.fullmatch(self.moment):
            raise TimeFormat("The time is written as 2026-01-02T03:04:05Z, in UTC.")
        try:
            said = datetime.fromisoformat(self.moment).astimezone(UTC)
        except ValueError as error:
            raise TimeFormat("No calendar or clock shows this time.") from error
        if abs(said - now) > WINDOW:
            clock = now.strftime("%Y-%m-%dT%H:%M:%SZ")
            raise TimeExpired(
                f"The call says {self.moment} and the server's clock {clock}; they may be 15 minutes apart. "
                "Set the caller's clock."
            )

    def check_signature(self, secret: str) -> None:
        """In constant time. Raises SignatureWrong, whose message the older SDK takes apart at its colons.

        The string to sign holds what the caller has sent, and no secret.
        """
        wanted = self.sign(secret, self.string_to_sign)
        if not hmac.compare_digest(wanted.encode(), self.signature.encode(errors="replace")):
            message = f"The signature does not match what the server signs:{self.string_to_sign}"
            raise SignatureWrong(f"{message}\n{self.appendix}" if self.appendix else message)
