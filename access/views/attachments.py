"""The people's door: policies at users, groups and roles. One pair of panels serves all three."""

from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from access.forms.users import PoliciesForm
from access.models import Policy, PolicyAttachment
from access.operations.attachments import Place, attach_policies, detach_policy
from access.operations.losses import losses_of_detaching
from access.permissions import needs
from access.views.choices import choices
from access.views.groups import address_of, visible_group
from access.views.roles import visible_role
from access.views.users import GET_OR_POST, visible_user
from console.kit.http import ConsoleRequest, gone_to, panel


@needs("ram:AttachPolicyToUser")
@require_http_methods(GET_OR_POST)
def user_attach(request: ConsoleRequest, username: str) -> HttpResponse:
    return attach(request, Place.of(user=visible_user(request, username)))


@needs("ram:AttachPolicyToGroup")
@require_http_methods(GET_OR_POST)
def group_attach(request: ConsoleRequest, group_name: str) -> HttpResponse:
    return attach(request, Place.of(group=visible_group(request, group_name)))


@needs("ram:AttachPolicyToRole")
@require_http_methods(GET_OR_POST)
def role_attach(request: ConsoleRequest, role_name: str) -> HttpResponse:
    return attach(request, Place.of(role=visible_role(request, role_name)))


@needs("ram:DetachPolicyFromUser")
@require_http_methods(GET_OR_POST)
def user_detach(request: ConsoleRequest, username: str, policy_name: str) -> HttpResponse:
    return detach(request, Place.of(user=visible_user(request, username)), policy_name)


@needs("ram:DetachPolicyFromGroup")
@require_http_methods(GET_OR_POST)
def group_detach(request: ConsoleRequest, group_name: str, policy_name: str) -> HttpResponse:
    return detach(request, Place.of(group=visible_group(request, group_name)), policy_name)


@needs("ram:DetachPolicyFromRole")
@require_http_methods(GET_OR_POST)
def role_detach(request: ConsoleRequest, role_name: str, policy_name: str) -> HttpResponse:
    return detach(request, Place.of(role=visible_role(request, role_name)), policy_name)


def attach(request: ConsoleRequest, place: Place) -> HttpResponse:
    """Policies to tick, found by typing; those that are ticked stay."""
    form = PoliciesForm(request.POST if request.method == "POST" else None, principal=request.principal)
    if request.method == "POST" and form.is_valid():
        attach_policies(request.principal, form.cleaned_data["policies"], **place.as_word)
        return gone_to(request, back_to(place))
    there = PolicyAttachment.objects.filter(**place.as_word).values("policy")
    rows = Policy.objects.visible_to(request.principal).exclude(pk__in=there).order_by("-kind", "name")
    shown = choices(request, rows, field="policies", column="name", searched=("name", "description"))
    context = {"form": form, "place": place, "back": back_to(place), "choices": shown}
    return panel(request, "access/attach.html", context)


def detach(request: ConsoleRequest, place: Place, policy_name: str) -> HttpResponse:
    attached = PolicyAttachment.objects.filter(
        **place.as_word, policy__in=Policy.objects.visible_to(request.principal)
    )
    attachment = get_object_or_404(attached.select_related("policy", "role"), policy__name=policy_name)
    if request.method == "POST":
        confirmed = "confirmed" in request.POST
        detach_policy(request.principal, attachment.policy, **place.as_word, confirmed=confirmed)
        return gone_to(request, back_to(place))
    losses = losses_of_detaching(request.principal, attachment)
    context = {"policy": attachment.policy, "place": place, "back": back_to(place), "losses": losses}
    return panel(request, "access/attach_detach.html", context)


def back_to(place: Place) -> str:
    return address_of(place.row) if isinstance(place.row, Group) else place.row.get_absolute_url()
