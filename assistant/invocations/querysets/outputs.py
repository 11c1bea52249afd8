"""Questions about what machines said."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Self

from django.db import connection, models
from django.db.models import F, Func, Value

from access.principals import Principal
from access.scopes import scope
from assistant.invocations.querysets.runs import COMMAND_OF_OUTPUT, INSTANCE_OF_OUTPUT, by_number, pairs

if TYPE_CHECKING:
    from assistant.invocations.models import IndexedOutput, OutputChunk  # noqa: F401 - for annotations only


OPENINGS = """
    SELECT target_id, number, "offset", substr(body, 1, %s) FROM invocations_outputchunk
    WHERE "offset" < %s AND ({})
    ORDER BY target_id, number, "offset"
"""


class OutputChunkQuerySet(models.QuerySet["OutputChunk"]):
    """Of a target with records, what is asked for is the output of the last one, if no number is named."""

    def of_run(self, number: int | None) -> Self:
        return self.filter(number=F("target__repeats") if number is None else number)

    def beginnings(self, target_ids: Iterable[int], most: int) -> dict[int, list[tuple[int, bytes]]]:
        """The first `most` bytes or so of these targets' outputs, as (offset, body) pieces. One query.

        Long bodies are cut by the database: a megabyte does not travel for the sake of a line.
        """
        start = Func("body", Value(1), Value(most), function="substr", output_field=models.BinaryField())
        rows = self.of_run(None).filter(target__in=list(target_ids), offset__lt=most)
        rows = rows.order_by("target_id", "offset")
        pieces: dict[int, list[tuple[int, bytes]]] = {}
        for target_id, offset, body in rows.annotate(start=start).values_list("target_id", "offset", "start"):
            pieces.setdefault(target_id, []).append((offset, bytes(body)))
        return pieces

    def openings(
        self, keys: Collection[tuple[int, int]], most: int
    ) -> dict[tuple[int, int], list[tuple[int, bytes]]]:
        """The same for these (target id, record's number) pairs, and by them.

        Written out: programs read results in a loop, and to compose it takes Django longer than to ask it.
        """
        wanted, values = [], [most, most]
        for number, target_ids in by_number(keys).items():
            places = ", ".join(["%s"] * len(target_ids))
            wanted.append(f"(number = %s AND target_id IN ({places}))")
            values += [number, *target_ids]
        pieces: dict[tuple[int, int], list[tuple[int, bytes]]] = {}
        if wanted:
            with connection.cursor() as cursor:
                cursor.execute(OPENINGS.format(" OR ".join(wanted)), values)
                for target_id, number, offset, body in cursor.fetchall():
                    pieces.setdefault((target_id, number), []).append((offset, bytes(body)))
        return pieces

    def newest(self, target_id: int, most: int, number: int | None = None) -> list[tuple[int, bytes]]:
        """The last pieces of an output that make up `most` bytes or a little more, oldest first."""
        rows = self.of_run(number).filter(target=target_id).order_by("-offset").values_list("offset", "body")
        pieces: list[tuple[int, bytes]] = []
        for offset, body in rows.iterator(chunk_size=4):
            pieces.insert(0, (offset, bytes(body)))
            if sum(len(piece) for _offset, piece in pieces) >= most:
                break
        return pieces

    def wholes(self, keys: Collection[tuple[int, int]]) -> dict[tuple[int, int], list[tuple[int, bytes]]]:
        """All that is stored of these (target id, record's number) pairs' outputs, by them. One query."""
        rows = self.filter(pairs(keys)).order_by("target_id", "number", "offset")
        pieces: dict[tuple[int, int], list[tuple[int, bytes]]] = {}
        for target_id, number, offset, body in rows.values_list("target_id", "number", "offset", "body"):
            pieces.setdefault((target_id, number), []).append((offset, bytes(body)))
        return pieces

    def whole(self, target_id: int, number: int | None = None) -> list[tuple[int, bytes]]:
        rows = self.of_run(number).filter(target=target_id).order_by("offset").values_list("offset", "body")
        return [(offset, bytes(body)) for offset, body in rows]


class IndexedOutputQuerySet(models.QuerySet["IndexedOutput"]):
    def visible_to(self, principal: Principal) -> Self:
        wanted = [COMMAND_OF_OUTPUT, INSTANCE_OF_OUTPUT]
        return scope(principal, self, "ecs:DescribeInvocationResults", on=wanted)

    def of_keys(self, keys: Collection[tuple[int, int]]) -> Self:
        """Those of these (target id, record's number) pairs."""
        return self.filter(pairs(keys))

    def saying(self, terms: Iterable[str]) -> Self:
        """Those whose text has all of these terms: each text is asked, so few should be left."""
        rows = self
        for term in terms:
            rows = rows.filter(text__contains=term)
        return rows

    def for_table(self) -> Self:
        """What a row of the hits prints, in one query; not the text."""
        rows = self.select_related("target__instance", "invocation__command").order_by("-pk")
        return rows.defer("text", "target__instance__public_key", "invocation__command__content")
