"""A card names one current and one error, tells the intrinsic properties, and warns of odd ones."""

from __future__ import annotations

import base64
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from brian2 import mV, pA
from matplotlib.figure import Figure

from bridge.counts.curve import FICurve
from bridge.equivalent.card import card_html, save_card
from bridge.equivalent.card_figure import PANELS, draw_panel
from bridge.equivalent.cautions import HIGHEST_RATE, RANGES, cautions
from bridge.equivalent.find_unit import equivalent_unit
from bridge.equivalent.sentences import number, property_rows
from bridge.recordings import made_recording
from neurosim import LIF
from neurosim.features.properties import CellProperties
from neurosim.measure import intrinsic

CURRENTS = np.arange(50, 451, 25) * pA
STEPS, COUNTS = [-50, 0, 50, 100, 150, 200], [0, 0, 3, 8, 12, 15]
QUICK = {"intervals": None, "adaptation": False}


@pytest.fixture(scope="module")
def held():
    """A cell at a holding current of -20 pA: total and injected currents differ."""
    return equivalent_unit(made_recording(STEPS, COUNTS, holding_pA=-20.0), **QUICK)


@pytest.fixture(scope="module")
def model():
    return equivalent_unit(LIF(), CURRENTS, engine="numpy", **QUICK)


@pytest.fixture(scope="module")
def noisy():
    return equivalent_unit(LIF(), CURRENTS, noise=3 * mV, trials=1, engine="numpy", **QUICK)


def _labels(found):
    told = []
    for name in PANELS:
        figure = Figure()
        draw_panel(figure, found, name)
        for axes in figure.axes:
            told += [axes.get_xlabel(), axes.get_ylabel()]
    return [" ".join(label.split()) for label in told if "current" in label]


def test_a_recording_names_one_current_everywhere(held):
    assert set(_labels(held)) == {"injected current above holding (pA)"}
    # The raster, the traces and the curve stand at the same numbers.
    np.testing.assert_array_equal(held.responses.current_pA, held.selection.curve.current_pA)
    assert held.responses.current_pA.tolist() == STEPS
    assert {trace.current_pA for trace in held.responses.traces} <= set(STEPS)
    assert [len(train) for train in held.responses.trains] == COUNTS
    for said in (str(held), card_html(held)):
        assert "Injected current above holding: tested from -50 to 200 pA" in said
        assert "the holding current is -20 pA" in said


def test_steps_of_a_card_are_those_of_its_curve():
    """Two steps a sweep of equal length: the raster shows all that the curve counts."""
    from bridge.recordings import CellRecording, Sweep

    time = np.arange(0, 1.2, 1e-4)
    sweeps = []
    for k, current in enumerate([50.0, 100.0, 150.0, 200.0]):
        command, volts = np.zeros(len(time)), np.full(len(time), -70.0)
        for start, amount in ((0.1, current), (0.7, current + 25)):
            inside = (time >= start - 1e-9) & (time < start + 0.4 - 1e-9)
            command[inside] = amount
            for spike in start + 0.4 * (np.arange(int(amount // 20)) + 0.5) / (amount // 20):
                volts += 100 * np.exp(-(((time - spike) / 0.0005) ** 2))
        noise = 0.1 * np.random.default_rng(k).standard_normal(len(time))
        sweeps.append(Sweep(k, 1e4, volts + noise, command))
    found = equivalent_unit(CellRecording(tuple(sweeps), "twice"), **QUICK)
    np.testing.assert_array_equal(found.responses.current_pA, found.selection.curve.current_pA)
    counts = [len(train) for train in found.responses.trains]
    assert counts == found.selection.curve.count.tolist()


@pytest.mark.slow
def test_models_and_tables_name_theirs(model, noisy):
    assert set(_labels(model)) == {"injected current (pA)"}
    assert set(_labels(noisy)) == {"injected current above the background (pA)"}
    table = equivalent_unit(FICurve(STEPS, COUNTS, 0.5), **QUICK)
    assert set(_labels(table)) == {"current as tabulated (pA)"}


def test_one_error_is_named_once(held):
    """The residual of the unit and of the sigmoid, both against the counts, and no other error."""
    said = str(held)
    best, sigmoid = held.selection.best, held.selection["logistic"]
    assert f"{best.residual_rms_Hz:.2f} Hz (residual, rms" in said
    if best.family != "logistic":
        assert (
            f"the likeliest sigmoid misses the measured rates by {sigmoid.residual_rms_Hz:.2f}"
            in said.lower()
        )
    allowed = {f"{fit.residual_rms_Hz:.2f}" for fit in held.selection.fits}
    found = re.findall(r"misses? (?:the (?:counted|measured) rates|them) by ([\d.]+) Hz", said)
    assert found
    assert set(found) <= allowed
    assert "residual of the" not in said


@pytest.mark.slow
def test_properties_of_a_model_are_those_that_measure_gives(model):
    alone = intrinsic(LIF())
    for name in ("rest_mV", "input_resistance_Mohm", "time_constant_ms", "threshold_mV"):
        assert getattr(model.properties, name) == pytest.approx(getattr(alone, name), rel=0.02)
    # Of the curve's own currents the weakest that fires.
    assert 150 <= model.properties.rheobase_pA <= 175
    assert not model.cautions


@pytest.mark.slow
def test_noise_does_not_spoil_the_passive_properties(noisy):
    told = noisy.properties
    assert told.input_resistance_Mohm == pytest.approx(100, rel=0.02)
    assert told.time_constant_ms == pytest.approx(20, rel=0.03)
    assert told.rest_mV == pytest.approx(-70, abs=2)


@pytest.mark.slow
def test_properties_stand_on_the_card(held, model):
    # A cell that is held by a current is not at rest.
    held_at = "potential at the holding current of -20 pA"
    for found, words in ((held, held_at), (model, "resting potential")):
        for said in (str(found), card_html(found)):
            assert words.lower() in said.lower()
    page = str(held)
    for word in ("input resistance", "membrane time constant", "sag ratio", "spike threshold"):
        assert word in page


def test_the_rheobase_lies_between_two_tested_currents(held, model):
    """The weakest current that fires is not the rheobase: that lies above the last silent one."""
    rows = {row.name: row for row in held.property_rows()}
    assert rows["rheobase_pA"].value == "0 .. 50 pA"
    assert rows["rheobase_pA"].words == "rheobase (silent .. firing)"
    (row,) = [row for row in model.property_rows() if row.name == "rheobase_pA"]
    low, high = (float(word) for word in row.value.removesuffix(" pA").split(" .. "))
    assert low <= float(LIF().rheobase / pA) <= high
    for said in (str(model), card_html(model)):
        assert row.value in said
    # Where every current fires, nothing is known from below.
    curve = FICurve([50, 100], [2, 7], 1.0)
    assert property_rows(_cell(rheobase_pA=50.0), curve)[0].value == "at most 50 pA"


def test_the_page_has_a_picture_a_panel(held):
    """On a telephone they stand one below the other; in one picture no word could be read."""
    page = card_html(held)
    pictures = [base64.b64decode(one).decode() for one in re.findall(r";base64,([^\"]+)", page)]
    assert len(pictures) == 3
    for picture, title in zip(pictures, ("Membrane potential", "Spikes", "f-I curve"), strict=True):
        assert title in picture
        # Inches of 72 points: 4.4 of them on 343 pixels leave a font of 8 points 8.7 pixels high.
        assert float(re.search(r'width="([\d.]+)pt"', picture)[1]) <= 4.4 * 72
    assert page.count("<img alt=") == 3
    assert "(max-width: 46rem) { .columns { grid-template-columns: minmax(0, 1fr); } }" in page


def _cell(**values):
    told = {one.name: float("nan") for one in fields(CellProperties)}
    return CellProperties(**told | values)


@pytest.mark.parametrize("one", RANGES, ids=lambda one: one.name)
def test_each_range_warns_on_both_sides_and_not_within(one):
    outside = (one.low - 0.1 * abs(one.low) - 1e-3, 1.2 * one.high + (25 if one.high < 0 else 0))
    inside = (one.low, 0.5 * (one.low + one.high), one.high)
    for value in outside:
        (caution,) = cautions(_cell(**{one.name: value}))
        assert f"{number(value)} {one.unit}" in str(caution)
        assert one.words in str(caution)
    for value in inside:
        assert not cautions(_cell(**{one.name: value}))
    # Nothing is said of what is not known.
    assert not cautions(_cell())


def test_a_rate_that_no_neuron_has_is_said_wherever_the_unit_is():
    found = equivalent_unit(FICurve([0, 50, 100, 150], [0, 5000, 10000, 20000], 1.0), **QUICK)
    assert [one.range.name for one in found.cautions] == ["highest_rate_Hz"]
    for said in (str(found), card_html(found), found._repr_html_()):
        assert "the highest counted rate of 20000 Hz lies outside 0 to 1000 Hz" in said
    assert found.to_dict()["cautions"][0]["property"] == "highest_rate_Hz"
    for highest in (0.0, 1000.0):
        assert not cautions(None, highest)


def test_the_docs_name_the_ranges():
    page = (Path(__file__).parents[2] / "docs" / "equivalent-unit.md").read_text()
    for one in (*RANGES, HIGHEST_RATE):
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {one.words} |")]
        shown = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", row.split("|")[2])]
        scale = {"nA": 1e3, "GΩ": 1e3}
        last = scale.get(row.split("|")[2].split()[-1], 1.0)
        assert shown == [one.low, one.high / last]


@pytest.mark.slow
def test_an_unhealthy_cell_gets_its_unit_and_its_cautions(tmp_path):
    steps = np.arange(-2300, -1499, 100.0)
    cell = made_recording(steps, [0, 0, 0, 0, 0, 3, 6, 8, 10], rest_mV=-13.5, resistance_Mohm=20)
    found = equivalent_unit(cell, **QUICK)
    assert [one.range.name for one in found.cautions][:1] == ["rest_mV"]
    assert "rheobase_pA" in [one.range.name for one in found.cautions]
    for said in (str(found), card_html(found)):
        assert "Caution: the resting potential of -13.5 mV" in said
        assert "Caution: the rheobase of -1800 pA" in said
    assert found.to_dict()["cautions"][0]["property"] == "rest_mV"


@pytest.mark.slow
def test_panels_are_files_of_their_own(held, tmp_path):
    *_, folder = save_card(held, tmp_path, panels=True)
    names = {path.name for path in folder.iterdir()}
    # The panel of a slow state is there where one was asked about.
    drawn = ("figure", *(name for name in PANELS if name != "memory"))
    assert names == {f"{name}.{kind}" for name in drawn for kind in ("svg", "png")}


@pytest.mark.slow
def test_progress_is_the_share_of_the_whole():
    """Not of the simulation alone, which is the shortest part: the choice comes after it."""
    seen = []
    equivalent_unit(LIF(), CURRENTS, engine="numpy", progress=seen.append, **QUICK)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    # When the runs are done most of the work is still ahead.
    assert 0.2 in [round(share, 6) for share in seen]
    counts = []
    equivalent_unit(FICurve(STEPS, COUNTS, 0.5), progress=counts.append, **QUICK)
    assert counts[-1] == 1.0
