"""The people's door: policies, their versions, and where they are attached."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from access.errors import NotConfirmed
from access.filters.policies import PolicyFilter
from access.forms.policies import AttachForm, PolicyForm
from access.models import Policy, PolicyVersion, Role, User
from access.operations.attachments import attach_policy
from access.operations.groups import visible_groups
from access.operations.losses import losses_of_policy
from access.operations.policies import (
    checked_document,
    create_policy,
    delete_policy,
    own_losses,
    set_default_version,
    update_policy,
)
from access.permissions import needs
from access.rules import documents
from access.rules.cautions import explained
from access.rules.differences import difference
from access.rules.examples import BY_WORD, EXAMPLES
from access.rules.places import line_of
from access.scopes import arn
from console.kit.errors import ConsoleError, NotFound
from console.kit.http import ConsoleRequest, gone_to, panel, put_error
from console.kit.pagination import listing

GET_OR_POST = ["GET", "HEAD", "POST"]

# What a policy's page lists of its versions and attachments.
VERSIONS_SHOWN = 50
ATTACHMENTS_SHOWN = 100
# Names that the attach panel offers; others are typed.
NAMES_OFFERED = 100
NUMBER_DIGITS = 9


@needs("ram:ListPolicies")
@require_safe
@vary_on_headers("HX-Request")
def policy_list(request: ConsoleRequest) -> HttpResponse:
    rows = Policy.objects.visible_to(request.principal).with_use().order_by("kind", "name")
    context = {"listing": listing(request, rows, PolicyFilter)}
    return render(request, "access/_policies.html" if request.htmx else "access/policies.html", context)


@needs("ram:ListPolicies")
@require_safe
@vary_on_headers("HX-Request")
def policy_detail(request: ConsoleRequest, policy_name: str) -> HttpResponse:
    """A policy as one of its versions has it: the one in force, or the one that the address asks for."""
    policy = visible_policy(request, policy_name)
    shown = version_of(policy, request.GET.get("version") or policy.version)
    attached = policy.attachments.visible_to(request.principal).select_related("user", "group", "role")
    attachments = list(attached.order_by("pk")[:ATTACHMENTS_SHOWN])
    context = {
        "policy": policy,
        "arn": arn("ram", "policy", policy.name),
        "shown": shown,
        "is_in_force": shown.number == policy.version,
        **explanation(shown.document, policy.name),
        "versions": policy.versions.defer("document")[:VERSIONS_SHOWN],
        "attachments": attachments,
        "n_not_shown": policy.n_attached - len(attachments),  # type: ignore[attr-defined]
    }
    return render(request, "access/_policy.html" if request.htmx else "access/policy.html", context)


@needs("ram:CreatePolicy")
@require_http_methods(GET_OR_POST)
def policy_create(request: ConsoleRequest) -> HttpResponse:
    """From an example (`?start=run-as`), from another policy (`?copy=Name`), or from nothing."""
    form = PolicyForm(request.POST or None, initial=beginning(request))
    if request.method == "POST" and form.is_valid():
        words = {**form.cleaned_data}
        try:
            policy = create_policy(request.principal, words.pop("name"), **words)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, policy.get_absolute_url())
    return edited(request, form, {"examples": EXAMPLES, "chosen": request.GET.get("start", "")})


@needs("ram:CreatePolicyVersion")
@require_http_methods(GET_OR_POST)
def policy_update(request: ConsoleRequest, policy_name: str) -> HttpResponse:
    policy = visible_policy(request, policy_name)
    in_force = version_of(policy, policy.version)
    initial = {"description": policy.description, "document": in_force.document}
    form = PolicyForm(request.POST or None, initial=initial, is_new=False)
    context: dict[str, Any] = {"policy": policy}
    if request.method == "POST" and form.is_valid():
        confirmed = "confirmed" in request.POST
        try:
            update_policy(request.principal, policy, confirmed=confirmed, **form.cleaned_data)
        except NotConfirmed as error:
            context["warning"] = error.message
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, policy.get_absolute_url())
    return edited(request, form, context)


@needs("ram:CreatePolicy", "ram:CreatePolicyVersion", "ram:ListPolicies")
@require_POST
def policy_explain(request: ConsoleRequest) -> HttpResponse:
    """What a document says, while it is typed. Nothing is kept."""
    document = request.POST.get("document", "").replace("\r\n", "\n")
    return render(
        request, "access/_policy_explanation.html", explanation(document, request.POST.get("name", ""))
    )


@needs("ram:ListPolicies")
@require_safe
def policy_compare(request: ConsoleRequest, policy_name: str) -> HttpResponse:
    """Two versions side by side: by default the one in force and the one before it."""
    policy = visible_policy(request, policy_name)
    new = version_of(policy, request.GET.get("new") or policy.version)
    old = version_of(policy, request.GET.get("old") or max(new.number - 1, 1))
    context = {
        "policy": policy,
        "old": old,
        "new": new,
        "numbers": policy.versions.values_list("number", flat=True)[:VERSIONS_SHOWN],
        "lines": difference(old.document, new.document),
    }
    return render(request, "access/policy_compare.html", context)


@needs("ram:SetDefaultPolicyVersion")
@require_http_methods(GET_OR_POST)
def policy_set_version(request: ConsoleRequest, policy_name: str, number: int) -> HttpResponse:
    policy = visible_policy(request, policy_name)
    version, in_force = version_of(policy, number), version_of(policy, policy.version)
    if request.method == "POST":
        confirmed = "confirmed" in request.POST
        set_default_version(request.principal, policy, number=number, confirmed=confirmed)
        return gone_to(request, policy.get_absolute_url())
    context = {
        "policy": policy,
        "version": version,
        "lines": difference(in_force.document, version.document),
        "lost": own_losses(request.principal, checked_document(version.document, policy.name)),
    }
    return panel(request, "access/policy_set_version.html", context)


@needs("ram:DeletePolicy")
@require_http_methods(GET_OR_POST)
def policy_delete(request: ConsoleRequest, policy_name: str) -> HttpResponse:
    policy = visible_policy(request, policy_name)
    if request.method == "POST":
        delete_policy(request.principal, policy, detach="detach" in request.POST)
        return gone_to(request, reverse("access:policy_list"))
    context = {"policy": policy, "losses": losses_of_policy(request.principal, policy)}
    return panel(request, "access/policy_delete.html", context)


@needs("ram:AttachPolicyToUser", "ram:AttachPolicyToGroup", "ram:AttachPolicyToRole")
@require_http_methods(GET_OR_POST)
def policy_attach(request: ConsoleRequest, policy_name: str) -> HttpResponse:
    policy = visible_policy(request, policy_name)
    form = AttachForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            attach_policy(request.principal, policy, **holder(request, **form.cleaned_data))
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, policy.get_absolute_url())
    context = {"policy": policy, "form": form, "names": names_offered(request)}
    return panel(request, "access/policy_attach.html", context)


# --- What the views have in common ---


def visible_policy(request: ConsoleRequest, name: str) -> Policy:
    return get_object_or_404(Policy.objects.visible_to(request.principal).with_use(), name=name)


def version_of(policy: Policy, number: Any) -> PolicyVersion:
    """The version of that number, which may be what somebody wrote into the address."""
    digits = str(number)
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= NUMBER_DIGITS
    return get_object_or_404(policy.versions, number=int(digits) if is_number else 0)


def beginning(request: ConsoleRequest) -> dict[str, str]:
    name, word = request.GET.get("copy", ""), request.GET.get("start", "")
    if name:
        policy = visible_policy(request, name)
        document = version_of(policy, policy.version).document
        return {"name": f"{name}-copy", "description": policy.description, "document": document}
    return {"document": BY_WORD[word].document} if word in BY_WORD else {}


def explanation(document: str, name: str) -> dict[str, Any]:
    """The statements in words, or the fault and its line."""
    try:
        policy = documents.read(document, name=name)
    except documents.DocumentFault as fault:
        line = line_of(document, fault.path) if fault.path else fault.line
        return {"fault": fault, "fault_line": line, "is_empty": not document.strip()}
    return {"explanations": explained(policy, account=settings.ACCOUNT_ID)}


def edited(request: ConsoleRequest, form: PolicyForm, context: dict[str, Any]) -> HttpResponse:
    document = str(form["document"].value() or "").replace("\r\n", "\n")
    context = {"form": form, **context, **explanation(document, str(context.get("policy", "")))}
    return render(request, "access/policy_edit.html", context, status=422 if form.errors else 200)


def holder(request: ConsoleRequest, *, kind: str, name: str) -> dict[str, Any]:
    """The user, group or role of that name, as the keyword of the operation."""
    holders = {
        "user": User.objects.visible_to(request.principal).filter(username=name),
        "group": visible_groups(request.principal).filter(name=name),
        "role": Role.objects.visible_to(request.principal).filter(name=name),
    }
    found = holders[kind].first()
    if found is None:
        message = _("There is none of the name %(name)s, or none that you may see.")
        raise NotFound(message % {"name": name}, field="name")
    return {kind: found}


def names_offered(request: ConsoleRequest) -> list[str]:
    users = User.objects.visible_to(request.principal).order_by("username").values_list("username", flat=True)
    groups = visible_groups(request.principal).values_list("name", flat=True)
    roles = Role.objects.visible_to(request.principal).values_list("name", flat=True)
    return [*users[:NAMES_OFFERED], *groups[:NAMES_OFFERED], *roles[:NAMES_OFFERED]]
