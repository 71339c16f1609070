"""Comments in a file: the marks they begin with, above a table and between its rows."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

__all__ = ["COMMENT_MARKS", "Comments"]

#: Marks that begin a comment above a table, the longer first.
COMMENT_MARKS = ("##", "#", "//", "%", "!")
_DOUBLED = re.compile(r"([^\w\s\"',;|-])\1+")


@dataclass(frozen=True)
class Comments:
    """What comments between the rows of a table begin with.

    Attributes
    ----------
    marks : tuple of str
        With one cell only, a row that begins so is a comment.
    above : tuple of str
        These begin a line above the table too: then a comment may have several cells, as a sentence
        with commas has.

    Examples
    --------
    >>> comments = Comments.of(["# made by hand"], [["a", "b", "c"], ["1", "2", "3"]])
    >>> comments.has(["# pause"]), comments.has(["# so", "they say"]), comments.has(["// so", "x"])
    (True, True, False)
    """

    marks: tuple[str, ...] = ()
    above: tuple[str, ...] = ()

    @classmethod
    def of(cls, above: list[str], rows: list[list[str]]) -> Comments:
        """Learn the marks of a file.

        Parameters
        ----------
        above : list of str
            The lines above the table. A doubled sign that begins one of them is a mark too.
        rows : list of list of str
            The first rows. A mark that begins a whole row is a cell's, and no comment's.
        """
        doubled = [found[0] for line in above if (found := _DOUBLED.match(line.lstrip()))]
        width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
        whole = [r[0].lstrip() for r in rows if r and len(r) >= width]
        known = dict.fromkeys((*COMMENT_MARKS, *doubled))
        marks = tuple(m for m in known if not any(v.startswith(m) for v in whole))
        told = [line.lstrip() for line in above]
        return cls(marks, tuple(m for m in marks if any(v.startswith(m) for v in told)))

    def has(self, record: list[str]) -> bool:
        """Tell whether a row with too few cells is a comment on the others."""
        first = record[0].lstrip() if record else ""
        several = any(c.strip() for c in record[1:])
        return first.startswith(self.above if several else self.marks)
