"""The terminal commands: what they learn, what they save, and what they say to mistakes."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from typer.testing import CliRunner

from ann.command import app, read_table
from ann.errors import DataError, ParameterError
from ann.tabular import Columns

runner = CliRunner()


def messy(n=300, seed=0):
    rng = np.random.default_rng(seed)
    size, colour = rng.normal(10, 3, n), rng.choice(["red", "green", "blue"], n)
    price = 3 * size + np.where(colour == "red", 20, 0) + rng.normal(0, 1, n)
    size[rng.random(n) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "size": size,
            "colour": colour,
            "note": [f"text {i}" for i in range(n)],
            "same": 1,
            "price": price,
            "dear": np.where(price > np.median(price), "yes", "no"),
        }
    )


def text(result):
    return " ".join((result.output + (result.stderr or "")).split())


@pytest.mark.parametrize("model", ["logistic", "shallow", "deep"])
def test_train_and_predict_a_bundled_table(model, tmp_path):
    out = tmp_path / "m.safetensors"
    done = runner.invoke(app, ["train", "iris", "--model", model, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "accuracy" in done.output
    frame = load_iris(as_frame=True).data
    frame.to_csv(tmp_path / "new.csv", index=False)
    answer = tmp_path / "a.csv"
    done = runner.invoke(
        app,
        ["predict", str(out), str(tmp_path / "new.csv"), "--out", str(answer), "--probabilities"],
    )
    assert done.exit_code == 0, done.output
    told = pd.read_csv(answer)
    truth = np.array(["setosa", "versicolor", "virginica"])[load_iris().target]
    assert (told["target"] == truth).mean() > 0.93
    assert np.allclose(told.filter(like="P(").sum(axis=1), 1)


def test_a_mixed_table_for_classes_and_for_quantities(tmp_path):
    messy().to_csv(tmp_path / "t.csv", index=False)
    done = runner.invoke(
        app,
        ["train", str(tmp_path / "t.csv"), "--target", "price", "--out", str(tmp_path / "m")],
    )
    assert done.exit_code == 0, done.output
    assert "R²" in done.output
    assert "column note was left out" in text(done)
    assert "column same was left out" in text(done)
    done = runner.invoke(app, ["predict", str(tmp_path / "m"), str(tmp_path / "t.csv")])
    told = pd.read_csv(StringIO(done.stdout))
    assert np.corrcoef(told["price"], messy()["price"])[0, 1] > 0.9
    done = runner.invoke(app, ["train", str(tmp_path / "t.csv"), "--target", "dear"])
    assert done.exit_code == 0
    assert "log-loss" in done.output


def test_what_is_learnt_from_a_table_comes_from_the_rows_it_was_shown():
    frame = messy()
    columns = Columns.learn(frame.drop(columns=["price", "dear"]))
    again = Columns(**columns.to_dict())
    new = pd.DataFrame({"size": [np.inf, 4.0], "colour": ["violet", None]})
    numbers = again.apply(new)
    assert numbers[0].tolist() == [columns.numbers["size"]["median"], 1, 0, 0, 0, 1]
    assert numbers[1].tolist() == [4.0, 0, 0, 0, 0, 0]
    assert len(columns.names()) == numbers.shape[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "iriss"], "did you mean 'iris'"),
        (["train", "nowhere.csv"], "there is no file nowhere.csv"),
        (["train", "iris", "--target", "targte"], "did you mean 'target'"),
        (["train", "diabetes", "--model", "logistic"], "Use --model shallow"),
        (["predict", "nowhere", "iris"], "there is no model file"),
    ],
)
def test_mistakes_end_with_one_line_and_code_2(arguments, message):
    done = runner.invoke(app, arguments)
    assert done.exit_code == 2
    assert message in text(done)


def test_unusable_files(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("")
    with pytest.raises(DataError, match="cannot be read as a CSV"):
        read_table(str(path))
    path.write_text("a,b\n")
    with pytest.raises(DataError, match="no rows"):
        read_table(str(path))
    path.write_bytes(b"\xff\xfe\x00\x01" * 50)
    with pytest.raises(DataError, match="cannot be read as a CSV"):
        read_table(str(path))
    path.write_text("a,b\n1,x\n2,x\n")
    done = runner.invoke(app, ["train", str(path), "--target", "b"])
    assert done.exit_code == 2
    assert "at least two classes" in text(done)
    with pytest.raises(ParameterError, match="there is no file"):
        read_table("no/such/thing")


def test_predicting_from_another_table_names_what_is_missing(tmp_path):
    messy().to_csv(tmp_path / "t.csv", index=False)
    runner.invoke(
        app, ["train", str(tmp_path / "t.csv"), "--target", "dear", "--out", str(tmp_path / "m")]
    )
    messy().drop(columns="size").to_csv(tmp_path / "u.csv", index=False)
    done = runner.invoke(app, ["predict", str(tmp_path / "m"), str(tmp_path / "u.csv")])
    assert done.exit_code == 2
    assert "lacks the columns size" in text(done)
    messy().assign(size="big").to_csv(tmp_path / "u.csv", index=False)
    done = runner.invoke(app, ["predict", str(tmp_path / "m"), str(tmp_path / "u.csv")])
    assert done.exit_code == 2
    assert "column 'size' should hold numbers" in text(done)
