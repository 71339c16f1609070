"""Chunks given to a pool piece by piece, and put together again.

A chunk is one piece of work at first. When a worker dies over a piece twice, the piece is cut in
two, so that a row that kills its worker is found and the others have their numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from experiments.sweep.errors import SweepError
from experiments.sweep.rows.chunk_plan import Chunk
from experiments.sweep.workers.compute import Outcome, Task
from experiments.sweep.workers.worker_pool import Pool

__all__ = ["compute_chunks"]

# How often a piece may lose its worker before it is cut, or its only row is given up.
_MOST_DEATHS = 2


@dataclass(eq=False)
class _Piece:
    chunk: int
    first: int
    last: int
    deaths: int = 0


@dataclass(eq=False)
class _Open:
    """A chunk of which not all pieces are done."""

    chunk: Chunk
    columns: dict[str, np.ndarray]
    left: int
    parts: dict[int, Outcome] = field(default_factory=dict)

    def finished(self, piece: _Piece, outcome: Outcome) -> bool:
        self.parts[piece.first] = outcome
        self.left -= piece.last - piece.first
        return self.left == 0


def compute_chunks(
    pool: Pool,
    task: Task,
    chunks: Iterator[Chunk],
    columns_of: Callable[[Chunk], dict[str, np.ndarray]],
) -> Iterator[tuple[Chunk, Outcome]]:
    """Give each chunk with its numbers as soon as it is done.

    Parameters
    ----------
    pool : Pool
    task : Task
    chunks : iterator of Chunk
        Taken one by one as the pool has room for them.
    columns_of : callable
        Returns a chunk's coordinates.

    Raises
    ------
    SweepError
        More rows fail than may, or a measure breaks its promise.
    """
    opened: dict[int, _Open] = {}
    at_work: dict[int, _Piece] = {}
    waiting: deque[_Piece] = deque()
    given = key = 0
    done_with: list[tuple[Chunk, Outcome]] = []
    while True:
        while pool.free():
            if not waiting:
                chunk = next(chunks, None)
                if chunk is None:
                    break
                rows = len(chunk.hashes)
                opened[given] = _Open(chunk, columns_of(chunk), rows)
                waiting.append(_Piece(given, 0, rows))
                given += 1
            piece = waiting.popleft()
            rows_of = slice(piece.first, piece.last)
            whole = opened[piece.chunk]
            fewer = {name: values[rows_of] for name, values in whole.columns.items()}
            at_work[key] = piece
            pool.submit(key, fewer, whole.chunk.hashes[rows_of])
            key += 1
        # Written while the workers are at the next ones.
        yield from done_with
        done_with.clear()
        if not at_work:
            return
        done = pool.next()
        piece = at_work.pop(done.key)
        if done.error is not None:
            raise done.error
        outcome = done.outcome
        if outcome is None:
            outcome = _after_death(task, piece, waiting)
            if outcome is None:
                continue
        whole = opened[piece.chunk]
        if whole.finished(piece, outcome):
            del opened[piece.chunk]
            together = Outcome.together([whole.parts[first] for first in sorted(whole.parts)])
            if len(together.failures) > task.most_failures:
                raise SweepError(
                    f"more than {task.most_failures} rows of a chunk fail, the last of them with "
                    f"{together.failures[-1].why}; allow more by most_failures"
                )
            done_with.append((whole.chunk, together))


def _after_death(task: Task, piece: _Piece, waiting: deque[_Piece]) -> Outcome | None:
    """Put a piece whose worker died back to work, whole or in halves; give up a single row."""
    piece.deaths += 1
    rows = piece.last - piece.first
    if piece.deaths < _MOST_DEATHS:
        waiting.appendleft(piece)
    elif rows > 1:
        middle = piece.first + rows // 2
        waiting.appendleft(_Piece(piece.chunk, middle, piece.last))
        waiting.appendleft(_Piece(piece.chunk, piece.first, middle))
    else:
        return Outcome.failed(task, 1, f"its worker process died {piece.deaths} times")
    return None
