"""The same counts get the same families, the same unit and the same error wherever one asks."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bridge
import experiments
from bridge.choice.select_unit import select
from bridge.equivalent.atlas import build_atlas
from bridge.equivalent.card import card_html
from bridge.equivalent.find_unit import equivalent_unit
from bridge.units import FAMILIES
from experiments.command.main import app
from experiments.kit.recorded import CELLS, recorded_curve
from experiments.kit.unit_tables import Fitted, unit_table, units_figure

NAMES = {family.name for family in FAMILIES}
# Who may name the families that it compares: a study of some families, and of recovery itself; a
# sweep whose user names one family; and who fits the family that was chosen to a second curve.
STUDIES = {
    "recovery.py", "interval_coverage.py", "known_units.py", "find_unit.py", "model_measures.py",
    "step_scores.py",
}  # fmt: skip


def _tried(selection):
    return {fit.family for fit in selection.fits} | (set(selection.refused) - {"curve"})


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_all_doors_give_one_answer(cell, tmp_path):
    curve = recorded_curve(cell)
    chosen = select(curve, seed=1)
    assert _tried(chosen) == NAMES

    found = equivalent_unit(curve, seed=1)
    assert _tried(found.selection) == NAMES
    assert found.selection.to_dict()["fits"] == chosen.to_dict()["fits"]

    folder = tmp_path / "cells"
    folder.mkdir()
    path = curve.to_csv(folder / "cell.csv")
    out = str(tmp_path / "one")
    done = CliRunner().invoke(app, ["unit", str(path), "--out", out])
    assert done.exit_code == (0 if found.ok else 1), done.output
    told = json.loads((tmp_path / "one" / "cell.csv.json").read_text())["selection"]
    assert [fit["family"] for fit in told["fits"]] == [fit.family for fit in chosen.fits]
    assert told["best"] == chosen.best.family
    assert f"{chosen.best.residual_rms_Hz:.2f} Hz" in done.output

    row = build_atlas(folder, tmp_path / "out", cards=False, seed=1).cells.iloc[0]
    assert (row["family"], row["fits"]) == (chosen.best.family, found.ok)
    assert row["residual_Hz"] == pytest.approx(chosen.best.residual_rms_Hz)

    fitted = Fitted(cell, curve, chosen)
    assert unit_table([fitted]).iloc[0]["best unit"] == chosen.best.family
    lines = units_figure([fitted]).axes[0].get_legend_handles_labels()[1]
    assert chosen.best.family in lines
    assert chosen.best.family in card_html(found)


def test_nobody_else_names_the_families():
    """Whoever calls `select` or `equivalent_unit` leaves the families to their one list."""
    wrong = []
    for package in (bridge, experiments):
        for path in Path(package.__file__).parent.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or path.name in STUDIES:
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                named = len(node.args) > 1 or any(one.arg == "families" for one in node.keywords)
                if name == "select" and named:
                    wrong.append(f"{path.name}:{node.lineno}")
                if name == "equivalent_unit" and any(k.arg == "families" for k in node.keywords):
                    wrong.append(f"{path.name}:{node.lineno}")
    assert not wrong


@pytest.mark.slow
def test_the_squid_axon_of_the_main_job_is_type_two_everywhere():
    """It was the lif unit in `compare`, which tried seven families, and type-two in `unit`."""
    from experiments.compare.neuron_part import models
    from experiments.compare.parameters import Parameters
    from experiments.kit.registry import Context

    title, count = models(Parameters(), Context(seed=1, quick=True))[-1]
    curve = count()
    assert title == "Hodgkin-Huxley"
    assert select(curve).best.family == "type-two"
    assert equivalent_unit(curve).family == "type-two"
