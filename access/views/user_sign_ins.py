"""The people's door: how another user signs in. What is one's own is at `access.views.account`."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from access.forms.users import PasswordResetForm
from access.operations.passwords import reset_password
from access.operations.second_factors import unbind_second_factor
from access.operations.sessions import sign_out_everywhere
from access.permissions import needs
from access.views.users import GET_OR_POST, shown_once, visible_user
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error


@needs("ram:UpdateLoginProfile")
@sensitive_post_parameters("password")
@require_http_methods(GET_OR_POST)
def user_reset_password(request: ConsoleRequest, username: str) -> HttpResponse:
    person = visible_user(request, username)
    form = PasswordResetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data["password"]
        must_change = form.cleaned_data["must_change_password"]
        try:
            made = reset_password(request.principal, person, password=typed or None, must_change=must_change)
        except ConsoleError as error:
            put_error(form, error)
        else:
            title = _("%(name)s has a new password") % {"name": person.username}
            return shown_once(request, person, title=title, password="" if typed else made)
    return panel(request, "access/user_reset_password.html", {"form": form, "person": person})


@needs("ram:UnbindMFADevice")
@require_http_methods(GET_OR_POST)
def user_unbind(request: ConsoleRequest, username: str) -> HttpResponse:
    person = visible_user(request, username)
    if request.method == "POST":
        unbind_second_factor(request.principal, person)
        return gone_to(request, person.get_absolute_url())
    return panel(request, "access/user_unbind.html", {"person": person})


@needs("ram:UpdateLoginProfile")
@require_http_methods(GET_OR_POST)
def user_sign_out(request: ConsoleRequest, username: str) -> HttpResponse:
    person = visible_user(request, username)
    if request.method == "POST":
        sign_out_everywhere(request.principal, person)
        return gone_to(request, person.get_absolute_url())
    n_sessions = person.sessions.alive().count()
    return panel(request, "access/user_sign_out.html", {"person": person, "n_sessions": n_sessions})
