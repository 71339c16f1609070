"""Why a recording is refused: one reason a kind of mistake, each with its remedy."""

from __future__ import annotations

from typing import Literal, get_args

from bridge.errors import BridgeError

__all__ = ["REASONS", "Reason", "RecordingError"]

Reason = Literal[
    "file",
    "format",
    "truncated",
    "no-voltage",
    "no-current",
    "no-stimulus",
    "units",
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
        File and sweep.

    Examples
    --------
    >>> error = RecordingError("ramp", "the current climbs steadily", "record steps", "a.abf")
    >>> print(error)
    a.abf: the current climbs steadily; record steps
    >>> error.reason
    'ramp'
    """

    def __init__(self, reason: Reason, wrong: str, remedy: str, where: str = "") -> None:
        self.reason, self.wrong, self.remedy, self.where = reason, wrong, remedy, where
        super().__init__(f"{where + ': ' if where else ''}{wrong}; {remedy}")
