"""The shell around every page: tabs and regions. Only tabs that work are here."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from access.principals import ANONYMOUS, Principal
from assistant.instances.models import Region
from assistant.instances.querysets import SEES_INSTANCES


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    url: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RegionChoice:
    id: str
    name: str
    url: str
    current: bool


def shell(request: HttpRequest) -> dict[str, Any]:
    """What base.html needs. Lazy: a fragment prints neither and pays for neither."""
    return {
        "navigation": SimpleLazyObject(lambda: navigation(request.path, principal_of_page(request))),
        "theme": theme(request),
        "regions": SimpleLazyObject(lambda: regions(request)),
    }


def theme(request: HttpRequest) -> str:
    """What the viewer has chosen; empty follows the system."""
    choice = request.COOKIES.get("theme", "")
    return choice if choice in ("light", "dark") else ""


# Each group with its tabs: word, URL, icon, and the actions of which one must be allowed somewhere.
TABS: list[tuple[Any, list[tuple[Any, str, str, tuple[str, ...]]]]] = [
    ("", [(_("Overview"), "console:overview", "overview", ())]),
    (
        _("Cloud Assistant"),
        [
            (_("Managed instances"), "instances:instance_list", "instances", SEES_INSTANCES),
            (
                _("Activation codes"),
                "instances:activation_list",
                "activation",
                ("ecs:DescribeActivations", "ecs:CreateActivation"),
            ),
            (
                _("Commands"),
                "commands:command_list",
                "command",
                ("ecs:DescribeCommands", "ecs:CreateCommand"),
            ),
            (_("Run command"), "invocations:run", "run", ("ecs:RunCommand", "ecs:InvokeCommand")),
            (
                _("Execution results"),
                "invocations:invocation_list",
                "results",
                ("ecs:DescribeInvocations",),
            ),
        ],
    ),
    (
        _("Access"),
        [
            (_("Users"), "access:user_list", "user", ("ram:ListUsers",)),
            (_("Groups"), "access:group_list", "groups", ("ram:ListGroups",)),
            (_("Roles"), "access:role_list", "roles", ("ram:ListRoles",)),
            (_("Policies"), "access:policy_list", "policy", ("ram:ListPolicies",)),
            (_("Simulator"), "access:simulator", "simulator", ()),
            (_("Quotas"), "access:quota_list", "quota", ("quotas:ListProductQuotas",)),
            (_("Audit trail"), "access:audit_list", "audit", ("actiontrail:LookupEvents",)),
            (_("API"), "api:action_list", "command", ()),
        ],
    ),
]


def navigation(path: str, principal: Principal) -> list[Group]:
    """The tabs that are open to the principal; a group without any is left out."""

    def entry(label: Any, name: str, icon: str) -> Entry:
        url = reverse(name)
        current = path == url or (path.startswith(url) and name != "console:overview")
        return Entry(str(label), url, icon, current)

    groups = [
        Group(
            str(label),
            [
                entry(word, name, icon)
                for word, name, icon, actions in tabs
                if not actions or any(principal.opens(action) for action in actions)
            ],
        )
        for label, tabs in TABS
    ]
    return [group for group in groups if group.entries]


def principal_of_page(request: HttpRequest) -> Principal:
    return getattr(request, "principal", ANONYMOUS)


def regions(request: HttpRequest) -> list[RegionChoice]:
    """The switcher's choices: the same page with another region in its address."""
    query = request.GET.copy()
    query.pop("page", None)
    chosen = query.pop("region", [""])[-1]
    everywhere = RegionChoice("", str(_("All regions")), f"?{query.urlencode()}", not chosen)
    choices = []
    for region in Region.objects.visible_to(principal_of_page(request)):
        query["region"] = region.pk
        choices.append(RegionChoice(region.pk, region.name, f"?{query.urlencode()}", region.pk == chosen))
    return [everywhere, *choices]
