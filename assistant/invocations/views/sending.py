"""The people's door: a command sent to one instance from its page (CA-85), and what error codes mean."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_safe

from access.permissions import needs, own
from assistant.instances.models import Instance
from assistant.invocations.errors import ConfirmationNeeded
from assistant.invocations.forms import SendForm
from assistant.invocations.models import Target
from assistant.invocations.operations.runs import run_command
from assistant.invocations.rules.plans import Timing
from assistant.invocations.rules.remedies import REMEDIES
from assistant.invocations.rules.terms import Terms
from assistant.invocations.views.guard import put_question
from assistant.invocations.views.outputs import output_of
from assistant.invocations.views.results import visible_target
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error

GET_OR_POST = ["GET", "HEAD", "POST"]


@needs("ecs:RunCommand")
@require_http_methods(GET_OR_POST)
def instance_send(request: ConsoleRequest, instance_id: str) -> HttpResponse:
    """Type a command, run it there, and see in the same place what it says."""
    visible = Instance.objects.visible_to(request.principal).registered().select_related("region")
    instance = get_object_or_404(visible, pk=instance_id)
    form = SendForm(request.POST or None, os_type=instance.os_type)
    context: dict[str, Any] = {"form": form, "instance": instance}
    if form.is_valid():
        try:
            invocation = run_command(
                request.principal,
                instance.region,
                form.script(),
                targets=Instance.objects.filter(pk=instance.pk),
                keep=form.cleaned_data["keep"],
                timing=Timing(terms=Terms(confirmed=request.POST.get("confirmed", ""))),
            )
        except ConfirmationNeeded as error:
            context["question"] = put_question(form, error)
        except ConsoleError as error:
            put_error(form, error)
        else:
            results = Target.objects.visible_to(request.principal).filter(invocation=invocation)
            target = results.select_related("invocation__command", "instance").first()
            if target is None or not request.htmx:
                return gone_to(request, invocation.get_absolute_url())
            context |= output_of(request, target)
    return panel(request, "invocations/send.html", context)


@needs("ecs:DescribeInvocationResults")
@require_safe
def instance_sent(request: ConsoleRequest, instance_id: str, invocation_id: str) -> HttpResponse:
    """What a command that was sent has said so far."""
    target = visible_target(request, invocation_id, instance_id)
    return render(request, "invocations/_sent.html", output_of(request, target))


@own
@require_safe
def error_codes(request: ConsoleRequest) -> HttpResponse:
    """Every error that a run can end with, and what to do about it (CA-198)."""
    return render(request, "invocations/error_codes.html", {"remedies": sorted(REMEDIES.items())})
