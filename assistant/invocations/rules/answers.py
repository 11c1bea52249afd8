"""What the servers said, grouped by sameness, and in what the few differ from the many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from assistant.invocations.rules.comparisons import Comparison, compare
from assistant.invocations.rules.output import Output
from assistant.invocations.rules.remedies import Remedy, remedy_for
from assistant.invocations.states import STOPPED, Status

# Lines around a change; the whole difference has a page of its own.
AROUND = 1


class Group(NamedTuple):
    """Runs that ended alike, as `RunStateQuerySet.answers` counts them; `sample` is one of them."""

    status: str
    error_code: str
    exit_code: int | None
    digest: str
    number: int
    sample: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Runs that ended alike: state, exit code, error and output are the same."""

    status: Status
    error_code: str
    exit_code: int | None
    digest: str
    number: int
    # The beginning of the output; beside it, in those that differ from the majority, how.
    text: str
    is_cut: bool
    comparison: Comparison | None
    is_majority: bool
    # The instance that is shown for all of them, and the names where they are few.
    instance_id: str
    names: tuple[str, ...]
    # Which of its runs that was; 0 where there is one alone.
    run: int = 0

    @property
    def remedy(self) -> Remedy | None:
        return remedy_for(self.error_code)

    @property
    def key(self) -> str:
        """What tells this answer from the others in an address."""
        return self.digest or self.error_code

    @property
    def query(self) -> str:
        """The address's filters that list just these instances."""
        if self.digest:
            return f"digest={self.digest}"
        return "state=stopped" if self.status in STOPPED else f"code={self.error_code}"


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers in the order in which they are read: those that differ first, then the majority's."""

    groups: Sequence[Answer]
    n_ended: int
    # There are more kinds of answers than are shown.
    has_more: bool

    @property
    def majority(self) -> Answer | None:
        last = self.groups[-1] if self.groups else None
        return last if last and last.is_majority else None

    @property
    def n_different(self) -> int:
        return self.n_ended - self.majority.number if self.majority else 0


def answers(
    groups: Sequence[Group],
    outputs: Mapping[int, Output],
    places: Mapping[int, Sequence[tuple[str, str]]],
    *,
    n_ended: int,
    most: int,
    most_lines: int,
    runs: Mapping[int, int] | None = None,
) -> Answers:
    """The groups, the most frequent first, as a page prints them.

    `outputs` and `places`, (instance id, name) each with the sample's first, by sample. More than half of
    all that have ended are a majority: it comes last, and the others show what they say otherwise. `runs`
    are the numbers of the samples, where they are records.
    """
    shown = list(groups[:most])
    usual = majority_of(groups, n_ended=n_ended)
    if usual:
        shown = [*shown[1:], usual]
    made = [
        answer(
            group,
            usual,
            outputs=outputs,
            places=places[group.sample],
            most_lines=most_lines,
            run=(runs or {}).get(group.sample, 0),
        )
        for group in shown
    ]
    return Answers(made, n_ended, has_more=len(groups) > most)


def majority_of(groups: Sequence[Group], *, n_ended: int) -> Group | None:
    """The first, where it is clear and there is anything else."""
    return groups[0] if len(groups) > 1 and groups[0].number * 2 > n_ended else None


def answer(
    group: Group,
    usual: Group | None,
    *,
    outputs: Mapping[int, Output],
    places: Sequence[tuple[str, str]],
    most_lines: int,
    run: int = 0,
) -> Answer:
    text = outputs[group.sample].text
    lines = text.splitlines(keepends=True)
    comparison = None
    # Only what came to its own end has said all it had to say.
    if usual and group is not usual and usual.digest and group.digest:
        comparison = compare(outputs[usual.sample].text, text, most_lines=most_lines, around=AROUND)
    return Answer(
        status=Status(group.status),
        error_code=group.error_code,
        exit_code=group.exit_code,
        digest=group.digest,
        number=group.number,
        text="".join(lines[:most_lines]),
        is_cut=len(lines) > most_lines,
        comparison=comparison,
        is_majority=group is usual,
        instance_id=places[0][0] if places else "",
        names=tuple(name for _pk, name in places) if len(places) == group.number else (),
        run=run,
    )
