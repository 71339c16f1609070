"""Current clamp through an electrode: its resistance, its capacitance, what the amplifier shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from brian2.units import Mohm, Quantity, mV, pA, pF

from neurosim.clamps.remedies import IN_PIECES
from neurosim.errors import ParameterError
from neurosim.quantities import quantity
from neurosim.stimuli import Constant, Stimulus

__all__ = ["CurrentClamp"]


@dataclass(frozen=True, eq=False, repr=False)
class CurrentClamp(Stimulus):
    r"""A current injected through an electrode that has a resistance and a capacitance.

    The amplifier drives the current I into the electrode, whose potential inside is V_e:

    .. math:: C_e \dot V_e = I - (V_e - V) / R_e

    The cell gets :math:`(V_e - V)/R_e`. The amplifier shows

    .. math:: V_{rec} = V_e - R_b I + V_j

    with the bridge balance R_b and the liquid-junction potential V_j. If the bridge is balanced
    (R_b = R_e), V_rec is V + V_j once the electrode's capacitance is charged.

    Probe ``"<label>.recorded"`` for what the amplifier shows, ``"<label>.electrode"`` for V_e,
    ``"<label>.command"`` for I and ``"<label>.current"`` for what enters the cell. With
    ``simulate(stimulus=CurrentClamp(...))`` the label is ``stimulus``.

    Parameters
    ----------
    current : Stimulus
        What the amplifier injects. A batch varies its parameters under their own names.
    R_e : Quantity
        Resistance of the electrode.
    C_e : Quantity
        Capacitance of the electrode to ground that the amplifier does not neutralise.
    bridge : Quantity
        Bridge balance R_b.
    junction : Quantity
        Liquid-junction potential, as in Neher (1992): the membrane potential is what is recorded
        minus `junction` (about +15 mV for potassium gluconate in the pipette).

    Raises
    ------
    ParameterError
        `current` is no stimulus, or is a clamp itself.

    References
    ----------
    Neher (1992), Methods Enzymol 207:123. Brette and Destexhe (2012), Handbook of Neural Activity
    Measurement, chapter 3 (the electrode as a resistor and a capacitor).

    Examples
    --------
    A bridge that is 5 MΩ short shows 1 mV too much at 200 pA:

    >>> from brian2 import Mohm, ms, pA, um
    >>> from neurosim import Constant, Neuron, simulate
    >>> from neurosim.channels import Leak
    >>> from neurosim.morphology import PerBranch, cylinder
    >>> cell = Neuron(cylinder(20 * um, 20 * um), PerBranch(1)).paint(Leak())
    >>> clamp = CurrentClamp(Constant(200 * pA), R_e=20 * Mohm, bridge=15 * Mohm)
    >>> run = simulate(cell, 50 * ms, stimulus=clamp, record=["v", "stimulus.recorded"])
    >>> (run.trace("stimulus.recorded") - run.trace("v"))[0, -1]
    1. * mvolt
    """

    current: Stimulus = field(default_factory=lambda: Constant(0 * pA))
    R_e: Quantity = quantity(
        10 * Mohm, "resistance of the electrode", above=0 * Mohm, instead_of_course=IN_PIECES
    )
    C_e: Quantity = quantity(
        0 * pF, "capacitance of the electrode", at_least=0 * pF, instead_of_course=IN_PIECES
    )
    bridge: Quantity = quantity(
        0 * Mohm, "bridge balance", at_least=0 * Mohm, instead_of_course=IN_PIECES
    )
    junction: Quantity = quantity(
        0 * mV, "liquid-junction potential in what is recorded", instead_of_course=IN_PIECES
    )
    label = "current_clamp"
    stands_alone = True

    def check(self) -> None:
        if not isinstance(self.current, Stimulus):
            raise ParameterError(
                "CurrentClamp: current must be a stimulus such as Steps(amplitude=100*pA); got "
                f"{self.current!r}"
            )
        parts = self.current.components().values()
        if any(part.stands_alone or part.follows_potential for part in parts):
            raise ParameterError(
                "CurrentClamp: current must be an injected current; got a clamp "
                f"({type(self.current).__name__}). Place that on the neuron by itself"
            )

    @property
    def noisy(self) -> bool:  # type: ignore[override]
        """Whether the current draws random numbers."""
        return self.current.noisy

    def components(self) -> dict[str, Stimulus]:
        return {self.label: self, **self.current.components()}

    def waveforms(self) -> list[np.ndarray]:
        return []
