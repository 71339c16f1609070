"""Every example in the docstrings of the curve, the units and the selection runs."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = [
    "adequacy", "choose", "curve", "errors", "fitting", "intervals", "likelihood", "lookup",
    "monotone", "noise", "quantities", "recovery", "selection", "table", "statistics", "units.base",
    "units.lif", "units.logistic", "units.naka_rushton", "units.noisy_lif", "units.outline",
    "units.relu", "units.siegert", "units.softplus", "units.square_root",
]  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    failed, _ = doctest.testmod(import_module(f"bridge.{name}"), optionflags=doctest.ELLIPSIS)
    assert failed == 0
