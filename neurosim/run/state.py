"""What a run leaves at its end, as a value from which another run goes on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.units import Quantity, second
from brian2.units.fundamentalunits import get_or_create_dimension

from neurosim.atomic_write import whole_path
from neurosim.errors import ParameterError, UnknownNameError, suggest

__all__ = ["State", "digest"]

_HEADER = "header"
_FORMAT = 1


def digest(*arrays: Any) -> str:
    """Return a name made from the content of arrays or texts.

    Examples
    --------
    >>> digest("dv/dt") == digest("dv/dt"), len(digest(np.zeros(3)))
    (True, 16)
    """
    found = hashlib.sha256()
    for array in arrays:
        if isinstance(array, str):
            found.update(array.encode())
        else:
            values = np.ascontiguousarray(array)
            found.update(f"{values.dtype.str} {values.shape} ".encode() + values.tobytes())
    return found.hexdigest()[:16]


@dataclass(frozen=True, eq=False, repr=False)
class State:
    """The state of a batch at the end of a run: ``simulate(..., initial=recording.state)`` goes on.

    It holds the membrane potential, every gate, concentration and conductance, the refractory
    periods, spikes that are still on their way, and the clock. A run that starts from it goes on
    at the time where the other one ended: stimuli, events and random numbers are those of that
    time. So two runs of one second are, bit for bit, one run of two seconds.

    Attributes
    ----------
    of : str
        Kind of neuron it is the state of, such as ``"LIF"`` or ``"Neuron"``.
    step : int
        Number of time steps since time 0.
    dt_s : float
        Time step, in second.
    rows : int
        Neurons of the batch.
    seeds : ndarray of int
        Seed of each row.
    arrays : mapping of str to ndarray
        Values in SI units by name; the rows of the batch are the last axis. In a neuron with extent
        the first axis holds compartments (nan where a part is not painted) or points.
    units : int
        Rows that belong together (units of one network).
    fits : mapping of str to str
        What a description must agree in, by name.
    loose : tuple of str
        Names that a run need not have: what a stimulus remembers.
    dimensions : mapping of str to tuple of float
        Powers of the seven base units of each array.
    parts : mapping of str to State
        Of a circuit, the states of its populations.
    scheme : str
        Of a neuron with extent, how the potential advanced.

    Examples
    --------
    >>> from brian2 import ms, pA
    >>> from neurosim import LIF, Constant, simulate
    >>> drive = Constant(200 * pA)
    >>> whole = simulate(LIF(), 200 * ms, stimulus=drive)
    >>> half = simulate(LIF(), 100 * ms, stimulus=drive)
    >>> rest = simulate(LIF(), 100 * ms, stimulus=drive, initial=half.state)
    >>> half.state
    State(LIF, 1 row, at 100. ms)
    >>> bool(rest.final_si["v"] == whole.final_si["v"])
    True
    """

    of: str
    step: int
    dt_s: float
    rows: int
    seeds: np.ndarray
    arrays: Mapping[str, np.ndarray]
    units: int = 1
    fits: Mapping[str, str] = field(default_factory=dict)
    loose: tuple[str, ...] = ()
    dimensions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    parts: Mapping[str, State] = field(default_factory=dict)
    scheme: str = ""

    @property
    def time(self) -> Quantity:
        """When the run ended, which is when the next one starts."""
        return self.step * self.dt_s * second

    @property
    def seed(self) -> int | np.ndarray:
        """Seed of a run that goes on: one, or one a row (with a wiring, a network)."""
        seeds = self.seeds[:: self.units]
        return int(seeds[0]) if len(seeds) == 1 or np.all(seeds == seeds[0]) else seeds

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what it holds; ``state[name]`` gives the values."""
        return tuple(sorted(self.arrays))

    def __getitem__(self, name: str) -> Quantity:
        if name not in self.arrays:
            raise UnknownNameError(f"the state has no {name!r}: {suggest(name, self.arrays)}")
        powers = self.dimensions.get(name, (0.0,) * 7)
        return Quantity(self.arrays[name], dim=get_or_create_dimension(powers))

    def restarted(self) -> State:
        """Return the same state at time 0, so that stimuli and random numbers begin anew.

        Examples
        --------
        >>> from brian2 import ms
        >>> from neurosim import LIF, simulate
        >>> simulate(LIF(), 50 * ms).state.restarted().step
        0
        """
        arrays = {name: self._earlier(name, values) for name, values in self.arrays.items()}
        parts = {name: part.restarted() for name, part in self.parts.items()}
        return dataclasses.replace(self, step=0, arrays=arrays, parts=parts)

    def _earlier(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return an array as it is when the clock is set back to 0."""
        if name == "flight.step":
            return values - self.step
        # What terminals remember is the circuit's own; a channel may call a state as it likes.
        remembered = self.of == "Circuit" and name.endswith(_TIMES)
        if name == "lastspike" or name.startswith("last_spike.") or remembered:
            return np.asarray(values - self.step * self.dt_s)
        return values

    def row(self, row: int) -> State:
        """Return the state of one row (with a wiring, of one network), for a batch to share.

        Raises
        ------
        ParameterError
            There is no such row, or it is the state of a circuit.
        """
        count = self.rows // self.units
        if self.parts or not -count <= row < count:
            raise ParameterError(
                "row: the cells of a circuit cannot be taken apart"
                if self.parts
                else f"row: there is no row {row}: rows are 0 to {count - 1}"
            )
        first = row % count * self.units
        last = first + self.units
        arrays = {
            name: values[..., first:last]
            for name, values in self.arrays.items()
            if not name.startswith("flight.")
        }
        if "flight.row" in self.arrays:
            fired = self.arrays["flight.row"]
            here = (fired >= first) & (fired < last)
            arrays["flight.row"] = fired[here] - first
            arrays["flight.step"] = self.arrays["flight.step"][here]
        return dataclasses.replace(
            self, rows=self.units, seeds=self.seeds[first:last], arrays=arrays
        )

    # ---- files ----------------------------------------------------------------------------------
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to a file (NumPy's .npz), whole or not at all, with a checksum.

        Raises
        ------
        OutputError
            The file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from brian2 import ms
        >>> from neurosim import LIF, simulate
        >>> file = tempfile.mkdtemp() + "/rest.npz"
        >>> simulate(LIF(), 50 * ms).state.save(file)
        >>> State.load(file)
        State(LIF, 1 row, at 50. ms)
        """
        header, arrays = self._packed("")
        told = json.dumps({"format": _FORMAT, **header})
        told = json.dumps({"state": told, "sha256": _checksum(told, arrays)})
        with whole_path(path) as part, part.open("wb") as stream:
            held: dict[str, Any] = {_HEADER: np.array(told), **arrays}
            np.savez(stream, **held)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> State:
        """Read a state that `save` wrote.

        Raises
        ------
        ParameterError
            The file is none, or is not as it was written.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = dict(archive)
            told = json.loads(str(arrays.pop(_HEADER)))
            header = json.loads(told["state"])
            sound = told["sha256"] == _checksum(told["state"], arrays)
        except FileNotFoundError:
            raise ParameterError(f"there is no file {os.fspath(path)}") from None
        except Exception as error:  # Damage in a zip file surfaces as almost any error.
            raise ParameterError(
                f"{os.fspath(path)} holds no state, or is damaged ({error}); write it again with "
                "recording.state.save(path)"
            ) from None
        if not sound or header.pop("format", None) != _FORMAT:
            raise ParameterError(
                f"{os.fspath(path)} is not as it was written (its checksum differs); write it "
                "again with recording.state.save(path)"
            )
        return cls._unpacked(header, arrays, "")

    def _packed(self, head: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return what is no array, and all arrays by names that are unique over the parts."""
        plain = {
            "of": self.of,
            "step": self.step,
            "dt_s": self.dt_s,
            "rows": self.rows,
            "units": self.units,
            "scheme": self.scheme,
            "fits": dict(self.fits),
            "loose": list(self.loose),
            "dimensions": {name: list(powers) for name, powers in self.dimensions.items()},
            "parts": {},
        }
        arrays = {f"{head}/{name}": np.asarray(values) for name, values in self.arrays.items()}
        arrays[f"{head}//seeds"] = self.seeds
        for k, (name, part) in enumerate(self.parts.items()):
            plain["parts"][name], more = part._packed(f"{head}{k}.")  # type: ignore[index]
            arrays |= more
        return plain, arrays

    @classmethod
    def _unpacked(cls, plain: dict[str, Any], arrays: dict[str, np.ndarray], head: str) -> State:
        parts = {
            name: cls._unpacked(part, arrays, f"{head}{k}.")
            for k, (name, part) in enumerate(plain.pop("parts").items())
        }
        own = f"{head}/"
        found = {n.removeprefix(own): v for n, v in arrays.items() if n.startswith(own)}
        dimensions = {name: tuple(powers) for name, powers in plain.pop("dimensions").items()}
        loose = tuple(plain.pop("loose"))
        seeds = found.pop("/seeds")
        return cls(
            **plain, arrays=found, seeds=seeds, dimensions=dimensions, loose=loose, parts=parts
        )

    @property
    def sha256(self) -> str:
        """What two states share only if they agree in everything."""
        header, arrays = self._packed("")
        return _checksum(json.dumps(header), arrays)

    def __repr__(self) -> str:
        many = "".join(f", {name}: {part.rows}" for name, part in self.parts.items())
        size = many or f", {self.rows} row{'s'[: self.rows != 1]}"
        return f"State({self.of}{size}, at {self.time})"


# Ends of the names of arrays that hold times.
_TIMES = (".last", ".times_s")


def _checksum(header: str, arrays: Mapping[str, np.ndarray]) -> str:
    found = hashlib.sha256(header.encode())
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {values.dtype.str} {values.shape} ".encode() + values.tobytes())
    return found.hexdigest()
