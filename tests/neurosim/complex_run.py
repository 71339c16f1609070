"""The same run in NumPy with complex numbers: an independent derivative, without differences.

It shares with the compiled program the graph of one step's operations and nothing else: no reverse
rule, no generated code, no checkpoint, no elimination backwards.
"""

import numpy as np

from neurosim.engine.adjoint.numpy_values import values_of
from neurosim.engine.point.inputs import level, play
from neurosim.randomness import gaussian

H = 1e-60


def _spread(value, shape):
    value = np.asarray(value)
    value = value[:, np.newaxis] if value.ndim == 1 else value
    return np.broadcast_to(value, shape).astype(complex)


def run_complex(steps, inputs, moved=None, *, up=None, weights=None, ends=None):
    """Return the traces, shape (steps, probes, cells), complex.

    `moved` are directions, by kernel and name (parameters, and states at the start, ``"v"`` the
    potential), in which the run is moved by `H` along the imaginary axis; `up` is that of the axial
    conductances, and `weights` by kernel that of the weight of each event. The list `ends` is given
    what each kernel has at the end.
    """
    tree, cells = inputs.tree, inputs.cells
    moved = moved or {}
    values = []
    for k, given in enumerate(inputs.kernels):
        shape = (given.sites, cells)
        here = {name: _spread(value, shape) for name, value in given.values.items()}
        for (kernel, name), direction in moved.items():
            if kernel == k:
                here[name] = here[name] + 1j * H * _spread(direction, shape)
        values.append(here)
    conductance = tree.up.astype(complex)
    if up is not None:
        conductance = conductance + 1j * H * up
    matrix = np.zeros((tree.nodes, tree.nodes), dtype=complex)
    for node, parent in enumerate(tree.parent):
        if parent >= 0:
            g = conductance[node]
            matrix[node, node] += g
            matrix[parent, parent] += g
            matrix[node, parent] -= g
            matrix[parent, node] -= g
    start = np.asarray(inputs.start)
    v = _spread(start, (tree.compartments, cells)).copy()
    if (0, "v") in moved:
        v = v + 1j * H * moved[0, "v"]
    functions = {
        "gaussian": lambda a, b, c, d: gaussian(
            a.astype(np.int32), b.astype(np.int32), int(np.ravel(c)[0]), int(np.ravel(d)[0])
        ),
        "waveform": lambda a, b: play(inputs.waveforms, a.astype(int), b),
        "step_level": lambda a, b: level(inputs.waveforms, a.astype(int), b),
    }
    traces = []
    for index in range(inputs.start_step - inputs.settle_steps, inputs.start_step + inputs.steps):
        settling = index < inputs.start_step
        diagonal = np.zeros((tree.nodes, cells), dtype=complex)
        right = np.zeros((tree.nodes, cells), dtype=complex)
        for k, (step, given) in enumerate(zip(steps, inputs.kernels, strict=True)):
            kernel, here = step.kernel, values[k]
            if settling and kernel.injects:
                continue
            if not settling and kernel.events:
                _deliver(kernel, here, given, inputs, index, (weights or {}).get(k))
            early = (1 - inputs.theta) if kernel.injects else 0.0
            clock = {"dt": inputs.dt, "t": (index + early) * inputs.dt, "t_in_timesteps": index}
            wanted = [*step.after.values(), step.conductance, step.current]
            known = {**here, **clock, "v": v[given.nodes]}
            *after, g, i = values_of(step.graph, wanted, known, functions)
            shape = (given.sites, cells)
            for name, value in zip(step.after, after, strict=True):
                here[name] = np.broadcast_to(value, shape).astype(complex)
            np.add.at(diagonal, given.nodes, np.broadcast_to(g, shape))
            np.add.at(right, given.nodes, np.broadcast_to(i, shape))
        solved = np.empty_like(right)
        for cell in range(cells):
            whole = matrix + np.diag(diagonal[:, cell])
            solved[:, cell] = np.linalg.solve(whole, right[:, cell])
        v = v + (solved[: tree.compartments] - v) / inputs.theta
        if not settling:
            traces.append(v[[site for _, _, site in inputs.probes]])
    if ends is not None:
        ends += values
    return np.array(traces)


def _deliver(kernel, here, given, inputs, index, direction):
    events = given.events
    at_step = inputs.arrival_steps(events)
    for e in np.flatnonzero(at_step == index):
        weight = complex(events.weight[e])
        if direction is not None:
            weight += 1j * H * direction[e]
        cells = slice(None) if events.cell[e] < 0 else int(events.cell[e])
        site = int(events.site[e])
        for state in kernel.events:
            factor = np.asarray(events.factors[state])
            by_cell = factor[site] if factor.ndim == 1 else factor[site][cells]
            changed = here[state].copy()
            changed[site, cells] += weight * by_cell
            here[state] = changed


def rest_complex(steps, inputs, moved, resting, rest):
    """Return `moved` with the directions in which states move that start at rest (volt)."""
    found = dict(moved)
    for k, (step, given) in enumerate(zip(steps, inputs.kernels, strict=True)):
        names = [name for name in resting[k] if name in step.carried]
        if not names:
            continue
        shape = (given.sites, inputs.cells)
        here = {name: _spread(value, shape) for name, value in given.values.items()}
        for (kernel, name), direction in moved.items():
            if kernel == k:
                here[name] = here[name] + 1j * H * _spread(direction, shape)
        known = {"dt": 1.0, "t": 0.0, "t_in_timesteps": 0.0, "v": np.full(shape, rest)}
        for _ in range(2000):
            wanted = [step.after[name] for name in names]
            values = values_of(step.graph, wanted, {**here, **known})
            before = {name: here[name] for name in names}
            # Only what moves along the imaginary axis: the states themselves are at rest.
            for name, value in zip(names, values, strict=True):
                here[name] = before[name].real + 1j * np.broadcast_to(value, shape).imag
            largest = max(np.abs(here[n].imag).max() for n in names)
            if all(np.abs((here[n] - before[n]).imag).max() <= 1e-15 * largest for n in names):
                break
        for name in names:
            found[k, name] = here[name].imag / H
    return found
