"""A network trained with a cell's own f-I curve, on the point neuron that stands for the cell."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from brian2.units import Mohm, ms, mV, second

from ann import ShallowNetwork
from bridge.choice.select_unit import select
from bridge.counts.curve import FICurve
from bridge.errors import BridgeError
from bridge.mapping.measured_unit import MeasuredUnit
from bridge.units.lif import LIFRate
from experiments.compare.network_part import DIGITS, Answered, traced
from experiments.gallery.networks.digits_on_neurons import JUDGED_MS, on_neurons, train_on_digits
from experiments.gallery.networks.digits_on_neurons import Parameters as DigitsParameters
from experiments.kit.registry import Context
from experiments.kit.timing import Stopwatch
from experiments.kit.unit_tables import Fitted
from neurosim import LIF

__all__ = ["MeasuredNetwork", "network_of", "point_neuron_of"]

# Rates that the units of the network use: at rest, as a share of the highest that the curve is
# used for; and that one as a share of the highest counted. Little depends on them: of four pairs
# tried with the textbook neuron's curve, from 5 and 40 Hz to 20 and 140 Hz, one network each, all
# answered 96 to 97 % of the images rightly after 50 ms, and the last answered most at 400 ms.
_REST, _TOP = 0.15, 0.95
# A neuron whose curve is off by more of the highest rate (rms) does not stand for the cell.
_MOST_OFF = 0.1


@dataclass(frozen=True, eq=False)
class MeasuredNetwork:
    """What a network with a cell's own curve answered, or why there is none.

    Attributes
    ----------
    cell : str
        Title of the cell.
    answered : Answered or None
        The network and its run.
    residual_Hz : float
        Root mean square by which the point neuron's curve misses the cell's.
    neuron : LIF or None
        The point neuron.
    why : str
        Why there is no network.
    top_pA : float or None
        Current of the highest rate, where the curve beyond it is not used (pA).
    blocked : bool
        Whether the cell is in depolarisation block there.
    """

    cell: str
    answered: Answered | None
    residual_Hz: float = float("nan")
    neuron: LIF | None = None
    why: str = ""
    top_pA: float | None = None
    blocked: bool = False


def point_neuron_of(unit: LIFRate) -> LIF:
    """Return the integrate-and-fire neuron with the f-I curve of a fitted unit.

    A curve fixes two currents and two times, not the voltages: rest at -70 and threshold at -55
    mV are those of the textbook neuron, and the resistance and the reset follow.

    Parameters
    ----------
    unit : LIFRate

    Examples
    --------
    >>> neuron = point_neuron_of(LIFRate(150.0, 150.0, 0.02, 0.002))
    >>> neuron.V_reset, neuron.rheobase
    (-70. * mvolt, 150. * pamp)
    """
    resistance = 15e3 / unit.rheobase_pA  # Mohm, of 15 mV from rest to threshold
    reset = -55.0 - 1e-3 * resistance * unit.span_pA
    return LIF(
        E_L=-70 * mV,
        V_th=-55 * mV,
        V_reset=round(reset, 9) * mV,
        tau_m=unit.tau_s * second,
        R_m=resistance * Mohm,
        t_ref=unit.refractory_s * second,
    )


def _rising(curve: FICurve) -> FICurve:
    """Return the curve up to its highest rate, without the name of its neuron.

    Another neuron will stand for it, and says so; and a block has no place in an activation.
    """
    top = curve.currents[int(np.argmax(curve.mean_rate_Hz()))]
    kept = curve.current_pA <= top
    return FICurve(
        curve.current_pA[kept], curve.count[kept], curve.window_s[kept], curve.trial[kept],
        source=curve.source,
    )  # fmt: skip


def network_of(
    cell: Fitted,
    name: str,
    digits: DigitsParameters,
    context: Context,
    watch: Stopwatch,
) -> MeasuredNetwork:
    """Train one network with a cell's curve, and put it onto the neuron that stands for the cell.

    Parameters
    ----------
    cell : Fitted
        The cell with its counts and the units fitted to them.
    name : str
        What a sentence calls it.
    digits, context, watch
        Of the main job.
    """
    selection = cell.selection
    if not selection.ok:
        return MeasuredNetwork(name, None, why=str(selection.refused["curve"]))
    curve, top_pA = _rising(cell.curve), None
    blocked = any(why.reason == "block" for why in selection.refused.values())
    if len(curve.currents) < len(cell.curve.currents):
        top_pA = float(curve.currents[-1])
        # What lies beyond a block is no part of the activation, and should not move the fit.
        selection = select(curve, intervals=None, seed=context.seed)
    fits = [
        (fit.unit, fit.residual_rms_Hz)
        for fit in selection.fits
        if isinstance(fit.unit, LIFRate) and fit.unit.rheobase_pA > 0
    ]
    if not fits:
        none = "no integrate-and-fire neuron has an f-I curve like this cell's"
        refused = selection.refused
        why = str(refused.get("curve", refused.get(LIFRate.name, none)))
        return MeasuredNetwork(name, None, why=why)
    unit, off = fits[0]
    highest = float(curve.mean_rate_Hz().max())
    if off > _MOST_OFF * highest:
        why = (
            f"the nearest integrate-and-fire neuron misses its f-I curve, which rises to "
            f"{highest:.0f} Hz, by {off:.1f} Hz (rms)"
        )
        return MeasuredNetwork(name, None, off, why=why)
    top = _TOP * highest
    seed = context.seeds(1)[0]
    try:
        activation = MeasuredUnit.of_rates(curve, low_Hz=_REST * top, top_Hz=top)
        with watch.during("training"):
            network = ShallowNetwork(
                hidden=digits.hidden, activation=activation, dropout=digits.dropout,
                random_state=seed,
            )  # fmt: skip
            trained = train_on_digits(network, seed)
        neuron = point_neuron_of(unit)
        with watch.during("simulation"):
            run = on_neurons(
                trained,
                # The curve was measured without noise, and so are these neurons run.
                replace(digits, noise_mV=0.0),
                replace(context, jobs=1),
                what="trained with the cell's curve",
                neuron=neuron,
                curve=curve,
                decision=JUDGED_MS[0] * ms,
                record=traced(1, 10),
            )
    except BridgeError as error:
        return MeasuredNetwork(name, None, why=str(error))
    answered = Answered(DIGITS, [(trained, run)], digits.times_ms)
    return MeasuredNetwork(name, answered, off, neuron, top_pA=top_pA, blocked=blocked)
