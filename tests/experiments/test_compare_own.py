"""The main job with the reader's own shape and table in place of ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from experiments.command.main import app
from experiments.compare.story import of_the_neuron
from neurosim.errors import ParameterError, UnknownNameError

# Soma, a dendrite of 300 um with a side branch in its middle, no axon.
SWC = """1 1 0 0 0 8 -1
2 3 0 10 0 1.5 1
3 3 0 150 0 1 2
4 3 0 300 0 0.6 3
5 3 60 180 0 0.5 3
"""


def read(tmp_path, text):
    from experiments.command.morphology import ShapeReading

    file = tmp_path / "mine.swc"
    file.write_text(text)
    return ShapeReading().read(file)


def own(tmp_path, text=SWC):
    from experiments.compare.neuron_part import OwnShape

    return OwnShape("mine.swc", *read(tmp_path, text))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--table", "FILE"], "--target COLUMN"),
        (["--target", "y"], "--table FILE"),
        (["--cell", "no-such.swc"], "--cell no-such.swc: there is no such file"),
        (["--soma-diameter", "20um"], "goes with --cell FILE"),
        (["--delimiter", ";"], "goes with --table FILE"),
        (["--cell", "FILE", "--voltage", "IN 0"], "goes with --recording FILE"),
        (["--unit", "mV"], "goes with --recording FILE"),
    ],
)
def test_what_does_not_go_together_is_said_by_its_option(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("1")
    done = CliRunner().invoke(app, ["compare", *words, "--out", "out"])
    assert isinstance(done.exception, ParameterError)
    assert said in str(done.exception)


def test_the_way_leaves_out_what_hangs_aside(tmp_path):
    from experiments.one_neuron.spike_along import far_on_dendrite, way_through

    cut = own(tmp_path).neuron().compartments
    here, along = way_through(cut)
    assert np.all(np.diff(along) > 0)
    assert along[0] < -1000
    # The side branch ends 67 um from its start, at x = 60; the way goes straight up.
    assert np.abs(1e6 * cut.xyz_m[here][along > 0][:, 0]).max() < 1
    assert 1e6 * cut.xyz_m[here[-1], 1] > 280
    branch, position = far_on_dendrite(cut)
    assert 1e6 * cut.xyz_m[cut.at(branch, position), 1] > 250


def test_the_way_stops_where_a_branch_hangs_in_the_middle_of_another():
    """The rest of the parent is not on the way to the child."""
    from brian2 import um

    from experiments.one_neuron.spike_along import way_through
    from neurosim.catalogue import textbook_membrane
    from neurosim.morphology import ball_and_stick, cylinder

    child = cylinder(400 * um, 1 * um, name="child", tag="dendrite", direction=(1, 0, 0))
    shape = ball_and_stick(20 * um, 200 * um, 2 * um).join(child, "dendrite", at=0.5)
    cut = textbook_membrane(shape).compartments
    here, along = way_through(cut)
    names = np.array(cut.branch_names)[cut.branch[here]]
    assert names[-1] == "child"
    assert 1e6 * cut.distance_m[here[names == "dendrite"]].max() < 10 + 100 + 20
    assert np.all(np.diff(along) > 0)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("1 1 0 0 0 8 -1\n2 2 0 50 0 1 1\n", "dendrite"),
        ("1 3 0 0 0 1 -1\n2 3 0 50 0 1 1\n", "soma"),
    ],
)
def test_a_shape_that_cannot_fire_is_refused_by_name(tmp_path, text, named):
    with pytest.raises(UnknownNameError, match=named):
        own(tmp_path, text).neuron()


@pytest.mark.parametrize(("axon", "said"), [("", "has no axon"), ("6 2 0 -90 0 1 1\n", "left out")])
def test_the_page_says_where_the_axon_comes_from(tmp_path, axon, said):
    told = own(tmp_path, SWC + axon).said()
    assert said in told
    assert "an axon of 1 mm are the textbook neuron's" in told
    assert "not measured in this cell" in told


SPIKE = {
    "threshold_mV": -55.0,
    "lead_of_initial_segment_ms": 0.15,
    "delay_to_axon_end_ms": 1.9,
    "velocity_m_per_s": 0.5,
    "peak_at_soma_mV": 35.0,
    "spike_left_at_dendritic_tip": 0.16,
    "epsp_at_synapse_mV": 2.9,
    "epsp_at_soma_mV": 1.0,
    "epsp_left_at_soma": 0.34,
    "spikes_of_one_synapse": 0.0,
    "conductance_nS": 1.0,
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"conductance_nS": 8.0}, "the excitatory ones of 8 nS each"),
        ({"velocity_m_per_s": np.nan, "delay_to_axon_end_ms": np.nan}, "does not reach the end"),
        ({"lead_of_initial_segment_ms": -0.1}, "starts in the soma"),
        ({"spike_left_at_dendritic_tip": 0.004}, "it has less than 1 % of its height at the soma"),
        ({"epsp_at_soma_mV": 0.001, "epsp_at_synapse_mV": 43.7}, "the soma by less than 0.05 mV"),
        ({"spikes_of_one_synapse": 1.0}, "alone makes this cell fire"),
    ],
)
def test_a_spike_of_another_cell_is_told_as_it_is(changed, said):
    told = of_the_neuron(SPIKE | changed, 60, 20, apical=False)
    assert said in told
    assert "nan" not in told
    assert "apical" not in told


def test_a_cell_that_does_not_fire_is_told():
    silent = {k: SPIKE[k] for k in SPIKE if "epsp" in k} | {
        "peak_at_soma_mV": -61.24, "conductance_nS": 8.0, "given_nS": 1.0, "strongest_nS": 64.0
    }  # fmt: skip
    told = of_the_neuron(silent, 60, 20, apical=False)
    # The row of the highest peak is not that of the strongest synapses.
    assert "does not fire, however strong the excitatory ones were made (up to 64 nS each)" in told
    assert "−61.2 mV at most" in told
    told = of_the_neuron(silent | {"strongest_nS": 1.0}, 60, 20, apical=False)
    assert "the neuron does not fire: its soma reaches −61.2 mV at most." in told
    told = of_the_neuron(silent | {"fires_too_late": 1.0}, 60, 20, apical=False)
    assert "fires, but too late in the run" in told
    assert "does not fire" not in told


def test_a_train_without_a_spike_is_left_out_of_the_table():
    """It has neither a threshold nor a lead; the last row is the single synapse."""
    from types import SimpleNamespace

    from brian2.units import ms, mV

    from experiments.gallery.neurons.one_spike import trains_table

    time = np.arange(0, 70, 0.025)
    spike = -70 + 100 * np.exp(-((time - 40) ** 2))
    v = np.stack([np.full_like(time, -70), spike, spike, np.full_like(time, -70)])
    # The second one fires in the first 20 ms too, and the third there alone.
    v[2] = np.roll(spike, -1200)
    times = {"soma": [[], [40e-3], [10e-3], []], "initial_segment": [[], [39.8e-3], [10e-3], []]}
    found = trains_table(
        SimpleNamespace(
            rows=4,
            trace_time=time * ms,
            trace=lambda name: v * mV,
            spike_times_at=lambda name, row: times[name][row],
        )  # type: ignore[arg-type]
    )
    assert found["train"].tolist() == [1]
    assert found["spikes"].tolist() == [1]
    assert found["least_lead_ms"].tolist() == pytest.approx([0.2])


@pytest.mark.parametrize(
    ("unit", "cell", "recording", "of_shape"),
    [
        ("2um", True, True, True),
        ("um", True, True, True),
        ("mV", True, True, False),
        ("pA", True, True, False),
        ("mV", True, False, True),
        ("mV", False, True, False),
    ],
)
def test_a_unit_goes_where_it_can_be_one(tmp_path, unit, cell, recording, of_shape):
    from experiments.command.compare import _unit_of
    from experiments.command.morphology import ShapeReading

    here = tmp_path / "x"
    shape, rest = _unit_of(
        ShapeReading(unit=unit), here if recording else None, here if cell else None
    )
    assert (shape.unit, rest) == ((unit, None) if of_shape else (None, unit))


def test_the_claim_is_made_of_what_is_compared(tmp_path):
    from types import SimpleNamespace

    from experiments.compare.main_job import CLAIM, claim_of

    table: Any = SimpleNamespace(name="mine.csv")
    assert claim_of(None, None) == CLAIM
    assert "-55 mV" not in claim_of(own(tmp_path), None)
    assert "mine.swc" in claim_of(own(tmp_path), None)
    assert "trained on mine.csv" in claim_of(None, table)
    assert "-55 mV" in claim_of(None, table)


@pytest.mark.slow
def test_a_spike_is_found_and_drawn_in_an_own_shape(tmp_path):
    from experiments.compare.neuron_part import spike_of
    from experiments.compare.parameters import Parameters
    from experiments.gallery.neurons.one_spike import Parameters as SpikeParameters
    from experiments.kit.registry import Context
    from experiments.kit.timing import Stopwatch
    from experiments.one_neuron.spike_figure import spike_figure

    given = Parameters(spike=SpikeParameters(trains=1, duration_ms=40.0))
    spike = spike_of(given, Context(), Stopwatch(), own(tmp_path))
    assert spike.fired
    # The shape is small: it needs no stronger synapses than the textbook neuron.
    assert spike.numbers["conductance_nS"] in (1, 2, 4)
    assert -62 < spike.numbers["threshold_mV"] < -50
    assert 0.3 < spike.numbers["velocity_m_per_s"] < 0.7
    # Nobody fires without a synapse that is active: the same cell without them stays at rest.
    quiet = Parameters(spike=SpikeParameters(trains=1, duration_ms=40.0, rate_Hz=0.0))
    silent = spike_of(quiet, Context(), Stopwatch(), own(tmp_path))
    assert not silent.fired
    assert "threshold_mV" not in silent.numbers
    titles = [axes.get_title(loc="left") for axes in spike_figure(silent, axon=False).axes]
    assert "No spike" in titles
    assert "One spike" not in titles


def test_the_times_on_the_page_add_up_from_the_start_of_the_command():
    import time

    from experiments.compare.main_job import _timing
    from experiments.kit.timing import Stopwatch, process_age

    watch, started = Stopwatch(), time.perf_counter()
    with watch.during("simulation"), watch.during("training"):
        time.sleep(0.02)
    with watch.during("drawing"):
        time.sleep(0.01)
        # Drawn while a simulation runs: the time counts once.
        with watch.during("simulation"):
            time.sleep(0.05)
    for before in (None, 2.5):
        found = _timing(watch, started, before)
        parts = [found[name] for name in ("start", "work", "drawing", "rest")]
        assert sum(parts) == pytest.approx(found["total"])
        assert all(part >= 0 for part in parts)
        # Called from Python, nothing before the call is counted.
        assert found["of_command"] is (before is not None)
        assert found["start"] == (before or 0.0)
        assert found["total"] <= (before or 0.0) + time.perf_counter() - started
        assert found["processor"] > 0.1
    # The imports of this very process came before.
    age = process_age()
    assert age is None or age - (time.perf_counter() - started) > 0.1


def test_a_figure_is_drawn_once_for_page_and_files(tmp_path):
    from experiments.kit.result import Result
    from experiments.kit.style import drawing, drawn, svg_uri

    with drawing(2, 2) as (figure, axes):
        axes.plot([0, 1])
        axes.set_title("Rate")
    engine = figure.get_layout_engine()
    ready = {"rate": drawn(figure)}
    assert figure.get_layout_engine() is engine
    Result(figures={"rate": figure}).write(tmp_path, ready)
    assert (tmp_path / "rate.svg").read_bytes() == ready["rate"]["svg"]
    assert (tmp_path / "rate.png").read_bytes()[1:4] == b"PNG"
    assert svg_uri(ready["rate"]["svg"]).startswith("data:image/svg+xml;base64,")
    # A figure that nobody has drawn yet is drawn when it is written.
    (tmp_path / "rate.svg").unlink()
    Result(figures={"rate": figure}).write(tmp_path)
    assert b"Rate" in (tmp_path / "rate.svg").read_bytes()


def table(tmp_path, rows=240):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, rows))
    chance = 1 / (1 + np.exp(-2.5 * a * b - a))
    y = np.where(rng.random(rows) < chance, "yes", "no")
    cells = [f"{k},{x:.3f} cm,{z:.3f},{c}" for k, (x, z, c) in enumerate(zip(a, b, y, strict=True))]
    # A row without a target takes no part.
    cells[7] = cells[7].rpartition(",")[0] + ","
    # Rows entered twice, under one id.
    cells += cells[10:13]
    file = tmp_path / "mine.csv"
    file.write_text("id,length,b,y\n" + "\n".join(cells) + "\n")
    return file


def test_a_quantity_is_refused_and_a_question_offered(tmp_path):
    from experiments.compare.table_part import check_target

    with pytest.raises(ParameterError, match=r"--target 'b > ") as told:
        check_target(table(tmp_path), "b", {})
    assert "neurosim convert" in str(told.value)
    assert check_target(table(tmp_path), "b > 0", {}).frame.shape == (243, 4)
    with pytest.raises(ParameterError, match=r"--target 'b > [^']*'"):
        check_target(table(tmp_path), "b", {})


@pytest.mark.slow
def test_a_table_takes_the_place_of_the_digits(tmp_path):
    """Cleaned as `neurosim train` does, and its neurons compared with it row by row."""
    from ann.data import read_table, train
    from experiments.compare.network_part import Answered, answer, conversion_curve, inputs_of
    from experiments.compare.parameters import Parameters
    from experiments.compare.story import MARGIN
    from experiments.compare.table_part import check_target, learn
    from experiments.kit.registry import Context
    from experiments.kit.timing import Stopwatch

    file = table(tmp_path)
    mine = learn(check_target(file, "y", {}), file.name, "y", seed=3)
    done = train(read_table(file), "y", model="shallow", seed=3)
    trained = mine.trained
    # The same rows are held out, and the same answers given, as by `neurosim train`.
    assert trained.y_test.tolist() == done.held_out.truth.tolist()
    assert trained.network.predict(trained.X_test).tolist() == done.held_out.answers.tolist()
    assert len(trained.X_train) == mine.learned
    assert mine.learned + len(trained.y_test) == 239
    assert mine.left_out == ("id",)
    assert mine.used == ("length", "b")
    assert "Of 243 rows" in mine.said()
    assert "Of the others, 1 lacks the target and 3 are copies." in mine.said()
    context, watch = Context(), Stopwatch()
    digits = Parameters().digits.up_to_judged()
    curve = conversion_curve(digits, context, watch)
    run = answer(trained, True, curve, digits, context, watch)
    answered = Answered(inputs_of(mine), [(trained, run)], digits.times_ms)
    decision = answered.decisions[50.0]
    assert decision.inputs == len(trained.y_test)
    assert decision.things == "rows"
    assert decision.ann == np.mean(done.held_out.answers == done.held_out.truth)
    # Of 48 rows none shows more than a few points: the paired interval has to reach the margin.
    assert decision.lost.low < MARGIN
    assert decision.lost.value == pytest.approx(100 * (decision.ann - decision.neurons))
    # The claim about digits is not made of a table; equivalence is, and over rows.
    (verdict,) = answered.verdicts()
    assert "equivalence" in verdict.what
    assert verdict.draws_are == "rows"
    told = answered.table
    assert list(told["time_ms"]) == [10, 25, 50, 100]
    assert (np.diff(told["atp_molecules"]) > 0).all()


def test_the_neuron_that_stands_for_a_cell_has_the_curve_of_its_unit():
    """Resistance and reset follow from currents; Lapicque's rate of the neuron is the unit's."""
    from brian2 import mV

    from bridge.units.lif import LIFRate
    from experiments.compare.measured_part import point_neuron_of

    unit = LIFRate(47.4, 42.2, 0.036, 0.0013)
    neuron = point_neuron_of(unit)
    assert float(neuron.V_th / mV) == -55
    assert -69 < float(neuron.V_reset / mV) < -68
    again = LIFRate.from_membrane(
        neuron.R_m, neuron.tau_m, neuron.E_L, neuron.V_th, neuron.V_reset, neuron.t_ref
    )
    currents = np.array([40.0, 60, 100, 200, 300])
    np.testing.assert_allclose(again.rate(currents), unit.rate(currents), rtol=1e-6)


def fitted(rate_Hz):
    from bridge.choice.select_unit import select
    from bridge.counts.curve import FICurve
    from experiments.kit.unit_tables import Fitted

    currents = np.arange(0.0, 301, 20)
    curve = FICurve(currents, np.round(rate_Hz(currents)).astype(int), 1.0)
    return Fitted("cell: mine", curve, select(curve, seed=1))


def test_a_cell_that_no_point_neuron_stands_for_is_told():
    from experiments.compare.measured_part import network_of
    from experiments.compare.parameters import Parameters
    from experiments.compare.story import of_the_measured
    from experiments.kit.registry import Context
    from experiments.kit.timing import Stopwatch

    silent = fitted(lambda current: 0 * current)
    found = network_of(silent, "cell mine.swc", Parameters().digits, Context(), Stopwatch())
    assert found.answered is None
    said = of_the_measured(found.cell, found.residual_Hz, None, found.why)
    assert "No network was trained with the curve of the cell mine.swc: " in said
    # The reason is that of the curve itself.
    assert str(silent.selection.refused["curve"]) in said
    assert "no integrate-and-fire neuron" not in said


@pytest.mark.slow
def test_a_network_learns_with_a_cells_own_curve_and_runs_on_the_neuron_for_it():
    from bridge.units.lif import LIFRate
    from experiments.compare.measured_part import network_of
    from experiments.compare.parameters import Parameters
    from experiments.compare.story import of_the_measured
    from experiments.kit.registry import Context
    from experiments.kit.timing import Stopwatch

    # Above 240 pA it blocks: the curve is used up to its peak, and fitted there.
    unit = LIFRate(47.4, 42.2, 0.036, 0.0013)
    cell = fitted(lambda current: np.where(current > 240, 30, unit.rate(current)))
    digits = Parameters().digits.up_to_judged()
    found = network_of(cell, "cell mine.swc", digits, Context(), Stopwatch())
    ((trained, run),) = found.answered.pairs
    assert trained.network.activation.curve.currents[-1] == 240
    assert found.residual_Hz < 1
    decision = found.answered.decisions[50.0]
    assert decision.ann > 0.95
    assert decision.neurons > 0.93
    assert run.network.neuron == found.neuron
    said = of_the_measured(
        found.cell, found.residual_Hz, decision, found.why, found.top_pA, found.blocked
    )
    assert (
        "the measured curve of the cell mine.swc, up to its highest rate at 240 pA (beyond it the "
        "cell is in block, and the curve is not used), in place of the sigmoid"
    ) in said
    assert "90 % interval of the accuracy lost" in said
    assert "It runs on an integrate-and-fire neuron fitted to this cell" in said
    assert ("they are equivalent" in said) is decision.equivalent


@pytest.mark.slow
def test_one_page_tells_of_an_own_shape_and_an_own_table(tmp_path):
    """The whole job, as small as it gets: one cell that fires, one model, one table."""
    import json

    from experiments.compare.main_job import Parameters, compare
    from experiments.gallery.neurons.one_spike import Parameters as SpikeParameters
    from experiments.kit.registry import Context

    file, spike = table(tmp_path), SpikeParameters(trains=1, duration_ms=40.0)
    given = Parameters(
        shape="mine.swc", table=str(file), target="y", noise_mV=(), spike=spike,
        options={"soma_diameter": "16um"},
    )  # fmt: skip
    out, growing = tmp_path / "out", []

    def tell(line):
        growing.append((line, (out / "report.html").read_text()))

    result = compare(given, Context(quick=True, jobs=2), out, own=own(tmp_path), tell=tell)
    # The page is there before anything has run, and each part as it ends.
    assert len(growing) == 3
    assert "the neuron with its synapses is on the page" in growing[0][0]
    assert "Still to come: one spike of this neuron; the units" in growing[0][1]
    assert "60 excitatory and 20 inhibitory synapses" in growing[0][1]
    assert "Soma and dendrites" in growing[1][1]
    assert "Still to come: a network on spiking neurons." in growing[2][1]
    assert [page.count("data:image/svg+xml;base64,") for _, page in growing] == [1, 1, 2]
    page = (out / "report.html").read_text()
    assert "Still to come" not in page
    assert "Not computed anew" not in page
    for said in ("Soma and dendrites", "of mine.swc", "The file has no axon", "predicts y of mine"):
        assert said in page
        assert said in " ".join(map(str, result.numbers["sentences"].values()))
    assert "held-out rows" in page
    assert "scikit-learn's digits" not in page.replace("&#39;", "'")
    assert "textbook neuron</" not in page
    assert f"--cell mine.swc --table {file} --target y --soma-diameter 16um" in page
    kept = json.loads((out / "result.json").read_text())
    assert kept["numbers"]["table"]["left_out"] == ["id"]
    assert next(iter(kept["numbers"]["units"])) == "cell: mine"
    assert next(v["what"] for v in kept["verdicts"]).endswith("equivalence, on this page")
    assert page.count("data:image/svg+xml;base64,") == 5
