"""How firing begins: as a square root from zero (class I), or with a jump (class II)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import Quantity, ms, pA, second
from scipy.optimize import least_squares

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim import HodgkinHuxley, PointNeuron, Recording, Steps, TraubMiles, simulate

CLAIM = (
    "Near rheobase a class I neuron (Traub-Miles) fires at a rate that goes with the square root "
    "of the excess current; a class II neuron (Hodgkin-Huxley) starts above 50 Hz."
)


@dataclass(frozen=True)
class Parameters:
    """Where the exponent is looked for, and how exactly the onset."""

    nearest_percent: float = 0.5
    farthest_percent: float = 10.0
    points: int = 24
    duration_s: float = 20.0


def _steps(neuron: PointNeuron, current: Quantity, length: Quantity, context: Context) -> Recording:
    return simulate(
        neuron,
        length,
        stimulus=Steps(amplitude=0 * pA, onset=50 * ms, duration=1000 * second),
        batch={"amplitude": current},
        **context.running(f"{type(neuron).__name__}, {len(current)} currents"),
    )


def _onset(neuron: PointNeuron, low: float, high: float, context: Context) -> tuple[float, float]:
    """Two currents (pA) between which repetitive firing begins, a thousandth of a percent apart."""
    while (high - low) > 1e-5 * high:
        tried = np.linspace(low, high, 33)
        found = _steps(neuron, tried * pA, 2.5 * second, context)
        firing = found.counts(1.0 * second) > 0
        first = int(np.argmax(firing))
        low, high = tried[first - 1], tried[first]
    return low, high


@experiment("class-one-and-two", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    tables = []
    spans = {
        "Traub-Miles": (TraubMiles(), 1.0, 1000.0),
        "Hodgkin-Huxley": (HodgkinHuxley(), 5, 500),
    }
    onsets: dict[str, float] = {}
    for title, (neuron, low, high) in spans.items():
        below, above = _onset(neuron, low, high, context)
        onsets[title] = above
        excess = np.geomspace(
            parameters.nearest_percent, parameters.farthest_percent, parameters.points
        )
        current = below * (1 + excess / 100)
        played = _steps(neuron, current * pA, parameters.duration_s * second, context)
        rate = np.asarray(played.interval_rate(min(2.0, parameters.duration_s / 4) * second))
        tables.append(
            pd.DataFrame(
                {"neuron": title, "excess_percent": excess, "current_pA": current, "rate_Hz": rate}
            )
        )
    table = pd.concat(tables, ignore_index=True)

    one, two = (table[table["neuron"] == title] for title in spans)
    first = onsets["Traub-Miles"]

    # rate = gain (I - rheobase)^exponent, in logarithms. The rheobase is fitted as well: so near to
    # it the cell waits longer for its next spike than the search for the onset did.
    def misses(theta: np.ndarray) -> np.ndarray:
        above = one["current_pA"].to_numpy() - theta[2]
        found = theta[0] + theta[1] * np.log(above) - np.log(one["rate_Hz"].to_numpy())
        return np.asarray(found)

    fit = least_squares(
        misses,
        [1.0, 0.5, first * 0.999],
        bounds=([-20, 0, first * 0.9], [20, 3, first]),
        x_scale=[1, 0.1, first * 1e-3],
    )
    exponent = float(fit.x[1])
    spread = float(np.sum(fit.fun**2)) / (len(one) - 3)
    error = float(np.sqrt(np.linalg.inv(fit.jac.T @ fit.jac)[1, 1] * spread))
    onset_rate = float(two["rate_Hz"].iloc[0])

    with drawing(7.0, 3.2, 1, 2) as (figure, (left, right)):
        colours = (COLOURS["blue"], COLOURS["vermilion"])
        for title, part, colour in zip(spans, (one, two), colours, strict=True):
            x, y = part["excess_percent"], part["rate_Hz"]
            left.plot([-1, 0, *x], [0, 0, *y], "-", color=colour, lw=1)
            left.plot(x, y, "o", ms=3, color=colour, label=title)
        left.axvline(0, color=GREY, lw=0.8, ls=":")
        left.set(
            xlabel="current above rheobase (%)", ylabel="firing rate (Hz)", title="Onset of firing"
        )
        left.legend(loc="center right")
        above = one["current_pA"] - fit.x[2]
        right.loglog(above, one["rate_Hz"], "o", ms=3.5, color=COLOURS["blue"], label="simulated")
        law, label = np.exp(fit.x[0]) * above**exponent, f"exponent {exponent:.3f}"
        right.loglog(above, law, "-", color=COLOURS["orange"], lw=1.2, label=label)
        right.set(xlabel="current above rheobase (pA)", ylabel="firing rate (Hz)")
        right.set_title("Traub-Miles: a square root")
        right.legend(loc="lower right")
    return Result(
        numbers={
            "exponent": exponent,
            "exponent_standard_error": error,
            "first_firing_pA": onsets,
            "rheobase_fitted_pA": float(fit.x[2]),
            "class_two_onset_rate_Hz": onset_rate,
            "class_one_lowest_rate_Hz": float(one["rate_Hz"].min()),
        },
        tables={"rates": table},
        figures={"class-one-and-two": figure},
        verdicts=[
            Verdict("distance of the class I exponent from 0.5", abs(exponent - 0.5), 0.05),
            Verdict("class II: rate at onset (Hz)", onset_rate, 50.0, ">="),
            Verdict("class I: lowest rate seen (Hz)", one["rate_Hz"].min(), 5.0),
        ],
        provenance={"engine": context.engine},
    )
