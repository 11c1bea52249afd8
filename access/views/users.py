"""The people's door: users."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.errors import NotConfirmed
from access.filters.users import UserFilter
from access.forms.users import UserFieldsForm, UserForm, fields_of
from access.models import Policy, PolicyAttachment, User
from access.operations.access_keys import visible_keys
from access.operations.groups import visible_groups
from access.operations.users import (
    create_user,
    delete_user,
    disable_user,
    enable_user,
    update_user,
)
from access.permissions import needs
from access.scopes import arn
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error
from console.kit.pagination import listing

GET_OR_POST = ["GET", "HEAD", "POST"]


@needs("ram:ListUsers")
@require_safe
@vary_on_headers("HX-Request")
def user_list(request: ConsoleRequest) -> HttpResponse:
    found = listing(request, User.objects.visible_to(request.principal).for_table(), UserFilter)
    context = {"listing": found}
    return render(request, "access/_users.html" if request.htmx else "access/users.html", context)


@needs("ram:ListUsers")
@require_safe
@vary_on_headers("HX-Request")
def user_detail(request: ConsoleRequest, username: str) -> HttpResponse:
    people = User.objects.visible_to(request.principal).for_table()
    person = get_object_or_404(people, username=username)
    policies = Policy.objects.visible_to(request.principal)
    attachments = PolicyAttachment.objects.of_user(person.pk).filter(policy__in=policies)
    groups = visible_groups(request.principal).filter(user=person)
    context = {
        "person": person,
        "arn": arn("ram", "user", person.username),
        "is_guarded": person.is_superuser and not request.principal.is_administrator,
        "attachments": attachments.select_related("policy", "group").order_by("policy__name"),
        "groups": groups,
        "group_ids": {group.pk for group in groups},
        "keys": visible_keys(request.principal).filter(user=person),
        "keys_are_own": person.pk == request.principal.user_id,
        "n_sessions": person.sessions.alive().count(),
    }
    return render(request, "access/_user.html" if request.htmx else "access/user.html", context)


@needs("ram:CreateUser")
@sensitive_post_parameters("password")
@require_http_methods(GET_OR_POST)
def user_create(request: ConsoleRequest) -> HttpResponse:
    form = UserForm(request.POST if request.method == "POST" else None, principal=request.principal)
    if request.method == "POST" and form.is_valid():
        words = {**form.cleaned_data}
        try:
            new = create_user(request.principal, words.pop("name"), **words)
        except ConsoleError as error:
            put_error(form, error)
        else:
            title = _("%(name)s is created") % {"name": new.user.username}
            return shown_once(request, new.user, title=title, password=new.password)
    return panel(request, "access/user_create.html", {"form": form})


def shown_once(request: ConsoleRequest, person: User, *, title: str, password: str) -> HttpResponse:
    """What was done to a user, with the password that was made; empty where none was."""
    # The address that others reach: nothing is built from the Host header.
    address = f"https://{settings.PUBLIC_HOST}:{settings.TLS_PORT}{reverse('sign_in')}"
    facts = {"address": address, "name": person.username, "password": password}
    handover = _("Sign in at %(address)s\nName: %(name)s\nPassword: %(password)s") % facts
    context = {"person": person, "title": title, "password": password, "handover": handover}
    response = panel(request, "access/user_created.html", context)
    # The page holds the password: no cache keeps it, and going back does not show it again.
    response["Cache-Control"] = "no-store"
    return response


@needs("ram:UpdateUser")
@require_http_methods(GET_OR_POST)
def user_update(request: ConsoleRequest, username: str) -> HttpResponse:
    person = visible_user(request, username)
    form = UserFieldsForm(
        request.POST if request.method == "POST" else None,
        principal=request.principal,
        initial=fields_of(person),
    )
    context: dict[str, object] = {"form": form, "person": person}
    if request.method == "POST" and form.is_valid():
        confirmed = "confirmed" in request.POST
        try:
            update_user(request.principal, person, confirmed=confirmed, **form.cleaned_data)
        except NotConfirmed as error:
            context["warning"] = error.message
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, person.get_absolute_url())
    return panel(request, "access/user_update.html", context)


@needs("ram:UpdateUser")
@require_http_methods(GET_OR_POST)
def user_disable(request: ConsoleRequest, username: str) -> HttpResponse:
    person = visible_user(request, username)
    if request.method == "POST":
        disable_user(request.principal, person, confirmed="confirmed" in request.POST)
        return gone_to(request, person.get_absolute_url())
    context = {"person": person, "is_self": person.pk == request.principal.user_id}
    return panel(request, "access/user_disable.html", context)


@needs("ram:UpdateUser")
@require_POST
def user_enable(request: ConsoleRequest, username: str) -> HttpResponse:
    person = enable_user(request.principal, visible_user(request, username))
    return gone_to(request, person.get_absolute_url())


@needs("ram:DeleteUser")
@require_http_methods(GET_OR_POST)
def user_delete(request: ConsoleRequest, username: str) -> HttpResponse:
    person = visible_user(request, username)
    if request.method == "POST":
        delete_user(request.principal, person, confirmed="confirmed" in request.POST)
        return gone_to(request, reverse("access:user_list"))
    context = {
        "person": person,
        "is_self": person.pk == request.principal.user_id,
        "n_keys": person.access_keys.count(),
    }
    return panel(request, "access/user_delete.html", context)


def visible_user(request: ConsoleRequest, username: str) -> User:
    return get_object_or_404(User.objects.visible_to(request.principal), username=username)
