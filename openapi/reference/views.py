"""The people's door to the API: what there is, and trying it."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from access.permissions import own
from assistant.instances.models import Region
from console.kit.http import ConsoleRequest
from openapi.actions.base import Action
from openapi.actions.registry import action_of
from openapi.codes import COMMON, codes_of
from openapi.desk import tried
from openapi.reference.described import (
    answer_of,
    by_group,
    group_of,
    lines_of,
    only_looks,
    parameters_shown,
)
from openapi.reference.document import document as written
from openapi.reference.examples import examples_of
from openapi.reference.trials import Trial, fields_of, said_of, trial_of


def endpoint() -> str:
    return f"{settings.PUBLIC_HOST}:{settings.TLS_PORT}"


@own
@require_safe
def action_list(request: ConsoleRequest) -> HttpResponse:
    context = {"groups": by_group(), "endpoint": endpoint(), "codes": COMMON}
    return render(request, "openapi/actions.html", context)


@own
@require_safe
def document(request: ConsoleRequest) -> HttpResponse:
    return JsonResponse(written(server=f"https://{endpoint()}"))


@own
@require_safe
def action_detail(request: ConsoleRequest, version: str, action_name: str) -> HttpResponse:
    action = action_of(version, action_name)
    return render(request, "openapi/action.html", shown(request, action))


@own
@require_POST
@never_cache
@sensitive_post_parameters()
def action_try(request: ConsoleRequest, version: str, action_name: str) -> HttpResponse:
    """Call it for the viewer. What was typed is kept nowhere; without JavaScript it comes back in the form."""
    action = action_of(version, action_name)
    is_confirmed = only_looks(action) or "confirmed" in request.POST
    trial = try_it(request, action) if is_confirmed else None
    context: dict[str, Any] = {"trial": trial, "is_unconfirmed": not is_confirmed}
    status = 200 if is_confirmed else 422
    if request.htmx:
        return render(request, "openapi/_trial.html", context, status=status)
    return render(request, "openapi/action.html", {**shown(request, action), **context}, status=status)


def try_it(request: ConsoleRequest, action: type[Action]) -> Trial:
    said = said_of(action, request.POST.dict())
    return trial_of(tried(action, request.principal, said, host=request.get_host()))


def shown(request: ConsoleRequest, action: type[Action]) -> dict[str, Any]:
    region = Region.objects.order_by("pk").first()
    fields = fields_of(action, request.POST.dict() if request.method == "POST" else None)
    return {
        "action": action,
        "name": action.name(),
        "group": group_of(action),
        "permission": action.permission(),
        "only_looks": only_looks(action),
        "parameters": parameters_shown(action),
        "lines": list(lines_of(answer_of(action))),
        "codes": codes_of(action),
        "examples": examples_of(action, endpoint=endpoint(), region=region.pk if region else "local"),
        "usual": [field for field in fields if field.is_usual],
        "others": [field for field in fields if not field.is_usual],
    }
