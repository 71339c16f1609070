"""The verdict: theory of the signal test, planted leaks and origins, and honest words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from ann.data import workflow
from ann.data.cleaning.duplicates import find_twins
from ann.data.errors import SplitError, TargetError
from ann.data.files.reading import read_table
from ann.data.judging.assess import assess
from ann.data.judging.leakage import find_groups, find_leaks, single_feature_score
from ann.data.judging.origins import find_origin
from ann.data.judging.signals import _auc, _blocks, _gram, _shuffle, signal_test, smoother
from ann.data.judging.splitting import split_rows
from ann.data.judging.target import find_target


def bundled(name: str) -> pd.DataFrame:
    load = {
        "iris": load_iris,
        "wine": load_wine,
        "breast_cancer": load_breast_cancer,
        "diabetes": load_diabetes,
    }
    bunch = load[name](as_frame=True)
    return bunch.frame


@pytest.mark.parametrize("kernel", ["linear", "gaussian"])
def test_the_smoother_is_ridge_regression_refitted(kernel: str) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.normal(size=60)
    H = smoother(X, kernel, seeds=1, penalty=1.0)
    K = _gram(X - X.mean(axis=0), kernel)
    direct = np.zeros(60)
    for train, test in KFold(5, shuffle=True, random_state=0).split(X):
        # Oracle: scikit-learn's kernel ridge on deviations from the training mean.
        model = KernelRidge(alpha=1.0, kernel="precomputed")
        model.fit(K[np.ix_(train, train)], y[train] - y[train].mean())
        direct[test] = model.predict(K[np.ix_(test, train)]) + y[train].mean()
    np.testing.assert_allclose(H @ y, direct, atol=1e-10)


def test_the_linear_smoother_is_primal_ridge_too() -> None:
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    centred = X - X.mean(axis=0)
    size = np.mean((centred**2).sum(axis=1))
    direct = np.zeros(50)
    for train, test in KFold(5, shuffle=True, random_state=0).split(X):
        model = Ridge(alpha=size, fit_intercept=False)
        model.fit(centred[train], y[train] - y[train].mean())
        direct[test] = model.predict(centred[test]) + y[train].mean()
    np.testing.assert_allclose(smoother(X, "linear", seeds=1, penalty=1.0) @ y, direct, atol=1e-10)


def test_the_fast_auc_is_the_usual_one() -> None:
    rng = np.random.default_rng(0)
    scores, flag = rng.integers(0, 9, (80, 5)).astype(float), rng.random((80, 5)) < 0.3
    usual = [roc_auc_score(flag[:, k], scores[:, k]) for k in range(5)]
    np.testing.assert_allclose(_auc(scores, flag), usual, atol=1e-12)


@pytest.mark.slow
def test_p_values_of_shuffled_targets_are_uniform() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 6))
    y = np.where(X[:, 0] + X[:, 1] > 0, "u", "v").astype(object)
    p = np.array(
        [signal_test(X, rng.permutation(y), permutations=99, seeds=1, seed=s).p for s in range(150)]
    )
    # Binomial with n = 150: three standard errors about .05 and .5.
    assert abs((p <= 0.05).mean() - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 150)
    assert abs((p <= 0.5).mean() - 0.5) < 3 * np.sqrt(0.25 / 150)
    assert signal_test(X, y, permutations=99, seeds=1).p == 0.01


@pytest.mark.slow
def test_p_values_are_uniform_where_groups_share_a_target() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), rng.integers(2, 7, 40))
    p = []
    for seed in range(120):
        X = rng.normal(size=(40, 3))[groups] + 0.05 * rng.normal(size=(len(groups), 3))
        y = np.where(rng.random(40) < 0.5, "u", "v").astype(object)[groups]
        p.append(signal_test(X, y, groups=groups, permutations=99, seeds=1, seed=seed).p)
    # Shuffling single rows instead would call a third of these tables significant at .05.
    assert abs((np.array(p) <= 0.05).mean() - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 120)


def test_a_shuffle_keeps_the_groups_and_breaks_the_bond() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 4)[rng.permutation(120)]
    y = np.array([f"{g % 2}" for g in groups], dtype=object)
    shuffled = y[_shuffle(y, groups, rng)]
    assert all(len(set(shuffled[groups == g])) == 1 for g in range(30))
    assert (shuffled != y).any()
    # A target that varies within groups moves group by group.
    y = np.array([f"{g}{k % 2}" for k, g in enumerate(groups)], dtype=object)
    order = _shuffle(y, groups, rng)
    assert sorted(order) == list(range(120))
    assert all(len(set(groups[order][groups == g])) == 1 for g in range(30))
    assert (groups[order] != groups).mean() > 0.8
    # Few groups keep their rows.
    few = groups % 3
    order = _shuffle(y, few, rng)
    assert sorted(order) == list(range(120))
    assert (few[order] == few).all()
    assert (order != np.arange(120)).mean() > 0.8


def test_blocks_of_a_large_table_hold_its_rare_class() -> None:
    rng = np.random.default_rng(0)
    y = np.where(rng.random(20_000) < 0.01, "rare", "usual").astype(object)
    blocks = _blocks(y, 3, rng)
    chosen = np.concatenate(blocks)
    assert [len(b) for b in blocks] == [1500] * 3
    assert len(np.unique(chosen)) == 4500
    assert (y[chosen] == "rare").sum() == (y == "rare").sum()
    assert all((y[b] == "rare").sum() > 50 for b in blocks)
    quantity = _blocks(rng.normal(size=4000), 3, rng)
    assert len(np.unique(np.concatenate(quantity))) == 3000


def test_a_bent_signal_is_seen_where_a_straight_line_sees_none() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(300, 2))
    y = np.where(X[:, 0] * X[:, 1] > 0, "u", "v").astype(object)
    found = signal_test(X, y)
    assert found.kernel == "gaussian"
    assert found.p < 0.01
    assert found.score > 0.9


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
@pytest.mark.slow
def test_real_data_support_a_model(name: str) -> None:
    table = bundled(name)
    verdict = assess(table, "target", network=None)
    assert verdict.level == "supports", verdict
    assert not verdict.has("leak")
    least = {"iris": 0.93, "wine": 0.96, "breast_cancer": 0.96}
    if name in least:
        assert verdict.scores["linear"].accuracy > least[name]
    else:
        # Ordinary least squares: R² .49 in five folds (scikit-learn's documentation of the set).
        assert verdict.scores["linear"].r2 == pytest.approx(0.48, abs=0.03)


@pytest.mark.parametrize(
    "name", ["iris", "wine", "diabetes", pytest.param("breast_cancer", marks=pytest.mark.slow)]
)
@pytest.mark.slow
def test_shuffled_targets_never_support_a_model(name: str) -> None:
    table = bundled(name)
    for seed in range(2):
        shuffled = table.assign(target=np.random.default_rng(seed).permutation(table["target"]))
        verdict = assess(shuffled, "target", network=None, seed=seed)
        assert verdict.level == "cannot", verdict
        assert verdict.has("signal")


@pytest.mark.slow
def test_shuffled_targets_of_four_messy_tables(shared_data: Path) -> None:
    # Two orders of each; `benchmarks/data_chance.py` tries many.
    files = {
        "penguins_raw.csv": "Species",
        "titanic3_CR_newlines.csv": "survived",
        "heart_disease_uci_4sites.csv": "num",
        "telco_churn.csv": "Churn",
    }
    levels: Counter[str] = Counter()
    for name, target in files.items():
        table = read_table(shared_data / "tabular" / name).frame
        for seed in range(2):
            order = np.random.default_rng(seed).permutation(len(table))
            shuffled = table.assign(**{target: table[target].to_numpy()[order]})
            levels[assess(shuffled, target, seed=seed).level] += 1
    print(levels)
    assert levels == {"cannot": 8}


@pytest.mark.slow
def test_flipped_labels_are_weak_and_few_rows_are_too_few() -> None:
    table = bundled("breast_cancer")
    levels = {0.35: Counter[str](), 0.4: Counter[str]()}
    for seed in range(5):
        for share, counter in levels.items():
            flip = np.random.default_rng(seed).random(len(table)) < share
            noisy = table.assign(target=table["target"] ^ flip)
            counter[assess(noisy, "target", network=None).level] += 1
    # With two labels in five flipped the best AUC is .6, and often nothing can be seen of it.
    assert levels[0.4]["supports"] == 0
    assert levels[0.35]["weak"] >= 3, levels
    assert levels[0.35]["supports"] <= 1, levels
    few = pd.concat([table[table["target"] == k][:10] for k in (0, 1)])
    assert assess(few, "target").has("rows")
    assert assess(few, "target").level == "cannot"


def test_words_among_the_numbers_of_a_target_are_told_with_their_rows() -> None:
    """Values below a limit are not missing at random, and training without them says so."""
    rng = np.random.default_rng(3)
    n = 300
    x = rng.normal(size=n)
    y = pd.Series((10 + 3 * x + 0.3 * rng.normal(size=n)).round(2).astype(str))
    y[y.astype(float) < 6] = "<6"
    y[7] = "spilt"
    table = pd.DataFrame({"x": x.round(3), "level": y})
    rows = int((y == "<6").sum())
    for verdict in (assess(table, "level", network=None), workflow.train(table, "level").verdict):
        (told,) = [r for r in verdict.reasons if r.kind == "target words"]
        assert told.facts["words"] == f"'<6' ({rows})"
        assert verdict.level == "weak"
        # What was done to the target is told of all rows, those left out too.
        assert {r.facts["rule"] for r in verdict.reasons if r.kind == "target changed"} == {
            "not a number"
        }
    asked = assess(table, "level > 10", network=None)
    assert asked.has("target words")
    once = table.assign(level=y.where(y != "<6", "7.01"))
    assert not assess(once, "level", network=None).has("target words")


def test_a_target_of_quantities_and_words_is_refused_and_codes_are_not() -> None:
    rng = np.random.default_rng(4)
    n = 400
    x = rng.normal(size=n)
    mixed = np.where(x > 0, (10 + x).round(3).astype(str), np.where(x > -0.5, "trace", "none"))
    verdict = assess(pd.DataFrame({"x": x, "y": mixed}), "y", network=None)
    (told,) = verdict.reasons
    assert told.kind == "target of numbers and words"
    assert "--target 'y == none'" in told.text
    assert told.facts["rows"] == (x <= 0).sum()
    codes = rng.choice([*map(str, range(400, 425)), "V27", "E11"], n)
    verdict = assess(pd.DataFrame({"x": x, "y": codes}), "y", network=None)
    assert not verdict.has("target of numbers and words")


def test_targets_that_cannot_be_predicted() -> None:
    rng = np.random.default_rng(0)
    n = 100
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})

    def word(y: object) -> str:
        verdict = assess(X.assign(y=y), "y", network=None)
        assert verdict.level == "cannot", verdict
        return str(verdict)

    assert "is 'x' in every row" in word("x")
    assert "has no value in any" in word("")
    assert "missing in 60%" in word(["?"] * 60 + ["u", "v"] * 20)
    assert "a label, no class" in word([f"r{k * 37 % 101}" for k in range(n)])
    assert "counts the rows" in word(np.arange(n))
    assert "classes have 10 rows" in word(["u"] * 95 + ["v"] * 5)
    with pytest.raises(TargetError, match=r"no column 'Y2' to predict"):
        assess(X.assign(y="x"), "Y2")
    with pytest.raises(TargetError, match="a task is"):
        assess(X.assign(y=X["a"]), "y", task="clasification")


def test_contradictory_rows_are_a_ceiling() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 400)
    y = np.where(rng.random(400) < np.array([0.1, 0.2, 0.8, 0.9])[a], "u", "v")
    verdict = assess(pd.DataFrame({"a": a, "b": a % 2, "y": y}), "y", network=None)
    reason = next(r for r in verdict.reasons if r.code == "contradictions")
    # The best answer for each of the four kinds of row, counted by hand.
    best = sum(max((y[a == k] == "u").sum(), (y[a == k] == "v").sum()) for k in range(4)) / 400
    assert f"{best:.1%}" in reason.text
    assert verdict.scores["linear"].accuracy <= best + 1e-9


@pytest.mark.slow
def test_a_leak_is_left_out_and_can_be_kept() -> None:
    table = bundled("wine").assign(bottle=lambda t: t["target"] * 10 + 1.0)
    verdict = assess(table, "target", network=None)
    assert verdict.leave_out == ["bottle"]
    assert verdict.has("leak")
    assert verdict.level == "supports"
    kept = assess(table, "target", network=None, keep=("bottle",))
    assert kept.leave_out == []
    assert kept.level == "weak"
    alone = assess(table[["bottle", "target"]], "target", network=None)
    assert "every feature gives the target away" in str(alone)


def test_honest_strong_features_are_no_leaks() -> None:
    for name in ("iris", "wine", "breast_cancer", "diabetes"):
        table = bundled(name)
        y = table.pop("target").to_numpy()
        y = y if name == "diabetes" else y.astype(str).astype(object)
        assert find_leaks(table, y) == [], name


def test_a_leak_of_a_quantity() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    table = pd.DataFrame(
        {"copy": 3 * y + 1e-3 * rng.normal(size=400), "near": y + rng.normal(size=400)}
    )
    assert [s.column for s in find_leaks(table, y)] == ["copy"]
    assert single_feature_score(table["near"], y)[0] < 0.6


def test_presence_alone_can_give_the_target_away() -> None:
    rng = np.random.default_rng(0)
    y = np.where(rng.random(500) < 0.4, "died", "lived").astype(object)
    body = np.where((y == "died") & (rng.random(500) < 0.3), rng.integers(1, 300, 500), np.nan)
    at_random = np.where(rng.random(500) < 0.3, 1.0, np.nan)
    found = find_leaks(pd.DataFrame({"body": body, "gap": at_random}), y)
    assert [s.column for s in found] == ["body"]
    assert "are 'died'" in found[0].why


@pytest.mark.slow
def test_titanic_and_heart_are_flagged(shared_data: Path) -> None:
    folder = shared_data / "tabular"
    titanic = assess(
        read_table(folder / "titanic3_CR_newlines.csv").frame, "survived", network=None
    )
    assert titanic.leave_out == ["boat", "body"]
    heart = assess(
        read_table(folder / "heart_disease_uci_4sites.csv").frame, "num > 0", network=None
    )
    assert heart.leave_out == ["dataset"]
    origin = next(r for r in heart.reasons if r.code == "origin")
    assert "36%" in origin.text
    assert "93%" in origin.text


@pytest.mark.slow
def test_a_signal_within_four_sites_is_no_chance() -> None:
    rng = np.random.default_rng(0)
    site = rng.integers(0, 4, 400)
    a = rng.normal(size=400)
    base = np.array([-2.0, -0.5, 0.5, 2.0])[site]
    y = np.where(base + 2 * a + rng.normal(size=400) > 0, "u", "v")
    table = pd.DataFrame({"a": a.round(3), "b": rng.normal(size=400).round(3), "site": site})
    assert assess(table.assign(y=y), "y", network=None, group="site").level == "supports"
    y = np.where(base + rng.normal(size=400) > 0, "u", "v")
    assert assess(table.assign(y=y), "y", network=None, group="site").level == "cannot"


def test_an_origin_needs_a_reason() -> None:
    rng = np.random.default_rng(0)
    site = rng.choice(["A", "B", "C"], 300).astype(object)
    y = np.where(rng.random(300) < 0.5, "u", "v").astype(object)
    assert find_origin(pd.DataFrame({"site": site}), y) == []
    y = np.where(rng.random(300) < np.where(site == "A", 0.9, 0.3), "u", "v").astype(object)
    assert [s.column for s in find_origin(pd.DataFrame({"site": site}), y)] == ["site"]
    assert find_origin(pd.DataFrame({"diet": site}), y) == []


def test_a_file_sorted_by_its_target_is_noticed() -> None:
    assert assess(bundled("iris"), "target", network=None).has("order")
    mixed = bundled("iris").sample(frac=1, random_state=0)
    assert not assess(mixed, "target", network=None).has("order")


@pytest.mark.slow
def test_duplicates_do_not_stand_on_both_sides() -> None:
    table = bundled("breast_cancer")
    twice = pd.concat([table, table[:40]])
    verdict = assess(twice, "target", network=None)
    assert verdict.rows == len(table)
    assert "40 rows" in next(r.text for r in verdict.reasons if r.code == "duplicates")


def test_copies_with_a_number_given_anew_do_not_make_a_signal() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(200, 5)).round(4), columns=list("abcde"))
    table["y"] = np.where(rng.random(200) < 0.5, "u", "v")
    twice = pd.concat([table, table]).assign(price=rng.normal(size=400).round(4))
    verdict = assess(twice.sample(frac=1, random_state=0), "y", network=None)
    reason = next(r for r in verdict.reasons if r.code == "copies")
    assert reason.column == "price"
    assert "400 rows" in reason.text
    assert verdict.level == "cannot"
    # Coarse tables hold equal rows, and nearly equal ones, by nature.
    coarse = pd.DataFrame(rng.integers(0, 3, size=(300, 5)), columns=list("abcde"))
    assert find_twins(coarse) is None


def test_a_column_that_names_patients_is_found_and_kept_together() -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(50), 10)
    X = rng.normal(size=(50, 3))[patient] + 0.05 * rng.normal(size=(500, 3))
    table = pd.DataFrame(X.round(3), columns=list("abc")).assign(who=[f"P{k}" for k in patient])
    by_chance = np.where(rng.random(50) < 0.5, "u", "v")[patient]
    verdict = assess(table.assign(y=by_chance), "y", network=None)
    assert verdict.has("group")
    assert verdict.leave_out == ["who"]
    assert verdict.level == "cannot", verdict
    real = np.where(X.sum(axis=1) > 0, "u", "v")
    named = assess(table.assign(y=real), "y", network=None, group="who")
    assert named.level == "supports", named
    # A value that only mostly goes with one target is an ordinary feature.
    mixed = np.where(rng.random(500) < 0.1, "u", by_chance).astype(object)
    assert find_groups(table, mixed) == []


@pytest.mark.slow
def test_a_verdict_is_the_same_twice_and_is_plain_values() -> None:
    import json

    table = bundled("iris")
    first, second = (assess(table, "target").document() for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    assert first["scores"]["linear"]["accuracy"] > 0.9


def test_targets() -> None:
    table = pd.DataFrame(
        {"n": ["0", "1", "2", "3", "0"] * 10, "y": ["Yes", "no ", "N", "yes", "Y"] * 10}
    )
    assert find_target(table, "n").task == "classification"
    assert find_target(table, "n", task="regression").values.dtype == float
    assert Counter(find_target(table, "n > 0").values) == {"yes": 30, "no": 20}
    # Labels of the target are never merged unasked.
    assert set(find_target(table, "y").values) == {"Yes", "no", "N", "yes", "Y"}
    assert len(set(find_target(table, "y", apply=("yes/no:y",)).values)) == 2
    assert find_target(table, "Y").column == "y"
    asked = find_target(table, "y == 'Yes'", apply=("yes/no",))
    assert Counter(asked.values)["no"] == 20
    with pytest.raises(TargetError, match="use == or !="):
        find_target(table, "y > 2")
    amounts = pd.DataFrame({"v": [f"{k * 1.7:.1f}" for k in range(60)]})
    assert find_target(amounts, "v").task == "regression"


def test_splits() -> None:
    rng = np.random.default_rng(0)
    n = 200
    table = pd.DataFrame(
        {
            "g": rng.integers(0, 25, n).astype(str),
            "t": [f"2021-{1 + k % 12:02d}-{1 + k % 28:02d}" for k in rng.permutation(n)],
            "same": "x",
            "word": rng.choice(["u", "v"], n),
        }
    )
    y = np.where(rng.random(n) < 0.2, "rare", "usual").astype(object)
    random = split_rows(table, y, test=0.25, seed=3)
    assert len(random.test) == 50
    assert not set(random.train) & set(random.test)
    assert abs((y[random.test] == "rare").mean() - (y == "rare").mean()) < 0.02
    assert (split_rows(table, y, test=0.25, seed=3).test == random.test).all()
    by_group = split_rows(table, y, group="g")
    assert not set(table["g"].iloc[by_group.train]) & set(table["g"].iloc[by_group.test])
    by_time = split_rows(table, y, time="t")
    assert table["t"].iloc[by_time.train].max() < table["t"].iloc[by_time.test].min()
    for options, message in (
        ({"group": "gg"}, "did you mean 'g'"),
        ({"group": "same"}, "one value only"),
        ({"time": "word"}, "time is dates or numbers"),
        ({"test": 1.5}, "between 0 and 1"),
        ({"group": "g", "time": "t"}, "not by both"),
    ):
        with pytest.raises(SplitError, match=message):
            split_rows(table, y, **options)  # type: ignore[arg-type]


def test_a_refusal_names_the_columns_that_were_left_out() -> None:
    """A perfect predictor is taken for a leak; the message says how to use it all the same."""
    rng = np.random.default_rng(5)
    a = rng.normal(size=300)
    table = pd.DataFrame({"a": a, "b": rng.normal(size=300), "y": np.where(a > 0, "yes", "no")})
    with pytest.raises(TargetError, match=r"Left out, because .* away: a; .*: --keep a"):
        workflow.train(table, "y")
    assert workflow.train(table, "y", keep=("a",), model="logistic").test_scores["accuracy"] > 0.9
