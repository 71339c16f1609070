"""Which states are shares between 0 and 1, such as the gates of channels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from brian2.units import Quantity, get_dimensions, volt

from neurosim.equations.evaluate import evaluate, parse

__all__ = ["shares"]

_POTENTIALS = np.linspace(-0.15, 0.1, 51)
# What other states may be, in their SI units, and how far what a part reads may be from its typical
# value: from very little to very much.
_OTHERS = (1e-6, 1e-3, 1.0, 1e3, 1e9)
_FACTORS = (1e-4, 1e-2, 1.0, 1e2, 1e4)
# Draws in which sizes and signs are mixed.
_MIXED = 200


def shares(
    equations: str,
    moved: Iterable[str],
    values: Mapping[str, Any],
    read: Mapping[str, Any] = MappingProxyType({}),
    raised: Iterable[str] = (),
) -> set[str]:
    """Return the states that stay in the range from 0 to 1 once they are in it.

    At 0 such a state does not fall and at 1 it does not rise, whatever the potential and the other
    states; and it does rise and fall somewhere, which a variable that only decays does not.

    Parameters
    ----------
    equations : str
        Differential equations and named expressions.
    moved : iterable of str
        Names that something else than the equations moves, such as events or a reset.
    values : mapping of str to Quantity or float
        Parameters and constants.
    read : mapping of str to Quantity or float
        What other parts move, with a typical value. A value of 0 stands for something that has both
        signs, such as a current; any other one keeps its sign.
    raised : iterable of str
        States that are never below 0, since events only add to them, such as a transmitter.

    Returns
    -------
    set of str
        Those that stay there in all samples: potentials from -150 to 100 mV, other states of both
        signs and all sizes, mixed. A state that leaves the range between the samples is not seen.

    Examples
    --------
    >>> from brian2 import ms
    >>> gate = "dm/dt = (1/(1 + exp(-v/(10*mV))) - m)/tau : 1"
    >>> shares(gate, (), {"tau": 5 * ms}), shares("dm/dt = -m/tau : 1", (), {"tau": 5 * ms})
    ({'m'}, set())
    """
    system = parse(equations)
    dimensionless = {n for n in system.diff_eq_names if system[n].dim.is_dimensionless}
    raised = frozenset(raised)
    given = {
        **values,
        **{name: _around(typical, k) for k, (name, typical) in enumerate(read.items())},
    }
    return {
        name for name in dimensionless - set(moved) if _is_share(equations, name, given, raised)
    }


def _is_share(
    equations: str, name: str, values: Mapping[str, Any], raised: Collection[str]
) -> bool:
    system = parse(equations)
    code = system[name].expr.code
    others = sorted(n for n in system.diff_eq_names if n not in (name, "v"))
    known: dict[str, Any] = {"v": Quantity(_POTENTIALS, dim=volt.dim), **values}
    for k, other in enumerate(others):
        samples = _mixed(np.array([0.0, *_OTHERS, *np.negative(_OTHERS)]), k + len(values))
        samples = np.abs(samples) if other in raised else samples
        known[other] = Quantity(samples, dim=system[other].dim)
    shape = (1 + 2 * len(_OTHERS) + _MIXED, len(_POTENTIALS))
    try:
        with np.errstate(all="ignore"):
            low, high = (
                np.asarray(evaluate(equations, code, {**known, name: np.full(shape, end)}), float)
                for end in (0.0, 1.0)
            )
    except (NameError, ValueError):
        # Known only in a run, such as a random number; or "and" between arrays.
        return False
    small = 1e-9 * (np.abs(low) + np.abs(high))
    stays = np.all(low >= -small) and np.all(high <= small)
    return bool(stays and np.any(low > small) and np.any(high < -small))


def _around(typical: Any, number: int) -> Quantity:
    """Return samples of what a part reads, shape (samples, 1)."""
    size = float(np.asarray(typical))
    if size:
        scales = size * np.array([1.0, *_FACTORS, *_FACTORS])
    else:
        scales = np.array([0.0, *_OTHERS, *np.negative(_OTHERS)])
    return Quantity(_mixed(scales, number), dim=get_dimensions(typical))


def _mixed(scales: np.ndarray, number: int) -> np.ndarray:
    """Return values that are first as large for all names, then mixed; shape (samples, 1)."""
    drawn = np.random.default_rng(number).choice(scales, _MIXED)
    return np.asarray(np.concatenate([scales, drawn])[:, np.newaxis])
