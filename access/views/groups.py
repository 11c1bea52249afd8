"""The people's door: groups and who is in them."""

from django.contrib.auth.models import Group
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from access.filters.groups import GroupFilter, MemberFilter
from access.forms.groups import GroupForm, JoinForm, MembersForm
from access.models import Policy, PolicyAttachment, User
from access.operations.groups import (
    add_users_to_groups,
    create_group,
    delete_group,
    remove_user_from_group,
    rename_group,
    visible_groups,
)
from access.operations.losses import losses_of_group, losses_of_leaving
from access.permissions import needs
from access.scopes import arn
from access.views.choices import choices
from access.views.users import GET_OR_POST, visible_user
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error
from console.kit.pagination import listing


@needs("ram:ListGroups")
@require_safe
@vary_on_headers("HX-Request")
def group_list(request: ConsoleRequest) -> HttpResponse:
    rows = visible_groups(request.principal).annotate(
        n_members=Count("user", distinct=True), n_policies=Count("attachments", distinct=True)
    )
    context = {"listing": listing(request, rows, GroupFilter)}
    return render(request, "access/_groups.html" if request.htmx else "access/groups.html", context)


@needs("ram:ListGroups")
@require_safe
@vary_on_headers("HX-Request")
def group_detail(request: ConsoleRequest, group_name: str) -> HttpResponse:
    group = visible_group(request, group_name)
    members = User.objects.visible_to(request.principal).filter(groups=group).order_by("username")
    policies = Policy.objects.visible_to(request.principal)
    context = {
        "group": group,
        "arn": arn("ram", "group", group.name),
        "listing": listing(request, members, MemberFilter),
        "attachments": PolicyAttachment.objects.filter(group=group, policy__in=policies)
        .select_related("policy")
        .order_by("policy__name"),
    }
    return render(request, "access/_group.html" if request.htmx else "access/group.html", context)


@needs("ram:CreateGroup")
@require_http_methods(GET_OR_POST)
def group_create(request: ConsoleRequest) -> HttpResponse:
    form = GroupForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            group = create_group(request.principal, form.cleaned_data["name"])
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, address_of(group))
    return panel(request, "access/group_create.html", {"form": form})


@needs("ram:UpdateGroup")
@require_http_methods(GET_OR_POST)
def group_rename(request: ConsoleRequest, group_name: str) -> HttpResponse:
    group = visible_group(request, group_name)
    form = GroupForm(request.POST if request.method == "POST" else None, initial={"name": group.name})
    if request.method == "POST" and form.is_valid():
        try:
            group = rename_group(request.principal, group, form.cleaned_data["name"])
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, address_of(group))
    return panel(request, "access/group_rename.html", {"form": form, "group_name": group_name})


@needs("ram:DeleteGroup")
@require_http_methods(GET_OR_POST)
def group_delete(request: ConsoleRequest, group_name: str) -> HttpResponse:
    group = visible_group(request, group_name)
    if request.method == "POST":
        delete_group(request.principal, group, confirmed="confirmed" in request.POST)
        return gone_to(request, reverse("access:group_list"))
    context = {
        "group": group,
        "n_members": group.user_set.count(),
        "losses": losses_of_group(request.principal, group),
    }
    return panel(request, "access/group_delete.html", context)


@needs("ram:AddUserToGroup")
@require_http_methods(GET_OR_POST)
def group_add_members(request: ConsoleRequest, group_name: str) -> HttpResponse:
    """Users to tick, found by typing; those that are ticked stay."""
    group = visible_group(request, group_name)
    form = MembersForm(request.POST if request.method == "POST" else None, principal=request.principal)
    if request.method == "POST" and form.is_valid():
        users = form.cleaned_data["users"]
        add_users_to_groups(request.principal, users=users, groups=[group])
        return gone_to(request, address_of(group))
    people = User.objects.visible_to(request.principal).exclude(groups=group).order_by("username")
    shown = choices(
        request, people, field="users", column="username", searched=("username", "display_name", "email")
    )
    context = {"group": group, "form": form, "choices": shown}
    return panel(request, "access/group_add_members.html", context)


@needs("ram:AddUserToGroup")
@require_http_methods(GET_OR_POST)
def user_join(request: ConsoleRequest, username: str) -> HttpResponse:
    person = visible_user(request, username)
    form = JoinForm(request.POST if request.method == "POST" else None, principal=request.principal)
    if request.method == "POST" and form.is_valid():
        groups = form.cleaned_data["groups"]
        add_users_to_groups(request.principal, users=[person], groups=groups)
        return gone_to(request, person.get_absolute_url())
    groups = visible_groups(request.principal).exclude(user=person)
    shown = choices(request, groups, field="groups", column="name", searched=("name",))
    context = {"person": person, "form": form, "choices": shown}
    return panel(request, "access/user_join.html", context)


@needs("ram:RemoveUserFromGroup")
@require_http_methods(GET_OR_POST)
def group_remove_member(request: ConsoleRequest, group_name: str, username: str) -> HttpResponse:
    """From the group's page or from the user's, whither one comes back."""
    group, person = visible_group(request, group_name), visible_user(request, username)
    origin = (request.POST or request.GET).get("from", "")
    back = person.get_absolute_url() if origin == "user" else address_of(group)
    if request.method == "POST":
        remove_user_from_group(request.principal, person, group, confirmed="confirmed" in request.POST)
        return gone_to(request, back)
    losses = losses_of_leaving(request.principal, person, group)
    context = {"group": group, "person": person, "losses": losses, "origin": origin, "back": back}
    return panel(request, "access/group_remove_member.html", context)


def visible_group(request: ConsoleRequest, group_name: str) -> Group:
    return get_object_or_404(visible_groups(request.principal), name=group_name)


def address_of(group: Group) -> str:
    return reverse("access:group_detail", args=[group.name])
