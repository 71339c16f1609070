"""What can go wrong in `bridge`, one class a kind of mistake, all under `NeurosimError`."""

from __future__ import annotations

from typing import Any

from neurosim.errors import NeurosimError

__all__ = [
    "BridgeError",
    "CalibrationError",
    "ConversionError",
    "CurveError",
    "FitError",
    "RangeError",
    "RefusedError",
]


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

    Examples
    --------
    >>> print(CurveError("'12x' is not a number", "write plain digits", file="fi.csv", line=3))
    fi.csv, line 3: '12x' is not a number; write plain digits
    """

    def __init__(
        self, wrong: str, remedy: str, *, file: str | None = None, line: int | None = None
    ) -> None:
        self.wrong, self.remedy, self.file, self.line = wrong, remedy, file, line
        place = ", ".join(
            part for part in (file, None if line is None else f"line {line}") if part is not None
        )
        super().__init__(f"{place + ': ' if place else ''}{wrong}; {remedy}")


class FitError(BridgeError, ValueError):
    """A unit cannot be fitted to this curve at all; the message gives the reason."""


class RangeError(BridgeError, ValueError):
    """A rate was asked for that the unit never reaches; the message names the range."""


class RefusedError(BridgeError):
    """No unit may stand for this curve; `selection` holds every reason.

    Parameters
    ----------
    message : str
        The reason, in words.
    selection : Selection, optional
        The refused selection, for those who want to look closer.
    """

    def __init__(self, message: str, selection: Any = None) -> None:
        self.selection = selection
        super().__init__(message)


class CalibrationError(BridgeError, ValueError):
    """An f-I curve cannot carry the activation it is asked to stand for."""


class ConversionError(BridgeError, ValueError):
    """A trained network holds something that has no spiking counterpart here."""
