"""One kernel of the scheme in plain NumPy: its values, and what it does in a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from neurosim.engine.cable.inputs import (
    CableInputs,
    KernelInputs,
)
from neurosim.engine.cable.model import HeldIon, Kernel
from neurosim.engine.point.inputs import level, play
from neurosim.engine.programs.spike_exchange import Incoming
from neurosim.equations.schemes import GAMMA, find_groups, rates_of
from neurosim.equations.steady_state import Names, compiled
from neurosim.errors import EngineError, not_linear
from neurosim.randomness import gaussian

__all__ = ["Rows", "evaluate", "moving", "under"]


class Rows:
    """One kernel with its values, shape (sites, cells) each."""

    def __init__(self, kernel: Kernel, given: KernelInputs, inputs: CableInputs) -> None:
        self.kernel = kernel
        self.nodes = given.nodes
        self.shape = (given.sites, inputs.cells)
        self.values = {name: self._spread(value) for name, value in given.values.items()}
        self.waveforms = inputs.waveforms
        self.traced = {name: np.zeros(self.shape) for name in kernel.record}
        self.linear: set[str] = set()
        # Of carriers, current and conductance of the step, and the charge since the start.
        self.given: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.crossed = {one.variable: np.zeros(self.shape) for one in kernel.carriers}
        self.passed = np.zeros(self.shape)
        # Of carriers, the current of the step; of ions whose space is shared, the charge of it.
        self.used: dict[str, np.ndarray] = {}
        self.entered: dict[str, np.ndarray] = {}
        # By ion, the charge on an area that receptors brought in a step.
        self.placed: dict[str, np.ndarray] = {}
        self.starts = {
            side: self.values[side].copy() for held in kernel.ions for side in moving(held)
        }
        self.exchanged = {side: np.zeros(self.shape) for side in self.starts if side[-1] == "o"}
        self.schemes = [group for group in find_groups(kernel.parsed) if group.sums_to_one]
        # By step: site, cell (-1: all) and weight of what arrives.
        self.arrivals: dict[int, list[tuple[int, int, float]]] = {}
        events = given.events
        if events is not None:
            for k, step in enumerate(inputs.arrival_steps(events).tolist()):
                arriving = (int(events.site[k]), int(events.cell[k]), float(events.weight[k]))
                self.arrivals.setdefault(step, []).append(arriving)
            self.factors = {s: self._spread(f) for s, f in events.factors.items()}

    def _spread(self, value: np.ndarray) -> np.ndarray:
        value = np.asarray(value, dtype=float)
        if value.ndim == 1:
            value = value[:, np.newaxis]
        return np.broadcast_to(value, self.shape).copy()

    def deliver(self, step: int) -> None:
        """Add the events of a step."""
        # In the order of weights, as the compiled program adds them.
        arriving = self.arrivals.get(step, ())
        for site, cell, weight in sorted(arriving, key=lambda event: (event[0], event[2])):
            where = (site, slice(None) if cell < 0 else cell)
            for state in self.kernel.events:
                self.values[state][where] += weight * self.factors[state][where]

    def expect(self, event: Incoming) -> None:
        """Take note of an event to come."""
        here = self.arrivals.setdefault(event.step, [])
        here.append((event.site, event.cell, event.weight))

    def measure(self, passed: np.ndarray, v: np.ndarray, *, settling: bool) -> None:
        """Set what a clamp knows once the potentials are: its current, and what it shows.

        `passed` is the current into each site, `v` the potential at the end of the step.
        """
        values, electrode = self.values, self.kernel.amplifier == "electrode"
        if settling and self.kernel.injects:
            if electrode:
                values["electrode"] = np.array(v)
            return
        values["I_stim"] = passed
        if electrode:
            drop = values["R_e"] * values["command"]
            inside = drop + values["last"] * v + values["first"] * values["before"]
            inside += values["decay"] * (values["electrode"] - drop)
            values["electrode"] = inside
            shown = inside - values["bridge"] * values["command"] + values["junction"]
            values["recorded"] = shown
        for name in self.traced:
            if name in ("I_stim", "electrode", "recorded"):
                self.traced[name] = self._spread(values[name])

    def _names(self, clock: dict[str, Any], **more: Any) -> Names:
        functions: dict[str, Any] = {
            "gaussian": self._gaussian,
            "waveform": self._waveform,
            "step_level": self._step_level,
        }
        values: dict[str, Any] = {**functions, **clock, **self.values, **more}
        return Names(self.kernel.parsed, values)

    def _gaussian(self, low: np.ndarray, high: np.ndarray, stream: int, step: int) -> np.ndarray:
        return gaussian(np.asarray(low, np.int32), np.asarray(high, np.int32), stream, step)

    def _waveform(self, channel: np.ndarray, position: np.ndarray) -> np.ndarray:
        return play(self.waveforms, np.asarray(channel).astype(int), position)

    def _advance_schemes(self, clock: dict[str, Any]) -> dict[str, np.ndarray]:
        """Return the states of the kinetic schemes after a step, by the rates between them."""
        dt, found = float(clock["dt"]), {}
        for group in self.schemes:

            def rate(name: str, given: Mapping[str, float]) -> np.ndarray:
                full = {one: np.full(self.shape, x) for one, x in given.items()}
                code = self.kernel.parsed[name].expr.code
                return self._spread(evaluate(code, self._names(clock, **full)))

            drive, matrix = rates_of(group, rate)
            left = np.eye(len(matrix)) - GAMMA * dt * np.moveaxis(matrix, (0, 1), (-2, -1))
            start = np.stack([self.values[name] for name in group.states], axis=-1)[..., np.newaxis]
            more = GAMMA * dt * np.moveaxis(drive, 0, -1)[..., np.newaxis]
            once = np.linalg.solve(left, start + more)
            moved = (1 + np.sqrt(2)) * np.linalg.solve(left, once + more) - np.sqrt(2) * once
            for k, name in enumerate(group.states):
                found[name] = moved[..., k, 0]
        return found

    def _step_level(self, channel: np.ndarray, step: np.ndarray) -> np.ndarray:
        return level(self.waveforms, np.asarray(channel).astype(int), step)

    def advance(
        self, clock: dict[str, Any], v: np.ndarray, implicit_dt: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Advance the states; return the diagonal and the right-hand side of each row."""
        kernel = self.kernel
        self.values["v"] = v
        for line in kernel.updates:
            name, expression = (part.strip() for part in line.split("=", 1))
            self.values[name] = self._spread(evaluate(expression, self._names(clock)))
        advanced = self._advance_schemes(clock)
        for name in set(kernel.states) - set(advanced):
            code = kernel.parsed[name].expr.code
            if name in kernel.nonlinear:
                advanced[name] = self._by_slope(name, code, clock)
                continue
            # Expressions are held during the step, so they are worked out before x is varied.
            held = self._names(clock)
            frozen = {e: evaluate(e, held) for e in kernel.parsed.subexpr_names if e in code}
            zero = evaluate(code, self._names(clock, **frozen, **{name: np.zeros(self.shape)}))
            one = evaluate(code, self._names(clock, **frozen, **{name: np.ones(self.shape)}))
            rate = one - zero
            if name not in self.linear:
                twice = {name: np.full(self.shape, 2.0)}
                two = evaluate(code, self._names(clock, **frozen, **twice))
                if not np.allclose(two - one, rate, rtol=1e-6, atol=0):
                    raise EngineError(not_linear(name, code))
                self.linear.add(name)
            dt = float(clock["dt"])
            with np.errstate(divide="ignore", invalid="ignore"):
                toward = -zero / rate
                moved = toward + (self.values[name] - toward) * np.exp(rate * dt)
            advanced[name] = np.where(rate == 0, self.values[name] + dt * zero, moved)
        self.values |= advanced
        current, slope = self._linearised(kernel.current, clock, v)
        for carrier in kernel.carriers:
            self.given[carrier.variable] = self._linearised(carrier.variable, clock, v)
        for name in self.traced:
            self.traced[name] = self._spread(evaluate(name, self._names(clock)))
        if not kernel.density:
            return slope, current + slope * v
        area, capacity = self.values["area"], self.values["C_m"] / implicit_dt
        return area * (capacity + slope), area * (capacity * v + current + slope * v)

    def _by_slope(self, name: str, code: str, clock: dict[str, Any]) -> np.ndarray:
        """Return a state that is not linear in itself after a step, by the slope of its rate."""
        x, dt = self.values[name], float(clock["dt"])
        h = 1e-6 * (np.abs(x) + 1e-6)
        rate = evaluate(code, self._names(clock))
        up = evaluate(code, self._names(clock, **{name: x + h}))
        down = evaluate(code, self._names(clock, **{name: x - h}))
        turn = dt * (up - down) / (2 * h)
        grown = np.where(turn == 0, 1.0, np.expm1(turn) / np.where(turn == 0, 1.0, turn))
        return self._spread(x + dt * rate * grown)

    def _linearised(
        self, code: str, clock: dict[str, Any], v: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a current, and its conductance by a central difference."""
        current = self._spread(evaluate(code, self._names(clock)))
        if not self.kernel.conducts:
            return current, np.zeros(self.shape)
        h = 1e-6
        up = evaluate(code, self._names(clock, v=v + h))
        down = evaluate(code, self._names(clock, v=v - h))
        return current, self._spread(-(up - down) / (2 * h))

    def move_ions(self, before: np.ndarray, solved: np.ndarray, dt: float) -> str:
        """Move the ions of a patch by the currents at the potentials that were solved for.

        Returns the concentration that fell to 0, if any did.
        """
        used = {}
        for name, (current, slope) in self.given.items():
            used[name] = current - slope * (solved - before)
            self.crossed[name] += dt * used[name]
        for held in self.kernel.ions:
            charge = self.placed.get(held.ion, 0.0) + dt * sum(
                dict(one.ions).get(held.ion, 0) * used[one.variable] for one in self.kernel.carriers
            )
            if held.shared:
                self.entered[held.ion] = charge * self.values["area"]
            for side in moving(held):
                where = "outside" if side[-1] == "o" else "inside"
                came = charge * self.values[f"{held.part}_per_{where}"]
                lost = self._lost(held.part, self.values[side], came, dt) if where[0] == "o" else 0
                if where[0] == "o":
                    self.exchanged[side] += lost
                self.values[side] = self.values[side] + came - lost
                if not np.all(self.values[side] > 0):
                    return side
        self.used = used
        self.retrace()
        return ""

    def pool_of(self, ion: str) -> str:
        """Return the part in which an ion moves inside, "" where there is none."""
        if not self.kernel.density:
            return ""
        return next((one.part for one in self.kernel.ions if one.ion == ion and one.inside), "")

    def _lost(self, part: str, now: np.ndarray, came: np.ndarray, dt: float) -> np.ndarray:
        """Return what a space outside loses to its bath in a step in which so much came evenly."""
        bath, tau = self.values[f"{part}_outside"], self.values[f"{part}_outside_tau"]
        target = bath + tau * came / dt
        after = target + (now - target) * np.exp(-dt / tau)
        return np.asarray(now + came - after)

    def retrace(self) -> None:
        """Take anew the samples of what ions move."""
        names = Names(self.kernel.parsed, {**self.values, **self.used})
        held = self.kernel.ions
        moved = {f"E_{one.ion}" for one in held}.union(*(moving(one) for one in held))
        moved |= {f"{one.ion}_o" for one in held if one.shared}
        moved = moved.union(*(one.deeper for one in held))
        for name in self.traced:
            if name in moved or name in self.kernel.retraced():
                self.traced[name] = self._spread(evaluate(name, names))


def under(part: Rows, patches: list[Rows]) -> Iterator[tuple[Rows, int, int]]:
    """Return the patch and its row under each site of a kernel of points."""
    for patch in patches:
        place = {int(node): row for row, node in enumerate(patch.nodes)}
        for site, node in enumerate(part.nodes.tolist()):
            if node in place:
                yield patch, place[node], site


def moving(held: HeldIon) -> list[str]:
    """Return the concentrations of an ion that move."""
    sides = ((f"{held.ion}_i", held.inside), (f"{held.ion}_o", held.outside))
    return [name for name, moves in sides if moves]


def evaluate(code: str, names: Names) -> np.ndarray:
    return np.asarray(eval(compiled(code), {"__builtins__": {}}, names), dtype=float)
