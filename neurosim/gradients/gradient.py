"""The value of a loss and its derivatives, as one frozen result that prints as a table."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from brian2.units import (
    Mohm,
    Quantity,
    cm,
    get_dimensions,
    hertz,
    mS,
    ms,
    mV,
    nA,
    nS,
    ohm,
    pF,
    uF,
    um,
)

from neurosim.display import html_table
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.quantities import unit_name
from neurosim.run.recording import Recording

__all__ = ["Gradient"]


@dataclass(frozen=True, eq=False, repr=False)
class Gradient:
    """What a loss is, and how it follows parameters.

    Attributes
    ----------
    value : Quantity, shape (rows,)
        The loss of each row of the batch.
    derivatives : dict of str to Quantity, each of shape (rows,) or (rows, synapses)
        By full name, the derivative of the loss of each row with respect to the parameter of that
        row. Where all rows share a parameter, the derivative of their sum is the sum over rows.
    parameters : dict of str to Quantity, each of shape (rows,)
        The values at which they were taken. Of a weight, which is a factor on what a synapse does:
        1, or those that were given, of shape (rows, synapses).
    growth : ndarray, shape (rows,)
        By how much the run backwards amplified a displacement of the potential, at most. Rounding
        errors of the run grow as much: digits are lost where it is above 1e4, and beyond 1e8 little
        of a derivative is left.
    v : Quantity, shape (rows, steps)
        The potential that the loss was worked out from.
    time : Quantity, shape (steps,)
        When.
    spike_times : tuple of Quantity, each of shape (spikes,)
        By row, of a neuron that spikes reset: its spikes, located inside steps. None for others.
    """

    value: Quantity
    derivatives: dict[str, Quantity]
    parameters: dict[str, Quantity]
    growth: np.ndarray
    v: Quantity = field(repr=False)
    time: Quantity = field(repr=False)
    spike_times: tuple[Quantity, ...] | None = field(default=None, repr=False)

    def __getitem__(self, name: str) -> Quantity:
        """Return the derivative with respect to a parameter, by a name that is clear."""
        found = [n for n in self.derivatives if n == name or n.endswith(f".{name}")]
        if len(found) != 1:
            raise UnknownNameError(
                f"there is no derivative with respect to {name!r}: "
                f"{suggest(name, self.derivatives)}"
            )
        return self.derivatives[found[0]]

    def relative(self, name: str) -> Quantity:
        """Return the derivative with respect to the logarithm of a parameter, shape (rows, ...).

        A hundredth of it is what one per cent more of the parameter does.
        """
        slope = self[name]
        full = next(n for n in self.derivatives if self.derivatives[n] is slope)
        at = self.parameters[full]
        return slope * (at[:, np.newaxis] if np.ndim(slope) > np.ndim(at) else at)

    def apart(self, recording: Recording) -> tuple[Quantity, ...]:
        """Return how much later each spike of a run of `simulate` comes, each of shape (spikes,).

        One array a row, of the spikes that both runs have. `simulate` has spikes at the beginnings
        of steps; here they are located inside them, so that this is the error of its step.

        Parameters
        ----------
        recording : Recording
            Of the same neuron under the same stimulus, with the same rows.

        Raises
        ------
        ParameterError
            The rows are not the same; or no spike resets the neuron, and both runs are one.
        """
        if self.spike_times is None:
            raise ParameterError(
                "apart: no spike resets this neuron, so that its run is that of simulate"
            )
        if recording.rows != len(self.spike_times):
            raise ParameterError(
                f"apart: the recording has {recording.rows} rows, and the gradient "
                f"{len(self.spike_times)}; give a run of the same batch"
            )
        found = []
        for ours, theirs in zip(self.spike_times, recording.spike_trains(), strict=True):
            both = min(len(ours), len(theirs))
            found.append(theirs[:both] - ours[:both])
        return tuple(found)

    def _rows(self) -> list[tuple[str, str, str, str]]:
        rows = []
        for name, slope in self.derivatives.items():
            at = self.parameters[name][0]
            one, unit = _customary(self.parameters[name])
            if np.ndim(slope) == 2:
                size = Quantity(np.linalg.norm(np.asarray(slope)[0]), dim=slope.dim)
                rows.append((name, f"{np.shape(slope)[1]} synapses", f"norm {_short(size)}", ""))
                continue
            # In the unit of the loss, for one unit of the parameter.
            whole = Quantity(float(slope[0]) * one, dim=self.value.dim)
            per = "" if unit == "1" else f" per {unit}"
            share = 0.01 * self.relative(name)[0]
            where = f"{float(at) / one:.4g} {unit}".removesuffix(" 1")
            rows.append((name, where, f"{_short(whole)}{per}", _short(share)))
        return rows

    _HEAD = ("parameter", "at", "derivative", "for 1 % more")

    def __repr__(self) -> str:
        head = f"loss {self.value[0]}"
        if len(self.value) > 1:
            head += f" (first of {len(self.value)} rows)"
        rows = [self._HEAD, *self._rows()]
        wide = [max(len(row[k]) for row in rows) for k in range(len(self._HEAD))]
        lines = [
            "  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([head, *lines, f"growth backwards: {self.growth[0]:.3g}"])

    def _repr_html_(self) -> str:
        note = f"growth backwards: {self.growth[0]:.3g}"
        return html_table(f"Loss {self.value[0]}", self._rows(), self._HEAD, note)


# Units in which parameters of neurons are written, each with its name.
_CUSTOMARY: tuple[tuple[Quantity, str], ...] = (
    (mV, "mV"),
    (ms, "ms"),
    (nA, "nA"),
    (pF, "pF"),
    (nS, "nS"),
    (Mohm, "Mohm"),
    (um, "um"),
    (um**2, "um^2"),
    (hertz, "Hz"),
    (mS / cm**2, "mS/cm^2"),
    (uF / cm**2, "uF/cm^2"),
    (ohm * cm, "ohm*cm"),
)


def _customary(like: Quantity) -> tuple[float, str]:
    """Return the unit in which such a quantity is written, in SI units, and its name."""
    for unit, name in _CUSTOMARY:
        if get_dimensions(unit) == get_dimensions(like):
            return float(unit), name
    return 1.0, unit_name(like)


def _short(value: Quantity) -> str:
    """Return a quantity with four digits."""
    return str(Quantity(float(f"{float(value):.3e}"), dim=get_dimensions(value)))
