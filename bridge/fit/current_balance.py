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
from neurosim.catalogue import InactivatingGIF

__all__ = ["balanced", "balanced_glif", "balanced_igif"]

Array = NDArray[np.float64]

_TAU_W_MS = np.geomspace(12.0, 500.0, 12)
_DELTA_MV = np.geomspace(0.4, 6.0, 7)
# Of the fast and the slow current that spikes leave, and of the threshold that they raise.
_FAST_MS, _SLOW_MS = np.geomspace(3.0, 30.0, 5), np.geomspace(40.0, 500.0, 5)
_RISEN_MS = np.geomspace(6.0, 250.0, 12)
# Of the threshold that follows the potential. Faster ones would follow the upstroke of the spike.
_FOLLOWED_MS = np.geomspace(5.0, 200.0, 6)
# Potentials that open a conductance or bend the threshold lie so far apart, up to so far above the
# threshold of the first spikes, and from so far below rest on; the conductance opens with one of
# these time constants. Of the other time constants, and of what is combined, so many of the best
# are tried.
_APART_MV, _OVER_MV, _UNDER_MV, _OPENED_MS = 4.0, 12.0, 32.0, (1.0, 5.0, 20.0, 80.0)
_PAIRS, _KEPT = 6, 12
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
    """Return parameters of generalised integrate-and-fire neurons, best first.

    Two linear fits, one after the other, as generalised integrate-and-fire models are usually
    fitted (Mensi et al. 2012, J. Neurophysiol. 107:1756): currents that spikes leave from the
    balance of currents; then the threshold from the potentials at which spikes begin, as it follows
    the spikes and the potential before them. The potential at which a spike ends, on that at which
    it begins, tells the reset.

    Parameters
    ----------
    target : FitTarget
    """
    top = target.threshold_mV if np.isfinite(target.threshold_mV) else target.level_mV
    stretches = [_Stretches(target, piece, top) for piece in target.train]
    current = np.concatenate([one.current for one in stretches])
    if len(current) < 20:
        return []
    begun = [_Begun(target, piece, top) for piece in target.train]
    held = _middle([one.held_ms for one in begun], _HELD_MS)
    reset, thresholds = _reset(begun, target.rest_mV), _thresholds(begun, held)
    currents: list[tuple[float, dict[str, float]]] = []
    for fast in _FAST_MS:
        for slow in _SLOW_MS:
            parts = np.concatenate([one.left_by_spikes(fast, slow) for one in stretches])
            scale = np.maximum(np.sqrt(np.mean(parts**2, axis=0)), 1e-12)
            low = np.array([1e-3, 1e-3, -np.inf, -np.inf, -np.inf])
            solved = lsq_linear(parts / scale, current, (low, np.inf))
            C, g_L, constant, first, second = solved.x / scale
            told = {
                "C": C, "g_L": g_L, "E_L": target.rest_mV - constant / max(g_L, 1e-3),
                "A_1": -first * np.exp(-held / fast), "tau_1": fast,
                "A_2": -second * np.exp(-held / slow), "tau_2": slow, "t_ref": held,
            }  # fmt: skip
            currents.append((float(solved.cost), told))
    currents.sort(key=lambda pair: pair[0])
    found = []
    for k, j in sorted(np.ndindex(len(currents), len(thresholds)), key=sum):
        told = currents[k][1] | reset | thresholds[j]
        # Both follow the potential from rest; in the neuron they do so from its leak reversal.
        off = told["E_L"] - target.rest_mV
        told["V_T"] += told["follow"] * off
        told["V_reset"] += told["f_v"] * off
        found.append({name: float(one) for name, one in told.items()})
    return found


def balanced_igif(target: FitTarget, closes: bool = False) -> list[dict[str, float]]:
    """Return parameters of `InactivatingGIF` neurons, best first.

    As `balanced_glif`, with a conductance that opens with the potential among the currents, and
    thresholds that follow the potential above one of several. The few best of each are combined.

    Parameters
    ----------
    target : FitTarget
    closes : bool
        Whether the conductance is to close as the potential rises, if any that does balances.
    """
    told = balanced_glif(target)
    if not told:
        return []
    top = target.threshold_mV if np.isfinite(target.threshold_mV) else target.level_mV
    stretches = [_Stretches(target, piece, top) for piece in target.train]
    begun = [_Begun(target, piece, top) for piece in target.train]
    current = np.concatenate([one.current for one in stretches])
    held = told[0]["t_ref"]
    gates = {"k_r": 1e3 * float(InactivatingGIF().k_r), "E_r": 1e3 * float(InactivatingGIF().E_r)}
    # The time constants of the currents that spikes leave, by the balance without the conductance.
    pairs = list(dict.fromkeys((one["tau_1"], one["tau_2"]) for one in told))[:_PAIRS]
    left = {
        pair: np.concatenate([one.left_by_spikes(*pair) for one in stretches]) for pair in pairs
    }
    currents: list[tuple[float, dict[str, float]]] = []
    for half in np.arange(target.rest_mV - _UNDER_MV, top + _OVER_MV, _APART_MV).tolist():
        for tau in _OPENED_MS:
            opened = np.concatenate([one.opened(half, tau, **gates) for one in stretches])
            for (fast, slow), parts in left.items():
                columns = np.column_stack([parts, opened])
                scale = np.maximum(np.sqrt(np.mean(columns**2, axis=0)), 1e-12)
                low = np.array([1e-3, 1e-3, *[-np.inf] * 4])
                solved = lsq_linear(columns / scale, current, (low, np.inf), "bvls")
                C, g_L, constant, first, second, g_r = solved.x / scale
                rest = _balance_mV(target.rest_mV, -constant, g_L, g_r, half, **gates)
                currents.append((float(solved.cost), {
                    "C": C, "g_L": g_L, "tau_1": fast, "A_1": -first * np.exp(-held / fast),
                    "tau_2": slow, "A_2": -second * np.exp(-held / slow), "t_ref": held,
                    "g_r": g_r, "V_r": half, "tau_r": tau, "E_L": rest,
                }))  # fmt: skip
    currents.sort(key=lambda pair: pair[0])
    alike = [one for _, one in currents if (one["g_r"] < 0) == closes]
    best = (alike or [one for _, one in currents])[:_KEPT]
    thresholds = _bent_thresholds(begun, target, top, held)
    found = []
    for k, j in sorted(np.ndindex(len(best), min(_KEPT, len(thresholds))), key=sum):
        one = told[0] | best[k] | thresholds[j]
        one["V_reset"] = told[0]["V_reset"] + told[0]["f_v"] * (one["E_L"] - told[0]["E_L"])
        found.append({name: float(value) for name, value in one.items()})
    return found


def _open(half_mV: float, v_mV: Array | float, k_r: float) -> Array:
    """Return the share of a conductance that is open at a potential."""
    return np.asarray(1 / (1 + np.exp((half_mV - v_mV) / k_r)))


def _balance_mV(
    rest_mV: float, inward_pA: float, g_L: float, g_r: float, half_mV: float, k_r: float, E_r: float
) -> float:
    """Return the potential at which leak, conductance and a constant current balance."""
    v = np.linspace(-110.0, 0.0, 1101)
    outward = g_L * (v - rest_mV) + g_r * (v - E_r) * _open(half_mV, v, k_r) - inward_pA
    return float(np.interp(0.0, np.maximum.accumulate(outward), v))


def _bent_thresholds(
    begun: list[_Begun], target: FitTarget, top_mV: float, held_ms: float
) -> list[dict[str, float]]:
    """Return thresholds that follow spikes, and the potential above one of several; best first."""
    begin = np.concatenate([one.begin_mV for one in begun])
    softness = 1e3 * float(InactivatingGIF().k_i)
    found: list[tuple[float, dict[str, float]]] = []
    for bend in np.arange(target.rest_mV + _APART_MV, top_mV + _OVER_MV, _APART_MV).tolist():
        for tau_v in _FOLLOWED_MS:
            followed = [one.followed(tau_v, bend - target.rest_mV, softness) for one in begun]
            for tau_s in _RISEN_MS[::2]:
                risen = np.concatenate([one.risen(tau_s) for one in begun])
                columns = np.column_stack([np.ones(len(begin)), risen, np.concatenate(followed)])
                solved = lsq_linear(columns, begin, ([-np.inf, 0.0, 0.0], [np.inf, np.inf, 1.8]))
                base, jump, share = solved.x
                found.append((float(solved.cost), {
                    "V_T": base, "jump": jump * np.exp(-held_ms / tau_s), "tau_s": tau_s,
                    "follow": share, "tau_v": tau_v, "V_i": bend,
                }))  # fmt: skip
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


class _Begun:
    """Spikes of one step: where they begin and end, and what came before each."""

    def __init__(self, target: FitTarget, piece: Piece, top_mV: float) -> None:
        time, v = target.time_ms, piece.v_mV[: len(target.time_ms)]
        begins = np.interp(piece.spikes_ms - _BEFORE_MS, time, v)
        top_mV = max(top_mV, float(np.median(begins))) if len(begins) else top_mV
        ends = _ends_ms(target, piece, top_mV)
        self._sample = target.sample_ms
        # In a spike the potential says nothing of what the threshold follows.
        free = np.ones(len(time), dtype=bool)
        for at, end in zip(piece.spikes_ms, ends, strict=True):
            free &= (time < at - _BEFORE_MS) | (time > end)
        self._x = (v - target.rest_mV)[free]
        counts = (piece.spikes_ms > target.onset_ms) & (ends < target.stop_ms)
        self.spikes = piece.spikes_ms[counts]
        self.held_ms = ends[counts] - self.spikes
        self.begin_mV = begins[counts]
        self.end_mV = np.interp(ends[counts], time, v)
        self._before = np.searchsorted(time[free], self.spikes - _BEFORE_MS) - 1

    def risen(self, tau_ms: float) -> Array:
        """Return what is 1 at a spike and decays, added up over the spikes before each."""
        since = self.spikes[:, np.newaxis] - self.spikes
        return np.asarray(np.where(since > 0, np.exp(-since / tau_ms), 0.0).sum(axis=1))

    def followed(self, tau_ms: float, bend_mV: float | None = None, soft_mV: float = 1.0) -> Array:
        """Return the potential above rest before each spike, followed with a time constant (mV).

        With a bend, what is above rest by more than that.
        """
        if not len(self.spikes):
            return np.zeros(0)
        keep = np.exp(-self._sample / tau_ms)
        x = self._x
        if bend_mV is not None:
            x = soft_mV * np.log1p(np.exp((x - bend_mV) / soft_mV))
        return np.asarray(lfilter([1 - keep], [1, -keep], x)[self._before])


def _middle(parts: list[Array], otherwise: float) -> float:
    values = np.concatenate(parts)
    return float(np.median(values)) if len(values) else otherwise


def _reset(begun: list[_Begun], rest_mV: float) -> dict[str, float]:
    """Return the reset of a spike that begins at rest, and how it follows where it begins."""
    begin = np.concatenate([one.begin_mV for one in begun]) - rest_mV
    end = np.concatenate([one.end_mV for one in begun])
    if len(begin) < 3:
        return {"V_reset": float(end.mean()) if len(end) else rest_mV, "f_v": 0.0}
    columns = np.column_stack([np.ones(len(begin)), begin])
    reset, share = lsq_linear(columns, end, ([-np.inf, -0.3], [np.inf, 1.6])).x
    return {"V_reset": reset, "f_v": share}


def _thresholds(begun: list[_Begun], held_ms: float) -> list[dict[str, float]]:
    """Return thresholds that follow spikes and the potential, best first.

    One for each of several time constants with which it follows the potential. The share is told
    for a threshold of rest.
    """
    begin = np.concatenate([one.begin_mV for one in begun])
    found: list[tuple[float, dict[str, float]]] = []
    for tau_v in _FOLLOWED_MS:
        followed = np.concatenate([one.followed(tau_v) for one in begun])
        best: tuple[float, dict[str, float]] | None = None
        for tau_s in _RISEN_MS:
            risen = np.concatenate([one.risen(tau_s) for one in begun])
            columns = np.column_stack([np.ones(len(begin)), risen, followed])
            low, high = [-np.inf, 0.0, -0.2], [np.inf, np.inf, 1.1]
            solved = lsq_linear(columns, begin, (low, high))
            base, jump, share = solved.x
            told = {
                "V_T": base, "jump": jump * np.exp(-held_ms / tau_s), "tau_s": tau_s,
                "follow": share, "tau_v": tau_v,
            }  # fmt: skip
            if best is None or solved.cost < best[0]:
                best = (float(solved.cost), told)
        assert best is not None
        found.append(best)
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


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

    def opened(self, half_mV: float, tau_ms: float, k_r: float, E_r: float) -> Array:
        """Return what a conductance that opens with the potential is multiplied by."""
        keep = np.exp(-self.sample / tau_ms)
        gate = _open(half_mV, self.v, k_r)
        slow = lfilter([1 - keep], [1, -keep], gate, zi=[keep * gate[0]])[0]
        return np.asarray((slow * (self.v - E_r))[self.at].mean(axis=1))

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
