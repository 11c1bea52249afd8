"""What everybody may see and change of themselves."""

from datetime import timedelta
from typing import cast

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.errors import NumberWrong, PasswordRefused, PasswordWrong, TooManyTries
from access.filters.account import AssumableRoleFilter
from access.forms.account import AssumeRoleForm, ConfirmForm, PasswordForm, ProofForm
from access.models import Authenticator, PolicyAttachment, Role, Session, User
from access.operations.passwords import PolicyValidator, change_own_password
from access.operations.roles_taken import assume_role, leave_role
from access.operations.second_factors import (
    begin_second_factor,
    confirm_second_factor,
    create_recovery_codes,
    remove_second_factor,
    setting_up,
)
from access.operations.sessions import end_other_sessions, end_session
from access.permissions import needs, own
from access.rules import marks
from access.rules.authenticators import grouped, picture_of
from access.views.signing_in import check_may_try, note_failure
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error
from console.kit.pagination import listing

GET_OR_POST = ["GET", "HEAD", "POST"]
SESSIONS_SHOWN = 100


@own
@require_safe
def profile(request: ConsoleRequest) -> HttpResponse:
    user = the_user(request)
    role = request.principal.role
    counting = Q(role__name=role) if role else Q(user=user) | Q(group__user=user)
    attachments = PolicyAttachment.objects.filter(counting).select_related("policy", "group")
    context = {
        "person": user,
        "role": role,
        "attachments": attachments.order_by("policy__name", "group__name"),
        "groups": user.groups.order_by("name"),
        "n_sessions": Session.objects.of(request.principal).count(),
        "authenticator": Authenticator.objects.filter(user=user, confirmed=True).first(),
        "password_since": user.password_since if user.has_usable_password() else None,
    }
    return render(request, "account/profile.html", context)


def the_user(request: ConsoleRequest) -> User:
    # The middleware lets in nobody else.
    return cast("User", request.user)


# --- Password ---


@own
@never_cache
@sensitive_post_parameters()
@require_http_methods(GET_OR_POST)
def password(request: ConsoleRequest) -> HttpResponse:
    user = the_user(request)
    must_change = user.must_change_password
    form = PasswordForm(request.POST or None)
    form.fields["new_password1"].help_text = PolicyValidator().get_help_text()
    if request.method == "POST" and form.is_valid():
        check_may_try(request, user)
        try:
            changed = change_own_password(
                request.principal,
                old_password=form.cleaned_data["old_password"],
                new_password=form.cleaned_data["new_password1"],
                keeping=request.session.session_key or "",
            )
        except PasswordWrong as error:
            note_failure(request, user, error)
            form.add_error("old_password", error.message)
        except PasswordRefused as error:
            form.add_error("new_password1", error.message)
        else:
            # The session goes on under a new key; all others are over.
            update_session_auth_hash(request, changed)
            messages.success(request, _("Your password is changed. Your other sessions have ended."))
            return gone_to(request, reverse("console:overview" if must_change else "account:profile"))
    context = {"form": form, "must_change": must_change, "has_password": user.has_usable_password()}
    return render(request, "account/password.html", context, status=422 if form.errors else 200)


# --- Second factor ---


@own
@require_safe
def second_factor(request: ConsoleRequest) -> HttpResponse:
    user = the_user(request)
    context = {
        "person": user,
        "authenticator": Authenticator.objects.filter(user=user, confirmed=True).first(),
        "n_codes_left": user.recovery_codes.filter(used_at=None).count(),
    }
    return render(request, "account/second_factor.html", context)


@own
@require_POST
def second_factor_begin(request: ConsoleRequest) -> HttpResponse:
    begin_second_factor(request.principal)
    return gone_to(request, reverse("account:second_factor_confirm"))


@own
@never_cache
@sensitive_post_parameters("number")
@require_http_methods(GET_OR_POST)
def second_factor_confirm(request: ConsoleRequest) -> HttpResponse:
    form = ConfirmForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        kept = request.session.session_key or ""
        try:
            codes = confirm_second_factor(request.principal, number=form.cleaned_data["number"], keeping=kept)
        except NumberWrong as error:
            put_error(form, error)
        else:
            # It may do more now: under a key that nobody knows from before.
            request.session.cycle_key()
            marks.put_second_factor(request.session)
            return render(request, "account/recovery_codes.html", {"codes": "\n".join(codes)})
    new = setting_up(request.principal)
    context = {"form": form, "key": grouped(new.key), "link": new.link, "picture": picture_of(new.link)}
    return render(request, "account/second_factor_confirm.html", context, status=422 if form.errors else 200)


@own
@never_cache
@sensitive_post_parameters("proof")
@require_http_methods(GET_OR_POST)
def second_factor_remove(request: ConsoleRequest) -> HttpResponse:
    form = ProofForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        check_may_try(request, the_user(request))
        try:
            remove_second_factor(request.principal, proof=form.cleaned_data["proof"])
        except (NumberWrong, PasswordWrong, TooManyTries) as error:
            note_failure(request, the_user(request), error)
            form.add_error("proof", error.message)
        else:
            marks.take_second_factor(request.session)
            messages.success(request, _("Your second factor is taken off."))
            return gone_to(request, reverse("account:second_factor"))
    return panel(request, "account/second_factor_remove.html", {"form": form, "person": the_user(request)})


@own
@never_cache
@sensitive_post_parameters("proof")
@require_http_methods(GET_OR_POST)
def recovery_codes_create(request: ConsoleRequest) -> HttpResponse:
    form = ProofForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        check_may_try(request, the_user(request))
        try:
            codes = create_recovery_codes(request.principal, proof=form.cleaned_data["proof"])
        except (NumberWrong, PasswordWrong, TooManyTries) as error:
            note_failure(request, the_user(request), error)
            form.add_error("proof", error.message)
        else:
            return panel(request, "account/recovery_codes_created.html", {"codes": "\n".join(codes)})
    return panel(request, "account/recovery_codes_create.html", {"form": form})


# --- Sessions ---


@own
@require_safe
def session_list(request: ConsoleRequest) -> HttpResponse:
    context = {
        "sessions": Session.objects.of(request.principal)[:SESSIONS_SHOWN],
        "this_key": request.session.session_key,
    }
    return render(request, "account/sessions.html", context)


@own
@require_POST
def session_end(request: ConsoleRequest, handle: str) -> HttpResponse:
    end_session(request.principal, handle)
    messages.success(request, _("The session has ended."))
    return gone_to(request, reverse("account:session_list"))


@own
@require_POST
def session_end_others(request: ConsoleRequest) -> HttpResponse:
    n_ended = end_other_sessions(request.principal, keeping=request.session.session_key or "")
    ended = ngettext("%(n)d session has ended.", "%(n)d sessions have ended.", n_ended) % {"n": n_ended}
    messages.success(request, ended)
    return gone_to(request, reverse("account:session_list"))


# --- Roles ---


@own
@require_safe
@vary_on_headers("HX-Request")
def role_list(request: ConsoleRequest) -> HttpResponse:
    roles = Role.objects.assumable_by(request.principal).order_by("name")
    context = {"listing": listing(request, roles, AssumableRoleFilter), "role": request.principal.role}
    return render(request, "account/_roles.html" if request.htmx else "account/roles.html", context)


@needs("sts:AssumeRole")
@require_http_methods(GET_OR_POST)
def role_assume(request: ConsoleRequest, name: str) -> HttpResponse:
    role = get_object_or_404(Role.objects.assumable_by(request.principal), name=name)
    form = AssumeRoleForm(role, request.POST or None)
    if request.method == "POST" and form.is_valid():
        duration = timedelta(minutes=form.cleaned_data["duration"])
        try:
            taken = assume_role(request.principal, role, duration=duration)
        except ConsoleError as error:
            put_error(form, error)
        else:
            marks.put_role(request.session, taken)
            return gone_to(request, reverse("console:overview"))
    return panel(request, "account/role_assume.html", {"form": form, "role": role})


@own
@require_POST
def role_leave(request: ConsoleRequest) -> HttpResponse:
    leave_role(request.principal)
    marks.take_role(request.session)
    return gone_to(request, reverse("console:overview"))
