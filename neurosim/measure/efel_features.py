"""Features of the Electrophys Feature Extraction Library (eFEL) for a trace with units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from brian2.units import Quantity, ms, mV, nA, pA, second, volt

from neurosim.errors import ExtraMissingError, UnknownNameError, suggest
from neurosim.measure.spikes import check_trace
from neurosim.quantities import check_quantity

__all__ = ["efel_features"]


def efel_features(
    time: Quantity,
    v: Quantity,
    features: Sequence[str],
    *,
    onset: Quantity,
    duration: Quantity,
    amplitude: Quantity | None = None,
    criterion: Quantity = 10 * volt / second,
    detect: Quantity = -20 * mV,
    interpolation: Quantity = 0.02 * ms,
    strict: bool = False,
) -> dict[str, np.ndarray]:
    """Return features by eFEL's names, in its units (mV, ms, nA, Hz); empty where it finds none.

    Parameters
    ----------
    time, v : Quantity, shape (n,)
        A trace.
    features : sequence of str
        Such as ``["AP_begin_voltage", "AP_width", "sag_ratio1"]``.
    onset, duration, amplitude : Quantity
        The step of current; some features need the amplitude.
    criterion, detect : Quantity
        dV/dt at the threshold, and the potential that only spikes cross.
    interpolation : Quantity
        Step to which eFEL interpolates.
    strict : bool
        Whether only spikes within the step count (eFEL's ``strict_stiminterval``).

    Raises
    ------
    ExtraMissingError
        eFEL is not installed; the message names the extra.
    UnknownNameError
        eFEL has no such feature.

    References
    ----------
    Ranjan et al., eFEL, https://github.com/openbraininstitute/eFEL.
    """
    try:
        import efel
    except ImportError as error:
        raise ExtraMissingError.needed_for("efel_features", "efel") from error

    t, volts = check_trace(time, v, "efel_features")
    known = set(efel.get_feature_names())
    for name in features:
        if name not in known:
            near = suggest(name, known).split(" (known:")[0]
            raise UnknownNameError(f"eFEL has no feature {name!r}: {near[:200]}")
    first = float(check_quantity(onset, 100 * ms, "efel_features: onset"))
    last = first + float(check_quantity(duration, 500 * ms, "efel_features: duration"))
    trace: dict[str, Any] = {
        "T": t * 1e3,
        "V": volts * 1e3,
        "stim_start": [first * 1e3],
        "stim_end": [last * 1e3],
    }
    efel.reset()
    try:
        # eFEL reads dV/dt in mV/ms, which is V/s.
        efel.set_setting("DerivativeThreshold", float(criterion))
        efel.set_setting("Threshold", float(detect / mV))
        efel.set_setting("interp_step", float(interpolation / ms))
        efel.set_setting("strict_stiminterval", strict)
        if amplitude is not None:
            amount = check_quantity(amplitude, 10 * pA, "efel_features: amplitude")
            efel.set_setting("stimulus_current", float(amount / nA))
        found = efel.get_feature_values([trace], list(features), raise_warnings=False)[0]
    finally:
        efel.reset()
    return {
        name: np.zeros(0) if value is None else np.asarray(value) for name, value in found.items()
    }
