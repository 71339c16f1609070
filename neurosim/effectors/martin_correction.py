"""Martin's correction: the quantal content behind potentials that do not add up linearly."""

from __future__ import annotations

import numpy as np
from brian2.units import Quantity, mV

from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity

__all__ = ["martin_correction"]


def martin_correction(
    potential: Quantity, miniature: Quantity, driving_force: Quantity, f: float = 0.8
) -> np.ndarray:
    r"""Return the quantal content behind an end-plate potential that does not add up linearly.

    .. math:: m = \frac{V / V_{mini}}{1 - f\,V / (E - E_{rest})}

    Parameters
    ----------
    potential, miniature : Quantity
        Depolarisation by all quanta and by one.
    driving_force : Quantity
        Reversal potential minus resting potential.
    f : float
        1 where the capacitance plays no part (Martin 1955), about 0.8 for a brief conductance on a
        long fibre (McLachlan and Martin 1981).

    References
    ----------
    Martin (1955), J Physiol 130:114. McLachlan and Martin (1981), J Physiol 311:307.

    Examples
    --------
    >>> round(float(martin_correction(33.76 * mV, 0.5354 * mV, 80 * mV)), 1)
    95.2
    """
    potential = check_quantity(potential, 1 * mV, "martin_correction: potential", many=1)
    miniature = check_quantity(miniature, 1 * mV, "martin_correction: miniature", above=0 * mV)
    force = check_quantity(driving_force, 80 * mV, "martin_correction: driving_force", above=0 * mV)
    apart = 1 - f * np.asarray(potential / force, dtype=float)
    if np.any(apart <= 0):
        raise ParameterError(
            f"martin_correction: a potential of {potential} reaches the driving force ({force})"
        )
    return np.asarray(potential / miniature, dtype=float) / apart
