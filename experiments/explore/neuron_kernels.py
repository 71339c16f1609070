"""What the Neuron tab shows: neurons of the catalogue as programs that run in the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, ms, nS, pA

from experiments.explore.embedding import packed
from experiments.explore.explored_neuron import (
    QUANTUM,
    SYNAPSE_PEAK,
    SYNAPSE_TIME,
    explored_neuron,
    shape_data,
    site_data,
)
from experiments.explore.kernel.package import KernelPackage, kernel_of, kernel_script
from experiments.explore.python_lines import CURVE_LINES, POINT_LINES
from neurosim import LIF, AdEx, Constant, HodgkinHuxley, WhiteNoise, settle
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import ParameterError

__all__ = ["NEURONS", "PageNeuron", "neuron_data", "package_of"]

SETTLE_MS = 200
TRIALS = 10
SEEDS = (1, 2, 3, 4, 5)
CURRENTS = 21
CURVE_MS = 1000


@dataclass(frozen=True)
class Shown:
    """How the page writes a quantity: the unit in its words and in Python's, and its size in SI."""

    unit: str
    python: str
    scale: float


# By the SI unit, as a package names it.
UNITS: dict[str, Shown] = {
    "amp": Shown("pA", "pA", 1e-12),
    "volt": Shown("mV", "mV", 1e-3),
    "second": Shown("ms", "ms", 1e-3),
    "ohm": Shown("MΩ", "Mohm", 1e6),
    "siemens": Shown("nS", "nS", 1e-9),
    "farad": Shown("pF", "pF", 1e-12),
    "siemens/metre**2": Shown("mS/cm²", "msiemens / cm**2", 10.0),
    "amp*second**0.5": Shown("pA √ms", "pA * ms**0.5", 1e-12 * 1e-3**0.5),
    "1": Shown("", "1", 1.0),
}

_TEXTBOOK_LINES = """\
from brian2 import cm, ms, msiemens, mV, nS, pA
from experiments.explore.explored_neuron import explored_neuron
from experiments.explore.kernel.changed_together import changed_together
from neurosim import Constant, WhiteNoise, settle, simulate

# The textbook neuron of neurosim.catalogue, with synapses and with probes everywhere.
neuron = explored_neuron(
    excitatory={{excitatory}},
    excitatory_peak={{excitatory_peak}} * nS, excitatory_time={{excitatory_time}} * ms,
    inhibitory={{inhibitory}},
    inhibitory_peak={{inhibitory_peak}} * nS, inhibitory_time={{inhibitory_time}} * ms,
)
recording = simulate(
    changed_together(neuron, {{together}}), {duration} * ms,
    stimulus=Constant(0 * pA) + WhiteNoise(), batch={{batch}},
    initial=settle(neuron, {settle} * ms), seed={{seed}},
)
print(recording.spike_time_s)
"""
_CELL_LINES = """\
# The potential of each compartment at the moment that is shown.
print(recording.matrix("cell").values[0, {{moment}}] / mV)
"""


@dataclass(frozen=True)
class PageNeuron:
    """A neuron that the page runs.

    Attributes
    ----------
    make : callable
        Returns its description.
    label : str
        What the page calls it.
    duration_ms : int
        Of a run.
    most_pA, initial_pA : float
        Largest injected current, and the one at first.
    most_noise : float
        Largest intensity of the white noise, in pA √ms.
    sliders : dict of str to str
        Its parameters that can be moved, by the names of its package, and what the page calls them.
    curve : bool
        Whether its f-I curve is quick enough to follow the sliders.
    """

    make: Callable[[], PointNeuron | Neuron]
    label: str
    duration_ms: int
    most_pA: float
    initial_pA: float
    most_noise: float
    sliders: dict[str, str] = field(repr=False)
    curve: bool = False


NEURONS: dict[str, PageNeuron] = {
    "LIF": PageNeuron(
        LIF, "leaky integrate-and-fire", 300, 500, 200, 1000,
        {"V_th": "Threshold", "V_reset": "Reset potential", "tau_m": "Membrane time constant",
         "R_m": "Input resistance", "t_ref": "Refractory period"},
        curve=True,
    ),
    "AdEx": PageNeuron(
        AdEx, "adaptive exponential", 300, 1000, 500, 1000,
        {"V_T": "Threshold of the upstroke", "Delta_T": "Slope factor of the upstroke",
         "a": "Adaptation below threshold", "b": "Adaptation at each spike",
         "tau_w": "Time constant of adaptation", "g_L": "Leak conductance"},
        curve=True,
    ),
    "HodgkinHuxley": PageNeuron(
        HodgkinHuxley, "Hodgkin and Huxley's axon", 100, 200, 100, 100,
        {"g_Na": "Sodium conductance", "g_K": "Potassium conductance", "g_L": "Leak conductance",
         "E_Na": "Sodium reversal potential", "E_K": "Potassium reversal potential"},
    ),
    "textbook_neuron": PageNeuron(
        explored_neuron, "textbook neuron with an axon", 60, 1000, 300, 1000,
        {"into_dendrite.constant.current": "Current into the apical dendrite",
         "traub_miles_sodium.g.factor": "Sodium conductance, times",
         "traub_miles_potassium.g.factor": "Potassium conductance, times",
         "leak.g": "Leak conductance"},
    ),
}  # fmt: skip


def package_of(name: str) -> KernelPackage:
    """Return a neuron of the page, compiled.

    Parameters
    ----------
    name : str
        A name of `NEURONS`.

    Raises
    ------
    EngineError
        The package ``ziglang`` is not installed.
    """
    asked = NEURONS[name]
    neuron = asked.make()
    head = _head(neuron)
    noise = get_dimensions(WhiteNoise().intensity)
    most = asked.most_noise * UNITS["amp*second**0.5"].scale
    ranges = {
        f"{head}constant.current": (0 * pA, asked.most_pA * pA),
        f"{head}white_noise.intensity": (Quantity(0.0, dim=noise), Quantity(most, dim=noise)),
    }
    if isinstance(neuron, Neuron):
        ranges["into_dendrite.constant.current"] = (0 * pA, asked.most_pA * pA)
    return kernel_of(
        neuron,
        asked.duration_ms * ms,
        Constant(asked.initial_pA * pA) + WhiteNoise(),
        initial=settle(neuron, SETTLE_MS * ms),
        record=("v",) if isinstance(neuron, PointNeuron) else (),
        ranges=ranges,
    )


def _head(neuron: PointNeuron | Neuron) -> str:
    return "" if isinstance(neuron, PointNeuron) else "stimulus."


def _sliders(name: str, package: KernelPackage) -> list[dict[str, Any]]:
    """What the page shows of each parameter, in the units of readers."""
    asked = NEURONS[name]
    head = _head(asked.make())
    known = {one.name: one for one in package.parameters}
    found = []
    of_stimulus = {
        f"{head}constant.current": "Current into the soma",
        f"{head}white_noise.intensity": "Noise (intensity of the white noise)",
    }
    for full, label in (of_stimulus | asked.sliders).items():
        if full not in known:
            raise ParameterError(
                f"{name} has no slider {full}: {package.left_out.get(full, 'no such parameter')}"
            )
        one = known[full]
        if one.unit not in UNITS:
            raise ParameterError(f"{name}: {full} has the unit {one.unit!r}; add it to UNITS")
        shown = UNITS[one.unit]
        numbers = {
            key: float(f"{value / shown.scale:.6g}")
            for key, value in (("low", one.low), ("high", one.high), ("initial", one.default))
        }
        found.append(
            {"name": full, "label": label, "unit": shown.unit, "python": shown.python,
             "scale": shown.scale, **numbers}
        )  # fmt: skip
    return found


def _colours() -> list[list[int]]:
    """Return the colours of potentials, from dark to bright; colour-blind readers can tell them."""
    from matplotlib import colormaps

    shares = np.linspace(0, 1, 33)
    found: list[list[int]] = np.rint(255 * colormaps["viridis"](shares)[:, :3]).astype(int).tolist()
    return found


def neuron_data() -> dict[str, Any]:
    """Return everything that the Neuron tab needs, as plain values.

    Raises
    ------
    EngineError
        The package ``ziglang`` is not installed.

    Returns
    -------
    dict
    """
    models = {}
    for name, asked in NEURONS.items():
        package = package_of(name)
        point = isinstance(asked.make(), PointNeuron)
        # ``{{name}}`` becomes the place of what only the page knows.
        times = {"duration": asked.duration_ms, "settle": SETTLE_MS}
        made = {
            "units": "Mohm, cm, ms, msiemens, mV, nS, pA, pF",
            "source": f"from neurosim.catalogue import {name}\n\nneuron = {name}()",
        }
        lines = (POINT_LINES if point else _TEXTBOOK_LINES).format(**times, **made)
        neuron = asked.make()
        drawn = {}
        if isinstance(neuron, Neuron):
            drawn = {
                "shape": shape_data(neuron),
                "sites": site_data(neuron),
                "synapse_ms": float(SYNAPSE_TIME / ms),
                "synapse_nS": float(SYNAPSE_PEAK / nS),
                "quantum_nS": float(QUANTUM / nS),
                "cellLines": lines + _CELL_LINES.format(),
            }
        models[name] = drawn | {
            "label": asked.label,
            "point": point,
            "duration_ms": asked.duration_ms,
            "sliders": _sliders(name, package),
            "curve": asked.curve,
            "most_pA": asked.most_pA,
            "package": package.to_json(),
            "wasm": packed(np.frombuffer(package.wasm, np.uint8), "u1"),
            "lines": lines,
            "curveLines": CURVE_LINES.format(
                **made,
                most=asked.most_pA,
                count=CURRENTS,
                duration=CURVE_MS,
                settle=SETTLE_MS,
                seconds=1e-3 * CURVE_MS,
            ),
        }
    return {
        "models": models,
        "script": kernel_script(),
        "threshold_mV": float(LIF().V_th) * 1e3,
        "trials": TRIALS,
        "seeds": list(SEEDS),
        "currents": CURRENTS,
        "colours": _colours(),
        "curve_ms": CURVE_MS,
    }
