"""From a table to neurons by commands: every station answers alike, row for row."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ann.data import read_table
from ann.data.table_model import TableModel
from bridge.errors import ConversionError
from experiments.command.main import app

runner = CliRunner()


def run(*words):
    done = runner.invoke(app, [str(word) for word in words])
    said = " ".join((done.output + (done.stderr or "")).split())
    if isinstance(done.exception, ConversionError):
        # What `main` says in one line, with status 2.
        return 2, said + str(done.exception)
    return done.exit_code, said


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A messy table of 400 rows, 6 of them without the target, and a model of it."""
    folder = tmp_path_factory.mktemp("road")
    rng = np.random.default_rng(0)
    n = 400
    size, colour = rng.normal(170, 9, n), rng.choice(["red", "green", "blue"], n)
    kept = size + 12 * (colour == "red") + rng.normal(0, 4, n) > 174
    table = pd.DataFrame(
        {
            "size": [f"{v:.1f} cm" if rng.random() > 0.05 else "?" for v in size],
            "colour": colour,
            "weight": [f"{v:,.0f}" for v in rng.lognormal(8, 1, n)],
            "kept": np.where(kept, "yes", "no"),
            "price": (3 * size + rng.normal(0, 5, n)).round(2),
        }
    )
    table.loc[:5, "kept"] = ""
    table.to_csv(folder / "t.csv", index=False)
    code, said = run(
        "train", folder / "t.csv", "-t", "kept", "--model", "shallow", "--leave-out", "price",
        "-o", folder / "m",
    )  # fmt: skip
    assert code == 0, said
    return folder


def test_all_stations_give_the_same_label_for_every_row(place):
    assert run("predict", place / "m", place / "t.csv", "-o", place / "p.csv")[0] == 0
    code, said = run(
        "convert", place / "m", "--inputs", place / "t.csv", "--test", place / "t.csv",
        "--answers", place / "a.csv", "--certify-on", "0", "--out", place / "n.json", "--jobs", "1",
    )  # fmt: skip
    assert code == 0, said
    answers = pd.read_csv(place / "a.csv")
    loaded = TableModel.load(place / "m").predict(read_table(place / "t.csv").frame)
    assert answers["network"].tolist() == pd.read_csv(place / "p.csv")["kept"].tolist()
    assert answers["network"].tolist() == loaded.tolist()
    assert answers["row"].tolist() == list(range(400))
    numbers = json.loads((place / "n.json").read_text())
    assert numbers["different_labels"] == (answers["network"] != answers["neurons"]).sum()
    assert f"(neurons decide otherwise in {numbers['different_labels']})" in said
    # Of the rows with a target.
    truth = pd.read_csv(place / "t.csv")["kept"]
    right = (answers["network"] == truth)[truth.notna()].mean()
    assert numbers["accuracy_network"] == pytest.approx(right)
    assert numbers["same_label"] > 0.9


@pytest.mark.slow
def test_of_its_own_table_the_rows_held_out_are_answered_and_not_calibrated_on(place):
    code, said = run(
        "convert", place / "m", "--inputs", place / "t.csv", "--answers", place / "h.csv",
        "--certify-on", "40", "--figures", place / "figures", "--jobs", "1",
    )  # fmt: skip
    assert code == 0, said
    assert "the 79 rows that were held out in training" in said
    # 79 of the 394 rows with a target are held out; those without one are calibrated on, too.
    assert "on 40 of 321 inputs, drawn at random" in said
    model = TableModel.load(place / "m")
    assert pd.read_csv(place / "h.csv")["row"].tolist() == model.held_out
    score = model.about["test"]["accuracy"]
    assert f"accuracy of the network: {100 * score:.2f} %" in said
    for name in ("rates.svg", "answers.svg"):
        assert "<svg" in (place / "figures" / name).read_text()[:400]
    # Another table is not taken for it.
    other = read_table(place / "t.csv").frame
    other.iloc[7, 0] = "171 cm"
    assert model.unseen(other) is None
    assert model.unseen(read_table(place / "t.csv").frame).tolist() == model.held_out


@pytest.mark.slow
def test_a_model_without_hidden_units_is_told_of_in_time(place):
    code, said = run(
        "train", place / "t.csv", "-t", "kept", "--model", "logistic", "--leave-out", "price",
        "-o", place / "logistic",
    )  # fmt: skip
    assert code == 0
    assert "for `neurosim convert`" in said
    assert "train with --model shallow" in said
    code, said = run("convert", place / "logistic", "--inputs", place / "t.csv")
    assert code == 2
    assert "train it again with `neurosim train FILE --target 'kept' --model shallow`" in said


def test_a_table_for_a_model_that_knows_none_is_refused(place):
    from ann import ShallowNetwork, save

    X = np.random.default_rng(0).normal(size=(40, 3))
    save(ShallowNetwork(hidden=3, max_epochs=3).fit(X, X[:, 0] > 0), place / "bare")
    code, said = run("convert", place / "bare", "--inputs", place / "t.csv")
    assert code == 2
    assert "was not saved by `neurosim train`, so how its cells become numbers is unknown" in said


@pytest.mark.slow
def test_quantities_go_the_same_way(place):
    code, said = run(
        "train", place / "t.csv", "-t", "price", "--model", "shallow", "--leave-out", "kept",
        "-o", place / "q",
    )  # fmt: skip
    assert code == 0, said
    assert run("predict", place / "q", place / "t.csv", "-o", place / "pq.csv")[0] == 0
    code, said = run(
        "convert", place / "q", "--inputs", place / "t.csv", "--test", place / "t.csv",
        "--answers", place / "aq.csv", "--certify-on", "0", "--figures", place / "fq",
        "--jobs", "1",
    )  # fmt: skip
    assert code == 0, said
    found = pd.read_csv(place / "aq.csv")
    told = pd.read_csv(place / "pq.csv")["price"]
    np.testing.assert_allclose(found["network"], told, rtol=1e-9)
    assert np.corrcoef(found["neurons"], told)[0, 1] > 0.95
    assert "network from y: rms error" in said


@pytest.mark.slow
def test_the_report_says_how_good_it_is_on_rows_held_out(place):
    code, said = run(
        "train", place / "t.csv", "-t", "kept", "--model", "shallow", "--leave-out", "price",
        "--report", place / "report",
    )  # fmt: skip
    assert code == 0, said
    page = (place / "report" / "report.html").read_text()
    for words in ("Held-out rows", "Loss of each epoch", "What is taken for what",
                  "Do stated chances come true"):  # fmt: skip
        assert words in page, words
    assert page.count('<img src="data:image/svg+xml;base64,') == 3
    told = json.loads((place / "report" / "trained.json").read_text())
    accuracy = told["held_out"]["accuracy"]
    assert accuracy["value"] == told["test"]["accuracy"]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert f"(90 % interval {accuracy['low']:.3f} to {accuracy['high']:.3f})" in said
    code, _ = run(
        "train", place / "t.csv", "-t", "price", "--model", "logistic", "--leave-out", "kept",
        "--report", place / "report",
    )  # fmt: skip
    assert code == 0
    page = (place / "report" / "report.html").read_text()
    assert "Errors on the rows held out" in page
    assert page.count('<img src="data:image/svg+xml;base64,') == 1


def test_a_table_is_read_as_the_user_says(place):
    table = pd.read_csv(place / "t.csv")
    (place / "bare.txt").write_text(table.to_csv(index=False, header=False, sep="|"))
    words = ["--no-header", "--delimiter", "|", "--names", "size,colour,weight,kept,price"]
    code, said = run(
        "convert", place / "m", "--inputs", place / "bare.txt", "--certify-on", "0",
        "--jobs", "1", *words,
    )  # fmt: skip
    assert code == 0, said
    assert "the 79 rows that were held out in training" in said
