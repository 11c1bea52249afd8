"""The people's door before anybody is inside: password, second factor, and out again."""

from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import LogoutView, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from access import limits
from access.errors import NumberWrong, TooManyTries
from access.forms.account import NumberForm
from access.models import Authenticator, User
from access.operations.identities import Origin, principal_for
from access.operations.second_factors import check_second_factor
from access.operations.sessions import begin_session
from access.permissions import own
from access.principals import Door
from access.rules import marks
from access.rules.marks import HalfWay
from console.kit.errors import NotAllowed
from console.kit.http import refusal

GET_OR_POST = ["GET", "HEAD", "POST"]
PASSWORD_BACKEND = "access.backends.ModelBackend"  # noqa: S105 - the name of a class

sign_out = own(LogoutView.as_view())


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(GET_OR_POST)
def sign_in(request: HttpRequest) -> HttpResponse:
    next_url = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, "")
    if request.user.is_authenticated:
        return HttpResponseRedirect(safe_next(request, next_url))
    form = AuthenticationForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return proceed(request, form.get_user(), PASSWORD_BACKEND, next_url=next_url)
    context = {"form": form, "next": next_url if is_ours(request, next_url) else ""}
    return render(request, "console/sign_in.html", context)


def proceed(
    request: HttpRequest, user: User, backend: str, *, next_url: str = "", has_second_factor: bool = False
) -> HttpResponse:
    """What happens once it is proved who somebody is, by whatever backend: a path of one that is set up.

    Who has a second factor here proves that too, unless `has_second_factor` says that the backend has
    seen to it. Nothing of the session until now is kept. Raises NotAllowed for who may not come in.
    """
    if not (user.is_active and user.console_access):
        raise NotAllowed(_("You may not use the console. Ask an administrator."))
    next_url = safe_next(request, next_url)
    if has_second_factor:
        return enter(request, user, backend, next_url, second_factor="provider")
    if not Authenticator.objects.filter(user=user, confirmed=True).exists():
        return enter(request, user, backend, next_url, second_factor="")
    # A session of nobody: it holds this one mark, has a key of its own and ends soon.
    request.session.flush()
    until = timezone.now() + limits.HALF_WAY
    half = HalfWay(user.pk, backend, user.get_session_auth_hash(), until, next_url)
    marks.put_half_way(request.session, half)
    request.session.set_expiry(until)
    return redirect("sign_in_number")


@login_not_required
@never_cache
@sensitive_post_parameters("number")
@require_http_methods(GET_OR_POST)
def sign_in_number(request: HttpRequest) -> HttpResponse:
    half = marks.half_way(request.session, now=timezone.now())
    user = user_half_way(half) if half else None
    if half is None or user is None:
        messages.warning(request, _("Sign in from the beginning: this took too long."))
        return redirect("sign_in")
    form = NumberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        check_may_try(request, user)
        try:
            second_factor = check_second_factor(user, form.cleaned_data["number"])
        except (NumberWrong, TooManyTries) as error:
            note_failure(request, user, error)
            form.add_error("number", error.message)
        else:
            return enter(request, user, half.backend, half.next_url, second_factor=second_factor)
    return render(request, "account/sign_in_number.html", {"form": form}, status=422 if form.errors else 200)


def user_half_way(half: HalfWay) -> User | None:
    """Who it is, if nothing has happened to them meanwhile."""
    user = User.objects.filter(pk=half.user_id, is_active=True, console_access=True).first()
    if user is None or not constant_time_compare(half.password_mark, user.get_session_auth_hash()):
        return None
    return user


def enter(
    request: HttpRequest, user: User, backend: str, next_url: str, *, second_factor: str
) -> HttpResponse:
    origin = Origin(
        source_ip=request.META.get("REMOTE_ADDR", ""),
        is_secure=request.is_secure(),
        has_second_factor=bool(second_factor),
    )
    principal = principal_for(user, Door.CONSOLE, origin=origin)
    begin_session(principal, user, with_password=backend == PASSWORD_BACKEND, second_factor=second_factor)
    # What was in the session before somebody may have put there; its key somebody may know.
    request.session.flush()
    login(request, user, backend=backend)
    if second_factor:
        marks.put_second_factor(request.session)
    if second_factor == "recovery code":
        n_left = user.recovery_codes.filter(used_at=None).count()
        left = ngettext("%(n)d recovery code is left.", "%(n)d recovery codes are left.", n_left)
        messages.warning(request, left % {"n": n_left})
    return HttpResponseRedirect(next_url)


@login_not_required
@require_safe
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """In the place of the admin site's own page, which would ask for no second factor."""
    if request.user.is_authenticated:
        return refusal(request, NotAllowed(_("The administration site is for administrators.")))
    return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME, reverse("admin:index")))


# --- Where one goes next ---


def is_ours(request: HttpRequest, url: str) -> bool:
    # A word without it would be taken for the name of a page.
    return url.startswith("/") and url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


def safe_next(request: HttpRequest, url: str) -> str:
    """The address if it is one of ours, and not of signing in itself; else the overview."""
    if is_ours(request, url) and not url.startswith(reverse("sign_in")):
        return url
    return resolve_url(settings.LOGIN_REDIRECT_URL)


# --- Too many tries ---


def check_may_try(request: HttpRequest, user: User) -> None:
    """Raise TooManyTries while this address is kept from trying anything for this name."""
    if not AxesProxyHandler.is_allowed(request, {"username": user.get_username()}):
        raise TooManyTries(lock_sentence(request))


def note_failure(request: HttpRequest, user: User, error: Exception) -> None:
    """Count something wrong as a wrong password is counted. Having to wait was none."""
    if isinstance(error, TooManyTries):
        return
    credentials = {"username": user.get_username()}
    typed = request.POST
    # Whoever listens may keep the form, as axes does: it holds passwords, wrong ones that are almost right.
    request.POST = QueryDict()
    try:
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
    finally:
        request.POST = typed


def locked_out(request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
    """After too many wrong passwords or numbers. Whether the name exists is not said."""
    return refusal(request, TooManyTries(lock_sentence(request)))


def lock_sentence(request: HttpRequest) -> str:
    cool_off = get_cool_off(request)
    minutes = int(cool_off.total_seconds() // 60) if cool_off else 0
    return _("Too many wrong passwords or numbers. Try again in %(minutes)d minutes.") % {"minutes": minutes}
