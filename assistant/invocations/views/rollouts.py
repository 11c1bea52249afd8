"""The people's door: a run that goes out step by step."""

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from access.permissions import needs
from assistant.invocations.operations.rollouts import confirm_rollout
from assistant.invocations.operations.stops import stop_invocation
from assistant.invocations.views.results import visible_invocation
from console.kit.http import ConsoleRequest, gone_to


@needs("ecs:RunCommand", "ecs:InvokeCommand")
@require_POST
def rollout_confirm(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    """The first ones have ended well enough: the others may begin."""
    invocation = confirm_rollout(request.principal, visible_invocation(request, invocation_id))
    return gone_to(request, invocation.get_absolute_url())


@needs("ecs:StopInvocation")
@require_POST
def rollout_stop(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    """What has begun goes on, nothing else begins."""
    invocation = visible_invocation(request, invocation_id)
    stop_invocation(request.principal, invocation, targets=invocation.targets.held_back())
    return gone_to(request, invocation.get_absolute_url())
