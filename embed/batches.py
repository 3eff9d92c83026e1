"""Texts of like length together, as many as fit a budget; fewer when the device runs out of memory."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from stores.shared.errors import FailureError
from stores.shared.reporter import SILENT, Reporter
from stores.shared.tensorflow import on_device

Result = TypeVar("Result")
GROW_AFTER = 16  # batches that went well before a budget that was halved is doubled again
# an error without memory, by the name of its type (TensorFlow is not imported for this) or by what it says: on a GPU it
# also comes as InternalError or UnknownError from cuBLAS and cuDNN
OUT_OF_MEMORY = ("ResourceExhaustedError", "MemoryError", "OutOfMemoryError")
SAYS_SO = re.compile(
    r"out of memory|OUT_OF_MEMORY|failed to allocate|OOM when|RESOURCE_EXHAUSTED"
    r"|(CUBLAS|CUDNN|CUSOLVER)_STATUS_(ALLOC_FAILED|NOT_INITIALIZED)",
    re.IGNORECASE,
)


class Batches:
    """Cuts work into batches that cost at most a budget, by length, longest first.

    A batch of ``n`` texts whose longest has ``t`` tokens costs ``cost(n, t)``; a text that costs more than the budget
    is a batch by itself. When the device is out of memory, the budget is halved and the batch cut again, down to one
    text; after ``GROW_AFTER`` batches that went well it is doubled, up to what it was. Only the other texts of a batch
    changes with that, not its vector.

    Args:
        budget: most that a batch costs, in what ``cost`` counts: padded tokens by default.
        cost: of the number of texts and the tokens of the longest.
        at_once: batches that are worked on at the same time, each by a thread of its own: no core waits then for the
            others at the end of every operation. After a lack of memory it is one at a time for a while.
        device: where the batches run, see ``stores.shared.tensorflow.on_device``; TensorFlow's scopes are a thread's
            own, so each thread enters it.
    """

    def __init__(
        self,
        budget: int,
        cost: Callable[[int, int], int] = lambda texts, longest: texts * longest,
        at_once: int = 1,
        device: str | None = None,
    ) -> None:
        self._most, self._cost, self._most_at_once, self._device = budget, cost, at_once, device
        self._at_once = at_once
        self.budget = budget
        self._went_well = 0

    def run(
        self, lengths: np.ndarray, work: Callable[[np.ndarray], Result], reporter: Reporter = SILENT
    ) -> Iterator[tuple[np.ndarray, Result]]:
        """Call ``work`` with the rows of each batch; yields these rows, int64 ``[n]``, and what it returned.

        Args:
            lengths: int ``[N]``, tokens of each text; those of 0 tokens take part like those of 1.
            work: called with int64 ``[n]`` row numbers, longest text first; by another thread, on the device.
            reporter: told of each batch that is done.

        Raises:
            FailureError: if the memory does not suffice for one text.
        """
        lengths = np.maximum(lengths, 1)
        order = np.argsort(-lengths, kind="stable")
        costs = np.array([self._cost(1, int(length)) for length in lengths], float)
        total, done, ended = costs.sum(), 0.0, 0
        begun: deque = deque()

        def on_the_device(rows: np.ndarray) -> Result:
            with on_device(self._device):
                return work(rows)

        with ThreadPoolExecutor(self._most_at_once) as threads:
            while len(order) or begun:
                while len(order) and len(begun) < self._at_once:
                    rows, order = np.split(order, [self._fitting(lengths[order])])
                    begun.append((rows, threads.submit(on_the_device, rows)))
                rows, future = begun.popleft()
                try:
                    result = future.result()
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                    order = np.concatenate([rows, order])
                    order = order[np.argsort(-lengths[order], kind="stable")]  # another batch may have failed before
                    if self._at_once == 1:
                        self._shrink(rows, int(lengths[rows[0]]), error)
                    self._at_once = 1
                    continue
                yield rows, result
                done += costs[rows].sum()
                ended += len(rows)
                reporter.batch(done / total, int(lengths[rows].sum()), ended / len(lengths))
                self._grow()

    def _fitting(self, lengths: np.ndarray) -> int:
        """How many of the next texts, at least one, cost no more than the budget; the first is the longest."""
        longest = int(lengths[0])
        low, high = 1, len(lengths)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._cost(middle, longest) <= self.budget else (low, middle - 1)
        return low

    def _shrink(self, rows: np.ndarray, longest: int, error: Exception) -> None:
        if len(rows) == 1:
            raise FailureError(
                f"the device's memory is too small for a text of {longest:,} tokens; limit them with `max_tokens`"
            ) from error
        self.budget = max(1, min(self.budget, self._cost(len(rows), longest)) // 2)
        self._went_well = 0

    def _grow(self) -> None:
        self._went_well += 1
        if self._went_well < GROW_AFTER:
            return
        if self.budget < self._most:
            self.budget = min(self._most, self.budget * 2)
            self._went_well = 0
        elif self._at_once < self._most_at_once:
            self._at_once += 1
            self._went_well = 0


class TokenBatches(Batches):
    """Batches of a GPU, which are as full as can be: of so many tokens together, whatever padding that takes.

    Args:
        budget: tokens of a batch, at most.
        most_texts: of the tokens of the longest: how many texts a batch may have.
        at_once: as above; while the results of one are copied, the next one is computed.
    """

    def __init__(self, budget: int, most_texts: Callable[[int], int], at_once: int) -> None:
        super().__init__(budget, at_once=at_once)
        self._most_texts = most_texts

    def _fitting(self, lengths: np.ndarray) -> int:
        within = int(np.searchsorted(np.cumsum(lengths), self.budget, "right"))
        return max(1, min(within, self._most_texts(int(lengths[0]))))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the device or the machine has no memory left, in whichever form it comes."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return not names.isdisjoint(OUT_OF_MEMORY) or SAYS_SO.search(str(error)) is not None


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """``starts[0]`` and the ``lengths[0] - 1`` numbers after it, then those of the next: int64 ``[sum lengths]``."""
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
