"""The shell around every page: tabs and regions. Only tabs that work are here."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from assistant.instances.models import Region


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
        "navigation": SimpleLazyObject(lambda: navigation(request.path)),
        "theme": theme(request),
        "regions": SimpleLazyObject(lambda: regions(request)),
    }


def theme(request: HttpRequest) -> str:
    """What the viewer has chosen; empty follows the system."""
    choice = request.COOKIES.get("theme", "")
    return choice if choice in ("light", "dark") else ""


def navigation(path: str) -> list[Group]:
    def entry(label: str, name: str, icon: str) -> Entry:
        url = reverse(name)
        current = path == url or (path.startswith(url) and name != "console:overview")
        return Entry(label, url, icon, current)

    return [
        Group("", [entry(_("Overview"), "console:overview", "overview")]),
        Group(
            _("Cloud Assistant"),
            [
                entry(_("Managed instances"), "instances:instance_list", "instances"),
                entry(_("Activation codes"), "instances:activation_list", "activation"),
                entry(_("Run command"), "invocations:run", "run"),
                entry(_("Execution results"), "invocations:invocation_list", "results"),
            ],
        ),
    ]


def regions(request: HttpRequest) -> list[RegionChoice]:
    """The switcher's choices: the same page with another region in its address."""
    query = request.GET.copy()
    query.pop("page", None)
    chosen = query.pop("region", [""])[-1]
    everywhere = RegionChoice("", _("All regions"), f"?{query.urlencode()}", not chosen)
    choices = []
    for region in Region.objects.all():
        query["region"] = region.pk
        choices.append(RegionChoice(region.pk, region.name, f"?{query.urlencode()}", region.pk == chosen))
    return [everywhere, *choices]
