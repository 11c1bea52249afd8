"""Which results say this? Over all runs that somebody may see, the newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max, Min, Q
from django.urls import reverse

from access.operations.decisions import authorize_look
from access.principals import Principal
from assistant.invocations import limits
from assistant.invocations.models import IndexedOutput, Record, UnindexedOutput
from assistant.invocations.operations.indexing import Key, candidates, texts_of
from assistant.invocations.querysets import IndexedOutputQuerySet
from assistant.invocations.rules.searching import Part, snippet
from assistant.invocations.states import Status

HITS = 25
# Keys are positive numbers of 64 bits.
LAST_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for: all terms, in results that ended in a span of time, of a command by its id or name."""

    terms: Sequence[str]
    begin: datetime | None = None
    end: datetime | None = None
    command: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.begin or self.end or self.command)

    def narrow(self, outputs: IndexedOutputQuerySet) -> IndexedOutputQuerySet:
        if self.begin:
            outputs = outputs.filter(ended_at__gte=self.begin)
        if self.end:
            outputs = outputs.filter(ended_at__lt=self.end)
        if self.command:
            meant = Q(invocation__command=self.command) | Q(invocation__command__name__icontains=self.command)
            outputs = outputs.filter(meant)
        return outputs


@dataclass(frozen=True, slots=True)
class Hit:
    """One result that says it."""

    output: IndexedOutput
    status: Status
    exit_code: int | None
    snippet: list[Part]

    @property
    def address(self) -> str:
        where = (self.output.invocation_id, self.output.target.instance_id)
        if not self.output.number:
            return reverse("invocations:target_detail", args=where)
        return reverse("invocations:record_detail", args=[*where, self.output.number])


@dataclass(slots=True)
class Hits:
    """A page of them. `older` is where the next page goes on; 0 where nothing older is left."""

    rows: list[Hit] = field(default_factory=list)
    older: int = 0
    # Results that have ended and are not in the index yet.
    n_waiting: int = 0


def find_outputs(principal: Principal, question: Question, *, before: int = 0) -> Hits:
    """The newest results that say it and that the principal may read, older than `before` if it is given.

    One page looks at so many candidates of the index and no more: where few of them may be seen, or words
    are everywhere, it may be empty and still name where to go on.
    """
    authorize_look(principal, "ecs:DescribeInvocationResults")
    found, older = matching(principal, question, before=before)
    return Hits(shown(found, question.terms), older, UnindexedOutput.objects.count())


def matching(principal: Principal, question: Question, *, before: int) -> tuple[list[IndexedOutput], int]:
    lowest, highest = span_of(question)
    highest = min(highest, before - 1) if before else highest
    found: list[IndexedOutput] = []
    for step in limits.SEARCH_STEPS:
        pks = candidates(question.terms, within=(lowest, highest), most=step)
        outputs = question.narrow(IndexedOutput.objects.filter(pk__in=pks)).visible_to(principal)
        found += outputs.saying(question.terms).for_table()[: HITS + 1 - len(found)]
        if len(found) > HITS:
            return found[:HITS], found[HITS - 1].pk
        if len(pks) < step:
            return found, 0
        highest = pks[-1] - 1
    return found, highest + 1


def span_of(question: Question) -> tuple[int, int]:
    """The keys of the outputs of the span of time, among others: they are in the order of being read."""
    if not (question.begin or question.end):
        return 1, LAST_KEY
    inside = Question((), question.begin, question.end).narrow(IndexedOutput.objects.all())
    keys = inside.aggregate(first=Min("pk"), last=Max("pk"))
    return keys["first"] or 1, keys["last"] or 0


def shown(outputs: Sequence[IndexedOutput], terms: Sequence[str]) -> list[Hit]:
    """With what each says around the words, as it was said, and how it ended."""
    records = records_of(outputs)
    runs = [(output, records.get((output.target_id, output.number), output.target)) for output in outputs]
    sizes = {(output.target_id, output.number): run.stored_bytes for output, run in runs}
    snippets = snippets_of(sizes, terms)
    return [
        Hit(output, run.state, run.exit_code, snippets[output.target_id, output.number])
        for output, run in runs
    ]


def snippets_of(stored_bytes: Mapping[Key, int], terms: Sequence[str]) -> dict[Key, list[Part]]:
    """What each of these outputs, of so many stored bytes, says around the words."""
    return {key: snippet(text, terms) for key, text in texts_of(stored_bytes).items()}


def records_of(outputs: Sequence[IndexedOutput]) -> dict[tuple[int, int], Record]:
    keys = [(output.target_id, output.number) for output in outputs if output.number]
    if not keys:
        return {}
    return {(record.target_id, record.number): record for record in Record.objects.of_keys(keys)}
