"""What to keep in mind about a fitted unit, and the criterion by which fits are compared."""

from __future__ import annotations

import numpy as np

from bridge.choice.goodness_of_fit import informative_currents
from bridge.units import Unit
from bridge.units.fitting import Problem

__all__ = ["aicc", "remarks"]


def aicc(log_likelihood: float, parameters: int, measurements: int) -> float:
    """Corrected Akaike criterion (Hurvich and Tsai 1989); inf where measurements are too few.

    The noise is one for all families, so it counts as a parameter of none.
    """
    spare = measurements - parameters - 1
    if spare <= 0:
        return np.inf
    return float(-2 * log_likelihood + 2 * parameters + 2 * parameters * (parameters + 1) / spare)


def remarks(task: Problem, unit: Unit) -> tuple[str, ...]:
    """Remarks on a unit, in words: what was extrapolated, or not determined."""
    statistics, remarks = task.statistics, []
    if task.family.sharp and task.free[task.location] and statistics.pooled_count[0] > 0:
        remarks.append(
            f"every current fires, so {task.family.location} is extrapolated below "
            f"{statistics.current[0]:g} pA"
        )
    for i, parameter in enumerate(task.parameters):
        value = getattr(unit, parameter.name)
        ends = [parameter.lower, parameter.upper]
        if task.free[i] and np.isclose(value, ends, rtol=1e-6, atol=0).any():
            remarks.append(f"{parameter.name} lies at the end of its range")
    if informative_currents(statistics) <= task.size:
        remarks.append(
            "it has as many parameters as there are informative currents, so nothing is left to "
            "test it by"
        )
    top = getattr(unit, "max_rate_Hz", None)
    seen = float((statistics.pooled_count / statistics.pooled_window).max())
    if top is not None and top > 2 * seen and np.isnan(task.known[0]):
        remarks.append(f"saturation at {top:.3g} Hz lies far above any rate seen ({seen:.3g} Hz)")
    return tuple(remarks)
