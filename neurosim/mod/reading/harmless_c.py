"""The few texts in C that change nothing, which authors put into VERBATIM blocks.

They are known by their whole form. Any other C is refused; none is ever run.
"""

from __future__ import annotations

import re

__all__ = ["does_nothing", "is_return", "reread_ion"]

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# Headers of the C library declare functions, and define none that a formula could mean.
_HEADER = re.compile(
    r"^[ \t]*#[ \t]*include[ \t]*<(?:assert|math|stdio|stdlib|string|unistd)\.h>[ \t]*$",
    re.MULTILINE,
)
# What version control writes about a file.
_VERSION = re.compile(r'static (?:const )?char \*?rcsid(?:\[\])? ?= ?"[^"\\]*" ?;')
_REREAD = re.compile(r"([A-Za-z]\w*) ?= ?_ion_([A-Za-z]\w*) ?;")


def _bare(code: str) -> str:
    """Return C without its comments, on one line."""
    return " ".join(_COMMENT.sub(" ", code).split())


def does_nothing(code: str) -> bool:
    """Say whether C has no effect on what a mechanism computes.

    Examples
    --------
    >>> does_nothing("#include <stdlib.h> /* for a warning */"), does_nothing("exit(1);")
    (True, False)
    """
    left = _bare(_HEADER.sub(" ", _COMMENT.sub(" ", code)))
    return not _VERSION.sub(" ", left).strip()


def is_return(code: str) -> bool:
    """Say whether C only returns, as it does at the end of many a procedure."""
    return re.fullmatch(r"return(?: ?\(?0\)?)? ?;", _bare(code)) is not None


def reread_ion(code: str) -> str:
    """Return the variable that C sets to what the ion has, as NEURON does by itself; else "".

    Examples
    --------
    >>> reread_ion("cai=_ion_cai;"), reread_ion("cai=_ion_cao;")
    ('cai', '')
    """
    found = _REREAD.fullmatch(_bare(code))
    return found[1] if found is not None and found[1] == found[2] else ""
