"""Where point neurons start, and how that follows their parameters, with complex numbers."""

import numpy as np
from complex_run import H

from neurosim.engine.adjoint.graph import Graph
from neurosim.engine.adjoint.numpy_values import values_of
from neurosim.engine.adjoint.step_reading import read_statements


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
