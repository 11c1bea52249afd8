"""The people's door: the runs of a plan that recurs, moment by moment and record by record."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs
from assistant.instances.filters import InstanceFilter, chosen_instances
from assistant.instances.models import Instance
from assistant.invocations.errors import ConfirmationNeeded
from assistant.invocations.filters import RecordFilter
from assistant.invocations.models import Invocation, OutputChunk, Record, Target
from assistant.invocations.operations.blackouts import Holding
from assistant.invocations.operations.plans import is_open, modify_invocation_attribute
from assistant.invocations.querysets import RecordQuerySet
from assistant.invocations.rules.segments import segments
from assistant.invocations.states import Status
from assistant.invocations.views.holding import put_held
from assistant.invocations.views.outputs import (
    add_said,
    answers_of,
    compared,
    found_or_gone,
    output_of,
    run_before,
)
from assistant.invocations.views.picking import CHOICES_SHOWN, wanted_of
from console.kit.http import ConsoleRequest, gone_to, panel
from console.kit.pagination import listing

MOMENTS_SHOWN = 8
RECORDS_SHOWN = 15
# More pages than anybody goes back, and what databases skip without a complaint.
PAGE_DIGITS = 6

MODIFY = "ecs:ModifyInvocationAttribute"


# --- Parts of a run's page ---


def shows_instances(request: ConsoleRequest, invocation: Invocation) -> bool:
    """Whether the page lists the plan's instances: asked for, or because there is no run yet."""
    return request.GET.get("tab") == "instances" or invocation.last_run_at is None


def planned_in(request: ConsoleRequest, invocation: Invocation) -> dict[str, Any]:
    """What was missed, what is held or was, and whether it takes more instances."""
    now = timezone.now()
    holding = Holding.at(now)
    targets = invocation.targets.visible_to(request.principal)
    places = Count("pk", filter=Q(missed__gt=0))
    counted = targets.aggregate(
        runs=Sum("missed"), places=places, left_out=Sum("left_out"), **holding.counts()
    )
    held = holding.held(counted)
    if held.number:
        put_held(invocation, held)
    return {
        "missed": counted,
        "left_out": counted["left_out"],
        "takes_instances": is_open(invocation, now=now),
        "shows_instances": shows_instances(request, invocation),
    }


def moments_in(request: ConsoleRequest, invocation: Invocation) -> dict[str, Any]:
    """The moments at which it ran, the newest first, each with its runs by state.

    How many there are nobody counts: one more than is shown says whether there are older ones.
    """
    page = page_named(request.GET.get("moments", ""))
    start = (page - 1) * MOMENTS_SHOWN
    rows = seen_in(request, invocation).moments(start, start + MOMENTS_SHOWN + 1)
    return {
        "moments": [moment_row(at, counts) for at, counts in list(rows.items())[:MOMENTS_SHOWN]],
        "page_of_moments": page,
        "newer": page - 1,
        "older": page + 1 if len(rows) > MOMENTS_SHOWN else 0,
        "chosen": chosen_moment(request, invocation),
    }


def page_named(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= PAGE_DIGITS
    return max(1, int(text)) if is_number else 1


def moment_row(at: datetime, counts: Counter[Status]) -> dict[str, Any]:
    return {"at": at, "word": word_of(at), "number": counts.total(), "segments": segments(counts)}


def said_at(request: ConsoleRequest, invocation: Invocation) -> dict[str, Any]:
    """What the servers said at the chosen moment."""
    moment = chosen_moment(request, invocation)
    found = answers_of(runs_at(request, invocation))
    return {"answers": found, "moment": moment, "kept": kept_of(moment)}


def records_in(request: ConsoleRequest, invocation: Invocation) -> dict[str, Any]:
    """The runs at the chosen moment, an instance a row."""
    rows = runs_at(request, invocation).for_table().order_by("target_id")
    found = listing(request, rows, RecordFilter)
    add_said(found, rows)
    moment = chosen_moment(request, invocation)
    return {"records": found, "page_obj": found.page, "moment": moment, "kept": kept_of(moment)}


def seen_in(request: ConsoleRequest, invocation: Invocation) -> RecordQuerySet:
    return Record.objects.visible_to(request.principal).filter(invocation=invocation)


def runs_at(request: ConsoleRequest, invocation: Invocation) -> RecordQuerySet:
    moment = chosen_moment(request, invocation)
    runs = seen_in(request, invocation)
    return runs.filter(fired_at=moment) if moment else runs.none()


def chosen_moment(request: ConsoleRequest, invocation: Invocation) -> datetime | None:
    """The one in the address, else the newest."""
    try:
        moment = datetime.fromisoformat(request.GET.get("at", ""))
    except ValueError:
        return invocation.last_run_at
    return moment if moment.tzinfo else invocation.last_run_at


def word_of(moment: datetime) -> str:
    """A moment as the address has it."""
    return moment.isoformat().replace("+00:00", "Z")


def kept_of(moment: datetime | None) -> str:
    """What links within the page keep of its address."""
    return f"at={word_of(moment)}&" if moment else ""


# --- One instance, one record ---


def history_of(request: ConsoleRequest, target: Target) -> dict[str, Any]:
    """All runs on one instance, the newest first, and what the last one said."""
    records = Record.objects.filter(target=target).order_by("-number")
    page = Paginator(records, RECORDS_SHOWN).get_page(request.GET.get("page"))
    for record in page:
        # Loaded already.
        record.target = target
    mark_changes([*page, *records[page.end_index() : page.end_index() + 1]])
    last = records.first() if page.number != 1 else next(iter(page), None)
    if last is None:
        return {"history": page}
    last.target = target
    return {"history": page, **output_of(request, last)}


def mark_changes(records: Sequence[Any]) -> None:
    """Say of each run whether it answered otherwise than the one before it, which follows in the list."""
    for record, before in pairwise(records):
        record.is_changed = bool(record.digest and before.digest and record.digest != before.digest)


@needs("ecs:DescribeInvocationResults")
@require_safe
@vary_on_headers("HX-Request")
def record_detail(request: ConsoleRequest, invocation_id: str, instance_id: str, number: int) -> HttpResponse:
    """One run of a plan on one instance, live while it goes on."""
    record = visible_record(request, invocation_id, instance_id, number)
    context = {
        "invocation": record.target.invocation,
        "sees_run": Invocation.objects.visible_to(request.principal).filter(pk=invocation_id).exists(),
        "record": record,
        **output_of(request, record),
    }
    return render(request, "invocations/_record.html" if request.htmx else "invocations/record.html", context)


@needs("ecs:DescribeInvocationResults")
@require_safe
def record_compare(
    request: ConsoleRequest, invocation_id: str, instance_id: str, number: int
) -> HttpResponse:
    """What a run says otherwise than another instance's at the same moment, or than the one before it."""
    record = visible_record(request, invocation_id, instance_id, number)
    named = request.GET.get("instance", "")
    other = run_at_once(request, record, named) if named else run_before(request, record)
    context: dict[str, Any] = {"target": record, "other": other, "invocation": record.target.invocation}
    if other:
        context |= compared(record, other)
    return render(request, "invocations/compare.html", context)


def run_at_once(request: ConsoleRequest, record: Record, instance_id: str) -> Record:
    """Another instance's at the same moment; the last one where its clock has shown that twice."""
    seen = Record.objects.visible_to(request.principal).for_table()
    there = seen.filter(target__instance=instance_id, **moment_of(record))
    return get_object_or_404(there.order_by("-number")[:1])


def moment_of(record: Record) -> dict[str, Any]:
    return {"invocation": record.invocation_id, "fired_at": record.fired_at}


@needs("ecs:DescribeInvocationResults")
@require_safe
def record_output(request: ConsoleRequest, invocation_id: str, instance_id: str, number: int) -> HttpResponse:
    """All that is stored of one run's output, byte by byte, as a file."""
    record = visible_record(request, invocation_id, instance_id, number)
    body = b"".join(body for _offset, body in OutputChunk.objects.whole(*record.output_key))
    response = HttpResponse(body, content_type="application/octet-stream")
    name = f"{invocation_id}-{instance_id}-{number}.txt"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def visible_record(request: ConsoleRequest, invocation_id: str, instance_id: str, number: int) -> Record:
    visible = Record.objects.visible_to(request.principal)
    records = visible.select_related("target__instance", "target__invocation__command")
    named = records.filter(invocation=invocation_id, target__instance=instance_id, number=number)
    return found_or_gone(named.first())


# --- Add instances ---


@needs("ecs:ModifyInvocationAttribute")
@require_http_methods(["GET", "HEAD", "POST"])
def invocation_modify(request: ConsoleRequest, invocation_id: str) -> HttpResponse:
    """Instances to add to a plan: those that can take its command and are not in it."""
    seen = Invocation.objects.visible_to(request.principal).select_related("command")
    invocation = get_object_or_404(seen, pk=invocation_id)
    fields = request.POST or request.GET
    question: ConfirmationNeeded | None = None
    wanted = wanted_of(invocation.command, {"username": invocation.username}, invocation.plan)
    if request.method == "POST" and "look" not in request.POST:
        chosen = chosen_instances(request.principal, fields, MODIFY)
        targets = chosen.fitting(wanted) if fields.get("all") else chosen
        try:
            confirmed = request.POST.get("confirmed", "")
            modify_invocation_attribute(request.principal, invocation, targets=targets, confirmed=confirmed)
        except ConfirmationNeeded as error:
            question = error
        else:
            return gone_to(request, f"{invocation.get_absolute_url()}?tab=instances")
    reachable = Instance.objects.visible_to(request.principal).registered().open_to(request.principal, MODIFY)
    others = reachable.exclude(pk__in=invocation.targets.values("instance"))
    filters = InstanceFilter(fields, queryset=others.fitting(wanted), request=request)
    rows = list(filters.qs.for_choice()[:CHOICES_SHOWN])
    number = filters.qs.count() if len(rows) == CHOICES_SHOWN else len(rows)
    ticked = set(fields.getlist("instance"))
    context: dict[str, Any] = {
        "invocation": invocation,
        "filters": filters,
        "rows": rows,
        "number": number,
        "ticked": ticked,
        "hidden_ticks": sorted(ticked - {instance.pk for instance in rows}),
        "all_chosen": bool(fields.get("all")),
        "question": question,
    }
    return panel(request, "invocations/modify.html", context)
