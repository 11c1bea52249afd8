"""Why plans do not run now, for the pages that would say when they run next."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from assistant.invocations.models import Invocation, Target
from assistant.invocations.operations.blackouts import Held, held_by_run
from console.kit.http import ConsoleRequest


def add_held(request: ConsoleRequest, runs: Iterable[Invocation]) -> None:
    """Give each plan what holds it, as far as the viewer may see. As many queries for one as for all."""
    plans = {run.pk: run for run in runs if run.plan.waits and not run.is_final}
    if not plans:
        return
    targets = Target.objects.visible_to(request.principal).filter(invocation__in=plans)
    for pk, held in held_by_run(targets, now=timezone.now()).items():
        put_held(plans[pk], held)


def add_held_at(target: Target) -> None:
    """Give a plan what holds it on one instance."""
    plan = target.invocation
    if target.held_for and not target.is_final:
        found = held_by_run(Target.objects.filter(pk=target.pk), now=timezone.now())
        for held in found.values():
            put_held(plan, held, of=1)


def put_held(plan: Any, held: Held, *, of: int | None = None) -> None:
    """`of` how many it may hold, where that is not the whole plan."""
    plan.held, plan.is_held = held, held.number >= (plan.n_open if of is None else of)
    if plan.is_held:
        # There is no next run to speak of.
        plan.next_run_at = None
