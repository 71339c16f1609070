"""What can go wrong in `bridge`, one class a kind of mistake, all under `NeurosimError`."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from neurosim.errors import ExtraMissingError, NeurosimError

__all__ = [
    "BridgeError",
    "CalibrationError",
    "ConversionError",
    "CurveError",
    "FitError",
    "RangeError",
    "Reason",
    "Refusal",
    "RefusedError",
    "optional",
]

Reason = Literal[
    "silent", "one-current", "flat", "one-bin", "block", "no-block", "few-currents",
    "few-informative", "few-measurements", "misfit", "not-tried",
]  # fmt: skip
"""Why a family, or every unit, may not stand for a curve."""


class BridgeError(NeurosimError):
    """Root of every error that `bridge` raises on purpose."""


class CurveError(BridgeError, ValueError):
    """A measured f-I curve cannot be read or makes no sense.

    Parameters
    ----------
    wrong : str
        What is wrong.
    remedy : str
        What to do about it.
    file : str, optional
        The file it stands in.
    line : int, optional
        The line of that file, counted from 1.
    column : str, optional
        The column that is absent, if that is what is wrong.
    reason : str, optional
        One of `Reason`, where a program may want to decide on it.

    Examples
    --------
    >>> print(CurveError("'12x' is not a number", "write plain digits", file="fi.csv", line=3))
    fi.csv, line 3: '12x' is not a number; write plain digits
    """

    def __init__(
        self, wrong: str, remedy: str, *, file: str | None = None, line: int | None = None,
        column: str | None = None, reason: Reason | None = None,
    ) -> None:  # fmt: skip
        self.wrong, self.remedy, self.file, self.line = wrong, remedy, file, line
        self.column, self.reason = column, reason
        place = ", ".join(part for part in (file, line and f"line {line}") if part)
        super().__init__(f"{place + ': ' if place else ''}{wrong}; {remedy}")


class FitError(BridgeError, ValueError):
    """A unit cannot be fitted to this curve at all.

    Parameters
    ----------
    message : str
        Why, and what to do about it.
    reason : str
        One of `Reason`.
    """

    def __init__(self, message: str, reason: Reason | None = None) -> None:
        self.reason = reason
        super().__init__(message)


class RangeError(BridgeError, ValueError):
    """A rate was asked for that the unit never reaches; the message names the range."""


class Refusal(str):
    """A sentence that says why something was refused, and the reason as a value.

    Parameters
    ----------
    words : str
        The sentence, with what to do instead.
    reason : str
        One of `Reason`, for programs that decide on it.

    Examples
    --------
    >>> why = Refusal("no spikes up to 100 pA; measure at larger currents", "silent")
    >>> print(why)
    no spikes up to 100 pA; measure at larger currents
    >>> why.reason
    'silent'
    """

    __slots__ = ("reason",)
    reason: Reason

    def __new__(cls, words: str, reason: Reason) -> Refusal:
        made = super().__new__(cls, words)
        made.reason = reason
        return made

    def __getnewargs__(self) -> tuple[str, Reason]:  # type: ignore[override]
        return str(self), self.reason


class RefusedError(BridgeError):
    """No unit may stand for this curve; `selection` holds every reason.

    Parameters
    ----------
    message : str
        The reason, in words.
    reason : str
        One of `Reason`.
    selection : Selection, optional
        The refused selection, for those who want to look closer.
    """

    def __init__(self, message: str, reason: Reason | None = None, selection: Any = None) -> None:
        self.reason, self.selection = reason, selection
        super().__init__(message)


class CalibrationError(BridgeError, ValueError):
    """An f-I curve cannot carry the activation it is asked to stand for."""


class ConversionError(BridgeError, ValueError):
    """A trained network holds something that has no spiking counterpart here."""


def optional(module: str, what: str, extra: str) -> Any:
    """Import an optional package, or name the extra that brings it.

    Parameters
    ----------
    module : str
    what : str
        What needs it.
    extra : str

    Raises
    ------
    ExtraMissingError
        It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ExtraMissingError.needed_for(what, extra) from error
