"""What a unit says of one cell agrees with itself: noise, rates, ends, properties and cautions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from brian2.units import Mohm, ms, mV, pA, second

from bridge import EquivalentUnit, FICurve, equivalent_unit, select
from bridge.choice.goodness_of_fit import informative_currents
from bridge.choice.recovery import TRUTHS, draw_curve
from bridge.counts.clockwork import rate_ranges, steady_intervals, uneven
from bridge.counts.spike_timing import timing_of
from bridge.equivalent.atlas import build_atlas, draw_atlas
from bridge.equivalent.card_figure import draw_panel
from bridge.equivalent.cautions import cautions
from bridge.equivalent.sentences import parameter_rows, property_rows
from bridge.errors import CurveError
from bridge.stimulate.model_properties import PASSIVE
from bridge.stimulate.step_responses import Trace, run_steps
from neurosim import LIF, OrnsteinUhlenbeck, TraubMiles, from_brian2

NOISY = """dv/dt = (E_L - v + R*I)/tau + 3*mV*sqrt(2/tau)*xi : volt (unless refractory)
I : amp"""
BURSTING = """dv/dt = (0.04*v**2/mV + 5*v + 140*mV - u + I*R)/ms : volt
du/dt = 0.02*(0.2*v - u)/ms : volt
I : amp"""


def twice(current: np.ndarray, count: np.ndarray) -> FICurve:
    """Two copies of every count, as of a model without noise."""
    n = len(current)
    return FICurve(np.repeat(current, 2), np.repeat(count, 2), 1.0, [0, 1] * n)


# Noise


def test_bars_and_residuals_show_the_same_noise():
    """Few counts, whose regularity is doubtful: one standard deviation a current, named once."""
    current = np.repeat(np.arange(0, 451, 50), 2)
    count = np.where(current == 400, 5, np.where(current == 450, 11, 0))
    chosen = select(FICurve(current, count, 1.0, [0, 1] * 10), intervals=None)
    best = chosen.best
    assert best.tested_by == "Poisson counts"
    bars = chosen.noise.rate_sd_Hz(chosen.curve.statistics())
    fires = chosen.curve.mean_rate_Hz() > 0
    # At the counted and at the fitted rates, which are nearly the same here.
    np.testing.assert_allclose(best.noise_Hz[fires], bars[fires], rtol=0.05)
    assert "against Poisson counts" in chosen.in_sentences()[1]


@pytest.mark.parametrize("repeats", [1, 2])
def test_poisson_counts_are_hardly_ever_called_something_else(repeats):
    random = np.random.default_rng(11)
    current = np.repeat(np.arange(0, 451, 50.0), repeats)
    trial = np.tile(np.arange(repeats), 10)
    said = []
    for _ in range(12):
        count = random.poisson(0.2 * np.maximum(0, current - 120))
        said.append(str(select(FICurve(current, count, 1.0, trial), intervals=None).noise))
    claims = [one for one in said if one.startswith(("counts scatter less", "counts scatter more"))]
    assert len(claims) <= 3, claims


# Goodness of fit


def test_units_with_the_same_rates_have_the_same_p():
    """A LIF unit whose span has come to 0 is a straight line, and misses what a line misses."""
    cell = from_brian2(
        NOISY,
        threshold="v > -50*mV",
        reset="v = -62*mV",
        current="I",
        parameters={"E_L": -68 * mV, "R": 150 * Mohm, "tau": 15 * ms},
    )
    steps = run_steps(cell, np.arange(0, 401, 25) * pA, trials=3, seed=1)
    chosen = select(steps.curve, ["relu", "lif", "softplus"], intervals=None)
    line, lif = chosen["relu"], chosen["lif"]
    assert lif.residual_rms_Hz == pytest.approx(line.residual_rms_Hz, rel=1e-3)
    assert not line.adequate
    assert not lif.adequate
    assert chosen["softplus"].adequate
    # Its potential goes up and down without current: rest is a mean, and says how sure it is.
    assert 0.5 < steps.rest_error_mV < 2.5
    assert abs(steps.properties.rest_mV + 68) < steps.rest_error_mV
    (rest,) = [row for row in property_rows(steps.properties, None, steps.rest_error_mV)
               if row.name == "rest_mV"]  # fmt: skip
    assert f"± {steps.rest_error_mV:.2g} mV" in rest.value


def test_many_even_currents_are_as_many():
    for current in (np.linspace(0, 500, 1501), np.append(np.arange(9.0), 1e4),
                    np.geomspace(1, 5000, 40)):  # fmt: skip
        fires = FICurve(current, np.arange(len(current)), 1.0).statistics()
        assert informative_currents(fires) == len(current)


def test_too_few_currents_leave_nothing_to_test_by():
    chosen = select(FICurve([0, 50, 100, 150, 200], [0, 0, 0, 5, 11], 1.0), intervals=None)
    assert chosen["logistic"].verdict == "nothing is left to test it by"


def test_currents_that_are_all_but_equal_are_one():
    current = np.array([0, 100, 100, 100.0001, 200, 300, 300, 400])
    count = np.array([0, 3, 4, 3, 9, 15, 14, 20])
    near = FICurve(current, count, 1.0, [0, 0, 1, 0, 0, 0, 1, 0])
    same = FICurve(current.round(), count, 1.0, [0, 0, 1, 2, 0, 0, 1, 0])
    assert informative_currents(near.statistics()) == informative_currents(same.statistics()) == 5
    for curve in (near, same):
        refused = select(curve, intervals=None).refused
        assert {"lif", "naka-rushton"} <= set(refused)


# Intervals


def test_an_end_that_only_another_range_sets_is_open():
    """Half of a rate that nothing bounds is reached nowhere that anything bounds."""
    current = np.arange(0, 1001, 100.0)
    line = np.round(np.maximum(0, 0.05 * (current - 140)))
    clock = select(twice(current, line), ["naka-rushton", "relu"])
    noisy = select(draw_curve(TRUTHS["relu"], current / 2, 1.0, trials=3, seed=0), ["naka-rushton"])
    for chosen in (clock, noisy):
        ends = chosen["naka-rushton"].intervals
        assert np.isinf(ends["max_rate_Hz"].high)
        assert np.isinf(ends["half_pA"].high)
        assert np.isfinite(ends["threshold_pA"].high)


@pytest.mark.parametrize(
    ("count", "ends"),
    [
        # A line: its threshold and steepness are known, whatever the largest rate may be.
        ([0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 80], {"threshold_pA": 240, "exponent": 1.3}),
        # It fires at 300 pA, so that its threshold is below.
        ([0, 0, 0, 40, 41, 42, 43, 44, 45, 46, 47], {"threshold_pA": 300}),
        ([0] * 7 + [40, 41, 41, 42], {"threshold_pA": 700}),
    ],
)
def test_ends_that_the_data_set_stay_closed(count, ends):
    found = select(twice(np.arange(0, 1001, 100.0), np.array(count)), ["naka-rushton"])
    intervals = found["naka-rushton"].intervals
    assert all(intervals[name].high <= most for name, most in ends.items())


def test_a_clock_in_next_to_no_noise_has_the_ends_of_one_without():
    """Noise may come as near to 0 as it likes; the other ends then are those of the LIF unit."""
    found = equivalent_unit(LIF(), np.arange(100, 501, 25) * pA, adaptation=False).selection
    for name, end in found["noisy-lif"].intervals.items():
        assert np.isfinite(end.high), name
        if name != "noise_pA":
            assert np.isfinite(end.low), name
            plain = found["lif"].intervals[name]
            assert end.low <= plain.low <= plain.high <= end.high


def test_a_band_is_the_same_on_any_grid():
    """A rate that breaks down within a few picoampere: the band is not read off between nodes."""
    current = np.repeat(np.arange(0, 476, 25.0), 3)
    mean = np.where(current < 300, 60 * current / (current + 60), 20)
    count = np.random.default_rng(5).poisson(mean)
    chosen = select(FICurve(current, count, 1.0, [0, 1, 2] * 20), ["block"], intervals=None)
    fine = np.linspace(0, 475, 500)
    low, high = chosen.band(chosen.best, fine)
    for k in np.flatnonzero((fine > 280) & (fine < 320))[::4]:
        (least,), (most,) = chosen.band(chosen.best, fine[[k]])
        assert low[k] <= least + 0.05 * (most - least)
        assert high[k] >= most - 0.05 * (most - least)


# Cells without noise


def test_rates_of_a_clock_are_drawn_where_the_unit_is_held_against_them():
    found = equivalent_unit(LIF(), np.arange(100, 501, 50) * pA)
    chosen = found.selection
    assert "misses the measured rates" in chosen.in_sentences()[1]
    assert "the likeliest sigmoid misses the measured rates" in chosen.sigmoid_in_words()
    ax = chosen.plot()
    (bars,) = ax.containers
    drawn = bars.lines[0].get_ydata()
    best = chosen.best
    np.testing.assert_allclose(drawn - best.unit.rate(best.current_pA), best.residual_Hz, atol=1e-9)
    plt.close("all")


def test_a_unit_that_only_counts_allow_is_not_simply_adequate():
    steps = run_steps(LIF(), np.arange(50, 501, 25) * pA, duration=200 * ms)
    chosen = select(steps.curve, intervals=None)
    row = {cells[0]: cells[-1] for cells in chosen.in_cells()}
    by = {fit.family: fit.possible_by for fit in chosen.fits}
    assert row["lif"] == "yes"
    assert by["lif"] == "spike times"
    coarse = [family for family, how in by.items() if how == "counts"]
    assert coarse
    assert all(row[family] == "counts only" for family in coarse)


def test_equal_intervals_on_a_coarse_grid_are_even():
    """Spike times on a grid of 1 ms: their intervals differ by the grid alone."""
    trains = [np.round(np.arange(0.01, 1, 1 / rate), 3) for rate in (45, 90, 187)]
    timing = timing_of(trains, 1e-3)
    assert steady_intervals(np.array([1.0, 2.0, 3.0]), timing)
    assert not uneven(timing)
    apart = [np.array([0.1, 0.11, 0.12, 0.3, 0.31, 0.32, 0.5])]
    assert uneven(timing_of(apart, 1e-3))


def test_counts_of_bursts_leave_the_true_rate():
    """Periodic bursts in a window that begins anywhere: the mean rate is always possible."""
    random, looked = np.random.default_rng(0), 0
    for _ in range(3000):
        spikes, interval = random.integers(2, 9), random.uniform(0.002, 0.004)
        period = random.uniform(1.2, 20) * spikes * interval
        begun = random.uniform(0, period) - period + period * np.arange(-2, 1 / period + 3)
        train = (begun[:, None] + interval * np.arange(spikes)).ravel()
        train = train[(train >= 0) & (train < 1)]
        gaps = np.diff(train)
        if len(train) < 4 or gaps.std(ddof=1) <= gaps.mean():
            continue
        looked += 1
        count = np.array([float(len(train))])
        ranges = rate_ranges(np.zeros(1, dtype=int), count, np.ones(1), timing_of([train], 1e-6))
        assert ranges.low[0] <= spikes / period <= ranges.high[0]
    assert looked == 2557


def test_a_cell_that_bursts_is_no_clock():
    """Izhikevich's chattering cell: its counts go up and down by a burst, not by one spike."""
    cell = from_brian2(
        BURSTING,
        threshold="v > 30*mV",
        reset="v = -50*mV; u += 2*mV",
        current="I",
        parameters={"R": 100 * Mohm},
        start=-70 * mV,
    )
    found = equivalent_unit(cell, np.arange(-20, 201, 20) * pA, adaptation=False)
    curve = found.selection.curve
    assert curve.clockwork
    assert uneven(curve.timing)
    assert "at uneven intervals" in str(found)
    assert "lockwork:" not in str(found)
    assert found.ok, found.refusal
    assert found.selection.best.possible_by == "counts"
    assert all(text != "not asked for" for _, text in _intervals(found))


def _intervals(found: EquivalentUnit) -> list[tuple[str, str]]:
    best = found.selection.best
    return [(row[0], row[2]) for row in parameter_rows(best)]


# Properties and cautions


@pytest.mark.parametrize("window", [5, 50])
def test_short_windows_leave_the_membrane_its_resistance(window):
    currents = np.arange(100, 601, 100) * pA
    steps = run_steps(LIF(), currents, duration=window * ms, settle=0 * second)
    assert steps.duration_s == pytest.approx(1e-3 * window)
    known = steps.properties
    assert known.input_resistance_Mohm == pytest.approx(100, rel=0.002)
    assert known.time_constant_ms == pytest.approx(20, rel=0.005)
    assert known.capacitance_pF == pytest.approx(200, rel=0.006)
    assert known.sag_ratio == pytest.approx(0, abs=0.002)
    assert steps.rest_error_mV == 0


def test_noise_does_not_change_the_membrane():
    """Near its threshold a membrane answers noise and step together, and not each alone."""
    currents = np.arange(0, 101, 20) * pA
    noise = OrnsteinUhlenbeck(sd=20 * pA)
    noisy = run_steps(TraubMiles(), currents, background=noise, seed=1).properties
    quiet = run_steps(TraubMiles(), currents).properties
    shares: list[float] = []
    run_steps(TraubMiles(), currents, background=noise, progress=shares.append)
    assert shares == sorted(shares)
    for name in PASSIVE:
        assert getattr(noisy, name) == pytest.approx(getattr(quiet, name), rel=0.05, abs=0.01)


def test_a_cell_that_is_held_is_not_called_resting():
    known = run_steps(LIF(), np.arange(100, 601, 100) * pA).properties
    curve = FICurve([0, 100, 200], [0, 0, 5], 1.0, provenance={"holding_pA": -50.0})
    held = replace(known, rest_mV=-30.0)
    words = {row.name: row.words for row in property_rows(held, curve)}
    assert words["rest_mV"] == "potential at the holding current of -50 pA"
    (caution,) = cautions(held, rest_name=words["rest_mV"])
    assert str(caution).startswith("the potential at the holding current of -50 pA of -30 mV")
    nearly = FICurve([0, 100, 200], [0, 0, 5], 1.0, provenance={"holding_pA": -0.5})
    assert {row.name: row.words for row in property_rows(known, nearly)}["rest_mV"] == (
        "resting potential"
    )


def test_resets_are_drawn_from_where_the_potential_was():
    """Peaks of resets are as high as a time step reaches: one that is high hides no others."""
    time = np.arange(0, 0.5, 1e-4)
    volts = np.full(len(time), -60.0)
    spikes = np.array([0.1, 0.2, 0.3])
    for k, peak in zip(np.searchsorted(time, spikes), (-45.0, 5.0, -40.0), strict=True):
        volts[k] = peak
    steps = run_steps(LIF(), np.arange(100, 301, 100) * pA)
    shown = replace(steps, traces=(Trace(200.0, time, volts, spikes),))
    found = replace(equivalent_unit(LIF(), np.arange(100, 501, 100) * pA), responses=shown)
    figure = plt.figure()
    draw_panel(figure, found, "potential")
    (lines,) = figure.axes[0].collections
    begun = sorted(float(segment[0, 1]) for segment in lines.get_segments())
    assert begun == [-45.0, -40.0, 5.0]
    assert "(spikes drawn in)" in figure.axes[0].get_title()
    plt.close("all")


# Doors


def test_an_atlas_names_cells_without_a_unit(tmp_path: Path):
    head = "current_pA,count,window_s\n"
    counts = {"one": [0, 0, 0, 1], "none": [0, 0, 0, 0], "good": [0, 4, 9, 14]}
    for name, column in counts.items():
        rows = "".join(f"{50 * k},{n},1\n" for k, n in enumerate(column))
        (tmp_path / f"{name}.csv").write_text(head + rows)
    found = build_atlas(tmp_path, tmp_path / "out", cards=False)
    assert len(found.cells) == 3
    figure = draw_atlas(found)
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert said.count("no unit") == 2
    assert not any("nan" in one for one in said)
    drawn = [axes for axes in figure.axes if axes.get_ylabel() or axes.lines]
    assert all(axes.get_ylim()[0] >= -1 for axes in drawn)


def test_every_file_of_an_atlas_has_a_card_of_its_own(tmp_path: Path):
    head = "current_pA,count,window_s\n0,0,1\n50,4,1\n100,9,1\n150,14,1\n"
    (tmp_path / "a").mkdir()
    for name in ("a/b.csv", "a__b.csv"):
        (tmp_path / name).write_text(head)
    build_atlas(tmp_path, tmp_path / "out")
    assert len(list((tmp_path / "out" / "cells").glob("*.json"))) == 2
    assert len(list((tmp_path / "out" / "cards").glob("*.html"))) == 2


@pytest.mark.parametrize("unit", ["uA/cm2", "uA/cm^2", "µA cm-2", "A/m2", "nA_per_um2", "uA_cm2"])
def test_a_density_is_not_renamed_into_a_current(tmp_path: Path, unit: str):
    path = tmp_path / "density.csv"
    path.write_text(f"current_{unit},count,window_s\n0,0,1\n5,4,1\n10,9,1\n", encoding="utf-8")
    with pytest.raises(CurveError, match="current per area; multiply it by the area"):
        FICurve.from_csv(path)


@pytest.mark.parametrize("column", ["C_uF/cm2", "stim-2", "area_m2"])
def test_another_column_is_no_density(tmp_path: Path, column: str):
    path = tmp_path / "other.csv"
    path.write_text(f"amplitude,count,window_s,{column}\n0,0,1,1\n5,4,1,1\n", encoding="utf-8")
    with pytest.raises(CurveError) as caught:
        FICurve.from_csv(path)
    assert "current per area" not in str(caught.value)


def test_a_rate_that_no_neuron_has_is_told_with_its_own_window():
    with pytest.raises(CurveError, match=r"1500 spikes in 0.1 s, 1.5e\+04 Hz"):
        FICurve.from_frame(
            pd.DataFrame(
                {
                    "current_pA": [0, 100, 300, 500],
                    "count": [0, 300, 900, 1500],
                    "window_s": [1.0, 0.1, 0.1, 0.1],
                }
            )
        )
