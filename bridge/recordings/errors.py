"""Why a recording is refused: one reason a kind of mistake, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

from bridge.errors import BridgeError

__all__ = ["REASONS", "Reason", "RecordingError", "about"]

Reason = Literal[
    "file",
    "format",
    "truncated",
    "no-voltage",
    "no-current",
    "no-stimulus",
    "units",
    "contradiction",
    "voltage-clamp",
    "ramp",
    "fluctuating",
    "no-step",
    "one-sweep",
    "one-current",
    "silent",
    "block",
    "choice",
]

REASONS: tuple[str, ...] = get_args(Reason)
"""Every reason a recording can be refused for."""


class RecordingError(BridgeError, ValueError):
    """A recording cannot give what was asked of it.

    Parameters
    ----------
    reason : str
        One of `REASONS`, for programs that sort refusals.
    wrong : str
        What is wrong.
    remedy : str
        What to do about it.
    where : str, optional
        Where in the file; `about` puts the file's name before it.

    Examples
    --------
    >>> error = RecordingError("ramp", "the current climbs steadily", "record steps", "a.abf")
    >>> print(error)
    a.abf: the current climbs steadily; record steps
    >>> error.reason
    'ramp'
    """

    file = ""

    def __init__(self, reason: Reason, wrong: str, remedy: str, where: str = "") -> None:
        self.reason, self.wrong, self.remedy, self.where = reason, wrong, remedy, where
        super().__init__(f"{where + ': ' if where else ''}{wrong}; {remedy}")

    def at(self, file: str) -> RecordingError:
        """Return the same refusal, said of a file."""
        named = RecordingError(
            self.reason, self.wrong, self.remedy, f"{file}, {self.where}" if self.where else file
        )
        named.file = file
        return named


@contextmanager
def about(file: str) -> Iterator[None]:
    """Name the file in every refusal raised inside that does not name one yet."""
    try:
        yield
    except RecordingError as error:
        if error.file:
            raise
        raise error.at(file) from error.__cause__
