"""Cleaning real tables does no harm: parts of public tables here, all of them where they are.

The corpus itself is not part of the project; NEUROSIM_CORPUS names the folder that holds it, and
`benchmarks/data_corpus.py` tells where the files come from and prints all the figures.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from ann.data import ColumnSchema, Rule, Rules

ROOT = Path(__file__).resolve().parents[3]
EXCERPTS = Path(__file__).parent / "excerpts"
sys.path.insert(0, str(ROOT / "benchmarks"))

from corpus.judge import judge, judge_frame  # noqa: E402
from corpus.planting import KINDS, judge_planted, plant  # noqa: E402
from corpus.score import Score  # noqa: E402
from corpus.truth import EITHER, MISSING, Facts, TrueTable, load_facts  # noqa: E402
from corpus.values import needs, same_value  # noqa: E402

#: Harm that cleaning still does: table, column and kind. Take out what is mended.
KNOWN_HARM = {
    # A word among numbers becomes missing; the column beside it keeps the word.
    ("ft_nfl_susp_part", "games", "cell blanked"),
}
PARTS = load_facts(EXCERPTS / "facts.toml")
DRESSED = Facts(
    "x",
    words=("w", "town"),
    missing={"n": ["?", "-200"]},
    doubtful={"n": ["0"]},
    either={"w": ["Unknown"]},
    money={"n": {"$": "1", "M": "1000000", "K": "1000"}},
    dates={"d": "%m/%d/%y"},
    latest=2006,
    one_label=("town",),
)


def corpus() -> Path:
    """Return the folder of the corpus; skips where it is absent."""
    folder = Path(os.environ.get("NEUROSIM_CORPUS", "absent"))
    if not folder.is_dir():
        pytest.skip("no corpus of public tables (set NEUROSIM_CORPUS to its folder)")
    return folder


@pytest.mark.parametrize(
    ("column", "before", "after", "right"),
    [
        ("n", "$1.2M", "1200000", True),
        ("n", "$1.2M", "1.2", False),
        ("n", "$537K", None, False),
        ("n", "-200", None, True),
        ("n", " ? ", None, True),
        ("n", "?", "?", True),
        ("n", "0", None, True),
        ("n", "0", "0", False),
        ("n", "7", None, False),
        ("n", "Indef.", None, False),
        ("d", "7/1/62", "1962-07-01", True),
        ("d", "7/1/62", "2062-07-01", False),
        ("d", "3/4/05", "2005-04-03", False),
        ("d", "Reagan admin", None, False),
        ("w", "hId", "hid", False),
        ("w", " hid ", "hid", True),
        ("w", "None", None, False),
        ("w", "Unknown", None, None),
        ("w", "KÃ¶ln", "Köln", True),
        ("town", "PARIS", "Paris", True),
        ("town", "PARIS", "Oslo", False),
    ],
)
def test_an_action_is_right_if_the_cell_still_says_the_same(
    column: str, before: str, after: str | None, right: bool | None
) -> None:
    assert same_value(DRESSED, column, before, after) is right


def test_what_is_due_is_a_harmless_repair_only() -> None:
    due = {
        text: needs(DRESSED, column, text, frozenset({"shared"}))
        for column, text in (("n", "$1.2M"), ("n", "5"), ("n", "?"), ("n", "0"), ("d", "7/1/62"))
    }
    assert due == {"$1.2M": "number", "5": "", "?": "missing", "0": "", "7/1/62": "date"}
    assert needs(DRESSED, "w", "a  b", frozenset()) == "spaces"
    # Two spellings would become one: that is for a person to decide.
    assert needs(DRESSED, "w", "shared ", frozenset({"shared"})) == ""


def test_every_kind_of_harm_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [["hid", "7", "$1.2M"], ["hId", "12", "$5M"], ["hed", "0", "$7M"], ["hed", "0", "$7M"]]
    facts = Facts("x", rows=4, columns=3, words=("w",), money={"m": {"$": "1", "M": "1000000"}})
    truth = TrueTable(facts, ["w", "n", "m"], cells)
    kinds = (("w", "category"), ("n", "number"), ("m", "number"))
    rules = Rules(
        [ColumnSchema(*k) for k in kinds],
        [
            Rule("", "duplicates"),
            Rule("w", "spelling", settings={"words": {"hid": "hid"}}),
            Rule("n", "sentinel", settings={"values": [0]}),
            Rule("n", "scale", settings={"from": 10, "to": 20, "factor": "10"}),
            Rule("m", "not a number"),
            Rule("n", "sentinel", False, {"values": [7]}),
        ],
    )
    monkeypatch.setattr("corpus.judge.propose", lambda frame, target: rules)
    frame = pd.DataFrame(cells, columns=list("wnm"), dtype=object)
    score = Score("x", "A")
    judge_frame(score, truth, frame, frame)
    seen = {(w.column, w.rule, w.harm): w.count for w in score.wrong}
    assert seen == {
        ("", "duplicates", "row removed"): 1,
        ("w", "spelling", "label merged"): 1,
        ("n", "sentinel", "cell blanked"): 1,
        ("n", "scale", "value rescaled"): 1,
        ("m", "not a number", "cell blanked"): 3,
        ("n", "sentinel", "wrong proposal"): 1,
    }
    assert (score.tally["altered"], score.tally["altered wrongly"]) == (6, 6)
    # Three amounts were due a repair, and none got it.
    assert (score.tally["due"], score.tally["done"]) == (3, 0)
    assert score.undo


def test_the_facts_are_of_sixty_tables_and_more_half_of_them_unseen() -> None:
    facts = load_facts()
    groups = Counter(f.group for f in facts)
    assert min(groups["A"], groups["B"]) >= 30
    assert len({f.name for f in facts}) == len(facts)
    for f in facts:
        assert re.fullmatch(r"[0-9a-f]{40}", f.commit), f.name
        assert re.fullmatch(r"[0-9a-f]{64}", f.sha256), f.name
        assert f.rows > 0, f.name
        assert f.columns > 0, f.name
        assert f.about.endswith((".", ")")), f.name


def test_the_parts_are_of_tables_that_may_be_looked_at() -> None:
    groups = {f.name: f.group for f in load_facts()}
    assert {groups[f.name.removesuffix("_part")] for f in PARTS} == {"A"}


@pytest.mark.parametrize("facts", PARTS, ids=lambda f: f.name)
def test_parts_of_public_tables_are_not_harmed(facts: Facts) -> None:
    score = judge(facts, EXCERPTS)
    harm = {(w.table, w.column, w.harm) for w in score.wrong if w.harm != "wrong proposal"}
    assert not harm - KNOWN_HARM, "\n".join(map(str, score.wrong))
    assert score.undo


def test_a_planted_fault_is_known_to_the_facts() -> None:
    facts = next(f for f in PARTS if f.name == "sv_vowel_part")
    truth = TrueTable.read(facts, EXCERPTS)
    spoiled, where = plant(truth, 0)
    assert set(where) <= set(KINDS)
    assert "unit" in where
    place = truth.names.index(where["unit"])
    cell = spoiled.column(place)[0]
    assert cell.endswith(" kg")
    was = facts.value(where["unit"], truth.column(place)[0])
    assert spoiled.facts.value(where["unit"], cell) == was
    assert was not in (MISSING, EITHER)


@pytest.mark.slow
def test_the_corpus_is_not_harmed() -> None:
    folder = corpus()
    altered = wrongly = 0
    wrong = []
    for facts in load_facts():
        if facts.group != "A" or not (folder / f"{facts.name}{facts.suffix}").is_file():
            continue
        score = judge(facts, folder)
        assert score.undo, facts.name
        altered += score.tally["altered"]
        wrongly += score.tally["altered wrongly"]
        wrong += [w for w in score.wrong if w.harm in ("row removed", "value rescaled")]
    if not altered:
        pytest.skip(f"no table of the corpus in {folder}")
    assert wrongly <= 0.01 * altered, f"{wrongly} of {altered} cells altered wrongly"
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.slow
def test_faults_planted_into_real_tables_are_found() -> None:
    folder = corpus()
    sown: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for facts in load_facts():
        if facts.group != "A" or not (folder / f"{facts.name}{facts.suffix}").is_file():
            continue
        _, found = judge_planted(TrueTable.read(facts, folder))
        sown.update(list(found))
        missed.update(k for k, right in found.items() if not right)
    if not sown:
        pytest.skip(f"no table of the corpus in {folder}")
    assert missed.total() <= 0.1 * sown.total(), (missed, sown)
