"""How the states at rest, from which a run starts, follow the parameters.

At rest a step leaves every state as it was, x = F(x, p), so that dx/dp solves
(1 - dF/dx) dx/dp = dF/dp. A long step, after which each state is where the others hold it, makes
that a sum of few terms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neurosim.engine.adjoint.numpy_values import values_of
from neurosim.engine.adjoint.step_derivative import OF_COUNT, Step
from neurosim.engine.cable.inputs import KernelInputs
from neurosim.equations.schemes import find_groups
from neurosim.errors import EngineError

__all__ = ["derivatives_of_rest"]

# A kinetic scheme loses digits in a step that is very much longer than its rates.
_LONG, _LONG_OF_SCHEMES = 1e3, 1.0
_MOST_TERMS = 5000


def derivatives_of_rest(
    step: Step,
    given: KernelInputs,
    v: np.ndarray,
    resting: Sequence[str],
    bars: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return what wanted parameters do to a loss by way of the states at the start.

    Parameters
    ----------
    step : Step
        Of the kernel.
    given : KernelInputs
        Its values.
    v : ndarray, shape (sites, cells)
        Potential at the start, which no parameter moves.
    resting : sequence of str
        States that start at rest; all others start where they are told.
    bars : mapping of str to ndarray, each of shape (sites, cells)
        Derivative of the loss with respect to each state at the start.

    Raises
    ------
    EngineError
        The sum does not converge.
    """
    total = {name: np.zeros(v.shape) for name in step.wanted}
    resting = [name for name in resting if name in step.carried]
    if not resting or not step.wanted:
        return total
    schemes = any(group.sums_to_one for group in find_groups(step.kernel.parsed))
    known = {name: _spread(value, v.shape) for name, value in given.values.items()}
    known |= {"v": v, "dt": np.asarray(_LONG_OF_SCHEMES if schemes else _LONG)}
    known |= {"t": np.zeros(()), "t_in_timesteps": np.zeros(())}
    known |= {"bar:conductance": np.zeros(()), "bar:current": np.zeros(())}
    known |= {f"bar:{name}": np.zeros(v.shape) for name in step.carried}
    if step.counted:
        known |= dict.fromkeys(OF_COUNT, np.zeros(()))
    wanted = [step.bars[name] for name in (*resting, *step.wanted)]
    now = {name: np.asarray(bars[name]) for name in resting}
    for _ in range(_MOST_TERMS):
        known |= {f"bar:{name}": value for name, value in now.items()}
        found = [np.broadcast_to(x, v.shape) for x in values_of(step.graph, wanted, known)]
        more = dict(zip(step.wanted, found[len(resting) :], strict=True))
        if not all(np.isfinite(x).all() for x in found):
            break
        total = {name: total[name] + more[name] for name in total}
        if all(np.all(np.abs(more[n]) <= 1e-14 * np.abs(total[n]).max()) for n in total):
            return total
        now = dict(zip(resting, found[: len(resting)], strict=True))
    raise EngineError(
        f"{step.kernel.name}: how the states at the start follow the parameters cannot be found, "
        "since some of them do not settle; say where they start (Neuron(initial=...))"
    )


def _spread(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    return np.broadcast_to(value[:, np.newaxis] if value.ndim == 1 else value, shape)
