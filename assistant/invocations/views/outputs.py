"""What runs said, for the pages of results: grouped by sameness, one of them whole, beside the one before."""

from collections.abc import Collection
from typing import Any, TypeVar

from django.db.models import Model, Q
from django.utils.translation import gettext as _

from assistant.invocations import limits
from assistant.invocations.errors import ResultUnknown
from assistant.invocations.models import OutputChunk, Record, Target
from assistant.invocations.operations.retention import kept_in_words
from assistant.invocations.querysets import RecordQuerySet, TargetQuerySet
from assistant.invocations.rules.answers import Answers, Group, answers
from assistant.invocations.rules.colours import plain
from assistant.invocations.rules.comparisons import compare
from assistant.invocations.rules.output import assemble
from assistant.invocations.rules.remedies import remedy_for
from console.kit.http import ConsoleRequest
from console.kit.pagination import Listing

Row = TypeVar("Row", bound=Model)

ANSWERS_SHOWN = 12
ANSWER_LINES = 20
ANSWER_BYTES = 4096
NAMES_SHOWN = 3
PREVIEW_BYTES = 240
# What the page of a comparison shows of the difference.
COMPARED_LINES = 1000


def found_or_gone(row: Row | None) -> Row:
    """Raise ResultUnknown where there is none: whoever follows an old link learns why."""
    if row is None:
        raise ResultUnknown(_("There is no such result, or none that you may see.") + " " + kept_in_words())
    return row


def answers_of(rows: TargetQuerySet | RecordQuerySet) -> Answers:
    """The most frequent answers. Four queries, however many instances there are."""
    groups = [Group(**row) for row in rows.answers()[: ANSWERS_SHOWN + 1]]
    few = {group.digest: group.sample for group in groups if group.digest and group.number <= NAMES_SHOWN}
    samples = {group.sample for group in groups}
    # The instances of each answer: the sample's, and all where they are few.
    places: dict[int, list[tuple[str, str]]] = {sample: [] for sample in samples}
    keys: dict[int, tuple[int, int]] = {}
    found = rows.filter(Q(pk__in=samples) | Q(digest__in=few)).places()
    for pk, digest, target_id, number, instance_id, name in found:
        places[few.get(digest, pk)].append((instance_id, name))
        if pk in samples:
            keys[pk] = (target_id, number)
    pieces = OutputChunk.objects.openings(keys.values(), ANSWER_BYTES)
    n_shown = sum(group.number for group in groups)
    return answers(
        groups,
        {pk: assemble(pieces.get(key, []), total=0) for pk, key in keys.items()},
        places,
        n_ended=rows.ended().count() if len(groups) > ANSWERS_SHOWN else n_shown,
        most=ANSWERS_SHOWN,
        most_lines=ANSWER_LINES,
        runs={pk: number for pk, (_target, number) in keys.items()},
    )


def output_of(request: ConsoleRequest, run: Target | Record) -> dict[str, Any]:
    """Of an output too long for a page the beginning, or, while the command runs, what came last."""
    is_cut = run.stored_bytes > limits.OUTPUT_PAGE_BYTES
    follows = is_cut and not run.is_final
    if follows:
        target_id, number = run.output_key
        pieces = OutputChunk.objects.newest(target_id, limits.OUTPUT_PAGE_BYTES, number)
        begin = pieces[0][0] if pieces else 0
        output = assemble([(offset - begin, body) for offset, body in pieces], total=0)
    else:
        pieces = OutputChunk.objects.openings([run.output_key], limits.OUTPUT_PAGE_BYTES).get(
            run.output_key, []
        )
        output = assemble(pieces, total=0 if is_cut else run.output_bytes)
    return {
        "target": run,
        "output": output,
        "is_cut": is_cut,
        "follows": follows,
        "remedy": remedy_for(run.error_code),
        "late_output": not run.instance.is_own_agent and not run.is_final,
        "run_before": run_before(request, run) if run.digest else None,
    }


def run_before(request: ConsoleRequest, run: Target | Record) -> Target | Record | None:
    """The last run before on the same instance: of the same plan, else of the same script."""
    records = Record.objects.visible_to(request.principal).for_table()
    if isinstance(run, Record):
        earlier = records.runs_before(run).first() if run.number > 1 else None
        if earlier:
            return earlier
        run = run.target
    targets = Target.objects.visible_to(request.principal).select_related("invocation", "instance")
    candidates = [targets.runs_before(run).first(), records.of_script_before(run).first()]
    return max((one for one in candidates if one), key=lambda one: one.created_at, default=None)


def compared(run: Target | Record, other: Target | Record) -> dict[str, Any]:
    pieces = OutputChunk.objects.openings([run.output_key, other.output_key], limits.OUTPUT_PAGE_BYTES)
    new, old = (assemble(pieces.get(one.output_key, []), total=0).text for one in (run, other))
    return {
        "comparison": compare(old, new, most_lines=COMPARED_LINES),
        "is_cut": max(run.stored_bytes, other.stored_bytes) > limits.OUTPUT_PAGE_BYTES,
    }


def add_said(found: Listing, rows: TargetQuerySet | RecordQuerySet) -> None:
    """Give each row of a list a line of its output: where those are listed that differ, the one that does."""
    unlike = found.filters.form.cleaned_data.get("unlike")
    if unlike:
        add_differences(found.page.object_list, rows.filter(digest=unlike).first())
    else:
        add_previews(found.page.object_list)


def add_previews(runs: Any) -> None:
    """Give each row the first line of its output, one query for all."""
    texts = texts_of(runs, PREVIEW_BYTES)
    for run in runs:
        run.preview = first_line(texts[run.output_key])


def add_differences(runs: Any, usual: Target | Record | None) -> None:
    """Give each row the first line of its output that `usual` does not say, one query for all."""
    texts = texts_of([*runs, usual] if usual else runs, ANSWER_BYTES)
    said = frozenset(texts[usual.output_key].splitlines()) if usual else frozenset()
    for run in runs:
        text = texts[run.output_key]
        run.preview = first_line(text, but_not=said) or first_line(text)


def first_line(text: str, *, but_not: Collection[str] = ()) -> str:
    """The first that is not blank."""
    return next((line for line in text.splitlines() if line.strip() and line not in but_not), "")


def texts_of(runs: Any, most_bytes: int) -> dict[tuple[int, int], str]:
    """The beginnings of their outputs as plain text."""
    keys = [run.output_key for run in runs]
    pieces = OutputChunk.objects.openings(keys, most_bytes)
    return {key: plain(assemble(pieces.get(key, []), total=0).text) for key in keys}
