"""A LIF neuron that a sodium-potassium pump slows down, with what theory says of its slow state."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import Mohm, mmolar, ms, mV, pA, second

from neurosim.custom.point_model import from_brian2
from neurosim.describe.point_neuron import PointNeuron

__all__ = ["PumpCell"]

_EQUATIONS = """
dv/dt = (E_L - v + R_m*(I_stim - I_pump))/tau_m : volt (unless refractory)
dna/dt = -3*I_pump/F_volume : mmolar
share = na**3/(na**3 + na_half**3) : 1
I_pump = I_max*(share - share_rest) : amp
"""


@dataclass(frozen=True)
class PumpCell:
    """Sodium enters with each spike; the pump carries out three sodium ions for two of potassium.

    The pump runs at a Hill function of sodium inside with an exponent of 3 (a pump binds three
    sodium ions; Canavier 1999, J. Comput. Neurosci. 6:49). What it does at rest is in the leak.

    Attributes
    ----------
    entry_pC : float
        Charge of the sodium that a spike lets in (pC).
    most_pA : float
        Current of the saturated pump (pA).
    rest_mM, half_mM : float
        Sodium at rest, and where the pump runs at half its speed (mM).
    volume_pL : float
        Of the cell (pL).

    Examples
    --------
    >>> cell = PumpCell()
    >>> round(cell.tau_s, 2), round(cell.strength_pA_per_Hz, 3)
    (5.01, 1.287)
    """

    entry_pC: float = 3.86
    most_pA: float = 400.0
    rest_mM: float = 10.0
    half_mM: float = 15.0
    volume_pL: float = 3.2958

    @property
    def _charge_pC_per_mM(self) -> float:
        """Faraday's constant times the volume: charge of one mM of sodium (pC)."""
        return 96.485 * self.volume_pL

    @property
    def _share(self) -> float:
        cube, half = self.rest_mM**3, self.half_mM**3
        return cube / (cube + half)

    @property
    def tau_s(self) -> float:
        """Time constant of sodium clearance at rest: F volume / (3 dI/dNa) (s)."""
        steep = 3 * self._share * (1 - self._share) / self.rest_mM
        return self._charge_pC_per_mM / (3 * self.most_pA * steep)

    @property
    def strength_pA_per_Hz(self) -> float:
        """Pump current for each hertz of steady firing: a third of the charge that enters."""
        return self.entry_pC / 3

    def neuron(self) -> PointNeuron:
        """The neuron that runs."""
        charge = self._charge_pC_per_mM * pA * second / mmolar
        made = from_brian2(
            _EQUATIONS,
            threshold="v > V_th",
            reset="v = E_L; na += entry",
            refractory=2 * ms,
            parameters={
                "E_L": -70 * mV, "R_m": 100 * Mohm, "tau_m": 20 * ms, "V_th": -55 * mV,
                "F_volume": charge, "na_half": self.half_mM * mmolar, "I_max": self.most_pA * pA,
                "share_rest": self._share, "entry": self.entry_pC * pA * second / charge,
                "na": self.rest_mM * mmolar,
            },
            start=-70 * mV,
            level=None,
            name="PumpLIF",
        )  # fmt: skip
        assert isinstance(made, PointNeuron)
        return made
