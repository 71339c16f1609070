"""A model that reads raw tables: cleaning rules, encoding and network in one file without pickle.

`ann.data.train` learns rules, scales and categories on the training part and gives a scikit-learn
pipeline. Here the same is written down as plain values on the card of a model file, so that a new
table goes exactly the way the training part went.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ann.data.cells.text_cells import text_frame
from ann.data.cleaning.replay import clean, typed
from ann.data.cleaning.schema import Rules
from ann.data.encoding.column_scaling import DateParts, SoftScaler
from ann.data.encoding.encoder import Encoder, filled_words
from ann.data.encoding.strange_cells import unreadable, unseen
from ann.data.errors import SchemaError, TargetError
from ann.data.judging.target import find_target
from ann.data.log import Log
from ann.errors import DataError, ModelFileError, ParameterError
from ann.files.other_libraries import from_scikit_learn
from ann.files.storage import load, read_card, save
from ann.network.network import Network

if TYPE_CHECKING:
    from ann.data.workflow import Trained

__all__ = ["Encoding", "TableModel", "fingerprint_of"]

#: More rows than these are not listed in a model file.
LISTED = 200_000


@dataclass
class Encoding:
    """What a fitted `ann.data.Encoder` does, as plain values.

    Attributes
    ----------
    numbers, dates : dict
        ``columns``; for each number (four a date) its ``centre``, ``spread`` and ``fill``; which
        of them have their gaps ``marked`` in a column of their own; the ``bound``. Dates also
        have the ``start`` their days are counted from.
    words : list of dict
        For each column its ``name``, the ``known`` categories, one 0/1 column each, and the
        ``rare`` ones, which share the last column; None where there is no such column.

    Examples
    --------
    >>> table = pd.DataFrame({"h": [1.5, None, 2.0, 1.8], "c": ["a", "b", "a", None]})
    >>> encoder = Encoder(min_count=1).fit(table)
    >>> same = Encoding.of(encoder)
    >>> bool((same.apply(table) == encoder.transform(table)).all())
    True
    """

    numbers: dict[str, Any] = field(default_factory=dict)
    words: list[dict[str, Any]] = field(default_factory=list)
    dates: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, encoder: Encoder) -> Encoding:
        """Read the values off a fitted encoder.

        Parameters
        ----------
        encoder : Encoder

        Returns
        -------
        Encoding
        """
        found = cls()
        for kind, part, names in encoder.columns_.transformers_:
            if kind == "words":
                for name, categories, rare in zip(
                    names, part.categories_, part.infrequent_categories_, strict=True
                ):
                    few = None if rare is None else [str(v) for v in rare]
                    known = [str(v) for v in categories if few is None or v not in few]
                    found.words.append({"name": str(name), "known": known, "rare": few})
            elif kind in ("numbers", "dates"):
                *first, scaler, imputer = [step for _, step in part.steps]
                block = {
                    "columns": [str(name) for name in names],
                    "centre": scaler.centre_.tolist(),
                    "spread": scaler.spread_.tolist(),
                    "bound": float(scaler.bound),
                    "fill": imputer.statistics_.tolist(),
                    "marked": imputer.indicator_.features_.tolist(),
                }
                if kind == "dates":
                    starts = first[0].start_
                    block["start"] = [
                        None if starts[name] is pd.NaT else starts[name].isoformat()
                        for name in names
                    ]
                setattr(found, kind, block)
        return found

    def apply(self, frame: pd.DataFrame) -> np.ndarray:
        """Encode typed columns.

        Parameters
        ----------
        frame : DataFrame
            Numbers, dates and words, as `ann.data.typed` gives them.

        Returns
        -------
        ndarray of shape (rows, features), float32
        """
        pieces: list[np.ndarray] = []
        if self.numbers:
            pieces += _scaled(frame[self.numbers["columns"]].to_numpy(float), self.numbers)
        for word in self.words:
            cells = filled_words(frame[word["name"]])
            place = {category: k for k, category in enumerate(word["known"])}
            last = len(place)  # of whatever is rare or was never seen
            hot = np.zeros((len(cells), last + 1), np.float32)
            hot[np.arange(len(cells)), [place.get(cell, last) for cell in cells]] = 1
            pieces.append(hot if word["rare"] is not None else hot[:, :last])
        if self.dates:
            parts = DateParts()
            names = self.dates["columns"]
            parts.start_ = {
                name: pd.NaT if start is None else pd.Timestamp(start)
                for name, start in zip(names, self.dates["start"], strict=True)
            }
            pieces += _scaled(parts.transform(frame[names]), self.dates)
        return np.ascontiguousarray(np.hstack(pieces), np.float32)


def _scaled(values: np.ndarray, block: dict[str, Any]) -> list[np.ndarray]:
    """Scaled numbers with their gaps filled, and where the gaps of marked columns were."""
    scaler = SoftScaler(block["bound"])
    scaler.centre_, scaler.spread_ = np.array(block["centre"]), np.array(block["spread"])
    scaled = scaler.transform(values)
    gap = np.isnan(scaled)
    marked = gap[:, np.array(block["marked"], dtype=np.intp)]
    return [np.where(gap, np.array(block["fill"]), scaled), marked]


def fingerprint_of(table: Any) -> str:
    """A number that tells a table of text from another: of its names, and its rows in order.

    Examples
    --------
    >>> fingerprint_of(pd.DataFrame({"a": ["1", "2"]})) == fingerprint_of({"a": ["2", "1"]})
    False
    """
    frame = text_frame(table).reset_index(drop=True)
    rows = pd.util.hash_pandas_object(frame.astype(str), index=True).to_numpy()
    names = pd.util.hash_array(np.array([str(n) for n in frame.columns], dtype=object))
    return f"{int(rows.sum(dtype=np.uint64)) ^ int(names.sum(dtype=np.uint64)):016x}"


def _set_aside(trained: Trained, table: Any) -> tuple[list[int], str]:
    rows = trained.held_out.rows
    return ([], "") if len(rows) > LISTED else (rows.tolist(), fingerprint_of(table))


@dataclass
class TableModel:
    """From a table of text to answers.

    Attributes
    ----------
    rules : Rules
        How cells are cleaned.
    encoding : Encoding
        How clean columns become numbers.
    model : LogisticRegression, ShallowNetwork, DeepNetwork or Network
        What answers.
    target, task : str
        What is predicted, ``"classification"`` or ``"regression"``.
    about : dict
        How the model came about: its account from `ann.data.Trained.document`.
    held_out : list of int
        Rows of the training table, from 0, that the model has not seen; empty where they are too
        many to write down.
    fingerprint : str
        Of the training table, so that it is known again; see `fingerprint_of`.
    """

    rules: Rules
    encoding: Encoding
    model: Any
    target: str
    task: str
    about: dict[str, Any] = field(default_factory=dict)
    held_out: list[int] = field(default_factory=list)
    fingerprint: str = ""

    @classmethod
    def of(cls, trained: Trained, table: Any = None) -> TableModel:
        """The model that `ann.data.train` made.

        Parameters
        ----------
        trained : Trained
        table : DataFrame, optional
            What it was trained on, as read, so that the rows it has not seen are known again.

        Returns
        -------
        TableModel
        """
        model = trained.pipeline["model"]
        if type(model).__module__.startswith("sklearn."):
            model = from_scikit_learn(model)
        held_out, fingerprint = ([], "") if table is None else _set_aside(trained, table)
        return cls(
            trained.pipeline["clean"].rules_,
            Encoding.of(trained.pipeline["encode"]),
            model,
            trained.target.name,
            trained.target.task,
            trained.document(),
            held_out,
            fingerprint,
        )

    def unseen(self, table: Any) -> np.ndarray | None:
        """Rows of a table that the model has not learned from, if it is the training table.

        Parameters
        ----------
        table : DataFrame
            As read.

        Returns
        -------
        ndarray of int or None
            None for any other table, of which nothing was seen.
        """
        if not self.held_out or fingerprint_of(table) != self.fingerprint:
            return None
        return np.array(self.held_out)

    def truth(self, table: Any) -> np.ndarray | None:
        """What the target column of a table holds, by the rules for targets.

        Parameters
        ----------
        table : DataFrame
            As read.

        Returns
        -------
        ndarray of shape (rows,) or None
            Classes, None where the cell is empty; or quantities, NaN where it is. None if the
            table has no such column, or nothing in it.
        """
        frame = text_frame(table).reset_index(drop=True)
        try:
            found = find_target(frame, self.target, task=self.task)
        except TargetError:
            return None
        classes = self.task == "classification"
        values = np.full(
            len(frame), None if classes else np.nan, dtype=object if classes else float
        )
        values[found.rows] = found.values
        return values

    def encode(self, table: Any) -> tuple[np.ndarray, Log]:
        """Clean and encode a table by the stored rules.

        Parameters
        ----------
        table : DataFrame
            With the columns of the training table, in any order; the target is not needed.

        Returns
        -------
        X : ndarray of shape (rows, features), float32
        log : Log
            What cleaning did, and the rows with words or cells that the model cannot know.

        Raises
        ------
        SchemaError
            If a column is absent or breaks the schema, or holds no cell that can be read.
        DataError
            If there are no rows.
        """
        frame = text_frame(table).reset_index(drop=True)
        if not len(frame):
            raise DataError("the table has no rows to predict")
        done = clean(frame, self.rules, rows=False)
        names = [column.name for column in self.rules.features()]
        clear = typed(done.frame[names], self.rules)
        done.log.extend([*unreadable(done, self.rules), *unseen(clear, self.encoding.words)])
        return self.encoding.apply(clear), done.log

    def answer(self, X: np.ndarray) -> np.ndarray:
        """Class or quantity of each row of an encoded table."""
        if isinstance(self.model, Network):
            return self.model.output(X)[:, 0]
        return np.asarray(self.model.predict(X))

    def predict(self, table: Any) -> np.ndarray:
        """Class or quantity of each row of a table; see `encode`."""
        return self.answer(self.encode(table)[0])

    def probabilities(self, X: np.ndarray) -> pd.DataFrame:
        """Probability of every class, one column each, for an encoded table.

        Raises
        ------
        ParameterError
            If the model predicts quantities.
        """
        if self.task != "classification":
            raise ParameterError(f"{self.target} is a quantity and has no probabilities")
        return pd.DataFrame(self.model.predict_proba(X), columns=self.model.classes_)

    def save(self, path: str | Path) -> None:
        """Write everything to one model file; see `ann.save`."""
        save(
            self.model,
            path,
            {
                "table": {
                    "target": self.target,
                    "task": self.task,
                    "rules": self.rules.document(),
                    "encoding": vars(self.encoding),
                    "about": self.about,
                    "held_out": self.held_out,
                    "fingerprint": self.fingerprint,
                }
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> TableModel:
        """Read what `save` wrote.

        Raises
        ------
        ModelFileError
            If the file is damaged or knows nothing of tables.
        """
        notes = read_card(path).get("notes")
        if not isinstance(notes, dict) or "table" not in notes:
            raise ModelFileError(
                f"{path} was not saved by `neurosim train`, so how a table becomes numbers is "
                "unknown; use ann.load in Python"
            )
        told = notes["table"]
        try:
            rules, encoding = Rules.from_document(told["rules"]), Encoding(**told["encoding"])
            # Files of earlier versions do not say which rows were held out.
            unseen = told.get("held_out", []), told.get("fingerprint", "")
            told = told["target"], told["task"], told["about"]
            return cls(rules, encoding, load(path), *told, *unseen)
        except (KeyError, TypeError, SchemaError) as error:
            raise ModelFileError(f"{path} does not describe a table model: {error!r}") from error
