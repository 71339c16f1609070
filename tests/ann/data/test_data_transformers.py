"""Cleaning and encoding as scikit-learn transformers: contracts, replay, and the way back."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from ann.data.cleaning.cleaner import Cleaner
from ann.data.cleaning.propose import propose
from ann.data.encoding.column_scaling import SoftScaler
from ann.data.encoding.encoder import RARE, Encoder, table_pipeline
from ann.data.errors import SchemaError


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 200
    return pd.DataFrame(
        {
            "id": [str(k) for k in range(n)],
            "h": [f"{v:.1f} cm" for v in rng.normal(170, 9, n)],
            "w": np.where(rng.random(n) < 0.1, "?", rng.integers(40, 99, n).astype(str)),
            "c": rng.choice(["aah", "Aah ", "bee", "cee"], n, p=[0.4, 0.2, 0.3, 0.1]),
            "rare": rng.choice(["x", "y", "z"], n, p=[0.6, 0.39, 0.01]),
            "d": np.array(["2020-01-05", "2020-07-01", "2021-03-03"])[rng.integers(0, 3, n)],
        }
    )


@pytest.fixture
def answer(table: pd.DataFrame) -> np.ndarray:
    return np.where(table["h"].str[:5].astype(float) > 170, "tall", "small")


def test_fit_learns_and_transform_replays(table: pd.DataFrame) -> None:
    cleaner = Cleaner().fit(table[:150])
    out = cleaner.transform(table[150:])
    assert list(out.columns) == ["h", "w", "c", "rare", "d"]
    assert list(cleaner.get_feature_names_out()) == list(out.columns)
    assert out["h"].dtype == float
    assert out["w"].isna().sum() == (table["w"][150:] == "?").sum()
    assert set(out["c"]) <= {"aah", "Aah", "bee", "cee"}
    assert list(out.index) == list(range(150, 200))
    assert cleaner.log_.find("h", "unit")[0].rows == 150


def test_nothing_is_learned_from_the_test_part(table: pd.DataFrame) -> None:
    cleaner = Cleaner().fit(table[:150])
    before = cleaner.rules_.dumps()
    odd = table[150:].assign(h="3 miles", c="unheard of")
    cleaner.transform(odd)
    assert cleaner.rules_.dumps() == before
    encoder = Encoder().fit(cleaner.transform(table[:150]))
    names = list(encoder.get_feature_names_out())
    encoder.transform(cleaner.transform(odd))
    assert list(encoder.get_feature_names_out()) == names


def test_clone_pickle_and_bit_identical_replay(table: pd.DataFrame, answer: np.ndarray) -> None:
    pipeline = table_pipeline(LogisticRegression()).fit(table, answer)
    again = clone(pipeline).fit(table, answer)
    copy = pickle.loads(pickle.dumps(pipeline))
    matrix = pipeline[:-1].transform(table)
    assert matrix.dtype == np.float32
    assert matrix.tobytes() == again[:-1].transform(table).tobytes()
    assert matrix.tobytes() == copy[:-1].transform(table).tobytes()
    assert np.isfinite(matrix).all()
    assert pipeline.score(table, answer) > 0.95


@pytest.mark.slow
def test_in_a_pipeline_and_a_grid_search(table: pd.DataFrame, answer: np.ndarray) -> None:
    pipeline = table_pipeline(LogisticRegression())
    assert cross_val_score(pipeline, table, answer, cv=4).mean() > 0.9
    grid = {"encode__min_count": [2, 10], "clean__leave_out": [(), ("h",)]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(table, answer)
    assert search.best_params_["clean__leave_out"] == ()


def test_rules_can_be_given(table: pd.DataFrame) -> None:
    rules = propose(table, rows=False)
    next(r for r in rules.rules if r.rule == "drop" and r.column == "id").apply = False
    rules.column("id").kind = "number"
    out = Cleaner(rules).fit(table[:50]).transform(table[:50])
    assert out["id"].tolist() == list(range(50))
    left = Cleaner(leave_out=("h", "w")).fit(table)
    assert list(left.get_feature_names_out()) == ["c", "rare", "d"]


def test_arrays_and_typed_frames_are_tables_too() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    out = Cleaner().fit(X).transform(X)
    assert list(out.columns) == ["x0", "x1", "x2"]
    assert np.array_equal(out.to_numpy(), X)
    frame = pd.DataFrame(
        {
            "i": np.arange(50) % 7,
            "b": np.arange(50) % 2 == 0,
            "f": rng.normal(size=50).astype(np.float32),
            "t": pd.date_range("2020-01-01", periods=50),
            "c": pd.Categorical(["u", "v"] * 25),
            "n": pd.array([1, None] * 25, dtype="Int64"),
        }
    )
    out = Cleaner().fit(frame).transform(frame)
    assert out["i"].tolist() == frame["i"].tolist()
    assert out["t"].tolist() == frame["t"].tolist()
    assert out["b"].tolist()[:2] == ["True", "False"]
    assert np.allclose(out["f"], frame["f"], rtol=1e-7)


def test_unseen_rare_and_newly_missing(table: pd.DataFrame) -> None:
    cleaner = Cleaner().fit(table)
    clean = cleaner.transform(table)
    encoder = Encoder(min_count=5).fit(clean)
    names = list(encoder.get_feature_names_out())
    assert f"rare={RARE}" in names
    assert "w missing" in names
    assert "h missing" not in names
    new = table[:3].assign(rare=["z", "never", None], c=["zz", "aah", None], h=["?", "170", "180"])
    matrix = encoder.transform(cleaner.transform(new))
    assert np.isfinite(matrix).all()
    rare = matrix[:, names.index(f"rare={RARE}")]
    assert rare.tolist() == [1.0, 1.0, 1.0]
    # Nothing infrequent was seen in c: an unseen value is none of the known ones.
    assert matrix[0, [k for k, n in enumerate(names) if n.startswith("c=")]].sum() == 0
    # A gap in h, complete before, is filled with the median, which is scaled to zero.
    assert matrix[0, names.index("h")] == pytest.approx(0.0, abs=1e-6)


def test_the_way_back(table: pd.DataFrame) -> None:
    clean = Cleaner().fit(table).transform(table)
    encoder = Encoder(min_count=1).fit(clean)
    back = encoder.inverse_transform(encoder.transform(clean))
    assert list(back.columns) == list(clean.columns)
    # float32 keeps seven digits; the bend of the scale costs one or two of them.
    np.testing.assert_allclose(back["h"], clean["h"], rtol=1e-5)
    np.testing.assert_allclose(back["w"], clean["w"], rtol=1e-5)
    assert back["c"].tolist() == clean["c"].tolist()
    # A day of two years is a part in a thousand of the scale: the hour is not kept.
    assert (back["d"].dt.round("D") == clean["d"]).all()


def test_a_wild_value_is_bounded_and_order_is_kept() -> None:
    X = np.sort(np.concatenate([np.random.default_rng(0).normal(size=99), [1e12]]))[:, None]
    Z = SoftScaler().fit_transform(X)
    assert np.abs(Z).max() <= 5
    assert (np.diff(Z[:, 0]) > 0).all()
    half = np.array([[0.0]] * 60 + [[1.0], [3.0]] * 20)
    assert np.ptp(SoftScaler().fit_transform(half)) > 1


def test_names_are_right(table: pd.DataFrame) -> None:
    pipeline = make_pipeline(Cleaner(), Encoder()).fit(table)
    names = list(pipeline.get_feature_names_out())
    matrix = pipeline.transform(table)
    assert len(names) == matrix.shape[1]
    a = matrix[:, names.index("c=aah")]
    assert (a == table["c"].isin(["aah"])).all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", [Cleaner(), Encoder(), SoftScaler()], ids=repr)
def test_scikit_learn_finds_nothing_amiss(estimator: object) -> None:
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert not failed
    assert sum(r["status"] == "passed" for r in results) > 40


def test_mistakes_are_named(table: pd.DataFrame) -> None:
    cleaner = Cleaner().fit(table)
    with pytest.raises(SchemaError, match="no column 'h'"):
        cleaner.transform(table.drop(columns="h"))
    with pytest.raises(SchemaError, match="no column is left"):
        Cleaner().fit(table[["id"]])
    with pytest.raises(SchemaError, match="no column 'hh' to leave out; did you mean 'h'"):
        Cleaner(leave_out=("hh",)).fit(table)
    with pytest.raises(SchemaError, match="no rows"):
        Cleaner().fit(table[:0])
    encoder = Encoder().fit(cleaner.transform(table))
    with pytest.raises(SchemaError, match="no column 'w'"):
        encoder.transform(cleaner.transform(table).drop(columns="w"))
    with pytest.raises(SchemaError, match="expected 1"):
        encoder.inverse_transform(np.zeros((2, 3)))
    with pytest.raises(SchemaError, match="two columns are called"):
        Cleaner().fit(pd.DataFrame([["1", "2"]], columns=["a", "a"]))
