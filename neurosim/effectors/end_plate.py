"""The end-plate: from quanta of acetylcholine to the end-plate potential."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from brian2.units import Quantity, mm, ms, mV
from scipy.optimize import brentq
from scipy.special import erf

from neurosim.channels import MuscleSodium
from neurosim.describe.neuron import Neuron
from neurosim.describe.parts import Cable
from neurosim.effectors.muscle_fibre import MuscleFibre
from neurosim.errors import ParameterError
from neurosim.morphology import PerBranch, at, cylinder
from neurosim.quantities import Description, check_quantity
from neurosim.synapses import DoubleExponential, Events, Nicotinic

__all__ = ["EndPlate"]


@dataclass(frozen=True, eq=False, repr=False)
class EndPlate(Description):
    r"""Synapse of nerve and muscle in the middle of a passive fibre.

    The end-plate potential obeys, without any division of the fibre into compartments,

    .. math:: V(x, t) = \int_0^t G(x, t-s)\, n\, g(s)\,(E - E_{rest} - V(0, s))\, ds, \qquad
              G(x, t) = \sum_k \frac{e^{-t/\tau - (x - kL)^2 / 4Dt}}{\pi d\, C_m \sqrt{4 \pi D t}},
              \quad D = \lambda^2/\tau

    for n quanta at once; the images k seal the ends. The current is taken as linear within a step
    and the singular kernel integrated exactly, an error of second order in the step.

    Parameters
    ----------
    fibre : MuscleFibre
        What it lies on.
    receptor : DoubleExponential
        Receptors under one quantum.

    References
    ----------
    Fatt and Katz (1951), J Physiol 115:320. Wood and Slater (2001), Prog Neurobiol 64:393.

    Examples
    --------
    >>> peaks = EndPlate().peak([1, 100])
    >>> (peaks / mV).round(2).tolist()
    [0.54, 33.75]
    """

    fibre: MuscleFibre = field(default_factory=MuscleFibre)
    receptor: DoubleExponential = field(default_factory=Nicotinic)

    def potential(
        self,
        quanta: np.ndarray | float,
        duration: Quantity = 10 * ms,
        *,
        distance: Quantity = 0 * mm,
        dt: Quantity = 0.01 * ms,
    ) -> tuple[Quantity, Quantity]:
        """Return the end-plate potential, measured from rest.

        Parameters
        ----------
        quanta : float or array of float
            Numbers of quanta that act together at time 0, shape (n,).
        duration : Quantity
            How long to follow it.
        distance : Quantity
            Distance from the end-plate along the fibre.
        dt : Quantity
            Time step.

        Returns
        -------
        t : Quantity, shape (steps,)
        v : Quantity, shape (n, steps), or (steps,) for a single number
        """
        number = np.atleast_1d(np.asarray(quanta, dtype=float))
        if number.ndim != 1 or not np.all(np.isfinite(number)) or np.any(number < 0):
            raise ParameterError(f"EndPlate: quanta must be numbers of at least 0; got {quanta!r}")
        end = float(check_quantity(duration, 10 * ms, "EndPlate: duration", above=0 * ms))
        step = float(check_quantity(dt, 0.01 * ms, "EndPlate: dt", above=0 * ms))
        away = float(check_quantity(distance, 1 * mm, "EndPlate: distance", at_least=0 * mm))
        if away > float(self.fibre.length) / 2:
            raise ParameterError(
                f"EndPlate: distance ({distance}) ends beyond the fibre; "
                f"at most {self.fibre.length / 2}"
            )
        t = np.arange(round(end / step) + 1) * step
        g = float(self.receptor.g) * self.receptor.open_fraction(Quantity(t, dim=ms.dim))
        drive = float(self.receptor.E - self.fibre.E_rest)
        weights = self._weights(t, 0.0)
        v = np.zeros((len(number), len(t)))
        current = np.zeros_like(v)
        for n in range(1, len(t)):
            past = current[:, 1:n] @ weights[n - 1 : 0 : -1]
            conductance = number * g[n]
            v[:, n] = (past + weights[0] * conductance * drive) / (1 + weights[0] * conductance)
            current[:, n] = conductance * (drive - v[:, n])
        if away > 0:
            kernel = self._weights(t, away)
            v = np.array([np.convolve(row, kernel)[: len(t)] for row in current])
        volts = Quantity(v if np.ndim(quanta) else v[0], dim=mV.dim)
        return Quantity(t, dim=ms.dim), volts

    def peak(self, quanta: np.ndarray | float, *, distance: Quantity = 0 * mm) -> Quantity:
        """Return the largest depolarisation, one a number of quanta."""
        far = float(distance / self.fibre.length_constant)
        _, v = self.potential(quanta, (10 + 10 * far) * ms, distance=distance)
        return Quantity(np.max(np.asarray(v), axis=-1), dim=mV.dim)

    def quanta_needed(self, threshold: Quantity = -66 * mV) -> float:
        """Return how many quanta depolarise the passive fibre to a potential.

        Parameters
        ----------
        threshold : Quantity
            Where the fibre fires; the default is where the one with the channels of
            `MuscleFibre.membrane` does.

        Raises
        ------
        ParameterError
            No number of quanta gets there.
        """
        threshold = check_quantity(threshold, -66 * mV, "EndPlate: threshold")
        wanted = float(threshold - self.fibre.E_rest)
        ceiling = float(self.receptor.E - self.fibre.E_rest)
        if not 0 < wanted < 0.98 * ceiling:
            raise ParameterError(
                f"EndPlate: threshold must lie above rest ({self.fibre.E_rest}) and below the "
                f"reversal potential ({self.receptor.E}); got {threshold}"
            )

        def excess(logarithm: float) -> float:
            return float(self.peak(float(np.exp(logarithm)))) - wanted

        # Even 1e6 quanta stay just below the reversal potential.
        return float(np.exp(brentq(excess, np.log(1e-3), np.log(1e6), xtol=1e-6)))

    def safety_factor(self, quantal_content: float, threshold: Quantity = -66 * mV) -> float:
        """Return the released quanta over the quanta needed to reach threshold.

        Some authors divide potentials instead, which gives less, as potentials saturate.

        Examples
        --------
        >>> round(EndPlate().safety_factor(200), 1)
        3.3
        """
        return float(quantal_content) / self.quanta_needed(threshold)

    def neuron(self, arrivals: Events, *, firing: bool = True, compartments: int = 201) -> Neuron:
        """Return the fibre as a cell to simulate, with its end-plate in the middle.

        Parameters
        ----------
        arrivals : Events
            Quanta of transmitter, as a terminal releases them.
        firing : bool
            Whether the fibre has its channels, or only its leak.
        compartments : int
            Into how many pieces of equal length it is cut; an odd number puts one in the middle.

        Examples
        --------
        >>> cell = EndPlate().neuron(Events.at([1] * ms, weight=200))
        >>> [painted.label for painted in cell.painted]
        ['muscle_sodium', 'muscle_potassium', 'leak']
        """
        fibre = self.fibre
        cell = Neuron(
            cylinder(fibre.length, fibre.diameter, name="fibre", tag="undefined"),
            PerBranch(compartments),
            cable=Cable(C_m=fibre.C_m, R_a=fibre.R_a),
            celsius=MuscleSodium.temperature_ref,
            rest=fibre.E_rest,
        )
        membrane = fibre.membrane()
        painted = cell.paint(membrane if firing else membrane[-1:])
        return painted.place(self.receptor, at("fibre", 0.5), arrivals)

    def _weights(self, t: np.ndarray, away: float) -> np.ndarray:
        """Return what a current, linear in a step, weighs at each lag, in ohm."""
        fibre = self.fibre
        tau = float(fibre.time_constant)
        spread = float(fibre.length_constant) ** 2 / tau
        length = float(fibre.length)
        scale = 1 / (np.pi * float(fibre.diameter) * float(fibre.C_m) * np.sqrt(4 * np.pi * spread))
        # Images further away than this are below 1e-16 to the end.
        reach = 6.1 * np.sqrt(4 * spread * t[-1])
        images = int(np.ceil((reach + away) / length)) + 1
        weights = np.zeros_like(t)
        for image in range(-images, images + 1):
            lag = (away - image * length) ** 2 / (4 * spread)
            weights += _hat_weights(t, tau, lag)
        return np.asarray(scale * weights)


# Nodes and weights of Gauss and Legendre on a step from 0 to 1.
_POINTS, _AREAS = np.polynomial.legendre.leggauss(12)
_NODES, _SHARES = (_POINTS + 1) / 2, _AREAS / 2


def _hat_weights(t: np.ndarray, tau: float, lag: float) -> np.ndarray:
    """Return ∫ e^{-u/τ - lag/u}/√u times the hat function around each time."""
    step = t[1] - t[0]
    if lag == 0:
        # Exactly, from the integrals of e^{-u/τ}/√u and √u e^{-u/τ}.
        late = np.append(t, t[-1] + step)
        root = np.sqrt(late / tau)
        zeroth = np.sqrt(np.pi * tau) * erf(root)
        first = tau**1.5 * (np.sqrt(np.pi) / 2 * erf(root) - root * np.exp(-late / tau))
        whole = np.diff(zeroth)
        rising = (np.diff(first) - t * whole) / step
    else:
        u = t[:, None] + step * _NODES
        kernel = np.exp(-u / tau - lag / u) / np.sqrt(u)
        whole = step * kernel @ _SHARES
        rising = step * kernel @ (_SHARES * _NODES)
    # On the step from t_j on, the hat around t_j falls and the one around t_{j+1} rises.
    weights = np.asarray(whole - rising)
    weights[1:] += rising[:-1]
    return weights
