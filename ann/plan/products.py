"""Matrix products, cut where the linear algebra library is quicker in pieces.

A library first copies the factors of a product into an order its kernel likes. That takes time,
and drives other things out of the cache. So OpenBLAS has a second set of kernels (for processors
with AVX-512) that read the factors where they are. It takes them up to a million multiplications;
where both factors are transposed in memory, up to 1200 entries of the result. A larger product is
often quicker as several small ones: by a fifth on average as two to four, over random shapes; as
up to 128 only where the rows the kernel reads fill whole cache lines, and then a training step
gains 3 to 15 %. Pieces are rows of the result; where a piece would have too few of them, columns.

How a product is cut follows from its shape alone, so the same data give the same bits each time.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from threadpoolctl import ThreadpoolController

from ann.network.calls import Step

__all__ = ["controller", "edges_of", "has_small_kernels", "product_steps", "steps_between"]

#: Multiplications up to which OpenBLAS uses its kernels for small products.
SMALL = 1_000_000
#: Entries of the result up to which it does so where both factors are transposed in memory.
FEW_ENTRIES = 1200
#: Pieces that are worth while for any shape, if the sums of transposed factors are this long.
FEW_PIECES, LONG_SUMS = 4, 128
#: Pieces that are worth while where rows fill cache lines.
MANY_PIECES = 128
#: The same where both factors are transposed in memory, and the length of sums for those.
MANY_TRANSPOSED, VERY_LONG_SUMS = 48, 384
#: Rows of the result up to which columns are cut instead, if both factors are transposed.
FEW_ROWS = 32
#: Rows of the result that a piece should have else; the kernels compute 4, 6 or 12 together.
ENOUGH_ROWS = 8
TOGETHER = 4
#: Bytes of a cache line.
LINE = 64


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
        One call, or several that fill parts of `out` one after another.

    Examples
    --------
    >>> from ann.network.calls import run
    >>> a, b, out = np.ones((2, 3)), np.ones((3, 2)), np.empty((2, 2))
    >>> run(product_steps(a, b, out))
    >>> out
    array([[3., 3.],
           [3., 3.]])
    """
    rows, columns = edges_of(a, b)
    if len(rows) == len(columns) == 2:
        return [(np.dot, (a, b, out))]
    return steps_between(a, b, out, rows, columns)


def steps_between(
    a: np.ndarray, b: np.ndarray, out: np.ndarray, rows: list[int], columns: list[int]
) -> list[Step]:
    """The calls for out ← a b, one for what lies between each two `rows` and two `columns`."""
    # matmul reads parts of a matrix where they are; dot would copy them.
    return [
        (np.matmul, (a[top:end], b[:, left:right], out[top:end, left:right]))
        for left, right in pairwise(columns)
        for top, end in pairwise(rows)
    ]


def edges_of(a: np.ndarray, b: np.ndarray) -> tuple[list[int], list[int]]:
    """First rows of the pieces in which a b is quickest and the number of rows; so for columns.

    Examples
    --------
    >>> edges_of(np.ones((16, 16), np.float32), np.ones((16, 16), np.float32))
    ([0, 16], [0, 16])
    """
    (m, k), n = a.shape, b.shape[1]
    whole = [0, m], [0, n]
    if not has_small_kernels():
        return whole
    transposed = a.flags.c_contiguous and not b.flags.c_contiguous
    per_line = LINE // a.itemsize
    rows = SMALL // (k * n)
    if transposed:
        rows = min(rows, FEW_ENTRIES // n)
        if rows < m <= FEW_ROWS and k >= LONG_SUMS:
            width = min(FEW_ENTRIES // m, SMALL // (k * m))
            width -= width % per_line
            return ([0, m], [*range(0, n, width), n]) if width else whole
    if rows and m <= FEW_PIECES * rows:
        return whole if transposed and k < LONG_SUMS else (_even(m, rows), [0, n])
    along = k if transposed else n
    if along % per_line or (transposed and k < VERY_LONG_SUMS):
        return whole
    most = MANY_TRANSPOSED if transposed else MANY_PIECES
    if transposed and m > most * (rows - rows % TOGETHER):
        return whole
    width, parts = n, 1
    while rows < ENOUGH_ROWS and width > per_line:
        parts += 1
        width = -(-n // (parts * per_line)) * per_line
        rows = min(SMALL // (k * width), FEW_ENTRIES // width if transposed else m)
    rows -= rows % TOGETHER
    if rows == 0 or -(-m // rows) * -(-n // width) > most:
        return whole
    return [*range(0, m, rows), m], [*range(0, n, width), n]


def _even(m: int, most: int) -> list[int]:
    """Pieces of at most `most` rows, as equal as the kernels like them."""
    rows = -(-m // -(-m // most))
    if rows > 3 * TOGETHER:
        rows = min(rows + -rows % (3 * TOGETHER), most)
    return [*range(0, m, rows), m]
