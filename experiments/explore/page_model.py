"""One neuron as the tab Neuron runs it: its program, its sliders, the Python lines beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from brian2.units import Quantity, ms, pA

from bridge.equivalent.cautions import HIGHEST_RATE
from experiments.explore.bundle import bundle_of
from experiments.explore.kernel.changed_together import places_together
from experiments.explore.kernel.package import (
    KernelPackage,
    Parameter,
    kernel_of,
    kernel_script,
)
from experiments.explore.neuron_kernels import (
    SEEDS,
    SETTLE_MS,
    TRIALS,
    UNITS,
    Shown,
    noise_slider,
)
from experiments.explore.python_lines import CURVE_LINES, POINT_LINES
from neurosim import Constant, WhiteNoise, settle
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.errors import ParameterError

__all__ = ["Curve", "head_of", "injecting", "shown_as", "tab_of_one"]

# Rarer than those of the explorer's own sliders, by the SI unit as a package names it.
_MORE_UNITS: dict[str, Shown] = {
    "hertz": Shown("Hz", "Hz", 1.0),
    "metre": Shown("µm", "um", 1e-6),
    "metre**2": Shown("µm²", "um**2", 1e-12),
    "amp/metre**2": Shown("µA/cm²", "uA / cm**2", 1e-2),
    "farad/metre**2": Shown("µF/cm²", "ufarad / cm**2", 1e-2),
    "ohm*metre": Shown("Ω cm", "ohm * cm", 1e-2),
    "mole/metre**3": Shown("mM", "mmolar", 1.0),
}


_SIGNS = {
    "metre": "m", "kilogram": "kg", "second": "s", "amp": "A", "kelvin": "K", "mole": "mol",
    "volt": "V", "ohm": "Ω", "siemens": "S", "farad": "F", "hertz": "Hz", "coulomb": "C",
    "joule": "J", "newton": "N", "watt": "W",
}  # fmt: skip
_RAISED = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")


def _in_signs(unit: str) -> str:
    """Return a product of named units as readers write it."""
    raised = re.sub(r"\*\*\(?(-?[\d.]+)\)?", lambda found: found[1].translate(_RAISED), unit)
    words = re.sub(r"[a-z]+", lambda found: _SIGNS.get(found[0], found[0]), raised)
    return words.replace("*", " ")


def shown_as(unit: str) -> Shown:
    """Return how a quantity is written whose SI unit is named.

    Examples
    --------
    >>> shown_as("volt").unit, shown_as("volt/second").python
    ('mV', 'volt/second')
    >>> shown_as("metre**6/(mole**2*second)").unit
    'm⁶/(mol² s)'
    """
    return (UNITS | _MORE_UNITS).get(unit, Shown(_in_signs(unit), unit, 1.0))


@dataclass(frozen=True)
class Curve:
    """The f-I curve of a neuron in a page, one current after the other.

    Attributes
    ----------
    currents : int
        How many, from 0 to the largest that the page injects.
    duration_ms : int
        How long each of them flows.
    """

    currents: int = 21
    duration_ms: int = 1000


# `{{name}}` becomes the place of what only the page knows.
_CABLE_LINES = """\
from brian2 import {units}
from experiments.explore.kernel.changed_together import changed_together
from neurosim import Constant, WhiteNoise, settle, simulate
{source}

recording = simulate(
    changed_together(neuron, {{together}}), {duration} * ms,
    stimulus=Constant(0 * pA) + WhiteNoise(), batch={{batch}},
    initial=settle(neuron, {settle} * ms), seed={{seed}},
)
print(recording.spike_time_s)
"""
_CABLE_CURVE_LINES = """\
import numpy as np
from brian2 import {units}
from experiments.explore.kernel.changed_together import changed_together
from neurosim import Constant, WhiteNoise, settle, simulate
{source}

currents = np.linspace(0, {most:g}, {count}) * pA
recording = simulate(
    changed_together(neuron, {{together}}), {duration} * ms,
    stimulus=Constant(0 * pA) + WhiteNoise(),
    batch={{batch}} | {{"stimulus.constant.current": currents}},
    initial=settle(neuron, {settle} * ms), seed={{seed}},
)
print(recording.counts() / {seconds:g})
"""


def head_of(neuron: PointNeuron | Neuron) -> str:
    """Return what stands before the names of what is injected."""
    return "" if isinstance(neuron, PointNeuron) else "stimulus."


def _slider(one: Parameter, label: str, described: bool, together: bool) -> dict[str, Any]:
    """Return what the page shows of a parameter, in the units of readers.

    A slider that was not moved leaves the number of the description as it is, to the last digit.
    One that changes several values `together` is written apart in the Python lines.
    """
    shown = shown_as(one.unit)
    low, high = (float(f"{end / shown.scale:.6g}") for end in (one.low, one.high))
    initial = float(f"{one.default / shown.scale:.12g}")
    return {
        "name": one.name,
        "label": label,
        "described": described,
        "together": together,
        "unit": shown.unit,
        "python": shown.python,
        "scale": shown.scale,
        "low": min(low, initial),
        "high": max(high, initial),
        "initial": initial,
    }


def _threshold(
    neuron: PointNeuron | Neuron, known: Mapping[str, Parameter]
) -> dict[str, Any] | None:
    """Return where the page draws a line: at the parameter with which a threshold compares.

    A neuron with extent fires where its channels let it, which no parameter says.
    """
    if not isinstance(neuron, PointNeuron):
        return None
    found = re.fullmatch(r"\s*v\s*>=?\s*([A-Za-z]\w*)\s*", str(neuron.threshold))
    name = found[1] if found else ""
    if name not in known or known[name].unit != "volt":
        return None
    return {"slider": name, "mV": float(f"{known[name].default / 1e-3:.12g}"), "label": name}


def injecting(
    neuron: PointNeuron | Neuron,
    duration_ms: float,
    most_pA: float,
    ranges: Mapping[str, tuple[Quantity, Quantity]],
    progress: Callable[[float], None] | None = None,
) -> KernelPackage:
    """Return a neuron that a current and white noise enter, compiled, after it has settled.

    Parameters
    ----------
    neuron : PointNeuron or Neuron
    duration_ms, most_pA : float
        Length of a run, and the largest current; half of it flows at first.
    ranges : mapping of str to (Quantity, Quantity)
        Lowest and highest value of other parameters, by name.
    progress : callable, optional
        Given the share of the parameters that have been looked for.

    Raises
    ------
    EngineError
        The package ``ziglang`` is not installed, or a page cannot compute the equations.
    ParameterError
        The neuron cannot run in a page.
    """
    head, noise = head_of(neuron), WhiteNoise().intensity
    # A noise of so many pA √ms as the current has pA: that of some mV in the explorer's neurons.
    most = Quantity(most_pA * shown_as("amp*second**0.5").scale, dim=noise.dim)
    injected = {
        f"{head}constant.current": (0 * pA, most_pA * pA),
        f"{head}white_noise.intensity": (0 * noise, most),
    }
    return kernel_of(
        neuron,
        duration_ms * ms,
        Constant(most_pA / 2 * pA) + WhiteNoise(),
        initial=settle(neuron, SETTLE_MS * ms),
        record=("v",) if isinstance(neuron, PointNeuron) else (),
        ranges={**injected, **ranges},
        progress=progress,
    )


def tab_of_one(
    neuron: PointNeuron | Neuron,
    package: KernelPackage,
    *,
    label: str,
    source: str,
    duration_ms: float,
    most_pA: float,
    sliders: Mapping[str, str],
    curve: Curve,
) -> dict[str, Any]:
    """Return everything that the tab Neuron needs to show one neuron, as plain values.

    Parameters
    ----------
    neuron : PointNeuron or Neuron
    package : KernelPackage
        The same, as `injecting` compiled it.
    label : str
        What the page calls it.
    source : str
        Python lines that make it, by the name ``neuron``.
    duration_ms, most_pA : float
        Length of a run and the largest current.
    sliders : mapping of str to str
        Parameters that can be moved, and what the page calls them.
    curve : Curve
        Its f-I curve.

    Raises
    ------
    ParameterError
        The page cannot move one of the parameters.
    """
    head, point = head_of(neuron), isinstance(neuron, PointNeuron)
    known = {one.name: one for one in package.parameters}
    injected = {
        f"{head}constant.current": "Injected current" if point else "Current into the soma",
        f"{head}white_noise.intensity": "Noise (intensity of the white noise)",
    }
    together = places_together(neuron).new if isinstance(neuron, Neuron) else {}
    told = []
    for full, words in (injected | dict(sliders)).items():
        if full not in known:
            why = package.left_out.get(full, f"no such parameter; known are {', '.join(known)}")
            raise ParameterError(f"{label} has no slider {full}: {why}")
        told.append(_slider(known[full], words, full not in injected, full in together))
    names = {word for one in told for word in re.findall(r"[A-Za-z]\w*", one["python"])}
    asked = {
        "units": ", ".join(sorted(names | {"ms", "pA"}, key=lambda word: (word.lower(), word))),
        "settle": SETTLE_MS,
        # The page reads two braces as one, and searches for places in what has one.
        "source": source.replace("{", "{{"),
    }
    model = {
        "label": label,
        "point": point,
        "duration_ms": duration_ms,
        "sliders": told,
        "curve": True,
        "noise": noise_slider(neuron),
        "units": {
            name: {"unit": shown_as(unit).unit, "scale": shown_as(unit).scale}
            for name, unit in package.layout.get("units", {}).items()
            if unit != "volt"
        },
        "threshold": _threshold(neuron, known),
        "oneByOne": True,
        "most_pA": most_pA,
        "lines": (POINT_LINES if point else _CABLE_LINES).format(
            duration=f"{duration_ms:g}", **asked
        ),
        "curveLines": (CURVE_LINES if point else _CABLE_CURVE_LINES).format(
            most=most_pA,
            count=curve.currents,
            duration=curve.duration_ms,
            seconds=1e-3 * curve.duration_ms,
            **asked,
        ),
    }
    return {
        "models": {"neuron": model},
        "bundle": bundle_of({"neuron": package}),
        "script": kernel_script(),
        "trials": TRIALS,
        "most_Hz": HIGHEST_RATE.high,
        "seeds": list(SEEDS),
        "currents": curve.currents,
        "curve_ms": curve.duration_ms,
    }
