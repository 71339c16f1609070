"""Matrix products, cut where the linear algebra library is quicker in pieces.

A library first copies the factors of a product into an order its kernel likes. For small products
that costs more than it gains, so OpenBLAS has a second set of kernels (for processors with
AVX-512) that read the factors where they are. It takes them up to a million multiplications, and
where the first factor lies by columns and the second by rows, up to 1200 entries of the result.
A product somewhat larger is quicker as two to four small ones: by a fifth on average over random
shapes, by more than half for few outputs.

How a product is cut follows from its shape alone, so the same data give the same bits each time.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from threadpoolctl import ThreadpoolController

from ann.activations import Step

__all__ = ["controller", "has_small_kernels", "product_steps"]

#: Multiplications up to which OpenBLAS uses its kernels for small products.
SMALL = 1_000_000
#: Entries of the result up to which it does so with both factors transposed in memory, and the
#: length of the sums from which that is worth cutting for.
FEW_ENTRIES, LONG_SUMS = 1200, 128
#: Pieces beyond which copying the factors is cheaper.
MOST_PIECES = 4


@lru_cache(maxsize=1)
def controller() -> ThreadpoolController:
    """What knows the linear algebra libraries; finding them takes a millisecond."""
    return ThreadpoolController()


@lru_cache(maxsize=1)
def has_small_kernels() -> bool:
    """Whether the library has kernels of its own for small products."""
    return any(
        library["internal_api"] == "openblas"
        and library.get("architecture") in ("SkylakeX", "Cooperlake", "SapphireRapids")
        for library in controller().info()
    )


def product_steps(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> list[Step]:
    """The calls that make out ← a b.

    Parameters
    ----------
    a, b : ndarray of shape (m, k), (k, n)
        Each in C or in Fortran order.
    out : ndarray of shape (m, n)
        In C order.

    Returns
    -------
    list of Step
        One call, or a few that fill rows of `out` one after another.

    Examples
    --------
    >>> a, b, out = np.ones((2, 3)), np.ones((3, 2)), np.empty((2, 2))
    >>> for function, arguments in product_steps(a, b, out):
    ...     _ = function(*arguments)
    >>> out
    array([[3., 3.],
           [3., 3.]])
    """
    pieces = _pieces(a, b) if has_small_kernels() else 1
    if pieces == 1:
        return [(np.dot, (a, b, out))]
    edges = np.linspace(0, len(out), pieces + 1).astype(int)
    # matmul reads rows of a transposed matrix where they are; dot would copy them.
    return [(np.matmul, (a[i:j], b, out[i:j])) for i, j in pairwise(edges)]


def _pieces(a: np.ndarray, b: np.ndarray) -> int:
    """In how many pieces a product is quickest."""
    (m, k), n = a.shape, b.shape[1]
    rows = SMALL // (k * n)
    if a.flags.c_contiguous and not b.flags.c_contiguous:
        if k < LONG_SUMS:
            return 1
        rows = min(rows, FEW_ENTRIES // n)
    pieces = -(-m // rows) if rows else m
    return pieces if pieces <= min(m, MOST_PIECES) else 1
