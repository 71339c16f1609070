"""The terminal commands: what they learn, what they save, and what they say to mistakes."""

from __future__ import annotations

import json
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from typer.testing import CliRunner

from ann.data import Encoder, Rules, read_table, train
from ann.data.table_model import Encoding, TableModel
from ann.errors import ModelFileError, ParameterError
from ann.files.storage import read_card, save
from experiments.command.main import app
from experiments.command.train import bundled_table

runner = CliRunner()


def messy(n=400, seed=0):
    rng = np.random.default_rng(seed)
    size, colour = rng.normal(170, 9, n), rng.choice(["red", "Red ", "green", "blue"], n)
    price = 3 * (size - 170) + np.where(np.char.lower(colour) == "red", 20, 0)
    price = price + rng.normal(0, 3, n)
    told = [f"{v:.1f} cm" for v in size]
    for i in np.flatnonzero(rng.random(n) < 0.08):
        told[i] = "?"
    days = pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    return pd.DataFrame(
        {
            "size": told,
            "colour": colour,
            "since": days.strftime("%d.%m.%Y"),
            "note": [f"text {i} {rng.integers(1e9)}" for i in range(n)],
            "same": 1,
            "price": price.round(2),
            "dear": np.where(price > np.median(price), "yes", "no"),
        }
    )


def text(result):
    return " ".join((result.output + (result.stderr or "")).split())


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    messy().to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("logistic", "logistic regression"),
        ("shallow", "shallow network"),
        ("deep", "deep network"),
    ],
)
def test_train_and_predict_a_bundled_table(model, named, tmp_path):
    out = tmp_path / "m.safetensors"
    done = runner.invoke(app, ["train", "iris", "--model", model, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "supports: target" in done.output
    # Two flowers of the same measures are two flowers.
    assert f"{named} of target (120 rows to learn from, 30 set aside): accuracy" in text(done)
    load_iris(as_frame=True).data.to_csv(tmp_path / "new.csv", index=False)
    answer = tmp_path / "a.csv"
    done = runner.invoke(
        app,
        ["predict", str(out), str(tmp_path / "new.csv"), "--out", str(answer), "--probabilities"],
    )
    assert done.exit_code == 0, done.output
    told = pd.read_csv(answer)
    truth = np.array(["setosa", "versicolor", "virginica"])[load_iris().target]
    assert (told["target"] == truth).mean() > 0.8
    assert np.allclose(told.filter(like="P(").sum(axis=1), 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "model", "leave"),
    [("dear", "logistic", "price"), ("dear", "shallow", "price"), ("price", "logistic", "dear"),
     ("price", "deep", "dear")],
)  # fmt: skip
def test_the_model_file_answers_as_the_pipeline_that_was_trained(
    table, tmp_path, target, model, leave
):
    done = train(read_table(table), target, model=model, leave_out=(leave,))
    TableModel.of(done).save(tmp_path / "m")
    reader = TableModel.load(tmp_path / "m")
    new = messy(seed=1)
    new.loc[3, ["size", "colour"]] = ["1.85 m", "violet"]
    new.loc[4, "since"] = ""
    X, _ = reader.encode(new)
    expected = done.pipeline[:2].transform(new)
    np.testing.assert_array_equal(X, expected)
    if target == "dear":
        np.testing.assert_array_equal(reader.predict(new), done.pipeline.predict(new))
        np.testing.assert_allclose(
            reader.probabilities(X), done.pipeline.predict_proba(new), rtol=1e-6, atol=1e-12
        )
    else:
        np.testing.assert_allclose(reader.predict(new), done.pipeline.predict(new), rtol=1e-5)
        with pytest.raises(ParameterError, match="price is a quantity"):
            reader.probabilities(X)


def test_an_encoding_on_a_card_is_the_encoder():
    frame = pd.DataFrame(
        {
            "n": [1.0, np.nan, 3.0, 1e9] * 5,
            "gone": [np.nan] * 20,
            "w": ["a", "b", None, "rare"] + ["a", "b", "a", None] * 4,
            "d": pd.to_datetime(
                ["2024-01-01", None, "2024-05-05", "2023-01-01T12:30"] * 5, format="ISO8601"
            ),
        }
    )
    encoder = Encoder(min_count=2).fit(frame)
    plain = json.loads(json.dumps(vars(Encoding.of(encoder))))
    new = frame.sample(frac=1, random_state=0)
    new.iloc[0, 2], new.iloc[1, 0] = "never seen", np.nan
    np.testing.assert_array_equal(Encoding(**plain).apply(new), encoder.transform(new))


@pytest.mark.slow
def test_everything_learned_comes_from_the_training_part(table, tmp_path):
    arguments = ["train", str(table), "--target", "dear", "--leave-out", "price", "--model"]
    out, report = tmp_path / "m", tmp_path / "report"
    done = runner.invoke(app, [*arguments, "logistic", "--out", str(out), "--report", str(report)])
    assert done.exit_code == 0, done.output
    for word in ("unit", "spelling", "drop", "date", "supports"):
        assert word in done.output, word
    rules = Rules.load(report / "rules.json")
    assert rules.rows == 320  # four fifths of the table
    assert read_card(out)["notes"]["table"]["rules"] == rules.document()
    assert json.loads((report / "trained.json").read_text())["rows"] == {"train": 320, "test": 80}
    assert "<svg" in (report / "report.html").read_text()
    done = runner.invoke(app, ["predict", str(out), str(table)])
    assert done.exit_code == 0
    told = pd.read_csv(StringIO(done.stdout))
    assert (told["dear"] == messy()["dear"]).mean() > 0.85
    assert "size: " in done.stderr


@pytest.mark.slow
def test_a_file_with_other_words_and_units_is_cleaned_by_the_stored_rules(table, tmp_path):
    runner.invoke(
        app,
        ["train", str(table), "-t", "price", "--leave-out", "dear", "--model", "logistic", "-o",
         str(tmp_path / "m"), "--apply", "spelling:colour"],
    )  # fmt: skip
    new = messy(seed=2)
    metres = new.assign(
        size=[s if s == "?" else f"{float(s[:-3]) / 100:.3f} m" for s in new["size"]],
        # What a person has said is one label is one in any case; no other labels are merged.
        colour=new["colour"].replace({"red": "RED", "Red ": " rED", "blue": " blue "}),
    )
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    new.to_csv(paths[0], index=False)
    metres.to_csv(paths[1], index=False, sep=";", encoding="utf-16")
    told = [
        pd.read_csv(StringIO(runner.invoke(app, ["predict", str(tmp_path / "m"), str(p)]).stdout))
        for p in paths
    ]
    np.testing.assert_allclose(told[0]["price"], told[1]["price"], rtol=1e-4)
    assert np.corrcoef(told[0]["price"], new["price"])[0, 1] > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "iriss"], "did you mean 'iris'"),
        (["train", "nowhere.csv"], "there is no file nowhere.csv"),
        (["train", "iris", "--target", "targte"], "did you mean 'target'"),
        (["train", "iris", "--out", "no/such/folder/m"], "there is no folder"),
        (["train", "iris", "--task", "regression"], "not a number to regress on"),
        (["predict", "nowhere", "iris"], "there is no model file"),
    ],
)
def test_mistakes_end_with_one_line_and_code_2(arguments, message):
    done = runner.invoke(app, arguments)
    assert done.exit_code == 2
    assert message in text(done)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n", "no rows"),
        (b"\xff\xfe\x00\x01" * 50, "t.csv"),
        (b"a,b\n" + b"1,x\n2,x\n" * 40, "is 'x' in every row"),
        (b"a,b\n" + b"1,\n2,\n" * 40, "has no value"),
        (b"a,b\n1,x\n2,y\n", "cannot support a model"),
        (b"a,b\n" + b"1,x\n1,y\n" * 40, "no column is left"),
    ],
)
def test_unusable_files(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    done = runner.invoke(app, ["train", str(path), "--target", "b", "--out", str(tmp_path / "m")])
    assert done.exit_code == 2, done.output
    assert message in text(done)
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_predicting_from_another_table(table, tmp_path):
    model, other = tmp_path / "m", tmp_path / "u.csv"
    done = runner.invoke(
        app,
        ["train", str(table), "-t", "dear", "--leave-out", "price", "--model", "logistic", "-o",
         str(model)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output

    def ask(frame_or_text):
        if isinstance(frame_or_text, str):
            other.write_text(frame_or_text)
        else:
            frame_or_text.to_csv(other, index=False)
        return runner.invoke(app, ["predict", str(model), str(other)])

    done = ask(messy().drop(columns="size").rename(columns={"colour": "color"}))
    assert done.exit_code == 2
    assert "no column 'size'" in text(done) or "no column 'colour'" in text(done)
    done = ask(messy().assign(size=["big"] * 399 + ["170 cm"]))
    assert done.exit_code == 0
    assert "size: not a number, 399 rows" in done.stderr
    assert "size: unreadable, 399 rows" in done.stderr
    done = ask(messy().assign(size="big"))
    assert done.exit_code == 2
    assert "none of its 400 rows holds one here" in text(done)
    done = ask(messy().drop(columns=["note", "same", "price", "dear"]))
    assert done.exit_code == 0
    assert len(pd.read_csv(StringIO(done.stdout))) == 400
    done = ask("size,colour,since\n" + "170 cm,red,01.02.2021\n" * 9 + "1,2,3,4\n")
    assert done.exit_code == 2
    assert "more cells than there are columns" in text(done)
    done = ask("size,colour,since\n")
    assert done.exit_code == 2
    save(TableModel.load(model).model, tmp_path / "bare")
    with pytest.raises(ModelFileError, match="not saved by `neurosim train`"):
        TableModel.load(tmp_path / "bare")
    whole = model.read_bytes()
    model.write_bytes(whole.replace(b"01.02", b"01.03").replace(b"red", b"rad"))
    done = ask(messy())
    assert done.exit_code == 2
    assert "changed after it was written" in text(done)
    model.write_bytes(whole[:-9])
    assert "cut short" in text(ask(messy()))


def test_a_large_file_is_answered_row_by_row_in_chunks(table, tmp_path, monkeypatch):
    from ann.data.files.reading import TableFile

    runner.invoke(
        app,
        ["train", str(table), "-t", "price", "--leave-out", "dear", "--model", "logistic", "-o",
         str(tmp_path / "m")],
    )  # fmt: skip
    whole = runner.invoke(app, ["predict", str(tmp_path / "m"), str(table)])
    chunks = TableFile.chunks
    monkeypatch.setattr(TableFile, "chunks", lambda self, rows=0: chunks(self, 37))
    parts = runner.invoke(app, ["predict", str(tmp_path / "m"), str(table)])
    assert parts.stdout == whole.stdout
    for told in (whole, parts):
        assert "size: unit, 364 rows" in told.stderr


def test_a_bundled_table_has_named_classes():
    assert set(bundled_table("iris")["target"]) == {"setosa", "versicolor", "virginica"}
