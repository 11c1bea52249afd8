"""To the single sign-on provider and back: to sign in, or to link oneself.

Only where it is switched on; see `access.sso` for the conversation itself.
"""

from dataclasses import asdict
from datetime import datetime

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from access import limits, sso
from access.errors import SignOnNotCompleted
from access.models import User
from access.operations import external_identities as operations
from access.permissions import own
from access.rules.external_identities import Email, Identity
from access.views.signing_in import proceed, safe_next
from console.kit.http import ConsoleRequest, gone_to, panel

BACKEND = "access.backends.SingleSignOn"
GET_OR_POST = ["GET", "HEAD", "POST"]
# Where in the session an identity waits for its owner's word.
PENDING = "external_identity"


@login_not_required
@never_cache
@require_safe
def sso_start(request: HttpRequest) -> HttpResponse:
    next_url = safe_next(request, request.GET.get(REDIRECT_FIELD_NAME, ""))
    if request.user.is_authenticated:
        return redirect(next_url)
    return sso.leave(request, sso.Purpose.SIGN_IN, next_url=next_url)


@own
@never_cache
@require_safe
def sso_link(request: ConsoleRequest) -> HttpResponse:
    return sso.leave(request, sso.Purpose.LINK)


@login_not_required
@never_cache
@require_safe
def sso_callback(request: HttpRequest) -> HttpResponse:
    arrival = sso.returned(request)
    if arrival.purpose == sso.Purpose.LINK:
        return ask_whether_to_link(request, arrival)
    principal = operations.principal_single_sign_on(request.META.get("REMOTE_ADDR", ""))
    creates_users = sso.configured().creates_users
    user = operations.recognise(principal, arrival.identity, creates_users=creates_users)
    return proceed(request, user, BACKEND, next_url=arrival.next_url)


def ask_whether_to_link(request: HttpRequest, arrival: sso.Arrival) -> HttpResponse:
    """The identity waits in the session: what the provider says links nobody by itself."""
    if not request.user.is_authenticated or request.user.pk != arrival.user_id:
        raise SignOnNotCompleted(_("You have signed in or out since. Begin the link again."))
    request.session[PENDING] = {**asdict(arrival.identity), "at": timezone.now().isoformat()}
    return redirect("access:sso_confirm")


@own
@never_cache
@require_http_methods(GET_OR_POST)
def sso_confirm(request: ConsoleRequest) -> HttpResponse:
    """What links is a deliberate press of a button here, by somebody who sees whom it is about."""
    identity = pending(request)
    if request.method == "POST":
        operations.link_own(request.principal, identity)
        del request.session[PENDING]
        return redirect("account:profile")
    return render(request, "account/sso_confirm.html", {"identity": identity})


def pending(request: HttpRequest) -> Identity:
    kept = dict(request.session.get(PENDING, {}))
    at = datetime.fromisoformat(kept.pop("at", "2000-01-01T00:00:00+00:00"))
    is_late = timezone.now() > at + limits.SINGLE_SIGN_ON_TIME
    if is_late or kept["issuer"] != sso.configured().issuer:
        raise SignOnNotCompleted(_("There is nothing to confirm any more. Begin the link again."))
    return Identity(**{**kept, "email": Email(*kept["email"])})


@own
@require_http_methods(GET_OR_POST)
def sso_unlink(request: ConsoleRequest, username: str) -> HttpResponse:
    users = User.objects.visible_to(request.principal) | User.objects.filter(username=request.principal.name)
    user = get_object_or_404(users, username=username)
    back = reverse("account:profile") if user == request.user else user.get_absolute_url()
    if request.method == "POST":
        operations.unlink(request.principal, user, sso.configured().issuer)
        return gone_to(request, back)
    return panel(request, "account/sso_unlink.html", {"account": user, "back": back})
