"""Which neurons the explorer shows, and what of each can be moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from experiments.explore.explored_neuron import explored_neuron
from neurosim import LIF, AdEx, HodgkinHuxley
from neurosim.catalogue import TraubMiles, textbook_lif
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron

__all__ = ["NEURONS", "PageNeuron"]


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
    threshold : dict, optional
        Where the page draws a line: ``label`` says what it is; it stands at a ``slider`` or at a
        potential in ``mV``. None where the description of the neuron says no threshold.
    """

    make: Callable[[], PointNeuron | Neuron]
    label: str
    duration_ms: int
    most_pA: float
    initial_pA: float
    most_noise: float
    sliders: dict[str, str] = field(repr=False)
    curve: bool = False
    threshold: dict[str, str | float] | None = None


# Of cells with extent; what each has besides stands with it.
_CABLE = {
    "into_dendrite.constant.current": "Current into a dendrite",
    "traub_miles_sodium.g.factor": "Sodium conductance, times",
    "traub_miles_potassium.g.factor": "Potassium conductance, times",
    "leak.g": "Leak conductance",
}
_M = {"m_current.g": "Conductance of the M current"}


def _cell(
    of: str,
    label: str,
    most_pA: float,
    initial_pA: float,
    more: dict[str, str],
    duration_ms: int = 60,
    threshold: dict[str, str | float] | None = None,
) -> PageNeuron:
    make = partial(explored_neuron, of=of)
    # More noise makes the potential cross the detector's level again while a spike falls, and each
    # crossing counts. At first a cell gets two to three times the current at which it begins to
    # fire.
    return PageNeuron(
        make, label, duration_ms, most_pA, initial_pA, most_pA / 4, _CABLE | more,
        threshold=threshold,
    )  # fmt: skip


NEURONS: dict[str, PageNeuron] = {
    "LIF": PageNeuron(
        LIF, "leaky integrate-and-fire", 300, 500, 200, 1000,
        {"V_th": "Threshold", "V_reset": "Reset potential", "tau_m": "Membrane time constant",
         "R_m": "Input resistance", "t_ref": "Refractory period"},
        curve=True, threshold={"slider": "V_th", "label": "threshold"},
    ),
    "AdEx": PageNeuron(
        AdEx, "adaptive exponential", 300, 1000, 500, 1000,
        {"V_T": "Threshold of the upstroke", "Delta_T": "Slope factor of the upstroke",
         "a": "Adaptation below threshold", "b": "Adaptation at each spike",
         "tau_w": "Time constant of adaptation", "g_L": "Leak conductance"},
        curve=True, threshold={"slider": "V_T", "label": "threshold of the upstroke"},
    ),
    "HodgkinHuxley": PageNeuron(
        HodgkinHuxley, "Hodgkin and Huxley's axon", 100, 200, 100, 100,
        {"g_Na": "Sodium conductance", "g_K": "Potassium conductance", "g_L": "Leak conductance",
         "E_Na": "Sodium reversal potential", "E_K": "Potassium reversal potential"},
    ),
    "TraubMiles": PageNeuron(
        TraubMiles, "Traub and Miles' cortical cell", 100, 1000, 500, 500,
        {"g_Na": "Sodium conductance", "g_K": "Potassium conductance", "g_L": "Leak conductance",
         "V_T": "Shift of the activation curves", "E_K": "Potassium reversal potential"},
    ),
    "textbook_neuron": _cell(
        "textbook_neuron", "textbook neuron with an axon", 500, 150, _M,
        threshold={"mV": float(textbook_lif().V_th) * 1e3, "label": "threshold of the soma"},
    ),
    "fast_spiking_interneuron": _cell(
        "fast_spiking_interneuron", "fast-spiking interneuron", 500, 100, {}
    ),
    "ca1_pyramidal": _cell(
        "ca1_pyramidal", "CA1 pyramidal cell", 600, 150,
        {"a_type.g": "Conductance of the A current", "h_current.g": "Conductance of the h current"},
    ),
    "layer5_pyramidal": _cell(
        "layer5_pyramidal", "pyramidal cell of layer 5", 1500, 600,
        {"calcium_l.g": "Calcium conductance at the tuft",
         "h_current.g": "Conductance of the h current"},
    ),
    "spinal_motoneuron": _cell(
        "spinal_motoneuron", "spinal motoneuron", 12000, 4500, _M
    ),
    "purkinje_cell": _cell("purkinje_cell", "Purkinje cell", 1500, 400, {}),
}  # fmt: skip
