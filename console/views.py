"""The shell's own pages: the overview, search, health."""

from dataclasses import dataclass

import redis
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from access.permissions import own
from assistant.instances.models import Instance
from assistant.instances.querysets import SEES_INSTANCES
from assistant.invocations.models import Invocation
from console.kit import bells
from console.kit.errors import InvalidParameter, NotAllowed, NotFound
from console.kit.http import ConsoleRequest, broken, refusal
from console.kit.pagination import SEARCH_CHARACTERS
from console.tasks import worker_is_fresh

SHOWN = 5
HITS = 20


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    message = _("This page is out of date: you have signed in or out since. Reload it and try again.")
    return refusal(request, NotAllowed(message))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refusal(request, InvalidParameter(_("This is more, or something else, than the page takes.")))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refusal(request, NotFound(_("There is nothing at this address, or nothing that you may see.")))


def server_error(request: HttpRequest) -> HttpResponse:
    return broken(request)


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether the console can do its work: database, Redis, a worker that has been heard of lately."""
    parts = {"database": database_answers(), "redis": redis_answers(), "worker": worker_is_fresh()}
    return JsonResponse(parts, status=200 if all(parts.values()) else 503)


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def redis_answers() -> bool:
    try:
        return bool(bells.client().ping())
    except redis.RedisError:
        return False


@own
@require_safe
def overview(request: ConsoleRequest) -> HttpResponse:
    """The fleet at a glance, what runs, what went wrong last."""
    instances = Instance.objects.visible_to(request.principal).registered()
    invocations = Invocation.objects.visible_to(request.principal).for_table()
    n_registered, n_connected = instances.tally()
    context = {
        "sees_instances": any(request.principal.names(action) for action in SEES_INSTANCES),
        "sees_runs": request.principal.names("ecs:DescribeInvocations"),
        "n_registered": n_registered,
        "n_connected": n_connected,
        "n_offline": n_registered - n_connected,
        "running": invocations.going_on()[:SHOWN],
        "recent": invocations[:SHOWN],
        "failed": invocations.ended_badly()[:SHOWN],
    }
    return render(request, "console/_overview.html" if request.htmx else "console/overview.html", context)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that a search has found."""

    kind: str
    label: str
    id: str
    url: str


@own
@require_safe
def search(request: ConsoleRequest) -> HttpResponse:
    """Jump to an instance or an invocation by id or name; a single exact hit is gone to at once."""
    text = request.GET.get("q", "").strip()[:SEARCH_CHARACTERS]
    hits = find(request, text) if text else []
    exact = [hit for hit in hits if hit.id == text]
    if exact:
        return redirect(exact[0].url)
    return render(request, "console/search.html", {"text": text, "hits": hits})


def find(request: ConsoleRequest, text: str) -> list[Hit]:
    instances = Instance.objects.visible_to(request.principal).registered().search(text)
    invocations = Invocation.objects.visible_to(request.principal).for_table().search(text)
    found = [Hit(_("Instance"), one.name, one.pk, one.get_absolute_url()) for one in instances[:HITS]]
    found += [
        Hit(_("Execution"), str(one.command), one.pk, one.get_absolute_url()) for one in invocations[:HITS]
    ]
    return found
