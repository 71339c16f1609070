"""Synaptic conductances that rise and fall exponentially, with literature defaults by receptor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from brian2.units import Quantity, ms, mV, nS
from brian2.units.stdunits import mM

from neurosim.errors import ParameterError
from neurosim.quantities import check_quantity, quantity
from neurosim.synapses.base import Receptor

__all__ = [
    "AMPA",
    "GABAA",
    "GABAB",
    "NMDA",
    "DoubleExponential",
    "Exponential",
    "Nicotinic",
    "magnesium_block",
]


@dataclass(frozen=True, eq=False, repr=False)
class Exponential(Receptor):
    r"""Conductance that jumps at an event and decays exponentially.

    .. math:: I = g\, s\,(E - V), \qquad \dot s = -s/\tau, \qquad s \leftarrow s + weight
    """

    g: Quantity = quantity(0.5 * nS, "peak conductance of one quantum", at_least=0 * nS)
    E: Quantity = quantity(0 * mV, "reversal potential")
    tau: Quantity = quantity(2 * ms, "decay time constant", above=0 * ms)
    q10: Quantity = quantity(1.0, "factor on the rates for 10 °C", above=0)

    equations: ClassVar[str] = "ds/dt = -phi*s/tau : 1"
    current: ClassVar[str] = "g*s*(E - v)"
    on_event: ClassVar[dict[str, str]] = {"s": "weight"}


@dataclass(frozen=True, eq=False, repr=False)
class DoubleExponential(Receptor):
    r"""Conductance with a rise and a decay time constant, of peak ``g`` for one quantum.

    .. math:: I = g\,(B - A)\,(E - V), \quad \dot A = -A/\tau_r, \quad \dot B = -B/\tau_d, \quad
              A, B \leftarrow A, B + n\, weight

    where n = 1/(e^{-t_p/\tau_d} - e^{-t_p/\tau_r}) makes the peak, at
    t_p = \tau_r \tau_d / (\tau_d - \tau_r) \ln(\tau_d / \tau_r), equal to one. A q10 other than 1
    counts from 35 °C.

    Examples
    --------
    >>> DoubleExponential(tau_rise=0.5 * ms, tau_decay=2 * ms).peak_time
    0.92419624 * msecond
    """

    g: Quantity = quantity(0.5 * nS, "peak conductance of one quantum", at_least=0 * nS)
    E: Quantity = quantity(0 * mV, "reversal potential")
    tau_rise: Quantity = quantity(0.5 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(2 * ms, "time constant of the decay", above=0 * ms)
    q10: Quantity = quantity(1.0, "factor on the rates for 10 °C", above=0)

    equations: ClassVar[str] = """
    dA/dt = -phi*A/tau_rise : 1
    dB/dt = -phi*B/tau_decay : 1
    """
    current: ClassVar[str] = "g*(B - A)*(E - v)"
    on_event: ClassVar[dict[str, str]] = {"A": "norm*weight", "B": "norm*weight"}

    def check(self) -> None:
        # The difference of two nearly equal exponentials loses its digits.
        if self.tau_rise > 0.9999 * self.tau_decay:
            raise ParameterError(
                f"{type(self).__name__}: tau_rise ({self.tau_rise}) must lie below tau_decay "
                f"({self.tau_decay}); for an alpha function take tau_rise = 0.999*tau_decay"
            )

    def constants(self, temperature_celsius: float | None = None) -> dict[str, Quantity | float]:
        return {**super().constants(temperature_celsius), "norm": self.normalisation}

    @property
    def peak_time(self) -> Quantity:
        """Time from the event to the peak of the conductance (at q10 = 1)."""
        rise, decay = self.tau_rise, self.tau_decay
        return rise * decay / (decay - rise) * float(np.log(decay / rise))

    @property
    def normalisation(self) -> float:
        """Factor that makes the peak of (B - A) one."""
        t = self.peak_time
        return 1 / float(np.exp(-t / self.tau_decay) - np.exp(-t / self.tau_rise))

    @property
    def area(self) -> Quantity:
        """Time integral of the conductance of one quantum, divided by its peak."""
        return self.normalisation * (self.tau_decay - self.tau_rise)

    def open_fraction(self, t: Quantity) -> np.ndarray:
        """Return the conductance of one quantum at a time after its event, as a share of g."""
        t = check_quantity(t, 1 * ms, f"{type(self).__name__}: t", many=2)
        late = np.clip(np.asarray(t, dtype=float), 0, None)
        rise, decay = float(self.tau_rise), float(self.tau_decay)
        return self.normalisation * (np.exp(-late / decay) - np.exp(-late / rise))


@dataclass(frozen=True, eq=False, repr=False)
class AMPA(DoubleExponential):
    """Fast glutamate receptor: reversal 0 mV, 0.2 / 1.7 ms at 35 °C.

    References
    ----------
    Häusser and Roth (1997), J Neurosci 17:7606 (time course). Destexhe, Mainen and Sejnowski
    (1998), in Koch and Segev, Methods in Neuronal Modeling, ch. 1 (quantal conductance
    0.35-1 nS, reversal).
    """

    tau_rise: Quantity = quantity(0.2 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(1.7 * ms, "time constant of the decay", above=0 * ms)
    transmitter: ClassVar[str] = "glutamate"


def magnesium_block(v: Quantity, magnesium: Quantity = 1 * mM) -> np.ndarray:
    r"""Return the share of NMDA conductance that magnesium leaves open.

    .. math:: B(V) = \frac{1}{1 + \frac{[Mg]}{3.57\,mM} e^{-0.062 V}}

    Parameters
    ----------
    v : Quantity
        Membrane potential.
    magnesium : Quantity
        Extracellular concentration.

    References
    ----------
    Jahr and Stevens (1990), J Neurosci 10:3178.

    Examples
    --------
    >>> magnesium_block([-70, 0] * mV).round(4).tolist()
    [0.0445, 0.7812]
    """
    v = check_quantity(v, -70 * mV, "magnesium_block: v", many=2)
    magnesium = check_quantity(magnesium, 1 * mM, "magnesium_block: magnesium", at_least=0 * mM)
    ratio = float(magnesium / (3.57 * mM))
    return 1 / (1 + ratio * np.exp(-0.062 * np.asarray(v / mV, dtype=float)))


@dataclass(frozen=True, eq=False, repr=False)
class NMDA(DoubleExponential):
    r"""Slow glutamate receptor, blocked by magnesium at rest: 2 / 75 ms, reversal 0 mV.

    .. math:: I = g\,(B - A)\,\frac{1}{1 + \frac{[Mg]}{3.57\,mM} e^{-0.062 V/mV}}\,(E - V)

    References
    ----------
    Jahr and Stevens (1990), J Neurosci 10:3178 (block). Spruston, Jonas and Sakmann (1995),
    J Physiol 482:325 (time course, which varies widely with subunits and temperature).
    """

    tau_rise: Quantity = quantity(2 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(75 * ms, "time constant of the decay", above=0 * ms)
    Mg: Quantity = quantity(1 * mM, "extracellular magnesium", at_least=0 * mM)
    transmitter: ClassVar[str] = "glutamate"

    equations: ClassVar[str] = (
        DoubleExponential.equations + "\n    block = 1/(1 + Mg/(3.57*mM)*exp(-0.062*v/mV)) : 1"
    )
    current: ClassVar[str] = "g*(B - A)*block*(E - v)"


@dataclass(frozen=True, eq=False, repr=False)
class GABAA(DoubleExponential):
    """Fast inhibition through chloride: 0.5 / 5 ms, reversal -75 mV.

    References
    ----------
    Bartos et al. (2002), PNAS 99:13222 (2.5 ms between basket cells; slower elsewhere, so that 5 ms
    is a middle value). Destexhe, Mainen and Sejnowski (1998), in Koch and Segev, Methods in
    Neuronal Modeling, ch. 1 (0.25-1.2 nS).
    """

    E: Quantity = quantity(-75 * mV, "reversal potential")
    tau_decay: Quantity = quantity(5 * ms, "time constant of the decay", above=0 * ms)
    transmitter: ClassVar[str] = "gaba"


@dataclass(frozen=True, eq=False, repr=False)
class GABAB(DoubleExponential):
    """Slow inhibition through potassium, in its linear form: 45 / 150 ms, reversal -95 mV.

    The rise stands for the G-protein's delay. What the linear form cannot show is that one spike
    opens next to nothing and a burst opens much: for that take `KineticGABAB`.

    References
    ----------
    Otis, De Koninck and Mody (1993), J Physiol 463:391 (rise 45 ms; decay of 110 and 516 ms, here
    one time constant).
    """

    g: Quantity = quantity(0.1 * nS, "peak conductance of one quantum", at_least=0 * nS)
    E: Quantity = quantity(-95 * mV, "reversal potential")
    tau_rise: Quantity = quantity(45 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(150 * ms, "time constant of the decay", above=0 * ms)
    transmitter: ClassVar[str] = "gaba"


@dataclass(frozen=True, eq=False, repr=False)
class Nicotinic(DoubleExponential):
    """Acetylcholine receptors under one quantum at the muscle end-plate.

    50 nS, 0.2 / 1.3 ms, reversal -10 mV; an average neuronal synapse is a hundredfold smaller.

    References
    ----------
    Anderson and Stevens (1973), J Physiol 235:655. Hille (2001), Ion Channels of Excitable
    Membranes, ch. 6.
    """

    g: Quantity = quantity(50 * nS, "peak conductance of one quantum", at_least=0 * nS)
    E: Quantity = quantity(-10 * mV, "reversal potential")
    tau_rise: Quantity = quantity(0.2 * ms, "time constant of the rise", above=0 * ms)
    tau_decay: Quantity = quantity(1.3 * ms, "time constant of the decay", above=0 * ms)
    transmitter: ClassVar[str] = "acetylcholine"
