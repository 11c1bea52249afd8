"""What the servers said, grouped by sameness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.invocations.rules.output import Output, difference
from assistant.invocations.rules.remedies import Remedy, remedy_for
from assistant.invocations.states import Status


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """Runs that ended alike: state, exit code, error and output are the same."""

    status: Status
    error_code: str
    exit_code: int | None
    digest: str
    number: int
    lines: tuple[Line, ...]
    is_cut: bool
    is_majority: bool
    names: tuple[str, ...]

    @property
    def remedy(self) -> Remedy | None:
        return remedy_for(self.error_code)

    @property
    def query(self) -> str:
        """The address's filters that list just these instances."""
        return f"digest={self.digest}" if self.digest else f"code={self.error_code}"


def answers(
    groups: Sequence[Mapping[str, object]],
    outputs: Mapping[int, Output],
    names: Mapping[str, Sequence[str]],
    *,
    most_lines: int,
) -> list[Answer]:
    """The groups as a page prints them, with what differs from the majority's answer marked.

    `groups` as TargetQuerySet.answers gives them; `outputs` by sample target, `names` by digest.
    """
    majority = outputs[int(str(groups[0]["sample"]))].text if groups else ""
    result = []
    for place, group in enumerate(groups):
        text = outputs[int(str(group["sample"]))].text
        lines = difference(majority, text)
        shown = tuple(Line(line, differs and place > 0) for differs, line in lines[:most_lines])
        result.append(
            Answer(
                status=Status(str(group["status"])),
                error_code=str(group["error_code"]),
                exit_code=None if group["exit_code"] is None else int(str(group["exit_code"])),
                digest=str(group["digest"]),
                number=int(str(group["number"])),
                lines=shown,
                is_cut=len(lines) > most_lines,
                is_majority=place == 0 and len(groups) > 1,
                names=tuple(names.get(str(group["digest"]), ())),
            )
        )
    return result
