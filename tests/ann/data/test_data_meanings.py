"""Cells that look like a slip and mean something: what cleaning must keep, and what it may say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ann.data.report.profiling import profile

RNG = np.random.default_rng


# --- a target with codes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "odd"), [("out", "-999"), ("out", "broken"), ("glucose", "0"), ("level", "-999")]
)
def test_a_target_with_a_code_or_an_odd_word_can_be_looked_at(name: str, odd: str) -> None:
    rng = RNG(0)
    table = pd.DataFrame(
        {"a": rng.normal(size=200), name: rng.normal(500, 100, 200).round(1)}, dtype=object
    )
    table.loc[[3, 9], name] = odd
    seen = profile(table, name)
    assert [(c.name, c.missing) for c in seen.columns] == [("a", 0), (name, 0)]
    assert (seen.rows, seen.task) == (200, "regression")
    (said,) = [s for s in seen.log if s.column == name and s.after == "" and s.rows == 2]
    assert said.before == odd
    # As a feature it has the column of codes beside it.
    assert {c.name: c.missing for c in profile(table, "a").columns}[name] == 2
