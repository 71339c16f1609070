"""A known unit and Poisson counts: the true family is found, its intervals hold the truth.

`neurosim run known-units` shows it for all nine families; here for three of different kinds.

The bars: where families differ by more than 5 AICc on average, the true one is better in at least
90 of 100 data sets; and 90 to 99 of 100 intervals hold the true value.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridge.choice.recovery import TRUTHS, draw_curve, recover
from neurosim.errors import UnknownNameError


@pytest.mark.slow
def test_a_hundred_seeds(seed_of_commit):
    """Which of three families changes with each commit; `neurosim run known-units` has them all."""
    name = ("logistic", "square-root", "lif")[seed_of_commit % 3]
    found = recover(name, 100, seed=0)
    told_apart = found.rivals[found.rivals["distinct"]]
    assert len(told_apart) >= 2
    assert (told_apart["beaten"] >= 0.90).all(), found.rivals
    if found.distinct:
        assert found.chosen[name] >= 90
    assert found.refused <= 3
    assert found.adequate >= 0.95
    assert found.coverage["covered"].between(0.90, 0.99).all(), found.coverage


@pytest.mark.slow
def test_a_few_seeds():
    found = recover("square-root", 8, seed=1, families=["square-root", "relu", "logistic"])
    assert found.chosen == {"square-root": 8}
    assert found.distinct
    assert (found.coverage["covered"] >= 0.5).all()
    assert json.loads(json.dumps(found.to_dict()))["n_seeds"] == 8


@pytest.mark.slow
def test_processes_do_not_change_the_answer():
    one = recover("relu", 4, families=["relu", "logistic"], jobs=1).to_dict()
    assert recover("relu", 4, families=["relu", "logistic"], jobs=2).to_dict() == one


def test_drawn_counts():
    curve = draw_curve(TRUTHS["relu"], [0, 200], 10.0, 500, 0)
    assert not curve.count[curve.current_pA == 0].any()
    expected = TRUTHS["relu"].rate(200) * 10
    counts = curve.count[curve.current_pA == 200]
    assert abs(counts.mean() - expected) < 4 * np.sqrt(expected / 500)
    with pytest.raises(UnknownNameError, match="relu"):
        recover("relus")
