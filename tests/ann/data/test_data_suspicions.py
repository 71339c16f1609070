"""Columns that give the target away or say where rows come from, and columns that only seem to."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from ann.data.judging.assess import assess
from ann.data.workflow import train

RNG = np.random.default_rng


# --- leaks, groups, origins -----------------------------------------------------------------------


def wages(seed: int = 0, n: int = 400) -> pd.DataFrame:
    rng = RNG(seed)
    school = rng.integers(8, 18, n)
    wage = np.exp(0.08 * school + 0.4 * rng.normal(size=n)).round(1)
    return pd.DataFrame({"school": school, "age": rng.integers(20, 60, n), "wage": wage})


@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    [
        lambda v: np.log(v).round(5),
        lambda v: (v * 52 * 40).round(0),
        lambda v: -np.sqrt(v),
        lambda v: (100 - 3 * v).round(2),
        lambda v: 1 / v,
    ],
    ids=["log", "a year", "root", "rest", "inverse"],
)
def test_a_transform_of_the_target_is_named_so(form: Callable[[pd.Series], pd.Series]) -> None:
    table = wages().assign(other=lambda t: form(t["wage"]))
    verdict = assess(table, "wage", network=None)
    assert verdict.leave_out == ["other"]
    assert not verdict.has("group")
    text = next(r.text for r in verdict.reasons if r.kind == "leak")
    assert "transform of the target" in text
    # It may be known in time all the same: what keeps it stands beside.
    assert "--keep other" in text
    assert assess(wages(), "wage", network=None).leave_out == []


@pytest.mark.slow
def test_a_part_that_is_absent_is_no_origin() -> None:
    rng = RNG(0)
    n = 600
    ground = rng.choice(["Slab", "Concrete", "Block"], n, p=[0.15, 0.45, 0.4])
    slab = ground == "Slab"
    table = pd.DataFrame({"Foundation": ground, "Area": rng.normal(120, 20, n).round(1)})
    for k in range(4):
        table[f"Basement{k}"] = np.where(slab, "", rng.normal(50, 9, n).round(1).astype(str))
    price = table["Area"] + np.where(slab, -60, 0) + rng.normal(0, 9, n)
    verdict = assess(table.assign(Price=price.round(1)), "Price", network=None)
    assert verdict.leave_out == []
    assert not verdict.has("origin")
    # Hospitals that do not measure the same things are an origin.
    site = rng.choice(["A", "B", "C", "D"], n)
    table = pd.DataFrame({"where": site, "Area": rng.normal(120, 20, n).round(1)})
    for k, out in enumerate(("AB", "C", "AD", "B")):
        gone = np.isin(site, list(out))
        table[f"test{k}"] = np.where(gone, "", rng.normal(50, 9, n).round(1).astype(str))
    ill = np.where(rng.random(n) < np.where(np.isin(site, ["A", "B"]), 0.85, 0.2), "ill", "well")
    assert assess(table.assign(y=ill), "y", network=None).has("origin")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["word", "number"])
def test_things_followed_over_time_are_proposed_as_groups(kind: str) -> None:
    rng = RNG(0)
    land = np.repeat(np.arange(133), 12)
    level = rng.normal(60, 10, 133)[land]
    table = pd.DataFrame(
        {
            "country": [f"Land {k}" for k in land] if kind == "word" else land + 100,
            "year": np.tile(np.arange(1952, 2012, 5), 133),
            "gdp": np.exp(rng.normal(8, 1, 133)[land] + 0.1 * rng.normal(size=len(land))).round(2),
        }
    )
    life = (level + 0.1 * (table["year"] - 1980) + rng.normal(size=len(land))).round(2)
    verdict = assess(table.assign(life=life), "life", network=None)
    (reason,) = [r for r in verdict.reasons if r.kind == "entities"]
    assert "--group country" in reason.text
    assert (reason.facts["number"], reason.facts["time"]) == (133, "year")
    assert not assess(table.assign(life=life), "life", network=None, group="country").has(
        "entities"
    )
    # Rows of one thing that are not alike are no repeats of it.
    noise = rng.normal(size=len(land)).round(3)
    assert not assess(table.assign(life=noise), "life", network=None).has("entities")


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_network_that_is_worse_is_called_worse() -> None:
    table = wages(n=300).assign(wage=lambda t: t["school"] + RNG(1).normal(size=300).round(2))
    verdict = assess(table, "wage")
    (reason,) = [r for r in verdict.reasons if r.code == "network"]
    assert "-0." not in reason.text
    assert ("lower" in reason.text) == (reason.kind != "network worse")
    assert reason.facts["gain"] >= 0
    done = train(table, "wage", model="logistic")
    assert done.model_name == "linear regression"


def test_a_fit_that_falls_short_is_a_reason_and_no_raw_warning() -> None:
    rng = RNG(3)
    table = wages(n=120).drop(columns="wage").assign(y=np.where(rng.random(120) < 0.5, "a", "b"))
    table["z"] = np.where(table["y"] == "a", 2.0, 0.0) + rng.normal(size=120).round(2)

    class FallsShort(LogisticRegression):
        def fit(self, X: object, y: object) -> FallsShort:
            told = "after 3 steps the minimum is not reached"
            warnings.warn(told, ConvergenceWarning, stacklevel=2)
            return super().fit(X, y)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = assess(table, "y", network=FallsShort())
    (reason,) = [r for r in verdict.reasons if r.kind == "not converged"]
    assert (reason.facts["model"], reason.facts["folds"]) == ("network", 5)
    assert "after 3 steps" in reason.text
