"""Models after Brian2's examples: the same here, or refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from experiments import find
from experiments.gallery.neurons.models_of_brian2 import CABLES, POINTS
from experiments.kit.registry import Context


def test_there_are_enough_of_them():
    models = (*POINTS, *CABLES)
    assert len(models) >= 40
    assert sum(not model.refused for model in models) >= 25
    assert len({model.name for model in models}) == len(models)


@pytest.mark.parametrize("only", ["Brette_Gerstner_2005", "Hindmarsh_Rose"])
def test_they_are_the_same_or_refused_by_name(only):
    check(only)


@pytest.mark.slow
def test_a_third_of_them_by_the_seed_of_the_commit(seed_of_commit):
    """Which third changes with each commit; `neurosim run brian2-models` runs them all."""
    names = sorted(model.name for model in (*POINTS, *CABLES))
    for name in np.random.default_rng(seed_of_commit).permutation(names)[::3]:
        check(str(name))


def check(only: str) -> None:
    found = find("brian2-models")
    result = found.run(found.with_values({"only": only}), Context())
    assert result.holds, result.tables["models"].to_string()
