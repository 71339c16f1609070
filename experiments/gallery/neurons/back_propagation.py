"""A spike that runs back into the dendrite makes a weak input there a calcium spike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from brian2.units import Quantity, cm, ms, mV, nA, ohm, siemens, uF, um
from brian2.units.stdunits import mM
from matplotlib.figure import Figure

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, drawing
from neurosim import Neuron, Steps, simulate
from neurosim.catalogue.pump_cells.layer5_channels import (
    PersistentPotassium,
    PyramidalSodium,
    ShawPotassium,
)
from neurosim.catalogue.pump_cells.layer5_tree import shape
from neurosim.channels import (
    SK,
    AType,
    CalciumL,
    CalciumPool,
    Channel,
    HCurrent,
    Leak,
    MCurrent,
    PersistentSodium,
)
from neurosim.describe.parts import Cable
from neurosim.errors import ParameterError
from neurosim.morphology import (
    Morphology,
    PerBranch,
    Site,
    at,
    branch,
    cylinder,
    distance,
    read_swc,
    tagged,
)
from neurosim.quantities import quantity
from neurosim.run.neuron_run import NeuronRecording
from neurosim.stimuli.base import Drive, Stimulus

__all__ = ["PROGRAM", "INTERVALS_ms", "layer5_cell"]

CLAIM = (
    "In a layer-5 pyramidal cell a spike of the soma alone or a weak current in the dendrite alone "
    "makes no calcium spike; both within 5 ms do, and the soma then fires three spikes, as in the "
    "model of Hay and colleagues (2011). With one cylinder for each branch it is so no longer: a "
    "spike alone makes a calcium spike."
)

_G = siemens / cm**2
# RT/2F at 6.3 °C, at which the program is run; the rates of its channels are those at 34 °C.
_HALF = 12.041 * mV
_OUTSIDE = 2 * mM
# The bound lies far below any calcium of the cell: where the run looks for its start, it asks for
# the current at none.
_DRIVE = "drive = half*log(outside/clip(ca_i, 1e-9*mM, outside)) - v : volt"


@dataclass(frozen=True, eq=False, repr=False)
class HighVoltageCalcium(CalciumL):
    """`CalciumL`, g m² h (E - V), with the potential E of the calcium that is there."""

    half: Quantity = quantity(_HALF, "half of RT/F")
    outside: Quantity = quantity(_OUTSIDE, "calcium outside", above=0 * mM)

    equations: ClassVar[str] = f"{CalciumL.equations}\n{_DRIVE}"
    current: ClassVar[str] = "g*m**2*h*drive"
    reads: ClassVar[tuple[str, ...]] = ("ca_i",)


@dataclass(frozen=True, eq=False, repr=False)
class LowVoltageCalcium(Channel):
    """Calcium channel of low threshold, g m² h (E - V), with E of the calcium that is there."""

    g: Quantity = quantity(0.00343 * _G, "conductance density", at_least=0 * _G)
    half: Quantity = quantity(_HALF, "half of RT/F")
    outside: Quantity = quantity(_OUTSIDE, "calcium outside", above=0 * mM)
    q10: Quantity = quantity(2.3, "factor on the rates for 10 °C", above=0)

    equations: ClassVar[str] = f"""
    u = v/mV + 10 : 1
    m_inf = 1/(1 + exp(-(u + 30)/6)) : 1
    tau_m = (5 + 20/(1 + exp((u + 25)/5)))*ms/phi : second
    dm/dt = (m_inf - m)/tau_m : 1
    h_inf = 1/(1 + exp((u + 80)/6.4)) : 1
    tau_h = (20 + 50/(1 + exp((u + 40)/7)))*ms/phi : second
    dh/dt = (h_inf - h)/tau_h : 1
    {_DRIVE}
    """
    current: ClassVar[str] = "g*m**2*h*drive"
    ion: ClassVar[str | None] = "ca"
    reads: ClassVar[tuple[str, ...]] = ("ca_i",)
    temperature_ref: ClassVar[float] = 21.0


@dataclass(frozen=True, eq=False, repr=False)
class SynapticCurrent(Stimulus):
    """A current with the course of a synaptic one: e^(-t/decay) - e^(-t/rise), `amplitude` high."""

    amplitude: Quantity = quantity(0.5 * nA, "largest current")
    onset: Quantity = quantity(0 * ms, "when it begins", at_least=0 * ms)
    rise: Quantity = quantity(0.5 * ms, "time constant of the rise", above=0 * ms)
    decay: Quantity = quantity(5 * ms, "time constant of the decay", above=0 * ms)
    label = "synaptic_current"

    def drive(self, prefix: str, stream: int) -> Drive:
        rise, decay = float(self.rise), float(self.decay)
        peak = rise * decay / (decay - rise) * math.log(decay / rise)
        height = math.exp(-peak / decay) - math.exp(-peak / rise)
        past = f"clip(t - {prefix}onset, 0*second, 10*second)"
        course = f"exp(-{past}/{prefix}decay) - exp(-{past}/{prefix}rise)"
        return Drive(
            f"{prefix}amplitude*({course})/{height!r}",
            self._units(prefix, "amplitude", "onset", "rise", "decay"),
        )


# The four protocols: nA into the soma for 5 ms, and largest synaptic current (nA) 620 µm away.
PROTOCOLS = {
    "spike": (1.9, 0.0),
    "input": (0.0, 0.5),
    "spike and input": (1.9, 0.5),
    "strong input": (0.0, 1.5),
}

# The program published with the paper (ModelDB 139653, BAC_firing.hoc with its model 3), run in
# NEURON 9.0.2: spikes of the soma; highest potential 620 and 382 µm from the root of the apical
# dendrite (mV); how long the former stays above -40 mV (ms).
PROGRAM: dict[str, dict[str, float]] = {
    "spike": {"spikes": 1, "far_mV": -37.03, "near_mV": -25.91, "above_ms": 2.63},
    "input": {"spikes": 0, "far_mV": -59.58, "near_mV": -67.9, "above_ms": 0},
    "spike and input": {"spikes": 3, "far_mV": 6.42, "near_mV": -13.23, "above_ms": 32.78},
    "strong input": {"spikes": 1, "far_mV": 7.46, "near_mV": -26.34, "above_ms": 32.52},
}
# Its first two intervals under spike and input (ms).
INTERVALS_ms = (9.71, 18.04)


@dataclass(frozen=True)
class Parameters:
    """The shape of the cell, when pulse and input come, and the time step.

    `morphology` is the published cell (ModelDB 139653, cell1.asc) as an SWC file: its soma a point
    whose sphere has 1131 µm², basal dendrites of type 3 and apical ones of type 4. "catalogue" is
    the shape that comes with the project, where each branch is one cylinder.
    """

    morphology: str = "cell1.swc"
    pulse_ms: float = 295.0
    later_ms: float = 5.0
    until_ms: float = 400.0
    dt_ms: float = 0.01


# The longest path of an apical branch (um).
_LONGEST_um = 1300.5
_HOT_um = (685, 885)


def _more_h(distance: np.ndarray) -> np.ndarray:
    """Return how the h current grows along the apical tree, by the distance in um."""
    return np.asarray(-0.8696 + 2.087 * np.exp(3.6161 * distance / _LONGEST_um))


def _widest_at(cell: Neuron, distance_um: float) -> Site:
    """Return the place on the widest apical branch so far along the dendrite."""
    cut, found = cell.compartments, []
    for name, tag in zip(cell.morphology.names, cell.morphology.tags, strict=True):
        if tag != "apical":
            continue
        inside = branch(name).mask(cut)
        long = float(cell.morphology[name].length) * 1e6
        start = float(cut.distance_m[inside].min() - cut.length_m[inside][0] / 2) * 1e6
        if start <= distance_um <= start + long:
            along = (distance_um - start) / long
            found.append((float(cut.diameter_m[cut.at(name, along)]), at(name, along)))
    return max(found, key=lambda one: one[0])[1]


def _tree(morphology: str) -> Morphology:
    if morphology == "catalogue":
        return shape()
    if not Path(morphology).is_file():
        raise ParameterError(
            f"no cell at {morphology!r}: give the published cell (ModelDB 139653, cell1.asc) as an "
            "SWC file with --set morphology=PATH, or take --set morphology=catalogue, whose "
            "branches are cylinders"
        )
    stub = cylinder(60 * um, 1 * um, name="axon", tag="axon")
    return read_swc(morphology).join(stub, "soma", at=0.5)


def layer5_cell(morphology: str = "catalogue") -> Neuron:
    """Return the cell of Hay and colleagues, of a shape as in `Parameters`.

    References
    ----------
    Hay, Hill, Schürmann, Markram and Segev (2011), PLoS Comput Biol 7:e1002107; densities of the
    model that is constrained by calcium spikes and by steps of current (fig. 4).
    """
    tree = _tree(morphology)
    counts = {
        name: 1 + 2 * int(float(tree[name].length) * 1e6 / 40)
        for name, tag in zip(tree.names, tree.tags, strict=True)
        if tag in ("apical", "basal")
    }
    cell = Neuron(tree, PerBranch(1, counts | {"axon": 2}), celsius=34.0, rest=-80 * mV)
    dendrites, apical = tagged("apical", "basal"), tagged("apical")
    near_end, far_end = (end * um for end in _HOT_um)
    hot = apical & distance(at_least=near_end, below=far_end)
    far, near = _widest_at(cell, 620), _widest_at(cell, 400)
    leaks = {"soma": 3.38e-5, "apical": 5.89e-5, "basal": 4.67e-5, "axon": 3.25e-5}
    cell = cell.paint(Cable(R_a=100 * ohm * cm, C_m=1 * uF / cm**2))
    cell = cell.paint(Cable(R_a=100 * ohm * cm, C_m=2 * uF / cm**2), dendrites)
    for tag, density in leaks.items():
        cell = cell.paint(Leak(g=density * _G, E=-90 * mV), tagged(tag))
    return (
        cell.paint(HCurrent(g=2e-4 * _G), tagged("soma", "basal"))
        .paint(HCurrent(g=2e-4 * _G), apical, scale=_more_h)
        .paint(
            [
                LowVoltageCalcium(g=0.00343 * _G),
                HighVoltageCalcium(g=0.000992 * _G, q10=1.0),
                ShawPotassium(g=0.693 * _G),
                SK(g=0.0441 * _G),
                AType(g=0.0812 * _G),
                PersistentPotassium(g=0.00223 * _G),
                PersistentSodium(g=0.00172 * _G),
                PyramidalSodium(g=2.04 * _G, shift=0 * mV),
                CalciumPool(free=0.000501, tau=460 * ms),
            ],
            tagged("soma"),
        )
        .paint(
            [
                SK(g=0.0012 * _G),
                ShawPotassium(g=0.000261 * _G),
                PyramidalSodium(g=0.0213 * _G, shift=0 * mV),
                MCurrent(g=6.75e-5 * _G),
                LowVoltageCalcium(g=0.0187 * 0.01 * _G),
                HighVoltageCalcium(g=0.000555 * 0.1 * _G, q10=1.0),
                CalciumPool(free=0.000509, tau=122 * ms),
            ],
            apical,
        )
        .paint(
            [
                LowVoltageCalcium(g=0.0187 * 0.99 * _G, name="low_hot"),
                HighVoltageCalcium(g=0.000555 * 0.9 * _G, q10=1.0, name="high_hot"),
            ],
            hot,
        )
        .probe("v", at("soma", 0.5), label="soma")
        .probe("v", far, label="far")
        .probe("v", near, label="near")
        .place(Steps(duration=5 * ms), at("soma", 0.5), label="pulse")
        .place(SynapticCurrent(), far, label="input")
    )


def measured(recording: NeuronRecording, row: int, after_ms: float) -> dict[str, float]:
    """Return what `PROGRAM` lists, of one row, and the first two intervals."""
    time = np.asarray(recording.trace_time / ms)
    late = time > after_ms
    v = {
        name: np.asarray(recording.trace(name)[row] / mV)[late] for name in ("soma", "far", "near")
    }
    up = np.flatnonzero((v["soma"][1:] > 0) & (v["soma"][:-1] <= 0))
    intervals = [*np.diff(time[late][up]), np.nan, np.nan]
    step = float(time[1] - time[0])
    return {
        "spikes": len(up),
        "far_mV": float(v["far"].max()),
        "near_mV": float(v["near"].max()),
        "above_ms": float(np.sum(v["far"] > -40) * step),
        "first_ms": float(intervals[0]),
        "second_ms": float(intervals[1]),
    }


@experiment("back-propagation", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    pulse, synaptic = np.array(list(PROTOCOLS.values())).T
    count = np.ones(len(PROTOCOLS))
    recording = simulate(
        layer5_cell(p.morphology),
        p.until_ms * ms,
        batch={
            "pulse.amplitude": pulse * nA,
            "pulse.onset": p.pulse_ms * count * ms,
            "input.amplitude": synaptic * nA,
            "input.onset": (p.pulse_ms + p.later_ms) * count * ms,
        },
        dt=p.dt_ms * ms,
        # As the program starts: everywhere alike, with 300 ms to come to rest.
        initial={"ca_i": 5e-5 * mM},
        record_dt=0.05 * ms,
        **context.running("four protocols"),
    )
    assert isinstance(recording, NeuronRecording)
    found = {name: measured(recording, k, p.pulse_ms - 5) for k, name in enumerate(PROTOCOLS)}
    rows = [
        {"protocol": name, **found[name], **{f"program_{k}": x for k, x in PROGRAM[name].items()}}
        for name in PROTOCOLS
    ]
    table = pd.DataFrame(rows)
    wrong = int((table["spikes"] - table["program_spikes"]).abs().sum())
    both, alone = found["spike and input"], found["spike"]
    return Result(
        numbers=dict(found),
        tables={"protocols": table},
        figures={"back-propagation": _figure(recording, p)},
        verdicts=[
            Verdict("spikes more or fewer than the program's, all protocols", wrong, 0),
            Verdict(
                "spike and input: highest potential at 620 µm above that of the spike alone (mV)",
                both["far_mV"] - alone["far_mV"],
                30.0,
                ">=",
            ),
            Verdict(
                "spike and input: difference of the time above -40 mV from the program (%)",
                100 * abs(both["above_ms"] / PROGRAM["spike and input"]["above_ms"] - 1),
                15.0,
            ),
        ],
    )


def _figure(recording: NeuronRecording, p: Parameters) -> Figure:
    time = recording.trace_time / ms - p.pulse_ms
    shown = time > -10
    with drawing(8.4, 2.8, 1, len(PROTOCOLS), sharex=True, sharey=True) as (figure, axes):
        for k, (axis, name) in enumerate(zip(axes, PROTOCOLS, strict=True)):
            for place, colour, label in (
                ("soma", "blue", "soma"), ("far", "vermilion", "dendrite, 620 µm"),
            ):  # fmt: skip
                v = recording.trace(place)[k] / mV
                axis.plot(time[shown], v[shown], color=COLOURS[colour], lw=1, label=label)
            axis.set(title=name, xlabel="time (ms)", xlim=(-10, 80))
        axes[0].set_ylabel("v (mV)")
        axes[0].legend(loc="upper right", fontsize=7)
    return figure
