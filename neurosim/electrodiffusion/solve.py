"""The equations of `strip` in pieces along the line, and their solution in time.

All numbers are in SI units. Beside the concentrations each piece carries, for every ion, what came
in through the membrane and what the neurons exchanged: the ledger is read from these sums of
fluxes, and not from the change of the concentrations itself.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from brian2.units import Quantity, second
from brian2.units.constants import faraday_constant
from scipy.integrate import solve_ivp

from neurosim.channels.base import Channel
from neurosim.electrodiffusion.outcome import Electrodiffused
from neurosim.electrodiffusion.strip import Electrodiffusion
from neurosim.equations.evaluate import parse
from neurosim.equations.steady_state import Names, evaluated
from neurosim.equations.thermal import thermal_potential
from neurosim.errors import EngineError, ParameterError
from neurosim.ions.transporter import VALENCE, Transporter
from neurosim.quantities import check_quantity, check_whole

__all__ = ["electrodiffuse"]

_F = float(faraday_constant)
# Relative and absolute (mM) error of a step; 1e-8 mM of charge are 2.4 nV of potential.
_RTOL, _ATOL = 1e-8, 1e-9


class _Strip:
    """A strip in pieces: rates of change, and how the state is laid out.

    The state of a piece is, for each ion: outside, inside, what entered through the membrane, and
    what neurons released (each as the concentration outside, or inside, that it makes).
    """

    def __init__(self, strip: Electrodiffusion, pieces: int) -> None:
        self.strip, self.pieces = strip, pieces
        self.ions = [one.ion for one in strip.ions]
        self.z = np.array([VALENCE[ion] for ion in self.ions], dtype=float)
        D = np.array([float(one.D) for one in strip.ions])
        self.D_o = D / float(strip.tortuosity_outside) ** 2
        self.D_i = D / float(strip.tortuosity_inside) ** 2
        self.dx = float(strip.length) / pieces
        self.x = (np.arange(pieces) + 0.5) * self.dx
        self.a_o, self.a_i = float(strip.outside_share), float(strip.inside_share)
        self.membrane, self.C_m = float(strip.membrane), float(strip.C_m)
        self.start_o = np.array([float(one.outside) for one in strip.ions])
        self.start_i = np.array([float(one.inside) for one in strip.ions])
        self.thermal = float(thermal_potential(strip.celsius))
        # What the charge outside is at the potential of the start; ions that stay make the rest.
        self.per_volt = self.membrane * self.C_m / (_F * self.a_o)
        self.fixed = self.z @ self.start_o + self.per_volt * float(strip.rest)
        self.parts = [_current_of(part, strip.celsius) for part in strip.parts]
        self.width = 4 * len(self.ions)

    def start(self) -> np.ndarray:
        zero = np.zeros_like(self.start_o)
        return np.tile(np.hstack([self.start_o, self.start_i, zero, zero]), self.pieces)

    def potential(self, outside: np.ndarray) -> np.ndarray:
        """Return the membrane potential from the charge outside, shape (..., pieces)."""
        return np.asarray((self.fixed - outside @ self.z) / self.per_volt)

    def least(self, _t: float, y: np.ndarray) -> float:
        """Return the smallest concentration; the solver stops where it falls through zero."""
        return float(y.reshape(self.pieces, 4, len(self.ions))[:, :2].min())

    least.terminal = True  # type: ignore[attr-defined]
    least.direction = -1  # type: ignore[attr-defined]

    def rates(self, t: float, y: np.ndarray) -> np.ndarray:
        """Return the rate of change of the state at a time."""
        state = y.reshape(self.pieces, 4, len(self.ions))
        # A trial step of the solver may overshoot below zero, where a logarithm has no value.
        outside, inside = np.maximum(state[:, 0], 1e-9), np.maximum(state[:, 1], 1e-9)
        v = self.potential(state[:, 0])
        entered = self._entered(v, outside, inside)
        released = self._released(t, outside)
        flow_o, flow_i = self._flows(v, outside, inside)
        rate = np.empty_like(state)
        per_o, per_i = self.membrane / self.a_o, self.membrane / self.a_i
        rate[:, 0] = -_spread(flow_o, self.dx) + per_o * (released - entered)
        rate[:, 1] = -_spread(flow_i, self.dx) + per_i * entered
        rate[:, 2] = per_i * entered
        rate[:, 3] = per_o * released
        return rate.ravel()

    def _entered(self, v: np.ndarray, outside: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Return what enters the cell, mol/(m² s), shape (pieces, ions)."""
        known: dict[str, Any] = {"v": v, "RT_F": self.thermal, "F": _F}
        for k, ion in enumerate(self.ions):
            known[f"{ion}_i"], known[f"{ion}_o"] = inside[:, k], outside[:, k]
            ratio = np.log(outside[:, k] / inside[:, k])
            known[f"E_{ion}"] = self.thermal / self.z[k] * ratio
        found = np.zeros((self.pieces, len(self.ions)))
        for current in self.parts:
            for ion, particles in current(known).items():
                found[:, self.ions.index(ion)] += particles
        return found

    def _released(self, t: float, outside: np.ndarray) -> np.ndarray:
        """Return what neurons release, mol/(m² s), shape (pieces, ions)."""
        found, neurons = np.zeros_like(outside), self.strip.neurons
        if neurons is None:
            return found
        k, other = self.ions.index(neurons.release), self.ions.index(neurons.take)
        flux = -float(neurons.uptake) * (outside[:, k] - self.start_o[k])
        if float(neurons.start) <= t < float(neurons.stop):
            # A piece on the border gets its share.
            reach = np.clip((float(neurons.beside) - self.x) / self.dx + 0.5, 0, 1)
            flux = flux + float(neurons.flux) * reach
        found[:, k], found[:, other] = flux, -flux
        return found

    def _flows(
        self, v: np.ndarray, outside: np.ndarray, inside: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the fluxes between pieces on both sides, mol/(m² s), shape (pieces - 1, ions)."""
        mean_o, mean_i = (outside[1:] + outside[:-1]) / 2, (inside[1:] + inside[:-1]) / 2
        flow_o = -self.D_o * np.diff(outside, axis=0) / self.dx
        flow_i = -self.D_i * np.diff(inside, axis=0) / self.dx
        # Conductivities, and the currents that diffusion alone would make.
        g_o = self.a_o * _F / self.thermal * (mean_o * self.D_o) @ self.z**2
        g_i = self.a_i * _F / self.thermal * (mean_i * self.D_i) @ self.z**2
        along = self.a_o * _F * flow_o @ self.z + self.a_i * _F * flow_i @ self.z
        # No net current along both sides together: the field outside follows, then that inside.
        slope = np.diff(v) / self.dx
        # Where no ion diffuses, nothing flows in whatever field.
        whole = g_o + g_i
        field_o = (along - g_i * slope) / np.where(whole > 0, whole, 1.0)
        field_i = field_o + slope
        flow_o -= self.D_o * self.z * mean_o * field_o[:, np.newaxis] / self.thermal
        flow_i -= self.D_i * self.z * mean_i * field_i[:, np.newaxis] / self.thermal
        return flow_o, flow_i


def _spread(flow: np.ndarray, dx: float) -> np.ndarray:
    """Return the divergence of fluxes between pieces whose ends are closed."""
    closed = np.zeros((1, flow.shape[1]))
    return np.diff(np.vstack([closed, flow, closed]), axis=0) / dx


def _current_of(
    part: Channel | Transporter, celsius: float
) -> Callable[[dict[str, Any]], dict[str, np.ndarray]]:
    """Return a function that gives the particles of each ion a part lets in, mol/(m² s)."""
    system = parse(part.equations)
    fixed: dict[str, Any] = {name: float(value) for name, value in part.parameters().items()}
    fixed |= {name: float(value) for name, value in part.constants(celsius).items()}
    if part.strength:
        fixed[part.strength] *= part.conductance_factor(celsius)

    def evaluate(code: str, known: dict[str, Any]) -> np.ndarray:
        return evaluated(code, Names(system, {**known, **fixed}))

    if isinstance(part, Transporter):
        rate, _ = part.expressions()["rate"]
        moves = part.moves

        def moved(known: dict[str, Any]) -> dict[str, np.ndarray]:
            cycles = evaluate(rate, known) / _F
            return {ion: count * cycles for ion, count in moves.items()}

        return moved
    ion, code = part.ion, part.current
    assert ion is not None  # `Electrodiffusion` has checked.
    follows = part.followed
    for field in follows:
        del fixed[field]
    charge = VALENCE[ion] * _F

    def carried(known: dict[str, Any]) -> dict[str, np.ndarray]:
        given = known | {field: known[name] for field, name in follows.items()}
        return {ion: evaluate(code, given) / charge}

    return carried


def electrodiffuse(
    strip: Electrodiffusion, duration: Quantity, *, pieces: int = 100, frames: int = 201
) -> Electrodiffused:
    """Return concentrations and potential along a cell and the space beside it, over time.

    Parameters
    ----------
    strip : Electrodiffusion
        What is there.
    duration : Quantity
        How long.
    pieces : int
        Into how many pieces the line is cut.
    frames : int
        How many moments are kept, evenly spread from the start to the end.

    Raises
    ------
    ParameterError
        An argument is out of range, or a concentration falls to zero in a step of the solver, also
        between the frames that are kept (which, where and when).

    Examples
    --------
    >>> from brian2.units.stdunits import mM
    >>> from neurosim.electrodiffusion import MovingIon
    >>> salt = (MovingIon("k", 140 * mM, 3 * mM), MovingIon("cl", 5 * mM, 130 * mM))
    >>> found = electrodiffuse(Electrodiffusion(salt), 1 * second, pieces=10, frames=2)
    >>> found.concentration("k", "outside").shape
    (2, 10)
    """
    if not isinstance(strip, Electrodiffusion):
        raise ParameterError(
            "electrodiffuse: strip must be an Electrodiffusion, such as Electrodiffusion(ions); "
            f"got {strip!r}"
        )
    seconds = check_quantity(duration, 1 * second, "electrodiffuse: duration", above=0 * second)
    pieces = check_whole(pieces, "electrodiffuse: pieces")
    frames = check_whole(frames, "electrodiffuse: frames")
    times = np.linspace(0, float(seconds), max(frames, 2))
    lines = _Strip(strip, pieces)
    moments = {0.0, float(times[-1])}
    if strip.neurons is not None:
        moments |= {float(strip.neurons.start), float(strip.neurons.stop)}
    cuts = sorted(one for one in moments if one <= times[-1])
    # The state of a piece depends on that piece and its neighbours.
    band = min(2, pieces) * lines.width - 1
    kept = np.empty((len(times), len(lines.start())))
    y = kept[0] = lines.start()
    for begin, end in pairwise(cuts):
        inside = np.flatnonzero((times > begin) & (times <= end))
        # Just before the end, so that what switches there does so in the next stretch.
        last = np.nextafter(end, begin)
        wanted = np.minimum(times[inside], last)
        stops = np.unique(np.append(wanted, last))
        found = solve_ivp(
            lines.rates,
            (begin, last),
            y,
            method="LSODA",
            t_eval=stops,
            rtol=_RTOL,
            atol=_ATOL,
            lband=band,
            uband=band,
            events=lines.least,
        )
        if found.status == 1:
            raise _fell_to_zero(lines, float(found.t_events[0][0]), found.y_events[0][0])
        if not found.success:
            raise EngineError(f"Electrodiffusion: the solver stopped: {found.message}")
        kept[inside] = found.y[:, np.searchsorted(stops, wanted)].T
        y = found.y[:, -1]
    shape = (len(times), pieces, 4, len(lines.ions))
    return Electrodiffused(strip, times, lines.x, lines.potential, kept.reshape(shape))


def _fell_to_zero(lines: _Strip, time: float, y: np.ndarray) -> ParameterError:
    """Return what says which concentration fell to zero."""
    state = y.reshape(lines.pieces, 4, len(lines.ions))[:, :2]
    piece, side, ion = np.unravel_index(int(state.argmin()), state.shape)
    return ParameterError(
        f"Electrodiffusion: {lines.ions[ion]} {('outside', 'inside')[side]} fell to zero at "
        f"{time:.4g} s, {lines.x[piece] * 1e6:.4g} µm from the beginning"
    )
