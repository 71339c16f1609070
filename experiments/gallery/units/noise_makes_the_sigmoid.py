"""Noise makes a neuron a sigmoid, and makes its counts scatter: one level serves best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from brian2.units import mV, pA, second
from matplotlib.figure import Figure

from bridge.counts.curve import FICurve
from bridge.stimulate.fi_curve import measure
from bridge.units import LIFRate, Logistic, NoisyLIF, Softplus, Unit
from experiments.kit.estimate import Estimate, farthest, mean
from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, INK, drawing
from neurosim import LIF, Recording, WhiteNoise

CLAIM = (
    "The more noise, the closer the mean rate of a LIF neuron comes to a logistic; but counts "
    "scatter more as well, so a single count of one second is best foretold at some millivolts."
)

SETTLE_S = 0.3
FAMILIES: dict[str, type[Unit]] = {"logistic": Logistic, "softplus": Softplus, "lif": LIFRate}


@dataclass(frozen=True)
class Parameters:
    """Noise levels, the range of currents, and the amount of sampling: trials fall into draws."""

    noise_mV: tuple[float, ...] = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 14.0, 20.0)
    window_s: float = 1.0
    lowest_pA: float = -100.0
    highest_pA: float = 300.0
    points: int = 33
    trials: int = 20
    draws: int = 5
    duration_s: float = 10.0
    dt_ms: float = 0.1


def _exact(current: np.ndarray, rate: np.ndarray) -> FICurve:
    """Rates as counts in a window so long that rounding to whole spikes does no harm."""
    return FICurve(current, np.round(rate * 1e5), np.full(len(rate), 1e5))


def _error(family: type[Unit], current: np.ndarray, rate: np.ndarray) -> float:
    """Rms distance (Hz) of the best unit of a family from exact rates."""
    unit = family.fit(_exact(current, rate))
    return float(np.sqrt(np.mean((unit.rate(current) - rate) ** 2)))


def _misses(
    current: np.ndarray, counts: np.ndarray, window_s: float, single: np.ndarray
) -> tuple[float, float]:
    """Rms misfit of the logistic and rms scatter of a single count (Hz), of one draw."""
    unit = Logistic.fit(FICurve(current, counts, np.full(len(current), window_s)))
    shape = np.sqrt(np.mean((unit.rate(current) - counts / window_s) ** 2))
    return float(shape), float(np.sqrt(np.mean(single.var(axis=1, ddof=1))))


def _windows(recording: Recording, window_s: float) -> np.ndarray:
    """Rate in each window of each row (Hz), shape (rows, windows)."""
    starts = np.arange(SETTLE_S, recording.duration_s - window_s + 1e-9, window_s)
    counts = [recording.counts(t * second, (t + window_s) * second) for t in starts]
    return np.stack(counts, axis=1) / window_s


@experiment("noise-makes-the-sigmoid", CLAIM, Parameters)
def run(parameters: Parameters, context: Context) -> Result:
    neuron = LIF()
    draws = parameters.draws
    each = max(2, parameters.trials // (2 * draws if context.quick else draws))
    trials = draws * each
    current = np.linspace(parameters.lowest_pA, parameters.highest_pA, parameters.points)
    theory, points, provenance = [], [], {}
    both: list[np.ndarray] = []
    excess: list[Estimate] = []
    fine = np.unique(np.concatenate([np.geomspace(0.05, 20, 45), parameters.noise_mV]))
    seeds = context.seeds(len(parameters.noise_mV))
    siegert = NoisyLIF.from_membrane
    for sigma in fine:
        rate = siegert(sigma_mV=sigma).rate(current)
        row = {name: _error(family, current, rate) for name, family in FAMILIES.items()}
        theory.append({"noise_mV": sigma, "top_Hz": float(rate.max()), **row})
    known = pd.DataFrame(theory)
    logistic = known.set_index("noise_mV")["logistic"]
    for k, sigma in enumerate(parameters.noise_mV):
        recording = measure(
            neuron,
            current * pA,
            duration=parameters.duration_s * second,
            settle=SETTLE_S * second,
            trials=trials,
            background=WhiteNoise.for_membrane(sigma * mV, neuron),
            dt=parameters.dt_ms * 1e-3 * second,
            seed=seeds[k],
            **context.running(f"noise {sigma:g} mV"),
        )
        counts = recording.counts(SETTLE_S * second).reshape(len(current), draws, each)
        single = _windows(recording, parameters.window_s).reshape(len(current), draws, -1)
        expected = siegert(sigma_mV=sigma).rate(current)
        found = [
            _misses(current, counts[:, k].sum(axis=1), each * parameters.duration_s, single[:, k])
            for k in range(draws)
        ]
        spikes = counts.sum(axis=(0, 2)) / (expected.sum() * each * parameters.duration_s)
        excess.append(mean(100 * (spikes - 1)).distance(0))
        both.append(np.hypot(*np.transpose(found)))
        shape, scatter = np.mean(found, axis=0)
        points.append(
            {
                "noise_mV": sigma,
                "shape_rms_Hz": float(shape),
                "siegert_shape_rms_Hz": logistic[sigma],
                "scatter_rms_Hz": float(scatter),
                "both_rms_Hz": float(both[-1].mean()),
                "spikes_less_siegert_percent": float(100 * (spikes.mean() - 1)),
            }
        )
        provenance = recording.to_dict()
    table = pd.DataFrame(points)
    least, most = table["both_rms_Hz"].iloc[[0, -1]]
    at = int(table["both_rms_Hz"].to_numpy().argmin())
    best = table.iloc[at]
    optimum = float(best["noise_mV"])
    error = float(best["both_rms_Hz"])
    figure = _draw(known, table, current, optimum, siegert, parameters.window_s)
    return Result(
        numbers={
            "optimum_noise_mV": optimum,
            "error_at_optimum_Hz": error,
            "error_at_least_noise_Hz": least,
            "error_at_most_noise_Hz": most,
            "shape_error_without_noise_Hz": float(logistic.iloc[0]),
            "shape_error_at_optimum_Hz": float(best["siegert_shape_rms_Hz"]),
        },
        tables={"theory": known, "simulated": table},
        figures={"noise-makes-the-sigmoid": figure},
        verdicts=[
            Verdict.of(
                "error of a single count at the optimum over that at the least noise",
                mean(both[at] / both[0]),
                0.9,
            ),
            Verdict.of(
                "error of a single count at the optimum over that at the most noise",
                mean(both[at] / both[-1]),
                0.9,
            ),
            Verdict(
                "logistic's shape error at 20 mV over that without noise",
                logistic.iloc[-1] / logistic.iloc[0],
                0.2,
            ),
            Verdict.of(
                "spikes of a noise level less Siegert's, at most (%)", farthest(excess), 1.5
            ),
        ],
        provenance=provenance,
    )


def _draw(
    known: pd.DataFrame,
    table: pd.DataFrame,
    current: np.ndarray,
    optimum: float,
    siegert: Callable[..., NoisyLIF],
    window_s: float,
) -> Figure:
    with drawing(7.4, 3.3, 1, 2) as (figure, (left, middle)):
        for name, colour in (("logistic", COLOURS["vermilion"]), ("softplus", COLOURS["green"])):
            left.semilogx(known["noise_mV"], known[name], color=colour, label=f"{name}: shape")
        scatter = f"scatter of a {window_s:g} s count"
        for column, label, mark, look in (
            ("shape", "logistic: shape, simulated", "o", {"ms": 4, "mfc": "white"}),
            ("scatter", scatter, "^--", {"ms": 3.5, "color": GREY, "lw": 1}),
            ("both", "logistic: both", "s-", {"ms": 3.5, "color": INK}),
        ):
            look = {"color": COLOURS["vermilion"], **look}
            left.semilogx(table["noise_mV"], table[f"{column}_rms_Hz"], mark, label=label, **look)
        left.axvline(optimum, color=INK, lw=0.8, ls=":")
        left.set(
            xlabel="noise (sd of the free membrane, mV)",
            ylabel="rms error (Hz)",
            title=f"A single count: best at {optimum:g} mV",
            ylim=(0, None),
        )
        left.legend(fontsize=7)
        wide = np.linspace(current[0], current[-1], 300)
        for sigma, name in ((0.05, "blue"), (optimum, "vermilion"), (20.0, "orange")):
            colour = COLOURS[name]
            neuron_unit = siegert(sigma_mV=sigma)
            fitted = Logistic.fit(_exact(current, neuron_unit.rate(current)))
            middle.plot(wide, neuron_unit.rate(wide), color=colour, label=f"{sigma:.3g} mV")
            middle.plot(wide, fitted.rate(wide), "--", color=colour, lw=1)
        middle.set(
            xlabel="current (pA)",
            ylabel="firing rate (Hz)",
            title="Neuron (lines) and logistic (dashed)",
        )
        middle.legend(title="noise")
    return figure
