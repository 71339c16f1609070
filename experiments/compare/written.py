"""Small changes to what people read."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["and_list", "true_minus"]

# A hyphen before a digit, where no word, number or tag goes before it.
_HYPHEN = re.compile(r"(?<![\w\-.])-(?=[.\d])|(?<=\de)-(?=\d)")


def and_list(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> and_list(["a"]), and_list(["a", "b"]), and_list(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def true_minus(text: str) -> str:
    """Put the minus sign in place of the hyphen before numbers.

    Examples
    --------
    >>> true_minus("naka-rushton: -0.33 to 0.25, seed-1, 4e-12")
    'naka-rushton: −0.33 to 0.25, seed-1, 4e−12'
    """
    return _HYPHEN.sub("−", text)
