"""A neuron in the page beside the same neuron in Python, for parameters drawn at random."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, ms, pA

from experiments.explore.kernel.changed_together import changed_together, places_together
from experiments.explore.kernel.composing import Asked
from experiments.explore.kernel.package import KernelPackage, kernel_of
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import NeurosimError
from neurosim.ions.ion import Ion
from neurosim.morphology import root_site
from neurosim.run.batch import Places
from neurosim.run.neuron_run import NeuronRecording
from neurosim.run.recording import Recording
from neurosim.run.simulate import settle, simulate
from neurosim.run.state import State
from neurosim.stimuli import Constant, Stimulus, WhiteNoise

__all__ = ["Agreement", "Request", "agreement", "driver"]

# What the script does with each request; its answers are those that `agreement` compares.
_ANSWER = """
async function answers(wasm, pkg, requests) {
    const kernel = await Kernel.load(wasm);
    const base64 = (values) => {
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        let text = "";
        for (let k = 0; k < bytes.length; k += 32768)
            text += String.fromCharCode(...bytes.subarray(k, k + 32768));
        return btoa(text);
    };
    return requests.map((request) => {
        const files = Kernel.inputs(pkg);
        for (const name of Object.keys(request.values))
            Kernel.set(files, pkg, name, request.values[name]);
        Kernel.seed(files, pkg, request.seed);
        const begun = performance.now();
        const found = Kernel.read(kernel.run(files), pkg);
        const took = performance.now() - begun;
        const traces = pkg.traces.map((name) => base64(found.traces[name][0]));
        const detectors = found.spikes.map((spike) => spike.detector);
        const times = Float64Array.from(found.spikes, (spike) => spike.time);
        return { took, traces, detectors, times: base64(times) };
    });
}
"""


def driver(script: str) -> str:
    """Return a script that knows ``answers(wasm, pkg, requests)`` beside `Kernel`."""
    return f"{script}\n{_ANSWER}"


@dataclass(frozen=True)
class Request:
    """One set of parameters.

    Attributes
    ----------
    values : dict of str to float
        In SI units, by the names of the package.
    seed : int
        Seed of the noise.
    """

    values: dict[str, float]
    seed: int

    def moved(self, name: str, way: float) -> Request:
        """Return the set with the next number towards `way` in place of one of its values."""
        return Request(self.values | {name: float(np.nextafter(self.values[name], way))}, self.seed)


@dataclass(frozen=True)
class Agreement:
    """How a neuron in the page and in Python differ.

    Attributes
    ----------
    sets, spikes : int
        How many sets of parameters were compared, and how many spikes they had.
    counts_equal : bool
        Whether every set had as many spikes at every detector.
    most_s, most_V : float
        Largest difference of a spike time (second) and of a potential (volt) from Python's own
        arithmetic.
    most_mM : float or None
        Largest difference of a concentration inside; None where no ion moves.
    own_V : float or None
        Largest difference of a potential (volt) in Python's own arithmetic when the last digit of
        the injected current is changed, up or down; None where that was not asked for.
    same_bits : bool
        Whether nothing differs at all from Python's portable arithmetic.
    wasm_bytes : int
        Size of the program.
    refused : int
        Sets that the description refused, in whose place others were drawn.
    """

    sets: int
    spikes: int
    counts_equal: bool
    most_s: float
    most_V: float
    most_mM: float | None
    own_V: float | None
    same_bits: bool
    wasm_bytes: int
    refused: int


Runner = Callable[[KernelPackage, Sequence[Request]], list[dict[str, Any]]]


def agreement(
    neuron: PointNeuron | Neuron,
    duration: Quantity,
    current: Quantity,
    run: Runner,
    *,
    sets: int = 20,
    seed: int = 1,
    last_digit: bool = False,
) -> Agreement:
    """Compare a neuron in the page with Python.

    Every parameter of the package is drawn from its range. Half of the sets have white noise.

    Parameters
    ----------
    neuron : PointNeuron or Neuron
    duration : Quantity
        Of each run.
    current : Quantity
        Twice this is the largest current that is drawn.
    run : callable
        Runs the script; gives one answer a request.
    sets : int
        How many sets of parameters.
    seed : int
        Seed of the draws.
    last_digit : bool
        Whether to run each set in Python twice more, with the last digit of the current changed:
        what no other arithmetic can be expected to be nearer than.
    """
    noise = float(current) * float(2 * ms) ** 0.5
    intensity = WhiteNoise().intensity
    stimulus = Constant(current) + WhiteNoise(Quantity(noise, dim=get_dimensions(intensity)))
    head = "" if isinstance(neuron, PointNeuron) else "stimulus."
    zero = Quantity(0.0, dim=get_dimensions(intensity))
    ranges = {
        f"{head}constant.current": (0 * pA, 2 * current),
        f"{head}white_noise.intensity": (zero, Quantity(noise, dim=get_dimensions(intensity))),
    }
    start = settle(neuron, 200 * ms)
    record = ("v", *_concentrations(neuron))
    package = kernel_of(neuron, duration, stimulus, initial=start, ranges=ranges, record=record)
    places = Asked(neuron, stimulus, duration, start, None, record, None, 0).places()
    case = _Case(neuron, duration, stimulus, start, package, places, record)
    requests, own, refused = case.draw(sets, seed, f"{head}white_noise.intensity")
    answers = run(package, requests)
    with _arithmetic("portable"):
        portable = [case.simulated(request) for request in requests]
    found = [_Trains.answered(answer, package) for answer in answers]
    beside = [_Trains.recorded(recording, package) for recording in own]
    exact = [_Trains.recorded(recording, package) for recording in portable]
    equal = all(a.as_many(b) for a, b in zip(found, beside, strict=True))
    own_V = None
    traces = package.layout["traces"]
    moving = [k for k, name in enumerate(traces) if name in record[1:]]
    volts = [k for k in range(len(traces)) if k not in moving]
    apart = [a.apart(b) for a, b in zip(found, beside, strict=True)]
    if last_digit:
        moved = [
            _Trains.recorded(case.simulated(request.moved(f"{head}constant.current", way)), package)
            .apart(one)[1][volts]
            for request, one in zip(requests, beside, strict=True)
            for way in (-np.inf, np.inf)
        ]  # fmt: skip
        own_V = float(np.max(moved))
    return Agreement(
        sets=sets,
        spikes=sum(len(one.times) for one in found),
        counts_equal=equal,
        most_s=max(times for times, _ in apart),
        most_V=max(float(by_trace[volts].max()) for _, by_trace in apart),
        # A mole in a cubic metre is 1 mM.
        most_mM=max(float(one[moving].max()) for _, one in apart) if moving else None,
        own_V=own_V,
        same_bits=all(a.same(b) for a, b in zip(found, exact, strict=True)),
        wasm_bytes=len(package.wasm),
        refused=refused,
    )


@dataclass(frozen=True)
class _Trains:
    """Spikes sorted by time and then detector, and the traces of the package."""

    detectors: np.ndarray
    times: np.ndarray
    traces: np.ndarray

    @classmethod
    def answered(cls, answer: Mapping[str, Any], package: KernelPackage) -> _Trains:
        times = np.frombuffer(base64.b64decode(answer["times"]))
        traces = [np.frombuffer(base64.b64decode(one)) for one in answer["traces"]]
        return cls._sorted(np.array(answer["detectors"], dtype=int), times, np.array(traces))

    @classmethod
    def recorded(cls, recording: Recording, package: KernelPackage) -> _Trains:
        trains = [recording.spike_time_s]
        if isinstance(recording, NeuronRecording):
            trains = [times for _, times in recording.detectors.values()]
        detectors = np.repeat(np.arange(len(trains)), [len(train) for train in trains])
        names = package.layout["traces"]
        traces = np.array([recording.traces_si[name][0] for name in names])
        return cls._sorted(detectors, np.concatenate(trains), traces)

    @classmethod
    def _sorted(cls, detectors: np.ndarray, times: np.ndarray, traces: np.ndarray) -> _Trains:
        order = np.lexsort((times, detectors))
        return cls(detectors[order], times[order], traces)

    def as_many(self, other: _Trains) -> bool:
        return np.array_equal(self.detectors, other.detectors)

    def apart(self, other: _Trains) -> tuple[float, np.ndarray]:
        """Return the largest difference of a time, and of each trace."""
        times = np.inf
        if self.as_many(other):
            times = float(np.max(np.abs(self.times - other.times), initial=0.0))
        return times, np.max(np.abs(self.traces - other.traces), axis=1)

    def same(self, other: _Trains) -> bool:
        return (
            self.as_many(other)
            and self.times.tobytes() == other.times.tobytes()
            and self.traces.tobytes() == other.traces.tobytes()
        )


@dataclass(frozen=True)
class _Case:
    neuron: PointNeuron | Neuron
    duration: Quantity
    stimulus: Stimulus
    start: State
    package: KernelPackage
    places: Places
    record: tuple[str, ...]

    def draw(self, sets: int, seed: int, noisy: str) -> tuple[list[Request], list[Recording], int]:
        """Return sets that Python takes, what it finds, and how many sets it refused."""
        random = np.random.default_rng(seed)
        requests: list[Request] = []
        found: list[Recording] = []
        refused = 0
        while len(requests) < sets:
            values = {
                one.name: float(random.uniform(one.low, one.high))
                for one in self.package.parameters
                if one.name != "duration"
            }
            if len(requests) % 2:
                values[noisy] = 0.0
            request = Request(values, int(random.integers(1, 2**40)))
            try:
                found.append(self.simulated(request))
            except NeurosimError:
                refused += 1
                if refused > 20 * sets:
                    raise
            else:
                requests.append(request)
        return requests, found, refused

    def simulated(self, request: Request) -> Recording:
        """Return what Python finds for a set."""
        values = {
            name: Quantity(value, dim=get_dimensions(self.places[name][0]))
            for name, value in request.values.items()
        }
        common: dict[str, Any] = {
            "stimulus": self.stimulus,
            "initial": self.start,
            "seed": request.seed,
            "record": self.record,
        }
        if isinstance(self.neuron, PointNeuron):
            own = {name: value for name, value in values.items() if "." not in name}
            batch = {name: _one(v) for name, v in values.items() if "." in name}
            return simulate(self.neuron.replace(**own), self.duration, batch=batch, **common)
        known = places_together(self.neuron).new
        several = {name: value for name, value in values.items() if name in known}
        batch = {name: _one(v) for name, v in values.items() if name not in several}
        changed = changed_together(self.neuron, several)
        return simulate(changed, self.duration, batch=batch, **common)


def _concentrations(neuron: PointNeuron | Neuron) -> list[str]:
    """Return the concentrations inside that move in the root of a neuron."""
    if isinstance(neuron, PointNeuron):
        return []
    root = root_site.compartments(neuron.compartments)[0]
    parts = [p.part for p in neuron.painted if p.region.mask(neuron.compartments)[root]]
    return [f"{ion.ion}_i" for ion in parts if isinstance(ion, Ion) and ion.inside_moves]


def _one(value: Quantity) -> Quantity:
    return Quantity([float(value)], dim=get_dimensions(value))


@contextmanager
def _arithmetic(name: str) -> Iterator[None]:
    before = os.environ.get("NEUROSIM_ARITHMETIC")
    os.environ["NEUROSIM_ARITHMETIC"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["NEUROSIM_ARITHMETIC"]
        else:
            os.environ["NEUROSIM_ARITHMETIC"] = before
