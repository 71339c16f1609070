"""How sure the numbers of a unit are: clockwork cells, bands, and fits that nothing can test."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import pA, second

from bridge import FICurve, fi_curve, select
from bridge.choice.goodness_of_fit import informative_currents
from bridge.choice.recovery import MORE_TRUTHS, TRUTHS, draw_curve
from bridge.units import LIFRate
from neurosim import LIF


def clock_counts(truth, currents, window, seed):
    """Counts of a clock that is met at a random phase: n spikes, or one more."""
    random = np.random.default_rng(seed)
    cycles = truth.rate(currents) * window
    return FICurve(currents, np.floor(cycles + random.random(len(currents))), window)


def as_clock(curve):
    """The same counted twice, as a clock repeats itself."""
    columns = (np.repeat(getattr(curve, name), 2) for name in ("current_pA", "count", "window_s"))
    return FICurve(*columns, trial=np.tile([0, 1], len(curve)))


def inside(truth, fit):
    return {name: getattr(truth, name) in ends for name, ends in fit.intervals.items()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_intervals_of_a_clockwork_cell_hold_its_parameters(seed):
    """All four intervals of the textbook neuron missed the truth."""
    random = np.random.default_rng(seed)
    currents = np.sort(random.uniform(40, 880, 25))
    curve = fi_curve(LIF(), currents * pA, duration=1 * second)
    assert curve.clockwork
    truth = LIFRate.from_membrane()
    chosen = select(curve, ["lif"])
    fit = chosen["lif"]
    assert all(inside(truth, fit).values()), fit.intervals
    assert fit.possible_by == "spike times"
    assert np.isnan(fit.p_fit)
    fine = np.linspace(*fit.valid_pA, 60)
    low, high = chosen.band(fit, fine)
    assert np.all((low <= truth.rate(fine) + 1e-9) & (truth.rate(fine) <= high + 1e-9))


@pytest.mark.parametrize("name", ["relu", "square-root", "lif", "type-two", "logistic"])
@pytest.mark.parametrize("seed", range(3))
def test_a_clock_of_any_family_lies_inside(name, seed):
    truth = (TRUTHS | MORE_TRUTHS)[name]
    currents = np.arange(0.0, 500.0, 20.0) + 20 * np.random.default_rng([9, seed]).random()
    chosen = select(as_clock(clock_counts(truth, currents, 2.0, seed)), [name])
    assert all(inside(truth, chosen[name]).values()), chosen[name].intervals
    assert chosen[name].possible_by == "counts"
    unit = chosen[name].unit.rate(chosen.curve.currents)
    assert np.all(np.abs(unit * 2.0 - chosen.curve.count) < 1)


@pytest.mark.slow
def test_spike_times_narrow_the_intervals_of_a_slow_clock():
    """Counts alone leave ± 1 Hz; the intervals between spikes far less."""
    currents = np.arange(100.0, 400.0, 12.0)
    curve = fi_curve(LIF(), currents * pA, duration=1 * second)
    without = FICurve(curve.current_pA, curve.count, curve.window_s)
    known = select(curve, ["lif"])["lif"].intervals["rheobase_pA"]
    counted = select(as_clock(without), ["lif"])["lif"].intervals["rheobase_pA"]
    assert known.high - known.low < 0.6 * (counted.high - counted.low)


def test_a_unit_that_no_clock_allows_gets_no_interval():
    truth = TRUTHS["relu"]
    currents = np.arange(0.0, 500.0, 20.0)
    chosen = select(as_clock(clock_counts(truth, currents, 5.0, 1)), ["logistic", "relu"])
    wrong = chosen["logistic"]
    assert (wrong.possible_by, wrong.adequate, wrong.intervals) == ("nothing", False, {})
    assert wrong.verdict == "does not predict every count"
    assert chosen.best.family == "relu"


@pytest.mark.parametrize("name", ["logistic", "relu", "square-root", "lif", "type-two"])
@pytest.mark.parametrize("simultaneous", [False, True])
def test_the_band_holds_the_fit(name, simultaneous):
    """At 200 pA the fit was 36.4 Hz and its band 36.0 to 47.0 Hz, all but above it."""
    curve = draw_curve((TRUTHS | MORE_TRUTHS)[name], np.arange(0.0, 500.0, 25.0), 1.0, 3, 11)
    chosen = select(curve, [name], intervals=None)
    fit = chosen[name]
    fine = np.linspace(*fit.valid_pA, 300)
    low, high = chosen.band(fit, fine, simultaneous=simultaneous)
    rate = fit.unit.rate(fine)
    assert np.all((low <= rate) & (rate <= high))
    assert np.all(low >= 0)
    # Neither side is a sliver of the other: the band is about the fit.
    firing = rate > 5
    sides = (high - rate)[firing].mean() / (rate - low)[firing].mean()
    assert 0.5 < sides < 2


def test_the_simultaneous_band_is_the_wider():
    curve = draw_curve(TRUTHS["logistic"], np.arange(0.0, 500.0, 25.0), 1.0, 3, 11)
    chosen = select(curve, ["logistic"], intervals=None)
    fine = np.linspace(0, 475, 50)
    (low, high), (lower, higher) = (
        chosen.band(chosen.best, fine, simultaneous=both) for both in (False, True)
    )
    ratio = (higher - lower).mean() / (high - low).mean()
    assert 1.1 < ratio < 1.6  # Scheffé's band, which is for any contrast, would be 1.43


def test_a_residual_of_nothing_is_no_misfit():
    """Three spiking currents: type-two with a residual of 0.00 Hz was said to miss (p = .001)."""
    curve = FICurve(np.arange(-100.0, 301.0, 50.0), [0, 0, 0, 0, 0, 0, 1, 2, 3], 0.5)
    assert informative_currents(curve.statistics()) == 4
    chosen = select(curve)
    for fit in chosen.fits:
        assert fit.adequate, fit.family
        assert np.isnan(fit.p_fit) or fit.p_fit > 0.05 or fit.residual_rms_Hz > 0.5
    for fit in chosen.fits:
        if fit.n_parameters >= 4:
            assert np.isnan(fit.p_fit)
            assert any("nothing is left" in note for note in fit.notes)
    assert chosen.refused["noisy-lif"].reason == "few-informative"
    assert "not enough informative currents" in chosen.refused["noisy-lif"]


def test_both_bands_are_those_that_are_asked_for_one_by_one():
    curve = draw_curve(TRUTHS["square-root"], np.arange(0.0, 500.0, 50.0), 1.0, 3, 12)
    chosen = select(curve, ["square-root"], intervals=None)
    fine = np.linspace(0, 450, 12)
    both = chosen.both_bands(chosen.best, fine)
    for simultaneous, band in enumerate(both):
        alone = chosen.band(chosen.best, fine, simultaneous=bool(simultaneous))
        np.testing.assert_allclose(band, alone, rtol=1e-12)
