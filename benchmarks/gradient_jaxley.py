"""Our gradient beside that of Jaxley: the same cables, scheme and loss, on one core.

``python benchmarks/gradient.py --jaxley`` calls this. It needs the extra ``compare``, which brings
Jaxley (Deistler et al. 2025, Nature Methods 22:2649) and JAX. Both take Hodgkin-Huxley cables of
1 mm through backward Euler with exponential steps of the gates, both inject a constant current in
the middle and take the mean potential there, and both compute in double precision.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

# Read by JAX when it is imported.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

__all__ = ["beside_jaxley"]

DT_MS = 0.025


def _one_core() -> None:
    """Stay on one core (Linux), so that no library shares the work."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _jaxley_gradient(compartments: int, steps: int) -> Callable[..., Any]:
    """Return a compiled function of conductances and currents: losses and their derivatives."""
    try:
        import jax
        import jax.numpy as jnp
        import jaxley as jx
        from jaxley.channels import HH
    except ImportError as error:
        raise SystemExit(
            f"gradient.py --jaxley needs Jaxley ({error}); install it with "
            "pip install 'neurosim[compare]'"
        ) from None
    jax.config.update("jax_enable_x64", True)
    cell = jx.Cell(jx.Branch(jx.Compartment(), ncomp=compartments), parents=[-1])
    cell.insert(HH())
    for name, value in {
        "radius": 0.5, "length": 1000 / compartments, "axial_resistivity": 100.0,
        "capacitance": 1.0, "v": -65.0, "HH_eLeak": -54.387,
    }.items():  # fmt: skip
        cell.set(name, value)
    cell.init_states()
    middle = cell.branch(0).comp(compartments // 2)
    middle.record("v", verbose=False)
    # Steps are kept at two levels, as many at each.
    levels = [int(np.ceil(np.sqrt(steps)))] * 2

    def loss(conductances: Any, current: Any) -> Any:
        names = ("HH_gNa", "HH_gK", "HH_gLeak")
        params = [{name: conductances[k : k + 1]} for k, name in enumerate(names)]
        injected = middle.data_stimulate(current * jnp.ones(steps))
        v = jx.integrate(
            cell, params=params, data_stimuli=injected, delta_t=DT_MS, checkpoint_lengths=levels
        )
        # The first sample is that of the start, which ours leaves out.
        return jnp.mean(v[0, 1:])

    cell.make_trainable("HH_gNa", verbose=False)
    cell.make_trainable("HH_gK", verbose=False)
    cell.make_trainable("HH_gLeak", verbose=False)
    both = jax.vmap(jax.value_and_grad(loss, argnums=(0, 1)), in_axes=(None, 0))
    compiled = jax.jit(both)

    def gradient(currents_nA: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # S/cm² and nA, as Jaxley has them.
        given = jnp.array([0.12, 0.036, 0.0003])
        value, (by_g, by_current) = compiled(given, jnp.asarray(currents_nA))
        slopes = np.column_stack([np.asarray(by_g), np.asarray(by_current)])
        return np.asarray(value), slopes

    return gradient


def _ours(compartments: int, steps: int, currents_nA: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return losses (mV) and derivatives by S/cm² and nA."""
    from brian2 import ms, nA
    from gradient import WRT, cable

    from neurosim import Constant, differentiate
    from neurosim.gradients.losses import MeanPotential

    found = differentiate(
        cable(compartments), steps * DT_MS * ms, MeanPotential(), WRT,
        stimulus=Constant(0 * nA), batch={"current": currents_nA * nA}, dt=DT_MS * ms,
        scheme="backward-euler",
    )  # fmt: skip
    # 1 S/cm² is 1e4 S/m².
    by = [1e4, 1e4, 1e4, 1e-9]
    slopes = [1e3 * np.asarray(found[name]) * one for name, one in zip(WRT, by, strict=True)]
    return 1e3 * np.asarray(found.value), np.column_stack(slopes)


def _agreement(compartments: int, steps: int) -> None:
    currents = np.array([0.05, 0.2, 0.4])
    theirs, their_slopes = _jaxley_gradient(compartments, steps)(currents)
    ours, our_slopes = _ours(compartments, steps, currents)
    value = np.abs(ours / theirs - 1).max()
    slope = np.abs(our_slopes / their_slopes - 1).max(axis=0)
    print(
        f"{compartments} compartments, {steps * DT_MS:g} ms, 3 currents: losses differ by "
        f"{value:.1e}, derivatives by {', '.join(f'{one:.1e}' for one in slope)} "
        "(sodium, potassium, leak, current; relative, largest of the currents)"
    )


def _speed(cells: int, compartments: int, duration_ms: float, repeats: int) -> None:
    from gradient import spent

    steps = round(duration_ms / DT_MS)
    currents = np.linspace(0.05, 0.15, cells)
    each = 1e9 / (steps * cells * compartments)
    gradient = _jaxley_gradient(compartments, steps)
    began = time.process_time()
    gradient(currents)
    first = time.process_time() - began

    def own(length_ms: float) -> object:
        return _ours(compartments, round(length_ms / DT_MS), currents)

    own(1.0)
    best = [np.inf, np.inf]
    for _ in range(repeats):
        # One after the other, since no machine is quite idle.
        began = time.process_time()
        gradient(currents)
        best[0] = min(best[0], time.process_time() - began)
        # Less what a run of ten steps takes.
        best[1] = min(best[1], spent(own, duration_ms) * steps / (steps - 10))
    theirs, ours = (one * each for one in best)
    print(
        f"{cells:4d} x {compartments:4d}, {steps} steps: Jaxley {theirs:6.1f} ns, ours {ours:5.1f} "
        f"ns a compartment and step: {theirs / ours:.1f} times; compiling took Jaxley "
        f"{first - best[0]:.0f} s"
    )


def beside_jaxley(repeats: int) -> None:
    """Print how far the gradients of both agree, and what they cost."""
    _one_core()
    _jaxley_gradient(1, 4)
    import jax
    import jaxley

    python = ".".join(map(str, sys.version_info[:2]))
    print(f"Jaxley {jaxley.__version__}, JAX {jax.__version__}, Python {python}, one core")
    _agreement(20, 800)
    _speed(48, 200, 10.0, repeats)
    _speed(128, 500, 4.9, repeats)
