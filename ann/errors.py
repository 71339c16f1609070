"""What can go wrong in `ann`, one class a kind of mistake, all under `AnnError`."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from numbers import Real

__all__ = [
    "AnnError",
    "DataError",
    "DivergenceError",
    "GraphError",
    "MissingExtraError",
    "ModelFileError",
    "OutputError",
    "ParameterError",
    "ShapeError",
    "UnknownNameError",
    "require_number",
    "require_one_of",
    "require_whole",
    "unknown_name",
]


class AnnError(Exception):
    """Root of every error that `ann` raises on purpose."""


class GraphError(AnnError, ValueError):
    """An expression that has no value or no derivative."""


class ShapeError(AnnError, ValueError):
    """Arrays whose shapes do not fit together."""


class ParameterError(AnnError, ValueError):
    """A value lies outside the range in which it means something."""


class UnknownNameError(ParameterError, KeyError):
    """A name that nothing answers to; the message offers the nearest ones."""

    def __str__(self) -> str:
        # KeyError prints the repr of its argument, which would quote the sentence.
        return str(self.args[0])


class DataError(AnnError, ValueError):
    """Data that a model cannot be fitted to or asked about."""


class DivergenceError(AnnError, ArithmeticError):
    """Numbers of a training left every bound."""


class OutputError(AnnError, OSError):
    """A file or folder cannot be written."""


class ModelFileError(AnnError, ValueError):
    """A model file that is not whole, not ours, or not of this version."""


class MissingExtraError(AnnError, ImportError):
    """An optional package that this one feature needs; the message names the extra to install."""

    @classmethod
    def needed_for(cls, what: str, extra: str) -> MissingExtraError:
        # What pip calls the distribution that `ann` is part of.
        install = f"python -m pip install 'neurosim-bridge[{extra}]'"
        return cls(f"{what} needs the optional extra '{extra}': {install}")


def require_number(
    name: str, value: object, low: float, high: float = math.inf, *, low_too: bool = True
) -> None:
    """Raise unless a setting is a number between two bounds, the upper one excluded.

    Parameters
    ----------
    name : str
    value : object
    low, high : float
    low_too : bool
        Whether the lower bound itself is allowed.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> require_number("dropout", 0.5, 0.0, 1.0)
    >>> require_number("dropout", "a half", 0.0, 1.0)
    Traceback (most recent call last):
    ...
    ann.errors.ParameterError: dropout must be a number in [0, 1), not 'a half'
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if low <= number < high and (low_too or number > low):
            return
    left = "[" if low_too else "("
    raise ParameterError(f"{name} must be a number in {left}{low:g}, {high:g}), not {value!r}")


def require_whole(name: str, value: object, low: int) -> int:
    """Return a setting as an int, or raise unless it is a whole number of at least `low`.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> require_whole("batch_size", 32.0, 1)
    32
    >>> require_whole("batch_size", 32.5, 1)
    Traceback (most recent call last):
    ...
    ann.errors.ParameterError: batch_size must be a whole number of at least 1, not 32.5
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            raise ParameterError(f"{name} must be a whole number below 1e308") from None
        if math.isfinite(number) and number >= low and number == round(number):
            return round(number)
    raise ParameterError(f"{name} must be a whole number of at least {low}, not {value!r}")


def require_one_of(name: str, value: object, allowed: Collection[object]) -> None:
    """Raise unless a setting is one of the values allowed.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> require_one_of("restore", "never", ("interrupted", "always"))
    Traceback (most recent call last):
    ...
    ann.errors.ParameterError: restore must be 'interrupted' or 'always', not 'never'
    """
    if value not in allowed:
        raise ParameterError(f"{name} must be {' or '.join(map(repr, allowed))}, not {value!r}")


def unknown_name(kind: str, given: object, known: Iterable[str]) -> UnknownNameError:
    """Build the error for a name that is not in a list, with the nearest one that is.

    Parameters
    ----------
    kind : str
        What the name was to be, such as ``"activation"``.
    given : object
        What was given.
    known : iterable of str
        The names that exist.

    Returns
    -------
    UnknownNameError
        To be raised by the caller.

    Examples
    --------
    >>> print(unknown_name("activation", "sigmoyd", ["sigmoid", "tanh"]))
    no activation called 'sigmoyd'; did you mean 'sigmoid'? There are: sigmoid, tanh
    """
    names = sorted(known)
    # A remark in brackets behind a name is for the reader.
    near = get_close_matches(str(given), [name.partition(" (")[0] for name in names], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return UnknownNameError(f"no {kind} called {given!r}{hint} There are: {', '.join(names)}")
