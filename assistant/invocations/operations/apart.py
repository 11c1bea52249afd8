"""What a sweep cannot do, or a row that cannot be read, is logged and left out: the others are not kept waiting."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError

logger = logging.getLogger(__name__)

# A database that is away is so for every row, and would be asked for each of them.
OUTAGES = (InterfaceError, OperationalError)


@contextmanager
def apart(what: str, which: object) -> Iterator[None]:
    """Whatever goes wrong here is logged, and no more than that."""
    try:
        yield
    except OUTAGES:
        raise
    except Exception:
        logger.exception("Left out %s=%s", what, which)


def all_or_each(step: Callable[[Sequence[int]], int], pks: Sequence[int]) -> tuple[int, list[int]]:
    """Take these in one step, or in ever smaller ones as long as it fails, down to the row that makes it fail.

    `step` does all or nothing. What the steps say, added up, and the keys of those that were left out.
    """
    if not pks:
        return 0, []
    try:
        return step(pks), []
    except OUTAGES:
        raise
    except Exception:
        if len(pks) == 1:
            logger.exception("Left out target=%s", pks[0])
            return 0, [*pks]
    middle = len(pks) // 2
    (some, left_out), (others, more) = all_or_each(step, pks[:middle]), all_or_each(step, pks[middle:])
    return some + others, left_out + more
