"""What can go wrong, one class a kind of mistake, all under `NeurosimError`.

`bridge` and `experiments` hang their own kinds under the same root, so that one
`except NeurosimError` catches every mistake the project names.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "DISTRIBUTION",
    "DepletionError",
    "DivergenceError",
    "EmptySpaceError",
    "EngineError",
    "ExtraMissingError",
    "ModError",
    "NeurosimError",
    "OutputError",
    "ParameterError",
    "PoleError",
    "RowError",
    "UnitError",
    "UnknownNameError",
    "install_command",
    "suggest",
]

DISTRIBUTION = "neurosim-bridge"
"""What `pip` calls the four packages; on the package index `neurosim` and `ann` are others'."""


class NeurosimError(Exception):
    """Root of every error that neurosim, bridge and experiments raise on purpose."""


class UnitError(NeurosimError, TypeError):
    """A value came without a unit, or with the wrong one."""


class ParameterError(NeurosimError, ValueError):
    """A value lies outside the range in which it means something."""


class UnknownNameError(ParameterError, KeyError):
    """A name that nothing answers to; the message offers the nearest ones."""

    def __str__(self) -> str:
        # KeyError prints the repr of its argument, which would quote the sentence.
        return str(self.args[0])


class EngineError(NeurosimError, RuntimeError):
    """The simulation could not be built or did not finish."""


class RowError(EngineError):
    """One row of a batch cannot be followed, such as one whose numbers left every bound.

    The others may be; a program that could not be built is a plain `EngineError`.
    """


class OutputError(NeurosimError, OSError):
    """A file or folder cannot be written."""


class DivergenceError(EngineError, ArithmeticError):
    """Numbers of a run left every bound.

    Attributes
    ----------
    group, cell, compartment : int
        Where, in the numbers of the engine.
    time_s : float
        Before which time, in second.
    """

    def __init__(self, group: int, cell: int, compartment: int, time_s: float) -> None:
        super().__init__(
            f"the membrane potential of compartment {compartment} of cell {cell} left -10 to 10 V "
            f"before {time_s * 1e3:g} ms"
        )
        self.group, self.cell, self.compartment, self.time_s = group, cell, compartment, time_s


class DepletionError(DivergenceError):
    """A concentration fell to zero or below during a run.

    Attributes
    ----------
    ion : str
        Which ion: ``"na"``, ``"k"``, ``"ca"`` or ``"cl"``.
    side : {"inside", "outside"}
        On which side of the membrane.
    """

    def __init__(
        self, group: int, cell: int, compartment: int, time_s: float, ion: str, side: str
    ) -> None:
        super().__init__(group, cell, compartment, time_s)
        self.args = (
            f"the concentration of {ion} {side} of compartment {compartment} of cell {cell} fell "
            f"to zero at {time_s * 1e3:g} ms",
        )
        self.ion, self.side = ion, side


class PoleError(DivergenceError):
    """The membrane potential fell to where the equation of a part has no value.

    Attributes
    ----------
    part, field : str
        The part, and its field that holds this potential.
    """

    def __init__(
        self, group: int, cell: int, compartment: int, time_s: float, part: str, field: str
    ) -> None:
        super().__init__(group, cell, compartment, time_s)
        self.args = (
            f"the membrane potential of compartment {compartment} of cell {cell} fell to {field} "
            f"of {part} at {time_s * 1e3:g} ms",
        )
        self.part, self.field = part, field


class EmptySpaceError(EngineError, ArithmeticError):
    """A concentration in a space outside fell to zero or below during a run.

    Attributes
    ----------
    box : int
        Which box, of all spaces of the run.
    ion : str
        Which ion.
    time_s : float
        When, in second.
    """

    def __init__(self, box: int, ion: str, time_s: float) -> None:
        super().__init__(
            f"the concentration of {ion} in box {box} of the spaces outside fell to zero at "
            f"{time_s * 1e3:g} ms"
        )
        self.box, self.ion, self.time_s = box, ion, time_s


class ModError(NeurosimError, ValueError):
    """A MOD file, or something in it, cannot be taken over with the meaning that it has in NEURON.

    Attributes
    ----------
    path : str
        The file.
    line : int
        Line that says it, from 1.
    construct : str
        What is refused, such as ``"VERBATIM"``.
    reason : str
        Why, and what would be right.
    """

    def __init__(self, path: str, line: int, construct: str, reason: str) -> None:
        super().__init__(f"{path}, line {line}: {construct}: {reason}")
        self.path, self.line, self.construct, self.reason = path, line, construct, reason

    def __reduce__(self) -> tuple[type[ModError], tuple[str, int, str, str]]:
        return type(self), (self.path, self.line, self.construct, self.reason)


class ExtraMissingError(NeurosimError, ImportError):
    """An optional package is needed; the message names the extra to install."""

    @classmethod
    def needed_for(cls, what: str, extra: str) -> ExtraMissingError:
        return cls(f"{what} needs the optional extra '{extra}': {install_command(extra)}")


def install_command(*extras: str) -> str:
    """Return the command that installs optional extras.

    Examples
    --------
    >>> install_command("neo", "nir")
    "python -m pip install 'neurosim-bridge[neo,nir]'"
    """
    return f"python -m pip install '{DISTRIBUTION}[{','.join(extras)}]'"


def not_linear(state: str, code: str) -> str:
    """Say that a state is not linear in itself, and what to do."""
    return (
        f"d{state}/dt = {code} is not linear in {state}; give what depends on {state} beyond a "
        "linear term a name of its own (an expression line), which is then held during the step"
    )


# Names that a message lists at most.
_MOST_NAMES = 8


def suggest(name: str, known: Iterable[str], most: int = _MOST_NAMES) -> str:
    """Say which known names come nearest to `name`.

    Parameters
    ----------
    name : str
        What was given.
    known : iterable of str
    most : int
        Of these, how many are listed.

    Examples
    --------
    >>> suggest("taum", ["tau_m", "E_L"])
    "did you mean 'tau_m'? (known: E_L, tau_m)"
    """
    names = sorted(known)
    plain = {one.casefold(): one for one in reversed(names)}
    found = get_close_matches(str(name).casefold(), list(plain), n=1, cutoff=0.5)
    near = [plain[one] for one in found]
    # Of many the nearest, since a screen of names helps nobody.
    shown = names
    if len(names) > most:
        by_likeness = get_close_matches(str(name).casefold(), list(plain), n=most, cutoff=0)
        shown = sorted(plain[one] for one in by_likeness)
    more = len(names) - len(shown)
    listed = ", ".join(shown) + (f" and {more} more" if more else "")
    return f"did you mean '{near[0]}'? (known: {listed})" if near else f"known: {listed}"
