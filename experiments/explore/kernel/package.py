"""A neuron that a page can run: its program as WebAssembly, the inputs of its run, its sliders.

What a page needs to know of the neuron stands here as plain values, from the description itself:
`kernel.js` reads the package and holds no number of a neuron.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions

from experiments.explore.kernel.changed_together import (
    FACTOR,
    places_together,
    values_together,
)
from experiments.explore.kernel.composing import Asked, Composed, manifest_of, program
from experiments.explore.kernel.rows_apart import NotApartError, row_apart
from experiments.explore.kernel.slider_places import (
    QUOTIENTS,
    NotAffineError,
    Place,
    find_places,
    follow,
)
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.engine.programs.wasm import wasm_compiler
from neurosim.errors import NeurosimError, ParameterError
from neurosim.quantities import unit_name
from neurosim.randomness import row_keys
from neurosim.run.batch import full_name
from neurosim.run.state import State
from neurosim.stimuli import Stimulus
from neurosim.synapses.base import Receptor

__all__ = ["KernelPackage", "Parameter", "kernel_of", "kernel_script", "reach"]

# How often a range that the description refuses is halved towards the default.
_HALVINGS = 6


@dataclass(frozen=True)
class Parameter:
    """A number that a page can change.

    Attributes
    ----------
    name : str
        Full name, as `simulate` knows it in a batch.
    unit : str
        Name of its SI unit.
    default, low, high : float
        In SI units.
    meaning : str
        What it is, from the description.
    places : tuple of Place
        Where it stands in the files of the run.
    """

    name: str
    unit: str
    default: float
    low: float
    high: float
    meaning: str
    places: tuple[Place, ...] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return what `kernel.js` reads."""
        told = {name: getattr(self, name) for name in ("name", "unit", "default", "low", "high")}
        return told | {"meaning": self.meaning, "places": [p.to_json() for p in self.places]}


@dataclass(frozen=True)
class KernelPackage:
    """What a page needs to run a neuron.

    Attributes
    ----------
    wasm : bytes
        The program.
    inputs : dict of str to bytes
        The files that the default run reads.
    parameters : tuple of Parameter
        What can change; the first is the duration.
    left_out : dict of str to str
        Parameters of the description that cannot, and why.
    layout : dict
        What else `kernel.js` reads, as plain values.
    """

    wasm: bytes = field(repr=False)
    inputs: dict[str, bytes] = field(repr=False)
    parameters: tuple[Parameter, ...]
    left_out: dict[str, str]
    layout: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return all but the program as plain values, the files as base64."""
        files = {name: base64.b64encode(data).decode() for name, data in self.inputs.items()}
        told = [parameter.to_json() for parameter in self.parameters]
        return {"inputs": files, "parameters": told, "left_out": self.left_out, **self.layout}


def kernel_script() -> str:
    """Return the script that runs packages."""
    return (Path(__file__).parent / "kernel.js").read_text(encoding="utf-8")


def kernel_of(
    neuron: PointNeuron | Neuron,
    duration: Quantity,
    stimulus: Stimulus | None = None,
    *,
    initial: State | None = None,
    dt: Quantity | None = None,
    record: tuple[str, ...] = ("v",),
    record_dt: Quantity | None = None,
    seed: int = 0,
    ranges: Mapping[str, tuple[Quantity, Quantity]] | None = None,
    only: Collection[str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> KernelPackage:
    """Compile a neuron for a page.

    Parameters
    ----------
    neuron, duration, stimulus, dt, record, record_dt, seed
        As of `neurosim.simulate`. The stimulus says what the page can inject: give it noise of any
        intensity, also 0, for a page that can add noise.
    initial : State, optional
        Where the run starts, such as ``settle(neuron, 200*ms)``. Without it a run starts at rest,
        and a parameter that moves the rest of a gate is left out.
    ranges : mapping of str to (Quantity, Quantity), optional
        Lowest and highest value of parameters by name; by default half of the value to twice it,
        and 20 mV on either side of a potential, which keeps its sign (`reach`).
    only : collection of str, optional
        Full names of the parameters that the page moves, which takes less time than all of them.
        Those of which the description says an order are told besides.
    progress : callable, optional
        Given the share of the parameters that have been looked for.

    Raises
    ------
    EngineError
        The package ``ziglang`` is not installed, or the compiler failed.
    ParameterError
        The neuron cannot run in a page.

    Examples
    --------
    >>> from brian2 import pA, second
    >>> from neurosim import LIF, Constant
    >>> package = kernel_of(LIF(), 1 * second, Constant(200 * pA))  # doctest: +SKIP
    >>> [parameter.name for parameter in package.parameters]  # doctest: +SKIP
    ['duration', 'E_L', 'V_th', 'V_reset', 'tau_m', 'R_m', 't_ref', 'constant.current']
    """
    compiler = wasm_compiler()
    asked = Asked(neuron, stimulus, duration, initial, dt, tuple(record), record_dt, seed)
    maker = _Maker(asked, ranges or {}, asked.composed({}, manifest_of(compiler), seed))
    parameters, left_out = maker.parameters(only, progress)
    wasm = (program(maker.first.model, compiler) / "main").read_bytes()
    return KernelPackage(wasm, maker.first.files, parameters, left_out, maker.layout())


def _between(default: float, low: float, high: float) -> list[float]:
    """Return the values that are tried of a parameter.

    The ends often differ from the default by a power of two, which rounds alike: two values between
    them tell factors apart that differ in their last digit.
    """
    tried = [default, low, high, *(low + share * (high - low) for share in (0.37, 0.79))]
    return [x for k, x in enumerate(tried) if x not in tried[:k]]


def reach(name: str, default: float, unit: str) -> tuple[float, float]:
    """Return between which values a slider moves if nothing else is said.

    Parameters
    ----------
    name : str
        Full name of the parameter.
    default : float
        In SI units.
    unit : str
        Name of its SI unit.

    Examples
    --------
    >>> [round(end, 4) for end in reach("E_L", -0.07, "volt")]
    [-0.09, -0.05]

    A potential near 0 may be a slope, by which a description divides: it keeps its sign.

    >>> [round(end, 4) for end in reach("Delta_T", 0.002, "volt")]
    [0.001, 0.022]
    """
    if name.endswith(".shift"):
        return default - 0.01, default + 0.01
    half, twice = sorted((default / 2, default * 2))
    if unit != "volt":
        return half, twice
    low, high = default - 0.02, default + 0.02
    if 0 < default < 0.02:
        low = half
    elif -0.02 < default < 0:
        high = twice
    return low, high


class _Maker:
    def __init__(
        self, asked: Asked, ranges: Mapping[str, tuple[Quantity, Quantity]], first: Composed
    ) -> None:
        self.asked, self.first = asked, first
        self.places = asked.places()
        self.ranges = {full_name(name, self.places, "ranges"): r for name, r in ranges.items()}
        self.manifest = manifest_of(wasm_compiler())
        # Of the last parameter that was changed, by its value: the files of the run.
        self.made_of, self.made = "", dict[float, dict[str, bytes]]()
        # What stands for several values of a cell is no parameter of a batch.
        neuron = asked.neuron
        self.together = places_together(neuron).new if isinstance(neuron, Neuron) else {}

    def composed(self, changes: Mapping[str, Quantity], seed: int | None = None) -> Composed:
        """Return the run with changes; one that needs another program is refused."""
        given = self.asked.seed if seed is None else seed
        made = self.asked.composed(changes, self.manifest, given)
        if made.model != self.first.model:
            raise NotAffineError("it changes the program itself")
        return made

    def parameters(
        self, only: Collection[str] | None, progress: Callable[[float], None] | None
    ) -> tuple[tuple[Parameter, ...], dict[str, str]]:
        """Return what a page can change, and why it cannot change the rest."""
        found, left_out = [self._duration()], {}
        ordered = {name for low, high, _ in self._orders() for name in (low, high)}
        wanted = [n for n in self.places if only is None or n in {*only, *ordered}]
        for done, name in enumerate(wanted, 1):
            try:
                found.append(self._parameter(name))
            except NeurosimError as error:
                left_out[name] = str(error)
            if progress is not None:
                progress(done / len(wanted))
        return tuple(found), left_out

    def _duration(self) -> Parameter:
        settings = self.asked.settings
        if self.asked.point:
            place = Place("settings", (3,), (1.0,))
        else:
            place = Place("program", (1,), (1.0 / settings.dt,), whole=True)
        value = settings.duration
        return Parameter("duration", "second", value, settings.dt, 10 * value, "how long", (place,))

    def _parameter(self, name: str) -> Parameter:
        value, told = self.places[name]
        default, low, high = self._range(name, float(value))
        tried = _between(default, low, high)
        runs = self._runs(name, tried)
        if runs[0] != self.first.files:
            raise NotAffineError("the description has other values than this one in some places")
        more = [low + share * (high - low) for share in np.linspace(0.03, 0.97, 16)]
        if any(file.endswith(QUOTIENTS) and runs[0][file] != runs[1][file] for file in runs[0]):
            tried += more
            runs += self._runs(name, more)
        places = find_places(tried, runs, self.first.rows)
        known = self._known(name)
        if known and not follow(places, tried, runs):
            if len(tried) < len(more):
                tried += more
                runs += self._runs(name, more)
            places = find_places(tried, runs, self.first.rows, known)
        return Parameter(name, unit_name(told.metadata["unit"]), default, low, high,
                         told.metadata["doc"], places)  # fmt: skip

    def _known(self, name: str) -> tuple[float, ...]:
        """Return what a parameter may be multiplied by before the engine multiplies it again."""
        neuron = self.asked.neuron
        if not isinstance(neuron, Neuron) or name not in self.together:
            return ()
        return values_together(neuron, name) if name.endswith(FACTOR) else ()

    def _runs(self, name: str, numbers: Sequence[float]) -> list[dict[str, bytes]]:
        """Return what a run reads for each value of a parameter."""
        self._at_once(name, numbers)
        return [self._files(name, number) for number in numbers]

    def _files(self, name: str, number: float) -> dict[str, bytes]:
        self._forget_others(name)
        if name in self.together and number == float(self.places[name][0]):
            # A factor of 1, or a shift of 0.
            return self.first.files
        if number not in self.made:
            self.made[number] = self.composed({name: self._quantity(name, number)}).files
        return self.made[number]

    def _at_once(self, name: str, numbers: Sequence[float]) -> None:
        """Compose a cell with several values of a parameter in one batch, where that is the same.

        Nearly all of the time goes into composing, whatever the number of cells. Two cells of the
        batch are compared with what is read when there is one cell: the description itself, and
        one with the last value. Where a byte differs, or a value is refused, nothing is kept, and
        each value is composed by itself.
        """
        self._forget_others(name)
        missing = [number for number in numbers if number not in self.made]
        if self.asked.point or name in self.together or len(missing) < 3:
            return
        row = [float(self.places[name][0]), *missing]
        changes = {name: self._quantity(name, row)}
        try:
            last = self._files(name, missing[-1])
        except ParameterError:
            return
        try:
            batch = self.asked.composed(changes, self.manifest, self.asked.seed).files
            apart = [row_apart(batch, last, k, len(row)) for k in range(len(row))]
        except (NeurosimError, NotApartError):
            return
        if apart[0] == self.first.files and apart[-1] == last:
            self.made |= dict(zip(row, apart, strict=True))

    def _forget_others(self, name: str) -> None:
        if name != self.made_of:
            self.made_of, self.made = name, {}

    def _quantity(self, name: str, numbers: float | Sequence[float]) -> Quantity:
        return Quantity(numbers, dim=get_dimensions(self.places[name][0]))

    def _range(self, name: str, default: float) -> tuple[float, float, float]:
        """Return default, lowest and highest value; the description takes all of them."""
        _, told = self.places[name]
        if name in self.ranges:
            low, high = (float(end) for end in self.ranges[name])
            if not low < high:
                raise ParameterError(f"ranges: {name} must rise from its first value to its second")
            return default, low, high
        if default == 0 and unit_name(told.metadata["unit"]) != "volt":
            raise ParameterError(
                "its value is 0, from which no range follows; `ranges` of export_page takes one"
            )
        low, high = reach(name, default, unit_name(told.metadata["unit"]))
        self._at_once(name, _between(default, low, high))
        return default, self._taken(name, default, low), self._taken(name, default, high)

    def _taken(self, name: str, default: float, end: float) -> float:
        """Return the end of a range, closer to the default where the description refuses it."""
        for _ in range(_HALVINGS):
            try:
                self._files(name, end)
            except ParameterError:
                end = default + (end - default) / 2
            else:
                return end
        return default

    def layout(self) -> dict[str, Any]:
        """Return what `kernel.js` reads beside the parameters."""
        settings = self.asked.settings
        told: dict[str, Any] = {
            "kind": "point" if self.asked.point else "cable",
            "name": type(self.asked.neuron).__name__,
            "traces": list(self.first.traces),
            "units": self.first.units,
            "dt_s": settings.dt,
            "stride": max(1, round(settings.record_dt / settings.dt)),
            "keys": self._keys(),
            "orders": [list(order) for order in self._orders()],
        }
        if self.asked.point:
            told["rows"] = {"files": list(self.first.rows)}
        else:
            told["receptors"] = self._receptors()
        return told

    def _orders(self) -> tuple[tuple[str, str, str], ...]:
        """Return which parameters must lie below which, and why."""
        return tuple(getattr(self.asked.neuron, "ordered", ()))

    def _receptors(self) -> dict[str, Any]:
        """Return by label where the events of receptors stand, and how many sites there are.

        Receptors that share no states take other events than releases, and are left out.
        """
        neuron = self.asked.neuron
        assert isinstance(neuron, Neuron)
        found = {}
        for placed in neuron.placed:
            if isinstance(placed.part, Receptor) and placed.part.lumps:
                sites = np.unique(placed.site.compartments(neuron.compartments))
                told = {"events": f"0/point_{placed.label}.events", "sites": len(sites)}
                if f"{told['events']}.step" in self.first.files:
                    found[placed.label] = told
        return found

    def _keys(self) -> list[dict[str, Any]]:
        """Return where the keys of random numbers stand, and of which units they are."""
        found = []
        for low in (name for name in self.first.files if name.split(".")[-1] == "key_low"):
            high = f"{low[: -len('low')]}high"
            kind = "int32" if self.asked.point else "float64"
            here = np.frombuffer(self.first.files[low], dtype=kind)
            placed = len(getattr(self.asked.neuron, "placed", ()))
            for first in [0, *((1 + k) << 32 for k in range(placed))]:
                units = first + np.arange(len(here))
                seeds = np.full(len(here), self.asked.seed)
                if np.array_equal(here, row_keys(seeds, units)[0]):
                    told = [str(unit) for unit in units]
                    found.append({"low": low, "high": high, "type": kind, "units": told})
                    break
            else:
                raise ParameterError(f"the random numbers of {low} cannot be told in a page")
        return found
