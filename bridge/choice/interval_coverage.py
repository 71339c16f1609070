"""Does an interval hold the truth as often as it says? Draw counts, fit the true family, look.

A *cell* is one truth, one kind of noise and one number of currents. In each of its data sets the
currents are shifted at random, so that no threshold stands in a chosen place between two of them.

A likelihood interval is exact where the log-likelihood is a parabola out to its ends (Wilks 1938).
Not every parameter can be had like that from a few counts: a time constant may have no upper end,
and a jump is known no better than to lie between two currents. Then the interval is all that the
counts leave, and holds the truth more often than it says. `determines` tells these parameters from
the others, from the true unit and the currents, without looking at the counts that were drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kstest

from bridge.choice.confidence_intervals import covariance, profile_intervals
from bridge.choice.recovery import true_unit
from bridge.choice.select_unit import select
from bridge.counts.curve import FICurve
from bridge.counts.dispersion import CountNoise
from bridge.counts.likelihood import rough_variance, sample
from bridge.counts.sufficient_statistics import SufficientStatistics
from bridge.units import Unit
from bridge.units.fitting import Solution, problem
from neurosim.errors import UnknownNameError, suggest

__all__ = [
    "NOISES", "TOP_PA", "determines", "draw_counts_of", "examine", "noise_of", "seed_of_cell",
    "summary",
]  # fmt: skip

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """How the counts of a cell scatter: length of the window (s), and regularity of spiking."""

    window_s: float
    shape: float


NOISES = {
    "poisson": Noise(1.0, 1.0),
    "under-dispersed": Noise(1.0, 12.0),
    "sparse": Noise(0.1, 1.0),
}
"""Kinds of counts; a shape of 12 is a coefficient of variation of .29."""
TOP_PA = 500.0
NODES = 25
SEEN = 0.5
"""Bands are judged where the true unit is expected to fire at least so many spikes."""
NEAR_NORMAL = 2.0
"""By what factor an end may lie nearer or farther than the curvature of the likelihood says."""


def seed_of_cell(seed: int, *cell: str | int) -> int:
    """A seed of its own for a data set of one cell.

    The same seed for all cells gave them the same currents and much the same luck: how far the true
    unit was from the best had a correlation of up to .84 between two families, and the mean over
    cells was much less certain than so many independent data sets make it.

    Examples
    --------
    >>> seed_of_cell(1, "lif", "poisson") == seed_of_cell(1, "relu", "poisson")
    False
    """
    name = crc32("|".join(map(str, cell)).encode())
    return int(np.random.SeedSequence([seed, name]).generate_state(1)[0])


def noise_of(kind: str) -> Noise:
    """Return one of `NOISES`.

    Parameters
    ----------
    kind : str

    Raises
    ------
    UnknownNameError
        No such kind.

    Examples
    --------
    >>> noise_of("sparse").window_s
    0.1
    """
    if kind not in NOISES:
        raise UnknownNameError(f"no kind of counts {kind!r}; {suggest(kind, NOISES)}")
    return NOISES[kind]


def draw_counts_of(
    family: str, noise: str, currents: int, trials: int, seed: int
) -> tuple[Unit, FICurve]:
    """One data set of a cell.

    Parameters
    ----------
    family : str
        Name of the truth.
    noise : str
        One of `NOISES`.
    currents : int
        How many, evenly spaced up to 500 pA from a random start.
    trials : int
        Repeats of each.
    seed : int

    Returns
    -------
    truth : Unit
    curve : FICurve

    Raises
    ------
    UnknownNameError
        No such family, or no such kind of noise.

    Examples
    --------
    >>> truth, curve = draw_counts_of("relu", "poisson", 10, trials=3, seed=0)
    >>> truth.name, len(curve)
    ('relu', 30)
    """
    truth, kind = true_unit(family), noise_of(noise)
    random = np.random.default_rng([seed, currents, trials])
    amounts = (np.arange(currents) + random.random()) * TOP_PA / currents
    amounts = np.repeat(amounts, trials)
    counts = sample(truth.rate(amounts) * kind.window_s, kind.shape, 1, random)[0]
    trial = np.tile(np.arange(trials), currents)
    return truth, FICurve(amounts, counts, np.full(len(counts), kind.window_s), trial)


def examine(truth: Unit, curve: FICurve, seed: int, rivals: bool = False) -> dict[str, Any]:
    """Fit the true family to one data set and look whether it says the truth.

    Parameters
    ----------
    truth : Unit
    curve : FICurve
    seed : int
        Of the simulated test of the fit.
    rivals : bool
        Whether to let all families compete as well.

    Returns
    -------
    dict
        ``refused``, or: ``p``; by parameter ``inside``, ``open``, ``width`` and ``determined``
        (see `determines`); the share of
        currents at which the pointwise band holds the truth, and whether the simultaneous band
        holds all of it; with `rivals` the share for the family that was ``chosen``.
    """
    found = select(curve, [type(truth)], seed=seed)
    if not found.fits:
        return {"refused": found.refused["curve"].reason}
    fit = found.fits[0]
    nodes = np.linspace(*fit.valid_pA, NODES)
    rate = np.asarray(truth.rate(nodes))
    seen = rate * curve.window_s.sum() / len(curve.currents) > SEEN
    pointwise, simultaneous = found.both_bands(fit, nodes[seen])
    said: dict[str, Any] = {
        "p": float(fit.p_fit),
        "inside": {name: bool(getattr(truth, name) in e) for name, e in fit.intervals.items()},
        "open": {
            name: not bool(np.isfinite([e.low, e.high]).all()) for name, e in fit.intervals.items()
        },
        "width": {name: e.high - e.low for name, e in fit.intervals.items()},
        "determined": determines(truth, found.curve, found.noise, found.confidence),
        "pointwise": _held(pointwise, rate[seen]),
        "simultaneous": float(_held(simultaneous, rate[seen]) == 1.0),
    }
    if rivals:
        among = select(curve, intervals=None, seed=seed)
        best = among.best
        said["chosen"] = None if best is None else best.family
        if best is not None:
            said["after_choice"] = _held(among.band(best, nodes[seen]), rate[seen])
    return said


def determines(
    truth: Unit, curve: FICurve, noise: CountNoise, confidence: float = 0.95
) -> dict[str, bool]:
    """Which parameters of the true unit the measured currents can tell about normally.

    Counts that are just what is expected stand for those that were drawn, so that chance has no
    part in the answer. A parameter counts as determined where its profile interval has two ends,
    neither nearer than half nor farther than twice as far as the curvature of the likelihood says.

    Parameters
    ----------
    truth : Unit
    curve : FICurve
        Of which only the currents and windows are used.
    noise : CountNoise
        How counts scatter.
    confidence : float

    Returns
    -------
    dict of bool
        By parameter.

    Examples
    --------
    >>> truth, curve = draw_counts_of("logistic", "poisson", 10, trials=3, seed=0)
    >>> determines(truth, curve, CountNoise())
    {'max_rate_Hz': True, 'midpoint_pA': True, 'width_pA': True}
    >>> truth, curve = draw_counts_of("noisy-lif", "poisson", 10, trials=3, seed=0)
    >>> determines(truth, curve, CountNoise())["tau_s"]
    False
    """
    measured = curve.statistics()
    rate = np.asarray(truth.rate(measured.current))
    mean = measured.window * rate[measured.index]
    spread = np.add.reduceat(rough_variance(mean, noise.shapes(measured)), measured.first)
    expected = np.add.reduceat(mean, measured.first)
    # A Poisson count over this time tells as much about the rate, and may be a broken number.
    time = measured.pooled_window * np.divide(
        expected, spread, out=np.ones_like(spread), where=expected > 0
    )
    told = SufficientStatistics(measured.current, np.arange(len(rate)), time, rate * time)
    task = problem(type(truth), told, truth.settings)
    z = task.coordinates(truth.values)[None]
    drop = noise.drop(confidence)
    at_truth = Solution(z, told.log_likelihood(task.rate(z)), *task.bounds(z))
    ends = profile_intervals(task, at_truth, drop)
    normal = np.sqrt(drop * np.diag(covariance(task, z[0])))
    below, above = z[0] - task.coordinates(ends.low), task.coordinates(ends.high) - z[0]
    far = np.maximum(below, above) <= NEAR_NORMAL * normal
    near = np.minimum(below, above) >= normal / NEAR_NORMAL
    names = (parameter.name for parameter in task.parameters)
    return dict(zip(names, (far & near).tolist(), strict=True))


def _held(band: tuple[Array, Array], rate: Array) -> float:
    """Share of the true rates that lie in a band."""
    low, high = band
    slack = 1e-9 * (1 + rate)
    return float(np.mean((low - slack <= rate) & (rate <= high + slack)))


_SHARES = (
    "parameters", "worst_parameter", "determined", "share_determined", "pointwise",
    "simultaneous", "open", "p_below_05", "ks",
    "after_choice", "chosen",
)  # fmt: skip


def summary(cells: dict[tuple[str, str, int], list[dict[str, Any]]]) -> pd.DataFrame:
    """One row a cell: coverage in per cent, open ends, median width, calibration of p.

    ``determined`` is the coverage of the parameters that the counts determine, which are
    ``share_determined`` of all (see `determines`).

    Parameters
    ----------
    cells : dict
        By family, noise and number of currents: what `examine` found in each data set.

    Returns
    -------
    pandas.DataFrame
    """
    rows = []
    for (family, noise, currents), sets in cells.items():
        fitted = [one for one in sets if "refused" not in one]
        row: dict[str, Any] = {
            "family": family,
            "noise": noise,
            "currents": currents,
            "sets": len(sets),
            "refused": len(sets) - len(fitted),
        }
        row |= dict.fromkeys(_SHARES, np.nan) | {"widths": ""}
        if fitted:
            inside = [value for one in fitted for value in one["inside"].values()]
            ends = [value for one in fitted for value in one["open"].values()]
            known = [value for one in fitted for value in one["determined"].values()]
            p = np.array([one["p"] for one in fitted])
            p = p[np.isfinite(p)]
            row |= {
                "parameters": 100 * float(np.mean(inside)),
                "worst_parameter": min(
                    100 * float(np.mean([one["inside"][name] for one in fitted]))
                    for name in fitted[0]["inside"]
                ),
                "determined": 100 * _mean(np.array(inside, dtype=float)[known]),
                "share_determined": 100 * float(np.mean(known)),
                "pointwise": 100 * _mean(one["pointwise"] for one in fitted),
                "simultaneous": 100 * _mean(one["simultaneous"] for one in fitted),
                "open": 100 * float(np.mean(ends)),
                "p_below_05": 100 * float(np.mean(p < 0.05)) if len(p) else np.nan,
                "ks": float(kstest(p, "uniform").pvalue) if len(p) else np.nan,
                "after_choice": 100 * _mean(one.get("after_choice", np.nan) for one in fitted),
                "chosen": 100
                * _mean(
                    float(one["chosen"] == family) if "chosen" in one else np.nan for one in fitted
                ),
            }
            row["widths"] = ", ".join(
                f"{name} {np.median([one['width'][name] for one in fitted]):.3g}"
                for name in fitted[0]["width"]
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _mean(values: Any) -> float:
    known = np.array([value for value in values if np.isfinite(value)])
    return float(known.mean()) if len(known) else np.nan
