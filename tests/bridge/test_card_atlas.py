"""Cards and atlases: every part is on the page, files are whole, a stopped atlas goes on."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from brian2 import pA

from bridge.counts.curve import FICurve
from bridge.equivalent.atlas import build_atlas
from bridge.equivalent.card import card_html, save_card
from bridge.equivalent.find_unit import equivalent_unit
from experiments.kit.recorded import recorded_curve
from neurosim import LIF
from neurosim.errors import ParameterError


@pytest.fixture(scope="module")
def model():
    return equivalent_unit(
        LIF(), np.arange(50, 451, 25) * pA, trials=1, engine="numpy", adaptation=False
    )


@pytest.mark.slow
def test_a_card_says_everything(model, tmp_path):
    page = card_html(model)
    assert page.count("data:image/svg+xml;base64,") == 3
    for word in (
        model.family, "What a rate unit leaves out", "ΔAICc", "95 % interval", "CV of intervals",
    ):  # fmt: skip
        assert word in page
    html, pdf = save_card(model, tmp_path)
    assert pdf.read_bytes().startswith(b"%PDF")
    # One page, and nothing half written beside it.
    assert len(re.findall(rb"/Type /Page\b", pdf.read_bytes())) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [html.name, pdf.name]


def test_a_card_of_a_refused_cell_gives_the_reason():
    page = card_html(equivalent_unit(FICurve([0, 50, 100], [0, 0, 0], 1.0), name="a <silent> cell"))
    assert "no spikes up to 100 pA" in page
    assert "a &lt;silent&gt; cell" in page


@pytest.fixture
def cells(tmp_path):
    folder = tmp_path / "cells"
    (folder / "deeper").mkdir(parents=True)
    recorded_curve("continuous").to_csv(folder / "one.csv")
    recorded_curve("block").to_csv(folder / "deeper" / "two.csv")
    FICurve([0, 50, 100], [0, 0, 0], 1.0).to_csv(folder / "silent.csv")
    (folder / "broken.csv").write_text("current_pA,count,window_s\n0,0,0.5\n50,many,0.5\n")
    (folder / "torn.abf").write_bytes(b"ABF2")
    (folder / "notes.md").write_text("not a recording")
    return folder


def test_an_atlas_lists_every_file(cells, tmp_path):
    found = build_atlas(cells, tmp_path / "out", cards=False)
    assert set(found.cells["file"]) == {"one.csv", "deeper/two.csv", "silent.csv"}
    assert found.winners == {"square-root": 1, "block": 1, "none": 1}
    failed = found.failed.set_index("file")["reason"]
    assert "'many' is not a number" in failed["broken.csv"]
    assert set(failed.index) == {"broken.csv", "torn.abf"}
    out = {path.name for path in (tmp_path / "out").iterdir()}
    assert out == {"atlas.csv", "failed.csv", "atlas.png", "atlas.svg", "cells"}


@pytest.mark.slow
def test_a_stopped_atlas_goes_on(cells, tmp_path):
    out = tmp_path / "out"

    class StopError(Exception):
        pass

    def stop(share, name):
        if share > 0.5:
            raise StopError

    with pytest.raises(StopError):
        build_atlas(cells, out, cards=False, progress=stop)
    kept = {path.name: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    assert 0 < len(kept) < 5
    whole = build_atlas(cells, out, cards=False)
    assert len(whole.cells) + len(whole.failed) == 5
    for path in (out / "cells").iterdir():
        if path.name in kept:
            assert path.stat().st_mtime_ns == kept[path.name]
    # A cell that changed is done again; so is one whose record is broken.
    recorded_curve("regular").to_csv(cells / "one.csv")
    (out / "cells" / "silent.csv.json").write_text("{")
    again = build_atlas(cells, out, cards=False).cells.set_index("file")
    assert again.loc["one.csv", "family"] == "naka-rushton"
    assert json.loads((out / "cells" / "silent.csv.json").read_text())["row"]["spikes"] == 0


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="holds no recording"):
        build_atlas(tmp_path, tmp_path / "out")
    with pytest.raises(ParameterError, match="no folder"):
        build_atlas(tmp_path / "none", tmp_path / "out")
