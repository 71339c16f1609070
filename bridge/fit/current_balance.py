r"""First guesses of an integrate-and-fire neuron from the balance of currents, without any run.

While a cell does not spike, the injected current is the sum of those that a neuron describes:

.. math:: I = C\dot V + g_L(V - E_L) - g_L\Delta_T e^{(V - V_T)/\Delta_T} + w

With the recorded potential and the recorded spikes put in, so that a spike that is missed or early
does not disturb what follows it, the adaptation current :math:`w` is known but for factors, and
all is linear in the parameters once :math:`\tau_w` and :math:`\Delta_T` are chosen. After the
dynamic I-V curve of Badel et al. (2008), J. Neurophysiol. 99:656.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.signal import lfilter

from bridge.fit.fit_target import EDGE_MS, FitTarget, Piece

__all__ = ["balanced", "balanced_glif"]

Array = NDArray[np.float64]

_TAU_W_MS = np.geomspace(12.0, 500.0, 12)
_DELTA_MV = np.geomspace(0.4, 6.0, 7)
# Of the fast and the slow current that spikes leave, and of the threshold that they raise.
_FAST_MS, _SLOW_MS = np.geomspace(3.0, 30.0, 5), np.geomspace(40.0, 500.0, 5)
_RISEN_MS = np.geomspace(6.0, 250.0, 12)
# Before a spike crosses its level its threshold is read; so long is a reset neuron at its reset.
_BEFORE_MS, _HELD_MS = 0.4, 1.0
# Currents are averaged over stretches of this length (ms).
_STRETCH_MS = 2.0
# From before its crossing, until it falls more slowly than this, a spike is no balance of these
# currents; some spikes last longer than others (ms, mV/ms).
_LEAD_MS, _SHORTEST_MS, _LONGEST_MS, _FALL = 0.3, 1.0, 10.0, -4.0
# So far above the threshold of a spike the upstroke is followed (mV).
_ABOVE_MV = 3.0
_STEEPEST = 20.0


def balanced(target: FitTarget) -> list[dict[str, float]]:
    """Return parameters of adaptive exponential neurons, best balance first.

    One for each of several time constants of adaptation.

    Parameters
    ----------
    target : FitTarget
    """
    top = target.threshold_mV if np.isfinite(target.threshold_mV) else target.level_mV
    stretches = [_Stretches(target, piece, top + _ABOVE_MV) for piece in target.train]
    current = np.concatenate([one.current for one in stretches])
    if len(current) < 20:
        return []
    reset = _reset_mV(target, top + _ABOVE_MV)
    found: list[tuple[float, dict[str, float]]] = []
    for tau in _TAU_W_MS:
        best: tuple[float, dict[str, float]] | None = None
        for delta in _DELTA_MV:
            parts = np.concatenate([one.parts(tau, delta, top) for one in stretches])
            scale = np.maximum(np.sqrt(np.mean(parts**2, axis=0)), 1e-12)
            low = np.array([1e-3, 1e-3, -np.inf, 0.0, -np.inf, 0.0])
            solved = lsq_linear(parts / scale, current, (low, np.inf))
            C, g_L, constant, upstroke, a, b = solved.x / scale
            ratio = max(g_L * delta / max(upstroke, 1e-9), 1e-12)
            told = {
                "C": C, "g_L": g_L, "E_L": target.rest_mV - constant / max(g_L + a, 1e-3),
                "V_T": top + delta * np.log(ratio), "Delta_T": delta, "a": a, "tau_w": tau,
                "b": b, "V_reset": reset,
            }  # fmt: skip
            if best is None or solved.cost < best[0]:
                best = (float(solved.cost), {name: float(value) for name, value in told.items()})
        assert best is not None
        found.append(best)
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def balanced_glif(target: FitTarget) -> list[dict[str, float]]:
    """Return parameters of generalised integrate-and-fire neurons, best balance first.

    Currents that spikes leave are read from the balance of currents, and the threshold from the
    potentials at which spikes begin, as it follows the spikes before them.

    Parameters
    ----------
    target : FitTarget
    """
    top = target.threshold_mV if np.isfinite(target.threshold_mV) else target.level_mV
    stretches = [_Stretches(target, piece, top) for piece in target.train]
    current = np.concatenate([one.current for one in stretches])
    if len(current) < 20:
        return []
    others = _threshold(target) | {"V_reset": _reset_mV(target, top)}
    found: list[tuple[float, dict[str, float]]] = []
    for fast in _FAST_MS:
        for slow in _SLOW_MS:
            parts = np.concatenate([one.left_by_spikes(fast, slow) for one in stretches])
            scale = np.maximum(np.sqrt(np.mean(parts**2, axis=0)), 1e-12)
            low = np.array([1e-3, 1e-3, -np.inf, -np.inf, -np.inf])
            solved = lsq_linear(parts / scale, current, (low, np.inf))
            C, g_L, constant, first, second = solved.x / scale
            told = {
                "C": C, "g_L": g_L, "E_L": target.rest_mV - constant / max(g_L, 1e-3),
                "A_1": -first * np.exp(-_HELD_MS / fast), "tau_1": fast,
                "A_2": -second * np.exp(-_HELD_MS / slow), "tau_2": slow,
            } | others  # fmt: skip
            found.append((float(solved.cost), {name: float(one) for name, one in told.items()}))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _threshold(target: FitTarget) -> dict[str, float]:
    """Return the threshold, by how much a spike raises it, and for how long."""
    volts: list[float] = []
    before: list[Array] = []
    for piece in target.train:
        spikes = piece.spikes_ms
        inside = spikes[(spikes > target.onset_ms) & (spikes < target.stop_ms)]
        for k, at in enumerate(inside):
            volts.append(float(np.interp(at - _BEFORE_MS, target.time_ms, piece.v_mV)))
            before.append(at - inside[:k])
    usual = float(np.median(volts)) if volts else target.threshold_mV
    best = (np.inf, {"V_T": usual, "jump": 0.0, "tau_s": 50.0})
    for tau in _RISEN_MS:
        risen = np.array([np.exp(-one / tau).sum() for one in before])
        columns = np.column_stack([np.ones(len(risen)), risen])
        solved = lsq_linear(columns, np.array(volts), ([-np.inf, 0.0], np.inf))
        if solved.cost < best[0]:
            base, jump = solved.x
            told = {"V_T": base, "jump": jump * np.exp(-_HELD_MS / tau), "tau_s": tau}
            best = (float(solved.cost), {name: float(one) for name, one in told.items()})
    return best[1]


class _Stretches:
    """Stretches of one step in which currents balance."""

    def __init__(self, target: FitTarget, piece: Piece, top_mV: float) -> None:
        time, v = target.time_ms, piece.v_mV[: len(target.time_ms)]
        self.sample = target.sample_ms
        self.rest = target.rest_mV
        # In a cell the threshold rises with the rate of firing, or with the current if the voltage
        # across the electrode is not balanced.
        before = [np.interp(at - 0.5, time, v) for at in piece.spikes_ms]
        top_mV = max(top_mV, float(np.median(before))) if before else top_mV
        self.v = np.minimum(v, top_mV)
        inside = (time > target.onset_ms) & (time <= target.stop_ms)
        valid = v < top_mV
        for edge in (target.onset_ms, target.stop_ms):
            valid &= (time < edge - 1e-6) | (time > edge + EDGE_MS)
        self.spikes = piece.spikes_ms
        for at, end in zip(self.spikes, _ends_ms(target, piece, top_mV), strict=True):
            valid &= (time < at - _LEAD_MS) | (time > end + 0.5)
        self.time = time
        width = max(4, round(_STRETCH_MS / self.sample))
        firsts = np.arange(0, len(time) - width, width)
        whole = np.array([valid[k : k + width].all() for k in firsts], dtype=bool)
        self.at = firsts[whole][:, np.newaxis] + np.arange(width)
        self.current = np.where(inside, piece.current_pA, 0.0)[self.at].mean(axis=1)

    def parts(self, tau_ms: float, delta_mV: float, top_mV: float) -> Array:
        """Return what C, g_L, a constant, the upstroke, a and b are multiplied by."""
        x = self.v - self.rest
        keep = np.exp(-self.sample / tau_ms)
        slow = lfilter([1 - keep], [1, -keep], x, zi=[keep * x[0]])[0]
        since = self._since(tau_ms)
        rising = np.exp(np.minimum((self.v - top_mV) / delta_mV, _STEEPEST))
        # Of the upstroke the current flows inwards.
        return self._in_stretches([x, np.ones(len(x)), -rising, slow, since])

    def left_by_spikes(self, fast_ms: float, slow_ms: float) -> Array:
        """Return what C, g_L, a constant and the currents that spikes leave are multiplied by."""
        x = self.v - self.rest
        left = [self._since(fast_ms), self._since(slow_ms)]
        return self._in_stretches([x, np.ones(len(x)), *left])

    def _since(self, tau_ms: float) -> Array:
        """Return what is 1 after a spike and decays, added up over spikes."""
        since = np.zeros(len(self.time))
        for at in self.spikes:
            after = self.time >= at
            since[after] += np.exp(-(self.time[after] - at) / tau_ms)
        return since

    def _in_stretches(self, others: list[Array]) -> Array:
        """Return the slope of the potential and the mean of others, a row each stretch."""
        x = self.v - self.rest
        ends = (self.at.shape[1] - 1) // 3
        first, last = x[self.at[:, :ends]].mean(axis=1), x[self.at[:, -ends:]].mean(axis=1)
        slope = (last - first) / ((self.at.shape[1] - ends) * self.sample)
        return np.column_stack([slope, *(one[self.at].mean(axis=1) for one in others)])


def _ends_ms(target: FitTarget, piece: Piece, top_mV: float) -> Array:
    """Return when each spike has fallen as far as it falls fast."""
    time, v = target.time_ms, piece.v_mV
    span = max(1, round(0.5 / target.sample_ms))
    ends = []
    for at in piece.spikes_ms:
        first = int(np.searchsorted(time, at + _SHORTEST_MS))
        last = min(int(np.searchsorted(time, at + _LONGEST_MS)), len(v) - span)
        k = np.arange(first, max(first, last))
        over = np.flatnonzero((v[k] < top_mV) & (v[k + span] - v[k] > _FALL * 0.5))
        ends.append(time[k[over[0]]] if len(over) else at + _LONGEST_MS)
    return np.array(ends)


def _reset_mV(target: FitTarget, top_mV: float) -> float:
    """Return the potential at which spikes end, as a rule."""
    at_ends = [
        np.interp(end, target.time_ms, piece.v_mV)
        for piece in target.train
        for end in _ends_ms(target, piece, top_mV)
        if end < target.stop_ms
    ]
    return float(np.median(at_ends)) if at_ends else target.rest_mV
