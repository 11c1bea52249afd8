"""The people's door: cookies per listener, and refusals as pages or notices."""

import logging
from collections.abc import Callable
from http.cookies import Morsel

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.utils import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _

from console.kit.errors import ConsoleError, InvalidParameter, NotAllowed
from console.kit.http import refusal

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

# Cookies know no ports: without a name of its own the TLS listener's Secure cookie would stand in the
# way of the plain listener's. The prefix also makes browsers refuse one that was not set over TLS.
SECURE_PREFIX = "__Host-"


def listener_cookies(get_response: GetResponse) -> GetResponse:
    """Let Django see its usual cookie names on both listeners, browsers a different one on each."""
    names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.is_secure():
            return get_response(request)
        for name in names:
            own = request.COOKIES.pop(SECURE_PREFIX + name, None)
            request.COOKIES.pop(name, None)
            if own is not None:
                request.COOKIES[name] = own
        response = get_response(request)
        for name in names:
            morsel = response.cookies.pop(name, None)
            if morsel is not None:
                add_secure(response, name, morsel)
        return response

    return middleware


def sign_in_again(get_response: GetResponse) -> GetResponse:
    """For htmx: a notice instead of the sign-in page in the place of a fragment; what was typed stays."""
    sign_in = resolve_url(settings.LOGIN_URL)

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_fragment = bool(request.headers.get("HX-Request"))
        if is_fragment and response.status_code == 302 and response["Location"].startswith(sign_in):
            message = _("You have been signed out. Sign in again in another tab, then repeat this here.")
            return refusal(request, NotAllowed(message))
        return response

    return middleware


def add_secure(response: HttpResponse, name: str, morsel: "Morsel[str]") -> None:
    prefixed = SECURE_PREFIX + name
    response.cookies[prefixed] = morsel.value
    for attribute, value in morsel.items():
        if value:
            response.cookies[prefixed][attribute] = value
    response.cookies[prefixed]["secure"] = True


class Refusals:
    """Renders every ConsoleError: as a page, or as a notice where htmx asked."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, ConsoleError):
            logger.info("Refused code=%s path=%s", error.code, request.path)
            return refusal(request, error)
        if isinstance(error, DataError):
            # PostgreSQL takes no NUL, and no number beyond its columns: nothing that a page of ours sends.
            return refusal(request, InvalidParameter("This holds characters that cannot be stored."))
        if isinstance(error, PermissionDenied):
            return refusal(request, NotAllowed(str(error) or "You may not do this."))
        return None
