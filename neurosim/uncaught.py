"""Uncaught errors of ours, shown without Brian2's request to report them to its developers.

Brian2 takes over what Python does with an uncaught error: it prints that Brian encountered an
unexpected error, and asks for a report. Errors of this project say what was wrong with an
argument or a file, and are shown as Python shows any other. All others stay Brian2's.
"""

from __future__ import annotations

import sys
from types import TracebackType

__all__ = ["show_ours_plainly"]

# The modules that hold the roots of all errors that are raised on purpose.
_ROOTS = ("neurosim.errors", "ann.errors")


def show_ours_plainly() -> None:
    """Put a hook before Brian2's, if that is the one in place."""
    hook = sys.excepthook
    if hook.__module__ != "brian2.utils.logger":
        return

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        ours = any(base.__module__ in _ROOTS for base in kind.__mro__)
        (sys.__excepthook__ if ours else hook)(kind, error, trace)

    sys.excepthook = show
