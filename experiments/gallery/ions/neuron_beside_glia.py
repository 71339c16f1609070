"""A published pair of neuron and glial cell: how high potassium rises, and where the glia goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, nA
from brian2.units.stdunits import mM

from experiments.gallery.ions.somjen_parts import somjen_pair
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import Steps, simulate
from neurosim.errors import ParameterError
from neurosim.run.circuit_run import CircuitRecording

__all__ = ["PUBLISHED"]

# Somjen, Kager and Wadman (2008), Fig. 3: highest potassium outside the soma (mM), and potential of
# the glial cell there (mV).
PUBLISHED = {"potassium_mM": 5.9, "glia_mV": -81.0}
# Box of the space in which the soma lies.
_SOMA = 3
_ONSET_MS, _CURRENT_MS = 100.0, 5000.0


@dataclass(frozen=True)
class Parameters:
    """The current into the soma, from 100 to 5,100 ms, and the run."""

    current_nA: float = 0.1675
    duration_ms: float = 6000.0
    dt_ms: float = 0.025


@experiment(
    "neuron-beside-glia",
    "While a neuron fires for 5 s, potassium between it and its glial cell rises to within 5 % of "
    "5.9 mM, and the glial cell to within 1 mV of -81 mV, as Somjen, Kager and Wadman published.",
    Parameters,
    deterministic=True,
)
def run(parameters: Parameters, context: Context) -> Result:
    p = parameters
    if p.duration_ms < _ONSET_MS + _CURRENT_MS:
        raise ParameterError(
            f"neuron-beside-glia: duration_ms must be {_ONSET_MS + _CURRENT_MS:g} or more, the end "
            f"of the current, since the peaks of the paper are compared; got {p.duration_ms:g}"
        )
    found = simulated(p, context)
    space = found.spaces["space"]
    potassium = np.asarray(space.concentration("k") / mM)
    glia = 1e3 * np.asarray(found["glia"].trace("soma"))[0]
    peak = {"potassium_mM": float(potassium[_SOMA].max()), "glia_mV": float(glia.max())}
    error = max(space.ledger[ion].relative_error for ion in ("na", "k", "cl"))
    course = pd.DataFrame(
        {"time_ms": 1e3 * space.time_s, "potassium_mM": potassium[_SOMA], "glia_mV": glia}
    )
    return Result(
        numbers={**peak, "spikes": int(found["neuron"].counts()[0])},
        tables={"course": course},
        figures={"neuron-beside-glia": _figure(found, course, potassium)},
        verdicts=[
            Verdict("potassium: distance of the peak from the paper (%)",
                    100 * abs(peak["potassium_mM"] / PUBLISHED["potassium_mM"] - 1), 5.0),
            Verdict("glial cell: distance of the highest potential from the paper (mV)",
                    abs(peak["glia_mV"] - PUBLISHED["glia_mV"]), 1.0),
            Verdict("error of the ledger, over what moved", error, 1e-9),
        ],
    )  # fmt: skip


def simulated(p: Parameters, context: Context) -> CircuitRecording:
    """Run the pair; the space moves from the beginning."""
    step = Steps(p.current_nA * nA, _ONSET_MS * ms, _CURRENT_MS * ms)
    found = simulate(
        somjen_pair(step), p.duration_ms * ms, dt=p.dt_ms * ms, record_dt=0.5 * ms, settle=0 * ms,
        **context.running("neuron and glia"),
    )  # fmt: skip
    assert isinstance(found, CircuitRecording)
    return found


def _figure(found: CircuitRecording, course: pd.DataFrame, potassium: np.ndarray) -> Any:
    time = course.time_ms / 1e3
    with drawing(6.6, 5.6, 3, 1, sharex=True) as (figure, axes):
        v = 1e3 * np.asarray(found["neuron"].trace("soma"))[0]
        axes[0].plot(time, v, color=COLOURS["blue"], lw=0.6)
        axes[0].set(ylabel="neuron (mV)", title="A neuron, its glial cell, and potassium between")
        for box, name, colour in ((_SOMA, "soma", "vermilion"), (8, "dendrite", "orange")):
            axes[1].plot(time, potassium[box], color=COLOURS[colour], label=name)
        axes[1].axhline(PUBLISHED["potassium_mM"], color=GREY, ls=":", lw=1, label="published peak")
        axes[1].set(ylabel="potassium outside (mM)", ylim=(3, 7))
        axes[1].legend(loc="upper left", ncols=3)
        axes[2].plot(time, course.glia_mV, color=COLOURS["green"])
        axes[2].axhline(PUBLISHED["glia_mV"], color=GREY, ls=":", lw=1)
        axes[2].set(xlabel="time (s)", ylabel="glial cell (mV)")
    return figure
