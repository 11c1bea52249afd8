"""The people's door: roles."""

import json

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from access.filters.roles import RoleFilter
from access.forms.roles import MINUTE, RoleFieldsForm, RoleForm
from access.models import Policy, PolicyAttachment, Role, User
from access.operations.holders import ASSUME_ROLE, takers
from access.operations.losses import losses_in_role
from access.operations.roles import create_role, delete_role, update_role
from access.permissions import needs
from access.scopes import arn
from access.views.users import GET_OR_POST
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error
from console.kit.pagination import listing

TAKERS_SHOWN = 25


@needs("ram:ListRoles")
@require_safe
@vary_on_headers("HX-Request")
def role_list(request: ConsoleRequest) -> HttpResponse:
    rows = Role.objects.visible_to(request.principal).annotate(n_policies=Count("attachments"))
    rows = rows.order_by("name")
    context = {"listing": listing(request, rows, RoleFilter)}
    return render(request, "access/_roles.html" if request.htmx else "access/roles.html", context)


@needs("ram:ListRoles")
@require_safe
@vary_on_headers("HX-Request")
def role_detail(request: ConsoleRequest, role_name: str) -> HttpResponse:
    role = visible_role(request, role_name)
    policies = Policy.objects.visible_to(request.principal)
    who = takers(role)
    seen = who.filter(pk__in=User.objects.visible_to(request.principal)).order_by("username")
    name = arn("ram", "role", role.name)
    context = {
        "role": role,
        "arn": name,
        "statement": json.dumps({"Effect": "Allow", "Action": ASSUME_ROLE, "Resource": name}),
        "attachments": PolicyAttachment.objects.filter(role=role, policy__in=policies)
        .select_related("policy")
        .order_by("policy__name"),
        "takers": seen[:TAKERS_SHOWN],
        "n_takers": who.count(),
    }
    return render(request, "access/_role.html" if request.htmx else "access/role.html", context)


@needs("ram:CreateRole")
@require_http_methods(GET_OR_POST)
def role_create(request: ConsoleRequest) -> HttpResponse:
    form = RoleForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        words = {**form.cleaned_data}
        try:
            role = create_role(request.principal, words.pop("name"), **words)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, role.get_absolute_url())
    return panel(request, "access/role_create.html", {"form": form})


@needs("ram:UpdateRole")
@require_http_methods(GET_OR_POST)
def role_update(request: ConsoleRequest, role_name: str) -> HttpResponse:
    role = visible_role(request, role_name)
    initial = {"description": role.description, "max_session": role.max_session // MINUTE}
    form = RoleFieldsForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            update_role(request.principal, role, **form.cleaned_data)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, role.get_absolute_url())
    return panel(request, "access/role_update.html", {"form": form, "role": role})


@needs("ram:DeleteRole")
@require_http_methods(GET_OR_POST)
def role_delete(request: ConsoleRequest, role_name: str) -> HttpResponse:
    role = visible_role(request, role_name)
    if request.method == "POST":
        delete_role(request.principal, role, confirmed="confirmed" in request.POST)
        return gone_to(request, reverse("access:role_list"))
    losses = losses_in_role(request.principal, role)
    return panel(request, "access/role_delete.html", {"role": role, "losses": losses})


def visible_role(request: ConsoleRequest, role_name: str) -> Role:
    return get_object_or_404(Role.objects.visible_to(request.principal), name=role_name)
