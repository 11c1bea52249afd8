"""Calls to the console's API, signed with ACS3-HMAC-SHA256, over one kept connection."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ca import VERSION
from ca.errors import UNREACHABLE, USAGE, ApiRefused, CliError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ca.profile import Profile

API_VERSION = "2014-05-26"
ALGORITHM = "ACS3-HMAC-SHA256"
EMPTY = hashlib.sha256(b"").hexdigest()
SECONDS = 20
PAGE = 50
NOT_TRUSTED = """\
The certificate of %s is not trusted here: %s.
Take the console's own authority (ca.pem in the folder tls of its data) and name it: `ca configure --ca-file ca.pem`,
or CA_CA_FILE."""
# A connection that was kept may be gone when it is used next; what only reads is tried once more.
TRIES = 2


class Api:
    def __init__(self, profile: Profile) -> None:
        address = urlsplit(profile.endpoint if "//" in profile.endpoint else f"https://{profile.endpoint}")
        if address.scheme not in ("http", "https") or not address.hostname:
            raise CliError(f"{profile.endpoint} is no endpoint: say https://host:port.", USAGE)
        self._profile = profile
        self._address = address
        self._connection: http.client.HTTPConnection | None = None

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one call. Lists become `Name.1`, `Name.2` …; what is None or empty is left out.

        Raises ApiRefused, and CliError where the console cannot be reached.
        """
        if self._profile.region:
            parameters.setdefault("RegionId", self._profile.region)
        query = canonical(flat(parameters))
        tries = TRIES if action.startswith(("Describe", "List")) else 1
        while True:
            tries -= 1
            try:
                return self._send(action, query)
            except ssl.SSLCertVerificationError as error:
                raise CliError(
                    NOT_TRUSTED % (self._profile.endpoint, error.verify_message), UNREACHABLE
                ) from error
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if not tries:
                    endpoint = self._profile.endpoint
                    raise CliError(f"{endpoint} cannot be reached: {error}", UNREACHABLE) from error

    def pages(self, action: str, *path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """The rows of all pages; `path` leads to the list in the answer, and all but its last step to NextToken."""
        token = None
        while token != "":
            answer = self.call(action, MaxResults=PAGE, NextToken=token, **parameters)
            found: Any = answer
            for step in path:
                found = found[step]
            yield from found
            # One action has its paging beside the list, inside.
            inside = answer[path[0]] if isinstance(answer[path[0]], dict) else {}
            token = answer.get("NextToken") or inside.get("NextToken") or ""

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _send(self, action: str, query: str) -> dict[str, Any]:
        if self._connection is None:
            self._connection = self._connect()
        headers = self._signed(action, query)
        self._connection.request("POST", f"/?{query}" if query else "/", body=b"", headers=headers)
        response = self._connection.getresponse()
        body = response.read()
        try:
            said = json.loads(body)
        except ValueError as error:
            message = (
                f"{self._profile.endpoint} does not answer as a console does (status {response.status})."
            )
            raise CliError(message, UNREACHABLE) from error
        if response.status >= 400 or "Code" in said:
            raise ApiRefused(said.get("Code", ""), said.get("Message", ""), said.get("RequestId", ""))
        answer: dict[str, Any] = said
        return answer

    def _connect(self) -> http.client.HTTPConnection:
        host, port = str(self._address.hostname), self._address.port
        if self._address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=SECONDS)
        try:
            trust = ssl.create_default_context(cafile=self._profile.ca_file or None)
        except OSError as error:
            raise CliError(f"{self._profile.ca_file} is no certificate: {error}", USAGE) from error
        return http.client.HTTPSConnection(host, port, timeout=SECONDS, context=trust)

    def _signed(self, action: str, query: str) -> dict[str, str]:
        headers = {
            "host": self._address.netloc,
            "x-acs-action": action,
            "x-acs-content-sha256": EMPTY,
            "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "x-acs-signature-nonce": os.urandom(16).hex(),
            "x-acs-version": API_VERSION,
        }
        names = sorted(headers)
        lines = "".join(f"{name}:{headers[name]}\n" for name in names)
        whole = "\n".join(["POST", "/", query, lines, ";".join(names), EMPTY])
        text = f"{ALGORITHM}\n{hashlib.sha256(whole.encode()).hexdigest()}"
        secret = self._profile.access_key_secret.encode()
        signature = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
        key_id = self._profile.access_key_id
        headers["Authorization"] = (
            f"{ALGORITHM} Credential={key_id},SignedHeaders={';'.join(names)},Signature={signature}"
        )
        headers["User-Agent"] = f"ca/{VERSION}"
        return headers


def flat(parameters: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parameters.items():
        if isinstance(value, (list, tuple)):
            for number, one in enumerate(value, start=1):
                members = flat(one) if isinstance(one, dict) else {"": str(one)}
                found.update(
                    {f"{name}.{number}{'.' if key else ''}{key}": text for key, text in members.items()}
                )
        elif isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif value is not None and value != "":
            found[name] = str(value)
    return found


def canonical(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{escaped(name)}={escaped(parameters[name])}" for name in sorted(parameters))


def escaped(text: str) -> str:
    return quote(text, safe="-_.~")
