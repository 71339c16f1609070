"""Calls of functions in generated C++, found with their arguments and written anew."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["rewritten"]


def rewritten(line: str, name: str, write: Callable[[list[str]], str | None]) -> str:
    """Return a line of C++ with the calls of a function written anew from their arguments.

    Examples
    --------
    >>> rewritten("y = f(g(a, b), 1) + f(c, 2);", "f", lambda given: f"h({given[0]})")
    'y = h(g(a, b)) + h(c);'
    """
    for start in reversed([m.start() for m in re.finditer(rf"\b{name}\(", line)]):
        depth, begin = 0, start + len(name) + 1
        arguments = []
        for end in range(begin - 1, len(line)):
            depth += {"(": 1, ")": -1}.get(line[end], 0)
            if (line[end] == "," and depth == 1) or depth == 0:
                arguments.append(line[begin:end].strip())
                begin = end + 1
            if depth == 0:
                break
        made = write(arguments)
        line = line if made is None else f"{line[:start]}{made}{line[begin:]}"
    return line
