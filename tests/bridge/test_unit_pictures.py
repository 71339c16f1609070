"""Curves, selections and units draw themselves, and say at a glance what they are."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from bridge.choice.adaptive_fit import draw_steps, fit_adaptive
from bridge.choice.select_unit import select
from bridge.counts.curve import FICurve
from bridge.counts.dispersion import CountNoise
from bridge.equivalent.equivalent_unit import EquivalentUnit
from bridge.units import Logistic, ReLU
from bridge.units.adaptive import Adaptive

CURRENT = np.arange(0, 401, 25.0)


@pytest.fixture(scope="module")
def chosen():
    count = np.random.default_rng(3).poisson(ReLU(0.2, 100).rate(CURRENT) * 2)
    return select(
        FICurve(CURRENT, count, 2.0, source="a <b>cell</b>"),
        families=["relu", "logistic", "lif"],
        intervals=None,
    )


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def pixels(ax):
    ax.figure.canvas.draw()
    return np.asarray(ax.figure.canvas.buffer_rgba()).astype(int)


def test_a_curve_shows_its_rates_with_bars_of_the_noise(chosen):
    curve = chosen.curve
    ax = curve.plot(noise=CountNoise())
    (bars,) = ax.containers
    np.testing.assert_allclose(bars.lines[0].get_xydata(), np.c_[CURRENT, curve.rate_Hz])
    # Poisson: the variance of a count is the count.
    (segments,) = (collection.get_segments() for collection in bars.lines[2])
    half = [np.ptp(segment[:, 1]) / 2 for segment in segments]
    np.testing.assert_allclose(half, np.sqrt(curve.count) / 2.0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("current as tabulated (pA)", "firing rate (Hz)")
    regular = curve.plot(noise=CountNoise(shape=50.0, source="residuals")).containers[0]
    shorter = [np.ptp(s[:, 1]) / 2 for s in regular.lines[2][0].get_segments()]
    assert max(shorter) < 0.4 * max(half)
    # Without any: what neighbouring currents show.
    own = curve.plot().containers[0].lines[2][0].get_segments()
    spread = curve.noise().rate_sd_Hz(curve.statistics())
    np.testing.assert_allclose([np.ptp(s[:, 1]) / 2 for s in own], spread)


def test_bars_of_a_clockwork_cell_are_not_called_scatter():
    twice = [np.repeat(column, 2) for column in (np.arange(0, 301, 50), [0, 5, 9, 13, 17, 21, 25])]
    model = FICurve(*twice, 1.0, [0, 1] * 7)
    assert model.clockwork
    ax = select(model, ["lif", "relu"], intervals=None).plot()
    said = [text.get_text() for one in ax.figure.axes for text in one.get_legend().get_texts()]
    assert "counted (± SD of possible rates)" in said
    assert not [words for words in said if "1 SD" in words]


def test_bars_follow_the_scatter_of_repeats():
    count = np.tile([0, 20, 40, 60], 4)
    curve = FICurve(np.tile([0, 1, 2, 3.0], 4), count, 1.0, np.repeat(np.arange(4), 4))
    assert curve.noise().shape > 10
    segments = curve.plot().containers[0].lines[2][0].get_segments()
    assert np.ptp(segments[-1][:, 1]) / 2 < 0.5 * np.sqrt(60 / 4)


def test_a_selection_shows_unit_band_and_residual(chosen):
    figure, axes = plt.subplots(1, 2, layout="constrained")
    ax = chosen.plot(axes[0])
    assert ax is axes[0]
    best = chosen.best
    line = next(line for line in ax.lines if line.get_label() == best.family)
    np.testing.assert_allclose(line.get_ydata(), best.unit.rate(line.get_xdata()))
    low, high = chosen.band(best, np.array([300.0]))
    assert low < best.unit.rate(300.0) < high
    band = ax.collections[-1].get_paths()[0].vertices
    top = chosen.band(best, line.get_xdata())[1].max()
    assert band[:, 1].max() == pytest.approx(top, rel=1e-12)
    # Asked for at one current alone, its end is found to a hundredth of its width.
    alone = chosen.band(best, CURRENT[-1:])[1][0]
    assert top == pytest.approx(alone, abs=0.01 * (alone - best.unit.rate(CURRENT[-1])))
    assert any(line.get_linestyle() == "--" and line.get_label() == "logistic" for line in ax.lines)
    below = next(other for other in figure.axes if other not in set(axes))
    assert below.get_ylabel() == "residual (Hz)"
    assert below.get_xlabel() == "current as tabulated (pA)"
    residual = below.lines[-1].get_xydata()
    np.testing.assert_allclose(residual, np.c_[best.current_pA, best.residual_Hz])
    assert below.get_position().y1 < ax.get_position().y0 + 1e-6
    # In the style that is set.
    with mpl.rc_context({"axes.prop_cycle": mpl.cycler(color=["red", "lime"])}):
        other = chosen.plot()
    assert other.containers[0].lines[0].get_color() == "red"
    assert np.abs(pixels(other) - pixels(chosen.plot())).max() > 50


def test_what_was_refused_says_why():
    silent = select(FICurve([0, 50, 100], [0, 0, 0], 1.0))
    assert "no spikes up to 100 pA" in silent.plot().get_title().replace("\n", " ")
    assert repr(silent).startswith("Selection(no unit: no spikes")
    assert repr(EquivalentUnit("x", silent)).startswith("EquivalentUnit(x: no unit")
    assert "no spikes" in silent._repr_html_()


def test_an_equivalent_unit_shows_the_rate_at_onset(chosen):
    counts = draw_steps(
        Adaptive(ReLU(0.5, 100), 2.0, 0.1), CURRENT, [0, 0.05, 0.1, 0.2, 0.4, 1.0], 3, 1
    )
    fit = fit_adaptive(counts, [ReLU], intervals=False)
    plain = EquivalentUnit("cell <1>", chosen)
    onset = replace(plain, adaptation=fit).plot()
    label = "at onset, before adaptation"
    line = next(line for line in onset.lines if line.get_label() == label)
    np.testing.assert_allclose(line.get_ydata(), fit.unit.onset_rate(line.get_xdata()))
    assert np.abs(pixels(onset) - pixels(plain.plot())).max() > 50
    assert "relu" in repr(plain).lower()
    page = plain._repr_html_()
    assert "cell &lt;1&gt;" in page
    assert "<td>residual</td>" in page


def test_reprs_say_what_it_is_and_hostile_names_are_escaped(chosen):
    curve = chosen.curve
    assert repr(curve).startswith("FICurve(17 currents, 0 to 400 pA; 17 measurements; 0 to ")
    for page in (curve._repr_html_(), chosen._repr_html_()):
        assert "a &lt;b&gt;cell&lt;/b&gt;" in page
        assert "<b>cell" not in page
    assert "counts scatter about as much as Poisson counts" in curve._repr_html_()
    assert chosen.best.family in repr(chosen)
    assert f"{chosen.best.unit.values[0]:.3g}" in chosen._repr_html_()


@pytest.mark.parametrize("unit", [ReLU(0.2, 100), Logistic(60, 210, 45)])
def test_a_unit_draws_its_rate(unit):
    ax = unit.plot()
    (line,) = ax.lines
    np.testing.assert_allclose(line.get_ydata(), unit.rate(line.get_xdata()))
    assert line.get_ydata().min() < 0.05 * line.get_ydata().max()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("current (pA)", "firing rate (Hz)")
    assert unit.plot(ax, current=[0, 1]).lines[1].get_xdata().tolist() == [0, 1]
