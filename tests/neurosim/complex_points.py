"""Point neurons with complex numbers: where they start, and runs in which spikes are located."""

import numpy as np
from complex_run import H

from neurosim.engine.adjoint.graph import Graph
from neurosim.engine.adjoint.numpy_values import values_of
from neurosim.engine.adjoint.step_reading import read_statements
from neurosim.engine.point.inputs import level, play
from neurosim.randomness import gaussian


def start_complex(ready, neuron, directions):
    """Return by state, `v` among them, how it moves at the start along directions of parameters.

    A state that is linear in itself, dx/dt = a + b x, rests at -a/b.
    """
    states = {name: np.asarray(value, dtype=complex) for name, value in ready.inputs.states.items()}
    for name, direction in directions.items():
        states[name] = states[name] + 1j * H * direction
    equations = ready.equations
    given = {"v": ready.start, **neuron.starts}
    states |= {state: states[name] for state, name in given.items()}
    states |= {"t": 0.0, "dt": ready.inputs.dt, "t_in_timesteps": 0, "not_refractory": 1.0}
    free = [name for name in equations.diff_eq_names if name not in given]
    for _ in range(20):
        for name in free:
            graph = Graph()
            code = f"I_stim = 0\nrate = {equations[name].expr.code}"
            rate = read_statements(graph, code, equations, "start")["rate"]
            a, b = (values_of(graph, [rate], states | {name: x})[0] for x in (0.0, 1.0))
            states[name] = -a / (b - a) + 0 * states["v"]
    return {name: np.imag(states[name]) / H for name in equations.diff_eq_names}


class SpikingComplex:
    """The run of one row of a neuron that spikes reset, piece after piece, with complex numbers.

    It divides steps by the rules of the program, and locates a crossing by Newton's method; that
    lengths, times and states follow a parameter is left to the imaginary parts.
    """

    SHARE, CLIMB, LONGEST = 0.02, 0.05, 0.5

    def __init__(self, maps, ready, row, directions, moved):
        self.maps, self.dt = maps, ready.inputs.dt
        self.steps = round(ready.inputs.duration / self.dt)
        states = {n: np.asarray(v, dtype=float) for n, v in ready.inputs.states.items()}
        self.given = {n: complex(v[row] if v.ndim else v) for n, v in states.items()}
        for name, direction in directions.items():
            self.given[name] += 1j * H * direction
        self.x = {n: self.given.pop(n, 0j) for n in maps.states}
        for name, by in moved.items():
            self.x[name] += 1j * H * np.ravel(by)[row if np.size(by) > 1 else 0]
        waves = ready.inputs.waveforms
        self.functions = {
            "gaussian": lambda a, b, c, d: gaussian(
                np.atleast_1d(np.int32(a)),
                np.atleast_1d(np.int32(b)),
                int(np.ravel(c)[0]),
                int(np.ravel(d)[0]),
            ),
            "waveform": lambda a, b: play(waves, np.asarray(a).astype(int), b),
            "step_level": lambda a, b: level(waves, np.asarray(a).astype(int), b),
        }
        self.release, self.trace, self.spikes = None, [], []

    def told(self, which, x, wanted, **clock):
        known = {**self.given, **x, "not_refractory": 1.0, **clock}
        nodes = [which.outputs[n] for n in wanted]
        values = values_of(which.graph, nodes, known, self.functions)
        return [complex(np.ravel(v)[0]) for v in values]

    def moved(self, which, x, **clock):
        found = self.told(which, x, self.maps.states, **clock)
        return dict(zip(self.maps.states, found, strict=True))

    def flow(self, x, length, time, free=1.0):
        return self.moved(self.maps.flow, x, dt=length, t=time, not_refractory=free), length

    def climb(self, x, length, time):
        wanted = (*self.maps.states, "elapsed")
        *found, elapsed = self.told(self.maps.climb, x, wanted, dt=length, t=time)
        return dict(zip(self.maps.states, found, strict=True)), elapsed

    def gap(self, x):
        return self.told(self.maps.threshold, x, ["gap"])[0]

    def steep(self, x, time):
        found = self.told(self.maps.flow, x, ["slope", "speed"], dt=0.0, t=time)
        return [one.real for one in found]

    def next(self, x, offset, begin):
        """Return how a row goes on: a map and its length."""
        left, now = self.dt - offset, begin + offset
        slope, speed = self.steep(x, now)
        if slope * left.real <= self.SHARE:
            y, _ = self.flow(x, left, now)
            if self.steep(y, now + left)[0] * left.real <= 2 * self.SHARE:
                return self.flow, left
        assert slope > 0
        assert speed > 0
        grown = (max(slope * left.real / 3, 1.0)) ** 0.2
        share = min(self.LONGEST, self.CLIMB * grown, 0.5 * slope * left.real)
        while True:
            length = min(share / slope, left.real) * speed
            y, elapsed = self.climb(x, length, now)
            if abs(y["v"]) <= 10 and elapsed.real < left.real:
                break
            share /= 2
        grown = np.log(max(self.steep(y, now + elapsed)[0] / slope, 1.0))
        if grown > 1.3 * share:
            length *= min(share / grown, 0.8)
        # A climb ends at a potential that is given.
        return self.climb, (x["v"].real + length) - x["v"]

    def run(self):
        """Return the potential after each step, and the time of each spike and `v` around it."""
        for k in range(self.steps):
            begin = k * self.dt
            clock = {"dt": self.dt, "t": begin, "t_in_timesteps": k}
            self.x = self.moved(self.maps.drive, self.x, **clock)
            self.step(begin)
            self.trace.append(self.x["v"])
        return np.array(self.trace), np.array(self.spikes).reshape(-1, 3)

    def step(self, begin):
        offset, ends = 0j, False
        while not ends:
            if self.release is not None:
                here = self.release - begin
                ends = here.real > self.dt
                length = (self.dt if ends else here) - offset
                self.x, _ = self.flow(self.x, length, begin + offset, free=0.0)
                offset += length
                self.release = self.release if ends else None
                continue
            way, length = self.next(self.x, offset, begin)
            y, elapsed = way(self.x, length, begin + offset)
            if self.gap(y).real < 0:
                ends = way == self.flow
                self.x, offset = y, offset + elapsed
                continue
            length = self.located(way, length, begin + offset)
            y, elapsed = way(self.x, length, begin + offset)
            offset += elapsed
            after = self.moved(self.maps.reset, y)
            self.spikes.append((begin + offset, y["v"], after["v"]))
            self.release = begin + offset + self.told(self.maps.reset, y, ["hold"])[0]
            self.x = after

    def located(self, way, length, now):
        def gap(at):
            return self.gap(way(self.x, at, now)[0])

        low, high = 0.0, length.real
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if gap(middle).real < 0 else (low, middle)
        slope = (gap(high * (1 + 1e-6)) - gap(high * (1 - 1e-6))).real / (2e-6 * high)
        at = complex(high)
        for _ in range(6):
            at -= 1j * gap(at).imag / slope
        return at
