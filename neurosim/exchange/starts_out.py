"""Where states start that NEURON does not find by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.units import Quantity

from neurosim.channels.base import IonPool
from neurosim.describe.neuron import Neuron
from neurosim.engine.cable.compose import Run, compose_cable
from neurosim.equations.evaluate import parse
from neurosim.exchange.densities_out import Densities
from neurosim.exchange.nmodl_words import si_factor

__all__ = ["starts_of"]


def starts_of(neuron: Neuron, densities: Densities, *, always: bool = False) -> dict[str, Any]:
    """Return the potentials and states at the start, empty where NEURON finds them.

    INITIAL blocks put gates at their steady state. They cannot where a pool of calcium rests by
    the current through channels that it opens itself, nor where the neuron says where it starts.
    With `always` all states are told.
    """
    elsewhere = any(text.starts_elsewhere for text, _, _ in densities.covering())
    if not always and not elsewhere and neuron.initial is None:
        return {}
    bare = neuron.replace(placed=(), probed=(), detectors=())
    run = Run(
        cells=1, batch={}, seeds=np.zeros(1, dtype=np.int64), duration=0.0, dt=1e-9, trace_dt=1e-9,
        settle=0.0, theta=1.0,
    )  # fmt: skip
    composed = compose_cable(bare, run)
    back = np.empty_like(composed.numbering)
    back[composed.numbering] = np.arange(len(back))
    held: dict[str, np.ndarray] = {}
    for kernel, given in zip(composed.model.kernels, composed.inputs.kernels, strict=True):
        for name in kernel.kept:
            values = np.broadcast_to(given.values[name].reshape(-1), given.sites)
            full = held.setdefault(name, np.full(len(back), np.nan))
            full[back[given.nodes]] = values
    states = []
    for text, part, covered in densities.covering():
        system = parse(part.equations)
        own = {x: f"{part.name}_{x}" for x in system.diff_eq_names}
        if isinstance(part, IonPool):
            both = (part.writes, f"{part.ion}_o")
            own = {x: name for x, name in own.items() if x not in both}
            own |= {x: x for x in both if x in text.names and x in held}
        for state, name in own.items():
            if name not in held:
                continue
            here = np.flatnonzero(covered & np.isfinite(held[name]))
            dim = system[state].dim if state in system else Quantity(1.0).dim
            like = Quantity(1.0, dim=dim) if state in system else None
            # A concentration is 1 mM in both.
            factor = 1.0 if like is None else si_factor(like)
            states.append(
                {
                    # A concentration belongs to the segment.
                    "suffix": "" if name == state else text.suffix,
                    "name": text.names[state],
                    "segments": here.tolist(),
                    "values": (held[name][here] / factor).tolist(),
                }
            )
    start: dict[str, Any] = {"states": states}
    if neuron.initial is not None:
        start["v"] = [1e3 * v for v in neuron.initial.potential]
    return start
