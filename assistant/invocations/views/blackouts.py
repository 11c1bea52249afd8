"""Blackout windows: when no plan runs."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.permissions import needs
from assistant.instances.models import Region
from assistant.invocations.forms import BlackoutForm, initial_of_blackout
from assistant.invocations.models import Blackout
from assistant.invocations.operations.blackouts import create_blackout, delete_blackout, modify_blackout
from assistant.invocations.rules.blackouts import next_stretch
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error

GET_OR_POST = ["GET", "HEAD", "POST"]


@needs("ecs:DescribeInvocations")
@require_safe
def blackout_list(request: ConsoleRequest) -> HttpResponse:
    now = timezone.now()
    rows = [
        {"blackout": blackout, "stretch": stretch, "is_open": stretch is not None and stretch.holds(now)}
        for blackout in Blackout.objects.select_related("region")
        for stretch in [next_stretch(blackout.window, now)]
    ]
    return render(request, "invocations/blackouts.html", {"rows": rows})


@needs("ecs:CreateBlackoutWindow")
@require_http_methods(GET_OR_POST)
def blackout_create(request: ConsoleRequest) -> HttpResponse:
    form = BlackoutForm(request.POST or None, regions=regions_for(request))
    if form.is_valid():
        try:
            create_blackout(request.principal, form.terms)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, reverse("invocations:blackout_list"))
    return panel(request, "invocations/blackout.html", {"form": form})


@needs("ecs:ModifyBlackoutWindow")
@require_http_methods(GET_OR_POST)
def blackout_modify(request: ConsoleRequest, blackout_id: int) -> HttpResponse:
    blackout = get_object_or_404(Blackout, pk=blackout_id)
    initial = initial_of_blackout(blackout)
    form = BlackoutForm(request.POST or None, initial=initial, regions=regions_for(request))
    if form.is_valid():
        try:
            modify_blackout(request.principal, blackout, form.terms)
        except ConsoleError as error:
            put_error(form, error)
        else:
            return gone_to(request, reverse("invocations:blackout_list"))
    return panel(request, "invocations/blackout.html", {"form": form, "blackout": blackout})


@needs("ecs:DeleteBlackoutWindow")
@require_POST
def blackout_delete(request: ConsoleRequest, blackout_id: int) -> HttpResponse:
    delete_blackout(request.principal, get_object_or_404(Blackout, pk=blackout_id))
    return gone_to(request, reverse("invocations:blackout_list"))


def regions_for(request: ConsoleRequest) -> object:
    return Region.objects.visible_to(request.principal)
