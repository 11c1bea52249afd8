"""The conversation with the single sign-on provider: OpenID Connect, by allauth.

    leave(request, purpose)   sends the browser to the provider
    returned(request)         what it has come back with: a proven identity, or an error of ours

Of allauth this uses the state in the session, PKCE, the exchange of the code and the reading of the ID
token. Which user somebody is, and signing in, is ours. Only loaded where single sign-on is switched on.

The ID token comes over TLS from the provider itself, in answer to a code that only we could exchange: by
the standard (OpenID Connect Core 1.0, 3.1.3.7) that does for its signature.
"""

import logging
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from threading import Lock
from typing import Any

import requests
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from access import limits
from access.errors import ProviderUnavailable, SignOnNotCompleted
from access.rules.external_identities import Identity, identity_in
from console.env import DISCOVERY_PATH, SingleSignOn, is_private
from console.kit.errors import ConsoleError

logger = logging.getLogger(__name__)

# How long what the provider says of itself is believed, in seconds.
DISCOVERY_SECONDS = 600
# A provider that did not answer is not asked again for so long, in seconds.
PAUSE_SECONDS = 5
# Somebody else's conversation is waited for so long, in seconds.
TURN_SECONDS = 1.0

# What of a provider's refusal may stand in a log: its word, never the rest of its answer.
ERROR_WORD = re.compile(r'"error"\s*:\s*"([a-z_]{1,40})"')
# What allauth raises besides its own where an answer is not of the form that it expects.
MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class Purpose(StrEnum):
    """What somebody goes to the provider for."""

    SIGN_IN = "login"
    LINK = "connect"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who is back from the provider."""

    identity: Identity
    purpose: Purpose
    next_url: str
    # Who had signed in when they left.
    user_id: int | None


def configured() -> SingleSignOn:
    service: SingleSignOn | None = settings.SINGLE_SIGN_ON
    assert service is not None  # noqa: S101 - without it nothing here has an address
    return service


def leave(request: HttpRequest, purpose: Purpose, *, next_url: str = "") -> HttpResponse:
    """To the provider. Raises ProviderUnavailable."""
    provider = configured_provider(request)
    line = line_to(configured())
    if line.document_is_old:
        with line.ask():
            line.discover(provider.get_oauth2_adapter(request))
    nonce = secrets.token_urlsafe()
    with same_visitor(request):
        response: HttpResponse = provider.redirect(
            request,
            process=purpose.value,
            next_url=next_url,
            data={"nonce": nonce, "user": request.user.pk},
            auth_params={"nonce": nonce},
        )
    if not request.user.is_authenticated:
        # Anybody can begin this; what it leaves behind is soon gone.
        request.session.set_expiry(int(limits.SINGLE_SIGN_ON_TIME.total_seconds()))
    return response


def returned(request: HttpRequest) -> Arrival:
    """Who it is. Raises SignOnNotCompleted and ProviderUnavailable."""
    service = configured()
    provider = configured_provider(request)
    # Before the state: some providers leave that out where they let nobody in.
    check_answer(request, service)
    state = unstashed(request, provider)
    line = line_to(service)
    with line.ask():
        conversation: Conversation = provider.get_oauth2_adapter(request)
        if line.document_is_old:
            line.discover(conversation)
        claims = conversation.claims(state["pkce_code_verifier"], nonce=state["data"]["nonce"])
        identity = identity_in(claims, issuer=service.issuer)
        if identity is None:
            raise OAuth2Error("no subject that can be kept")
    return Arrival(identity, Purpose(state["process"]), state.get("next", ""), state["data"]["user"])


def unstashed(request: HttpRequest, provider: "Provider") -> dict[str, Any]:
    """What this browser left with; once."""
    try:
        with same_visitor(request):
            state: dict[str, Any] = provider.unstash_redirect_state(request, request.GET.get("state", ""))
    except PermissionDenied as error:
        message = _("This sign-in was begun in another browser, or too long ago. Begin it again.")
        raise SignOnNotCompleted(message) from error
    return state


@contextmanager
def same_visitor(request: HttpRequest) -> Iterator[None]:
    """allauth puts a new session object there, which does not know where the browser is."""
    before: Any = request.session
    yield
    after: Any = request.session
    if after is not before:
        after.came_from(before.source_ip, before.user_agent)


def check_answer(request: HttpRequest, service: SingleSignOn) -> None:
    """Raise unless the provider has sent somebody back with a code."""
    refused = request.GET.get("error", "")
    if refused == "access_denied":
        raise SignOnNotCompleted(
            _("%(name)s has let nobody in: it was cancelled there.") % {"name": service.name}
        )
    if refused or not request.GET.get("code"):
        logger.warning(
            "Single sign-on refused by the provider issuer=%s error=%r", service.issuer, refused[:40]
        )
        raise answer_wrong(service)


def not_there(service: SingleSignOn) -> ConsoleError:
    message = _("%(name)s does not answer. Try again in a minute, or sign in with a password.")
    return ProviderUnavailable(message % {"name": service.name})


def answer_wrong(service: SingleSignOn) -> ConsoleError:
    message = _(
        "%(name)s has not answered as agreed. Begin again; if it stays so, ask an administrator to look at the "
        "console's log."
    )
    return ProviderUnavailable(message % {"name": service.name})


# --- The line to the provider ---


class Line:
    """What this process knows of a provider, and that one thread at a time talks to it.

    Two threads make all pages: a provider that is slow, or away, must not hold both.
    """

    def __init__(self, service: SingleSignOn) -> None:
        self.service = service
        self.document: Mapping[str, Any] = {}
        self._read_at = 0.0
        self._turn = Lock()
        self._paused_until = 0.0

    @property
    def document_is_old(self) -> bool:
        return not self.document or time.monotonic() > self._read_at + DISCOVERY_SECONDS

    def discover(self, conversation: "Conversation") -> None:
        document = conversation.fetched_document()
        check_document(document, self.service)
        self.document, self._read_at = document, time.monotonic()

    @contextmanager
    def ask(self) -> Iterator[None]:
        """One conversation; what goes wrong in it is one of our errors, and a line in the log without secrets."""
        if time.monotonic() < self._paused_until or not self._turn.acquire(timeout=TURN_SECONDS):
            raise not_there(self.service)
        try:
            yield
        except (requests.ConnectionError, requests.Timeout) as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            self._log(type(error).__name__)
            raise not_there(self.service) from error
        except requests.RequestException as error:
            self._log(str(error)[:200])
            raise answer_wrong(self.service) from error
        except (OAuth2Error, *MALFORMED) as error:
            self._log(reason(error))
            raise answer_wrong(self.service) from error
        finally:
            self._turn.release()

    def _log(self, why: str) -> None:
        logger.warning("Single sign-on failed issuer=%s reason=%r", self.service.issuer, why)


def reason(error: Exception) -> str:
    """An error's sentence; of what the provider has sent, its word for it."""
    if word := ERROR_WORD.search(str(error)):
        return word[1]
    if isinstance(error, OAuth2Error) and error.__cause__ is None and len(error.args) == 1:
        return str(error).partition(":")[0]
    return f"{type(error).__name__} {type(error.__cause__).__name__}"


@lru_cache(maxsize=8)
def line_to(service: SingleSignOn) -> Line:
    return Line(service)


def check_document(document: Any, service: SingleSignOn) -> None:
    """Raise OAuth2Error unless the provider speaks for the issuer that was named, and listens in private."""
    if not isinstance(document, dict) or str(document.get("issuer", "")).rstrip("/") != service.issuer:
        raise OAuth2Error("discovery is for another issuer than OIDC_ISSUER")
    urls = [document.get("authorization_endpoint"), document.get("token_endpoint")]
    urls += [document["userinfo_endpoint"]] if "userinfo_endpoint" in document else []
    if not all(isinstance(url, str) and is_private(url) for url in urls):
        raise OAuth2Error("discovery names addresses without TLS")


# --- What allauth is given ---


class Adapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Knows the one provider of the settings: allauth's table of them is not asked."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> "Provider":
        return configured_provider(request)


class Conversation(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """allauth's own, with what the standard asks for besides."""

    @property
    def openid_config(self) -> Mapping[str, Any]:
        return line_to(configured()).document

    def fetched_document(self) -> Any:
        return super().openid_config

    @property
    def basic_auth(self) -> bool:
        # What a provider that says nothing takes, by the standard; allauth would send the secret in the form.
        methods = self.openid_config.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return "client_secret_post" not in methods

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        # With the name by which the browser has reached us, where its session is. The provider knows which
        # addresses are ours, and sends nobody to another.
        return request.build_absolute_uri(reverse("access:sso_callback"))

    def claims(self, pkce_code_verifier: str, *, nonce: str) -> Mapping[str, Any]:
        """What the provider says of whom it has sent. Raises OAuth2Error where it does not belong to this."""
        application = self.get_provider().app
        client = self.get_client(self.request, application)
        token = self.get_access_token_data(
            self.request, application, client, pkce_code_verifier=pkce_code_verifier
        )
        said: dict[str, Any] = self._decode_id_token(application, token["id_token"])
        check_id_token(said, nonce=nonce, client_id=application.client_id)
        if "email" in said or "userinfo_endpoint" not in self.openid_config:
            return said
        more = self._fetch_user_info(token["access_token"])
        if more["sub"] != said["sub"]:
            raise OAuth2Error("user info is about somebody else")
        # An address is vouched for only by what names it.
        return {**said, "email_verified": False, **more}


def check_id_token(said: Mapping[str, Any], *, nonce: str, client_id: str) -> None:
    """What allauth does not look at; it has looked at issuer, audience and end."""
    if not constant_time_compare(str(said.get("nonce", "")), nonce):
        raise OAuth2Error("ID token has another nonce")
    if said["aud"] != client_id and said.get("azp", client_id) != client_id:
        raise OAuth2Error("ID token was made out to another client")


class Provider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = Conversation


def configured_provider(request: HttpRequest) -> Provider:
    service = configured()
    application = SocialApp(
        provider=Provider.id,
        # The issuer itself: a state that was begun with one provider is none for the next.
        provider_id=service.issuer,
        name=service.name,
        client_id=service.client_id,
        secret=service.client_secret,
        settings={"server_url": service.issuer + DISCOVERY_PATH, "oauth_pkce_enabled": True},
    )
    return Provider(request, app=application)
