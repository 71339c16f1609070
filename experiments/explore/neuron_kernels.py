"""What the Neuron tab shows: neurons of the catalogue as programs that run in the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, ms, nS, pA

from bridge.equivalent.cautions import HIGHEST_RATE
from experiments.explore.bundle import bundle_of
from experiments.explore.explored_neuron import (
    QUANTUM,
    SYNAPSE_PEAK,
    SYNAPSE_TIME,
    shape_data,
    site_data,
)
from experiments.explore.kernel.changed_together import places_together
from experiments.explore.kernel.package import KernelPackage, kernel_of, kernel_script
from experiments.explore.page_neurons import NEURONS
from experiments.explore.python_lines import CURVE_LINES, POINT_LINES
from neurosim import Constant, WhiteNoise, settle
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.engine.point.model import draws
from neurosim.errors import ParameterError

__all__ = ["neuron_data", "noise_slider", "package_of"]

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

_CABLE_LINES = """\
from brian2 import cm, ms, msiemens, mV, nS, pA
from experiments.explore.explored_neuron import explored_neuron
from experiments.explore.kernel.changed_together import changed_together
from neurosim import Constant, WhiteNoise, settle, simulate

# {label}, of neurosim.catalogue, with synapses and with probes everywhere.
neuron = explored_neuron(
    of="{of}",
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
        only={*ranges, *asked.sliders},
    )


def _head(neuron: PointNeuron | Neuron) -> str:
    return "" if isinstance(neuron, PointNeuron) else "stimulus."


def noise_slider(neuron: PointNeuron | Neuron) -> str | None:
    """Return the slider at whose 0 all trials are alike; None if a neuron has noise of its own.

    Examples
    --------
    >>> from neurosim import LIF
    >>> noise_slider(LIF())
    'white_noise.intensity'
    """
    if isinstance(neuron, PointNeuron) and draws(neuron):
        return None
    return f"{_head(neuron)}white_noise.intensity"


def _sliders(name: str, package: KernelPackage) -> list[dict[str, Any]]:
    """What the page shows of each parameter, in the units of readers."""
    asked = NEURONS[name]
    neuron = asked.make()
    head = _head(neuron)
    together = places_together(neuron).new if isinstance(neuron, Neuron) else {}
    known = {one.name: one for one in package.parameters}
    found = []
    of_stimulus = {
        f"{head}constant.current": "Current into the soma" if head else "Injected current",
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
             "scale": shown.scale, "together": full in together, **numbers}
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
    models, packages = {}, {}
    for name, asked in NEURONS.items():
        neuron = asked.make()
        package = packages[name] = package_of(name)
        point = isinstance(neuron, PointNeuron)
        # ``{{name}}`` becomes the place of what only the page knows.
        times = {"duration": asked.duration_ms, "settle": SETTLE_MS}
        made = {
            "units": "Mohm, cm, ms, msiemens, mV, nS, pA, pF",
            "source": f"from neurosim.catalogue import {name}\n\nneuron = {name}()",
        }
        said = {"of": name, "label": asked.label[0].upper() + asked.label[1:]}
        lines = (POINT_LINES if point else _CABLE_LINES).format(**times, **made, **said)
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
            "noise": noise_slider(neuron),
            "threshold": asked.threshold,
            "most_pA": asked.most_pA,
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
        "bundle": bundle_of(packages),
        "script": kernel_script(),
        "trials": TRIALS,
        "most_Hz": HIGHEST_RATE.high,
        "seeds": list(SEEDS),
        "currents": CURRENTS,
        "colours": _colours(),
        "curve_ms": CURVE_MS,
    }
