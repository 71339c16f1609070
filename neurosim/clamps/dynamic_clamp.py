"""Dynamic clamp: a conductance, given sample by sample, that drives the membrane to a reversal."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from brian2.units import Quantity, ms, mV, nS

from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, quantity
from neurosim.stimuli import Drive, Stimulus

_SAMPLES = "put it into the samples of the conductance, or let the scale follow a course"

__all__ = ["DynamicClamp"]


@dataclass(frozen=True, eq=False, repr=False)
class DynamicClamp(Stimulus):
    r"""A sampled conductance with a reversal potential.

    .. math:: I = s\, g(t)\, (E - V)

    Each sample is held for `interval`; before `onset` and after the last sample the conductance is
    0. Several waveforms may be given as the rows of an array; ``batch={"channel": [0, 1]}`` then
    says which row of the batch plays which. A negative conductance takes one away that the cell
    has.

    In a neuron with extent the potential is that of the time step itself (the clamp has no delay).
    In a point neuron it is that at the start of the time step.

    Parameters
    ----------
    conductance : Quantity, shape (n_samples,) or (n_channels, n_samples)
        Conductance of each sample.
    interval : Quantity
        Time from one sample to the next; need not be the time step of the run.
    E : Quantity
        Reversal potential.
    scale : Quantity
        What the conductance is multiplied by (a plain number).
    onset : Quantity
        When the first sample begins.
    channel : Quantity
        Which waveform to play (a plain number).

    References
    ----------
    Sharp, O'Neil, Abbott and Marder (1993), J Neurophysiol 69:992. Robinson and Kawai (1993), J
    Neurosci Methods 49:157.

    Examples
    --------
    >>> from brian2 import ms, mV, nS
    >>> from neurosim import LIF, simulate
    >>> clamp = DynamicClamp([0, 4, 8] * nS, interval=100 * ms, E=0 * mV)
    >>> run = simulate(LIF(), 300 * ms, stimulus=clamp)
    >>> [int(run.counts(k * 100 * ms, (k + 1) * 100 * ms)[0]) for k in range(3)]
    [0, 4, 11]
    """

    conductance: Quantity = quantity(np.zeros(1) * nS, "conductance of each sample", many=2)
    interval: Quantity = quantity(
        0.1 * ms, "time between samples", above=0 * ms, instead_of_course=_SAMPLES
    )
    E: Quantity = quantity(0 * mV, "reversal potential")
    scale: Quantity = quantity(Quantity(1.0), "factor on the conductance")
    onset: Quantity = quantity(
        0 * ms, "when the first sample begins", at_least=0 * ms, instead_of_course=_SAMPLES
    )
    channel: Quantity = quantity(
        Quantity(0), "waveform to play", at_least=0, instead_of_course=_SAMPLES
    )
    label = "dynamic_clamp"
    follows_potential = True

    @property
    def channels(self) -> int:
        """Number of waveforms."""
        return len(np.atleast_2d(np.asarray(self.conductance)))

    def check(self) -> None:
        """Check that there is a waveform of that number."""
        number = float(self.channel)
        if number not in range(self.channels):
            raise ParameterError(
                f"DynamicClamp: channel must be a whole number from 0 to {self.channels - 1}, one "
                f"of the {self.channels} waveforms; got {number:g}"
            )

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        unit: Quantity,
        interval: Quantity | None = None,
        time_unit: Quantity = 1 * ms,
        **others: Any,
    ) -> Self:
        """Read the conductance from a file.

        Parameters
        ----------
        path : str or path-like
            A NumPy file (``.npy``) of shape (n_samples,) or (n_channels, n_samples), or a text file
            with a sample a line and a waveform a column, separated by commas or white space; lines
            that begin with ``#`` are left out.
        unit : Quantity
            Unit of the numbers, such as ``nS``.
        interval : Quantity, optional
            Time between samples. A text file without it must have the time in its first column.
        time_unit : Quantity
            Unit of that column.
        **others
            Other fields.

        Raises
        ------
        ParameterError
            The file cannot be read as numbers, or its times are not evenly spaced.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from brian2 import nS
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "ampa.txt")
        ...     _ = file.write_text("# ms, nS\\n0, 0\\n0.1, 2\\n0.2, 1\\n")
        ...     clamp = DynamicClamp.from_file(file, unit=nS)
        >>> clamp.conductance, clamp.interval
        (array([0., 2., 1.]) * nsiemens, 100. * usecond)
        """
        factor = check_quantity(unit, 1 * nS, "DynamicClamp.from_file: unit", above=0 * nS)
        columns = _columns(Path(path))
        if interval is None:
            if Path(path).suffix == ".npy" or len(columns) < 2:
                raise ParameterError(
                    f"DynamicClamp.from_file: {path} has no column of times; give interval="
                )
            seconds = check_quantity(time_unit, 1 * ms, "DynamicClamp.from_file: time_unit")
            interval = _interval(columns[0], path) * seconds
            columns = columns[1:]
        samples = columns[0] if len(columns) == 1 else columns
        return cls(conductance=samples * factor, interval=interval, **others)

    def values(self) -> dict[str, Quantity]:
        return {
            name: getattr(self, name) for name in self.quantity_fields() if name != "conductance"
        }

    def waveforms(self) -> list[np.ndarray]:
        return list(np.atleast_2d(np.asarray(self.conductance, dtype=float)))

    def drive(self, prefix: str, stream: int) -> Drive:
        units = self._units(prefix, *self.values()) | {f"{prefix}first_channel": "1"}
        current = f"{self.sampled_conductance(prefix)}*({prefix}E - v)"
        return Drive(current, units, integers=(f"{prefix}first_channel",))

    def sampled_conductance(self, prefix: str) -> str:
        """Return the conductance at a time, in Brian2's language."""
        position = f"(t - {prefix}onset)/{prefix}interval"
        channel = f"int({prefix}channel + 0.5) + {prefix}first_channel"
        return f"{prefix}scale*waveform({channel}, {position})*siemens"

    def __repr__(self) -> str:
        shape = np.shape(self.conductance)
        return (
            f"DynamicClamp({shape} samples every {self.interval}, E={self.E}, scale={self.scale})"
        )


def _columns(path: Path) -> np.ndarray:
    """Return the waveforms of a file, shape (n_channels, n_samples)."""
    try:
        if path.suffix == ".npy":
            return np.atleast_2d(np.asarray(np.load(path, allow_pickle=False), dtype=float))
        lines = path.read_text(encoding="utf-8").replace(",", " ").splitlines()
        rows = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        table = np.loadtxt(rows, ndmin=2) if rows else np.zeros((0, 0))
    except (OSError, ValueError) as error:
        raise ParameterError(
            f"DynamicClamp.from_file: {path} cannot be read as a table of numbers: {error}"
        ) from None
    if table.size == 0:
        raise ParameterError(f"DynamicClamp.from_file: {path} holds no samples")
    return table.T


def _interval(times: np.ndarray, path: str | os.PathLike[str]) -> float:
    steps = np.diff(times)
    if len(steps) == 0 or not steps[0] > 0 or np.ptp(steps) > 1e-4 * steps[0]:
        raise ParameterError(
            f"DynamicClamp.from_file: the first column of {path} must be times that rise evenly; "
            "give interval= if there is no such column"
        )
    return float((times[-1] - times[0]) / len(steps))
