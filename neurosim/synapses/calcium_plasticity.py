"""A glutamate synapse whose strength follows the calcium that its NMDA receptors let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from brian2.units import Quantity, ms, mV, second
from brian2.units.stdunits import uM

from neurosim.quantities import check_quantity, quantity
from neurosim.synapses.exponential import DoubleExponential
from neurosim.synapses.nmda import BLOCK

__all__ = ["PlasticAMPA", "calcium_learning_rate", "calcium_target"]


def calcium_target(
    calcium: Quantity, alpha_1: Quantity = 0.35 * uM, alpha_2: Quantity = 0.55 * uM
) -> np.ndarray:
    r"""Return the strength that a level of calcium draws a synapse to, 1 for that of rest.

    .. math:: 4\,\Omega = 1 + 4\,\sigma(80 ([Ca] - \alpha_2)) - \sigma(80 ([Ca] - \alpha_1))

    Parameters
    ----------
    calcium : Quantity
        Concentration.
    alpha_1, alpha_2 : Quantity
        Above the first the synapse is weakened, above the second strengthened.

    References
    ----------
    Shouval, Bear and Cooper (2002), Proc Natl Acad Sci 99:10831, equation 3.

    Examples
    --------
    >>> calcium_target([0.1, 0.45, 1] * uM).round(3).tolist()
    [1.0, 0.002, 4.0]
    """
    at = np.asarray(check_quantity(calcium, 0.1 * uM, "calcium_target: calcium", many=2) / uM)
    first, second_ = (float(a / uM) for a in (alpha_1, alpha_2))
    rise, fall = (1 / (1 + np.exp(-80 * (at - a))) for a in (second_, first))
    target: np.ndarray = 1 + 4 * rise - fall
    return target


def calcium_learning_rate(calcium: Quantity) -> Quantity:
    r"""Return how fast a synapse changes at a level of calcium.

    .. math:: 1/\eta = \frac{0.1\,s}{10^{-5} + [Ca]^3} + 1\,s, \qquad [Ca] \text{ in µM}

    Parameters
    ----------
    calcium : Quantity
        Concentration.

    References
    ----------
    Shouval, Bear and Cooper (2002), Proc Natl Acad Sci 99:10831.

    Examples
    --------
    >>> (1 / calcium_learning_rate([0, 1] * uM)).round(3)
    array([1.0001e+04, 1.1000e+00]) * second
    """
    at = np.asarray(
        check_quantity(calcium, 0.1 * uM, "calcium_learning_rate: calcium", many=2) / uM
    )
    return 1 / ((0.1 / (1e-5 + at**3) + 1) * second)


@dataclass(frozen=True, eq=False, repr=False)
class PlasticAMPA(DoubleExponential):
    r"""AMPA receptors whose number follows the calcium of the spine they sit on.

    .. math::
        I = g\,W\,(B - A)\,(E - V), \qquad W = 1 + change \\
        \dot{[Ca]} = influx\,(F + S)\,B_{Mg}(V)\,(E_{Ca} - V) - [Ca]/\tau_{Ca} \\
        \dot W = \eta([Ca])\,(\Omega([Ca]) - W)

    Every release opens NMDA receptors, half of them for 50 ms and half for 200 ms; they let in
    calcium where the membrane is depolarised. A little calcium weakens the synapse, much
    strengthens it (`calcium_target`), the faster the more there is (`calcium_learning_rate`).
    Receptors on one compartment keep strengths of their own, one a point; contacts that share a
    point share its strength. The influx is 1/500 µM/(ms mV) through all NMDA receptors, of which a
    release opens half; releases add up, also where more than all receptors would be open. The NMDA
    current itself is another part: place `NMDA` beside it.

    Trace ``change`` and ``calcium`` by ``neuron.probe("LABEL.change", ...)``.

    References
    ----------
    Shouval, Bear and Cooper (2002), Proc Natl Acad Sci 99:10831: equations and parameters, with
    strengths in units of that of rest (0.25 there). Every constant is that of an independent
    implementation, github.com/folmez/CaDP-MatLab (Omega_calcium.m, eta_calcium.m,
    NMDAr_calcium_current.m, update_Ca.m), which notes that the paper misprints P2 of the learning
    rate: it is 1e-4 times P1.

    Examples
    --------
    >>> PlasticAMPA().tau_calcium
    50. * msecond
    """

    tau_rise: Quantity = quantity(0.2 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(1.7 * ms, "time constant of the decay", above=0 * ms)
    Mg: Quantity = quantity(1000 * uM, "extracellular magnesium", at_least=0 * uM)
    influx: Quantity = quantity(
        0.001 * uM / (ms * mV), "calcium let in after a release", at_least=0 * uM / (ms * mV)
    )
    E_Ca: Quantity = quantity(130 * mV, "reversal potential of calcium")
    tau_calcium: Quantity = quantity(50 * ms, "time constant of calcium", above=0 * ms)
    tau_fast: Quantity = quantity(50 * ms, "NMDA receptors, fast half", above=0 * ms)
    tau_slow: Quantity = quantity(200 * ms, "NMDA receptors, slow half", above=0 * ms)
    alpha_1: Quantity = quantity(0.35 * uM, "calcium above which it is weakened", above=0 * uM)
    alpha_2: Quantity = quantity(0.55 * uM, "calcium above which it is strengthened", above=0 * uM)
    transmitter = "glutamate"
    lumps: ClassVar[bool] = False

    equations = f"""
    {DoubleExponential.equations}
    {BLOCK}
    dfast/dt = -fast/tau_fast : 1
    dslow/dt = -slow/tau_slow : 1
    dcalcium/dt = influx*(fast + slow)*block*(E_Ca - v) - calcium/tau_calcium : mole/meter**3
    level = calcium/(0.001*mole/meter**3) : 1
    first = 1/(1 + exp(-80*(level - alpha_1/(0.001*mole/meter**3)))) : 1
    second_ = 1/(1 + exp(-80*(level - alpha_2/(0.001*mole/meter**3)))) : 1
    target = 4*second_ - first : 1
    learning = 1/(0.1*second/(1e-5 + level**3) + 1*second) : hertz
    dchange/dt = learning*(target - change) : 1
    """
    current = "g*(1 + change)*(B - A)*(E - v)"
    on_event: ClassVar[dict[str, str]] = {
        **DoubleExponential.on_event,
        "fast": "0.5*weight",
        "slow": "0.5*weight",
    }
