"""How many threads the matrix products may use: one, unless they are large enough to share.

Below some tens of millions of multiplications a step, waking a second thread and waiting for it
costs more than it brings, and on a busy machine many times more. The choice depends on sizes
only, never on a measurement, so that the same fit gives the same numbers twice. Several threads
add up in another order than one, so asking for them changes the last digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

__all__ = ["blas_threads"]

#: Multiplications of one product from which a second thread pays for itself.
WORTH_SHARING = 30_000_000


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    # Finding the loaded libraries takes a millisecond; they do not change.
    return ThreadpoolController()


@contextmanager
def blas_threads(n_threads: int | None, multiplications: int = 0) -> Iterator[None]:
    """Limit the threads of the linear algebra library inside a ``with`` block.

    Parameters
    ----------
    n_threads : int or None
        Largest number; None leaves the library as it is.
    multiplications : int
        Of the largest matrix product to come. Below `WORTH_SHARING` one thread is used.

    Examples
    --------
    >>> with blas_threads(1):
    ...     pass
    """
    if n_threads is None:
        yield
        return
    limit = n_threads if multiplications >= WORTH_SHARING else 1
    with _controller().limit(limits=limit, user_api="blas"):
        yield
