"""What a table needs to show before rows, names, dates or cells are changed or left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ann.data.cleaning.propose import propose


def _duplicates(table: pd.DataFrame) -> tuple[bool, bool]:
    (rule,) = [r for r in propose(table.astype(str)).rules if r.rule == "duplicates"]
    return rule.apply, rule.proposed


def test_a_counting_column_is_no_proof_of_copies() -> None:
    volt = [*range(60), 10, 20, 30]
    current = [round(0.5 * v, 1) for v in volt]
    for name in ("voltage", "current_pa", "position", "trial"):
        assert _duplicates(pd.DataFrame({name: volt, "out": current})) == (False, True)


@pytest.mark.parametrize("name", ["customer_id", "patient", "member_no"])
def test_an_id_of_someone_proves_no_copy_beside_a_coarse_column(name: str) -> None:
    ids = [f"C{k:04d}" for k in range(60)] + ["C0004", "C0010", "C0020"]
    product = [("tea", "milk", "rice")[int(i[1:]) % 3] for i in ids]
    assert _duplicates(pd.DataFrame({name: ids, "product": product})) == (False, True)


def test_an_id_proves_copies_where_the_rest_tells_rows_apart() -> None:
    rng = np.random.default_rng(0)
    measured = rng.normal(size=60).round(4)
    at = [*range(60), 4, 10]
    for name, ids in (("patient_id", [100 + 7 * k for k in at]), ("record", at)):
        assert _duplicates(pd.DataFrame({name: ids, "v": measured[at]})) == (True, False)
