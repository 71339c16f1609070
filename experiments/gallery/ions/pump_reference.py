"""Trains, long steps and ouabain: the cell with a pump beside the same cell in NEURON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import ms, nA, second

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import Course, Pulses, simulate
from neurosim.catalogue import pumping_cell
from neurosim.morphology import at
from neurosim.run.neuron_run import NeuronRecording

__all__ = ["POTENTIAL_AT_S", "REFERENCE", "SODIUM_AT_S", "Protocol", "beside", "protocols"]

CLAIM = (
    "Under 12 long steps of current and 8 trains of spikes, with ouabain and without, the cell "
    "with a sodium pump has the sodium of the same cell in NEURON within 0.2 %, its potential "
    "within 0.005 mV, and its spikes within 0.5 %."
)

# Protocol: current (uA/cm2) from 1 to 6 s; pulses and their rate (Hz) from 1 s on; share of the
# pumps that ouabain blocks within 0.5 s, and from when (s). Then, from NEURON 9.0.2 (CVODE at
# 1e-8): spikes from 1 to 6 s and in the last second of these, sodium (mM) and potential (mV) at the
# times below. ``benchmarks/pumping_cell_neuron.py`` prints these lines, and those of protocols of
# yours.
SODIUM_AT_S = (0.95, 2.0, 4.0, 6.0, 8.0, 10.0)
POTENTIAL_AT_S = (0.95, 6.5, 8.0, 10.0)
# fmt: off
REFERENCE: dict[tuple[float, ...], tuple[int, int, tuple[float, ...], tuple[float, ...]]] = {
    (0, 0, 0, 0.5, 2): (0, 0,
    (10.0, 10.0, 10.6262, 11.2076, 11.6723, 12.0441), (-65.0, -64.753, -64.806, -64.864)),
    (0, 0, 0, 1.0, 2): (0, 0,
    (10.0, 10.0, 11.358, 12.8618, 14.32, 15.7393), (-65.0, -64.265, -64.306, -64.355)),
    (2, 0, 0, 0, 0): (0, 0,
    (10.0, 10.1307, 10.3225, 10.4486, 10.3, 10.2008), (-65.0, -65.111, -65.082, -65.055)),
    (6, 0, 0, 0, 0): (1, 0,
    (10.0, 10.514, 11.1209, 11.5063, 11.0034, 10.6695), (-65.0, -65.381, -65.279, -65.185)),
    (10, 0, 0, 0, 0): (64, 0,
    (10.0, 14.757, 14.4197, 14.1993, 12.8032, 11.8655), (-65.0, -66.092, -65.801, -65.527)),
    (15, 0, 0, 0, 0): (213, 0,
    (10.0, 23.3144, 21.8503, 20.2603, 17.1864, 14.887), (-65.0, -67.558, -67.028, -66.406)),
    (30, 0, 0, 0, 0): (722, 0,
    (10.0, 26.3377, 46.0646, 44.2916, 39.0936, 34.0523), (-65.0, -69.818, -69.663, -69.394)),
    (-5, 0, 0, 0, 0): (0, 0,
    (10.0, 9.7927, 9.4734, 9.2482, 9.4933, 9.659), (-65.0, -64.819, -64.865, -64.909)),
    (6, 0, 0, 0.5, 0.2): (1, 0,
    (10.1909, 11.1107, 12.4459, 13.4835, 13.5013, 13.5158), (-64.575, -65.085, -65.087, -65.089)),
    (6, 0, 0, 0.9, 3): (1, 0,
    (10.0, 10.514, 11.7911, 13.9567, 15.0633, 16.1067), (-65.0, -64.473, -64.518, -64.571)),
    (10, 0, 0, 0.9, 6): (64, 0,
    (10.0, 14.757, 14.4197, 14.1993, 14.9618, 16.0108), (-65.0, -64.466, -64.512, -64.566)),
    (15, 0, 0, 1.0, 2): (370, 0,
    (10.0, 23.3144, 34.6424, 37.6302, 38.7137, 39.788), (-65.0, -64.796, -64.806, -64.819)),
    (0, 50, 10, 0, 0): (50, 10,
    (10.0, 10.8821, 12.1547, 12.9764, 11.981, 11.3186), (-65.0, -65.767, -65.56, -65.369)),
    (0, 150, 30, 0, 0): (150, 30,
    (10.0, 12.6183, 16.3141, 18.8073, 16.078, 14.0986), (-65.0, -67.243, -66.737, -66.18)),
    (0, 250, 50, 0, 0): (250, 50,
    (10.0, 14.3089, 20.4106, 24.8162, 20.9026, 17.6885), (-65.0, -68.362, -67.865, -67.154)),
    (0, 400, 80, 0, 0): (400, 80,
    (10.0, 16.7827, 26.5126, 33.9625, 29.1637, 24.729), (-65.0, -69.306, -69.013, -68.5)),
    (0, 250, 50, 0.25, 0.2): (250, 50,
    (10.0943, 14.6108, 21.3536, 26.5352, 23.6465, 21.0661), (-64.789, -67.396, -67.19, -66.882)),
    (0, 250, 50, 0.5, 3): (250, 50,
    (10.0, 14.3089, 21.0862, 27.3457, 25.7231, 24.2018), (-65.0, -66.398, -66.331, -66.236)),
    (0, 250, 50, 0.9, 6): (250, 50,
    (10.0, 14.3089, 20.4106, 24.8162, 24.8914, 25.5618), (-65.0, -64.878, -64.894, -64.911)),
    (0, 150, 30, 1.0, 6): (150, 30,
    (10.0, 12.6183, 16.3141, 18.8073, 19.5838, 20.891), (-65.0, -64.438, -64.467, -64.499)),
}
# fmt: on
_AREA_CM2 = np.pi * 2e-4 * 100e-4
_END_S = 10.0


@dataclass(frozen=True)
class Parameters:
    """The time step."""

    dt_ms: float = 0.0125


@dataclass(frozen=True)
class Protocol:
    """Protocols side by side, as columns.

    Attributes
    ----------
    stimulus : Pulses
        A stimulus of that kind.
    batch : dict of str to Quantity
        What differs between rows: a step is one long pulse.
    ouabain : list of Course
        Share of the pumps that is blocked, a row a course.
    """

    stimulus: Pulses
    batch: dict[str, Any]
    ouabain: list[Course]


def protocols(cases: list[tuple[float, ...]]) -> Protocol:
    """Return protocols ready to run; each is (current, pulses, rate, dose, from when)."""
    table = np.array(cases, dtype=float)
    current, pulses, rate, dose, begin = table.T
    trains = pulses > 0
    density = np.where(trains, 40.0, current)
    stimulus = Pulses(period=5 * second, width=5 * second, n=1, onset=1 * second)
    batch = {
        "stimulus.pulses.period": np.where(trains, 1 / np.where(trains, rate, 1), 5) * second,
        "stimulus.pulses.width": np.where(trains, 0.5, 5000) * ms,
        "stimulus.pulses.n": np.where(trains, pulses, 1),
        "stimulus.pulses.amplitude": density * _AREA_CM2 * 1e3 * nA,
    }
    wash = [
        Course([from_s, from_s + 0.5] * second, np.array([0.0, share]))
        for share, from_s in zip(dose, begin, strict=True)
    ]
    return Protocol(stimulus, batch, wash)


def beside(
    cases: list[tuple[float, ...]], dt_ms: float, until_s: float = _END_S, **options: Any
) -> NeuronRecording:
    """Run the cell under protocols, a row each."""
    given = protocols(cases)
    run = simulate(
        pumping_cell().probe("na_i", at("cell", 0.5), label="sodium"), until_s * second,
        stimulus=given.stimulus, batch=given.batch,
        courses={"sodium_pump.blocked": given.ouabain}, dt=dt_ms * ms, record_dt=1 * ms, **options,
    )  # fmt: skip
    assert isinstance(run, NeuronRecording)
    return run


@experiment("pump-beside-neuron", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    cases = list(REFERENCE)
    found = beside(cases, parameters.dt_ms, **context.running("20 protocols"))
    table = compared(found, cases)
    assert found.ledger is not None
    error = max(found.ledger["na"].relative_error, found.ledger.charge.relative_error)
    return Result(
        numbers={
            name: float(np.abs(table[name]).max())
            for name in ("sodium_percent", "potential_mV", "spikes_percent")
        },
        tables={"protocols": table},
        figures={"pump-beside-neuron": _figure(found, cases)},
        verdicts=[
            Verdict("sodium, largest distance from NEURON (%)", table.sodium_percent.max(), 0.2),
            Verdict("potential, largest distance (mV)", table.potential_mV.max(), 0.005),
            Verdict("spikes, largest distance (%)", float(table.spikes_percent.max()), 0.5),
            Verdict("error of the ledger, over what moved", error, 1e-9),
        ],
        provenance=found.to_dict(),
    )


def compared(found: NeuronRecording, cases: list[tuple[float, ...]]) -> pd.DataFrame:
    """Return a row a protocol: how far it is from NEURON."""
    time = found.trace_time_s
    sodium, v = found.traces_si["sodium"], 1e3 * found.traces_si["cell"]
    rows = []
    for k, case in enumerate(cases):
        spikes, late, na, potential = REFERENCE[case]
        train = np.asarray(found.spike_train(k), dtype=float)
        mine = np.interp(SODIUM_AT_S, time, sodium[k])
        there = np.interp(POTENTIAL_AT_S, time, v[k])
        counts = [np.sum((train >= a) & (train < 6)) for a in (1, 5)]
        rows.append(
            dict(zip(("uA_cm2", "pulses", "Hz", "blocked", "from_s"), case, strict=True))
            | {
                "spikes_neuron": spikes,
                "spikes": int(counts[0]),
                "spikes_apart": max(abs(counts[0] - spikes), abs(counts[1] - late)),
                # Of 100 spikes or fewer, one is 1 %.
                "spikes_percent": 100
                * max(abs(counts[0] - spikes) / max(spikes, 100), abs(counts[1] - late) / 100),
                "sodium_neuron_mM": na[3],
                "sodium_mM": mine[3],
                "sodium_percent": 100 * np.max(np.abs(mine / na - 1)),
                "potential_mV": np.max(np.abs(there - potential)),
            }
        )
    return pd.DataFrame(rows)


def _figure(found: NeuronRecording, cases: list[tuple[float, ...]]) -> Any:
    colours = [COLOURS[name] for name in ("blue", "orange", "vermilion", "green")]
    shown = (
        ("a step of current", [(6, 0, 0, 0, 0), (15, 0, 0, 0, 0), (15, 0, 0, 1.0, 2)]),
        ("a train", [(0, 150, 30, 0, 0), (0, 250, 50, 0, 0), (0, 250, 50, 0.9, 6)]),
    )
    with drawing(6.8, 3.4, 1, 2, sharey=True) as (figure, axes):
        for panel, (title, these) in zip(axes, shown, strict=True):
            panel.axvspan(1, 6, color=GREY, alpha=0.15, lw=0)
            for case, colour in zip(these, colours, strict=False):
                row = found.traces_si["sodium"][cases.index(case)]
                what = f"{case[0]:g} µA/cm²" if case[0] else f"{case[2]:g} Hz"
                what += f", {100 * case[3]:g} % blocked at {case[4]:g} s" if case[3] else ""
                panel.plot(found.trace_time_s, row, color=colour, label=what)
                panel.plot(SODIUM_AT_S, REFERENCE[case][2], "o", mfc="none", color=colour, ms=5)
            panel.set(xlabel="time (s)", title=f"Sodium after {title}")
            panel.legend(loc="upper left", fontsize=7)
        axes[0].set(ylabel="sodium inside (mM); NEURON: circles")
        return figure
