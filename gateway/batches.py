"""The one crossing from the event loop to the database: in batches, in one thread.

Whatever arrives while a batch is being written goes into the next one. So a lone report is written at
once, and a thousand at the same time cost a few transactions instead of a thousand.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from django.db import close_old_connections
from django.db.utils import InterfaceError, OperationalError

logger = logging.getLogger(__name__)

BATCH_MOST = 256

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class Batches(Generic[Item, Outcome]):
    """Gathers items for an operation that takes many and gives one outcome for each."""

    def __init__(
        self,
        executor: Executor,
        operation: Callable[[Sequence[Item]], Sequence[Outcome]],
        *,
        most: int = BATCH_MOST,
    ) -> None:
        """`operation` writes all of its items or none, unless `most` is 1."""
        self._executor = executor
        self._most = most
        self._operation = operation
        self._waiting: deque[tuple[Item, asyncio.Future[Outcome]]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Outcome:
        """The item's outcome, once its batch is committed; raises what the operation raised for it."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await future

    async def _write(self) -> None:
        while self._waiting:
            size = min(self._most, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(size)]
            # An agent that hung up while it waited: its report is written all the same, nobody listens.
            await self._write_batch(batch)

    async def _write_batch(self, batch: list[tuple[Item, "asyncio.Future[Outcome]"]]) -> None:
        try:
            outcomes = await self._in_thread([item for item, _future in batch])
        except Exception as error:  # noqa: BLE001 - the outermost loop: each waiting call gets the error
            await self._write_apart(batch, error)
        else:
            for (_item, future), outcome in zip(batch, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)

    async def _write_apart(
        self, batch: list[tuple[Item, "asyncio.Future[Outcome]"]], error: Exception
    ) -> None:
        """A batch failed: one bad item must not take its neighbours along, so each is tried alone."""
        # A database that is away is away for each of them, and would be asked for each of them.
        if len(batch) > 1 and not isinstance(error, (OperationalError, InterfaceError)):
            logger.warning("Batch failed and is tried apart size=%d", len(batch), exc_info=error)
            for one in batch:
                await self._write_batch([one])
            return
        for _item, future in batch:
            if not future.done():
                future.set_exception(error)

    async def _in_thread(self, items: list[Item]) -> Sequence[Outcome]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, run_operation, self._operation, items)


def run_operation(
    operation: Callable[[Sequence[Item]], Sequence[Outcome]], items: Sequence[Item]
) -> Sequence[Outcome]:
    # The thread lives as long as the process: what Django does around a request, it has to do itself.
    close_old_connections()
    return operation(items)
