"""One NumPy call with its arguments bound, and lists of them: what a compiled plan is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

__all__ = ["Step", "run"]

#: One call, ``function(*arguments)``, usually into an array that exists already.
Step: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...]]


def run(steps: Iterable[Step]) -> None:
    """Carry out calls one after another.

    Parameters
    ----------
    steps : iterable of (function, arguments)

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 4.0])
    >>> run([(np.sqrt, (x, x))])
    >>> x
    array([1., 2.])
    """
    for function, arguments in steps:
        function(*arguments)
