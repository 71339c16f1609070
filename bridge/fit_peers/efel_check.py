"""A second opinion on a fit: features of eFEL, of the recorded and the fitted trace alike.

A fit is judged by its own misfit, which it was made small for. The Electrophys Feature Extraction
Library (eFEL) has its own definitions of what a spike is and how high, wide and late it is, and
knows nothing of the fit. Here both traces of each held-out step go through it with one setting.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from brian2.units import ms, mV
from numpy.typing import NDArray

from bridge.errors import optional
from bridge.fit.fit_problem import FitProblem
from bridge.fit.fit_target import FitTarget
from bridge.fit.neuron_families import NeuronFamily
from bridge.fit.neuron_fit import NeuronFit
from bridge.fit.residual_rows import LocatedRun
from neurosim.measure.efel_features import efel_features

__all__ = ["EfelCheck", "Feature", "efel_check"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """One feature of eFEL.

    Attributes
    ----------
    name : str
        As eFEL calls it.
    words, unit : str
    shape : bool
        Whether it is of the shape of a spike, which a neuron that is reset does not have.
    """

    name: str
    words: str
    unit: str
    shape: bool = False


FEATURES = (
    Feature("spike_count_stimint", "spikes in the step", ""),
    Feature("time_to_first_spike", "time to first spike", "ms"),
    Feature("adaptation_index2", "adaptation index", ""),
    Feature("ISI_CV", "variation of intervals", ""),
    Feature("AP_begin_voltage", "threshold", "mV", shape=True),
    Feature("AP_height", "peak of spikes", "mV", shape=True),
    Feature("AP_duration_half_width", "width at half height", "ms", shape=True),
    Feature("AHP_depth", "lowest between spikes, above rest", "mV"),
    Feature("voltage_base", "before the step", "mV"),
    Feature("steady_state_voltage_stimend", "end of the step", "mV"),
)

# The drawn spike of a neuron that is reset: it rises and falls within the time that the neuron is
# held at its reset, and its top stands clear of the level that spikes cross.
_RISE_MS, _FALL_MS, _ABOVE_mV = 0.25, 0.5, 30.0


@dataclass(frozen=True, eq=False)
class EfelCheck:
    """Features of held-out steps, recorded and fitted.

    Attributes
    ----------
    current_pA : ndarray, shape (steps,)
    recorded, fitted : ndarray, shape (features, steps)
        In the order of `FEATURES`; the mean over the spikes of a step where each spike has one, and
        nan where eFEL finds none.
    is_reset : bool
        Whether the fitted neuron has no shape of spikes: its rows of shape are nan.
    name, family, version : str
        Of the cell, the family and eFEL.
    level_mV : float
        Potential that counts as a spike where it is crossed.
    """

    current_pA: Array
    recorded: Array
    fitted: Array
    is_reset: bool
    name: str
    family: str
    version: str
    level_mV: float

    def __getitem__(self, name: str) -> tuple[Array, Array]:
        """Return a feature by eFEL's name: recorded and fitted, one number a step."""
        at = [one.name for one in FEATURES].index(name)
        return self.recorded[at], self.fitted[at]

    def __str__(self) -> str:
        rows = [("", "pA", *(f"{one:.4g}" for one in self.current_pA))]
        for k, one in enumerate(FEATURES):
            unit = f" ({one.unit})" if one.unit else ""
            rows.append((f"{one.words}{unit}", "recorded", *map(_digits, self.recorded[k])))
            if one.shape and self.is_reset:
                rows.append(("", "does not apply: a neuron that is reset has no shape of spikes"))
            else:
                rows.append(("", "fitted", *map(_digits, self.fitted[k])))
        first = max(len(row[0]) for row in rows)
        lines = [
            f"eFEL {self.version} on the held-out steps (mean over the spikes of a step; a spike "
            f"crosses {self.level_mV:.3g} mV)"
        ]
        lines += [
            f"  {row[0]:<{first}}  {row[1]:<8} " + " ".join(f"{cell:>7}" for cell in row[2:])
            for row in rows
        ]
        return "\n".join(line.rstrip() for line in lines)

    def save(self, folder: Path) -> Path:
        """Write the features as a table (CSV), a row for each step and feature."""
        from neurosim.atomic_write import write_text

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        page = io.StringIO()
        table = csv.writer(page, lineterminator="\n")
        table.writerow(["current_pA", "feature", "unit", "recorded", "fitted", "applies"])
        for step, current in enumerate(self.current_pA):
            for k, one in enumerate(FEATURES):
                pair = (self.recorded[k, step], self.fitted[k, step])
                cells = ["" if np.isnan(value) else f"{value:.6g}" for value in pair]
                applies = "no" if one.shape and self.is_reset else "yes"
                table.writerow([f"{current:.6g}", one.name, one.unit, *cells, applies])
        path = folder / f"{self.name}_{self.family}_efel.csv"
        write_text(path, page.getvalue())
        return path


def efel_check(fit: NeuronFit) -> EfelCheck:
    """Measure recorded and fitted traces of the held-out steps with eFEL.

    Both are measured on the samples that the fit compares, with the same settings: dV/dt of 10 V/s
    at threshold, and as detection the level whose crossing is the time of a spike in the fit. A
    neuron that is reset gets a spike drawn at each reset, so that eFEL can count it; features of
    the shape of spikes do not apply to it.

    Parameters
    ----------
    fit : NeuronFit

    Returns
    -------
    EfelCheck

    Raises
    ------
    ExtraMissingError
        eFEL is not installed; the message names the extra.

    References
    ----------
    Ranjan et al., eFEL, https://github.com/openbraininstitute/eFEL.
    """
    return features_of(fit.family, fit.target, fit.values)


def features_of(family: NeuronFamily, target: FitTarget, values: Mapping[str, float]) -> EfelCheck:
    """Return the features of held-out steps and of a neuron of a family with these parameters."""
    efel = optional("efel", "a check of a fit by eFEL", "efel")
    problem = FitProblem(family, target)
    u = problem.unit_of(np.array([values[name] for name in family.names]))
    pieces = list(target.held_out)
    runs = problem.run(u, pieces)[0]
    recorded = [_measured(piece.v_mV, target) for piece in pieces]
    fitted = [_measured(_sampled(run, family, target), target) for run in runs]
    told = np.array(fitted).T
    if family.is_reset:
        told[[one.shape for one in FEATURES]] = np.nan
    return EfelCheck(
        np.array([one.current_pA for one in pieces]), np.array(recorded).T, told, family.is_reset,
        target.name, family.name, str(efel.__version__), target.level_mV,
    )  # fmt: skip


def _sampled(run: LocatedRun, family: NeuronFamily, target: FitTarget) -> Array:
    """Return the potential of a run on the samples of the target, with drawn spikes if reset."""
    time = target.time_ms
    v = np.interp(time, np.arange(1, len(run.v_mV) + 1) * run.step_ms, run.v_mV)
    if not family.is_reset:
        return v
    top = target.level_mV + _ABOVE_mV
    for at in run.spikes_ms:
        # As in the fit, the time of the spike is that at which it crosses the level.
        since = time - at
        drawn = np.where(
            since < _RISE_MS,
            target.level_mV + _ABOVE_mV * since / _RISE_MS,
            top - 2 * _ABOVE_mV * (since - _RISE_MS) / _FALL_MS,
        )
        inside = (since >= 0) & (since < _RISE_MS + _FALL_MS)
        v[inside] = np.maximum(v[inside], drawn[inside])
    return v


def _measured(v_mV: Array, target: FitTarget) -> list[float]:
    found = efel_features(
        target.time_ms * ms, v_mV * mV, [one.name for one in FEATURES],
        onset=target.onset_ms * ms, duration=target.step_ms * ms, detect=target.level_mV * mV,
        interpolation=target.sample_ms * ms, strict=True,
    )  # fmt: skip
    values = {one.name: np.asarray(found[one.name], dtype=float) for one in FEATURES}
    # Of a spike that the end of the recording cuts, eFEL tells a negative width.
    width = values["AP_duration_half_width"]
    values["AP_duration_half_width"] = width[width > 0]
    return [float(np.mean(one)) if len(one) else float("nan") for one in values.values()]


def _digits(value: float) -> str:
    # An index of equal intervals is a rounding error.
    return "-" if np.isnan(value) else f"{value if abs(value) > 1e-9 else 0.0:.4g}"
