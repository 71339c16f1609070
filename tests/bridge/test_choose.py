"""Selection on recorded cells and on drawn counts: choices, refusals, and what is told."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from bridge.choice.recovery import TRUTHS, draw_curve
from bridge.choice.select_unit import select
from bridge.choice.selection_words import fit_sentence
from bridge.counts.curve import FICurve
from bridge.errors import CurveError, RefusedError
from bridge.units import FAMILIES, Logistic
from neurosim.errors import ParameterError, UnknownNameError

CURRENTS = np.arange(0, 501, 25.0)


@pytest.fixture(scope="module")
def recorded(shared_data):
    def read(name):
        table = pd.read_csv(shared_data / "recordings" / "counted" / f"{name}.csv")
        return FICurve.from_frame(table[table["step"] == 1], source=name)

    return read


@pytest.mark.slow
def test_fast_spiking_cell(recorded):
    curve = recorded("2019_07_24_0055_fsi")
    chosen = select(curve)
    assert chosen.best.family == "naka-rushton"
    assert chosen.best.adequate
    assert chosen.best.residual_rms_Hz <= chosen.best.noise_rms_Hz
    # 13 Hz per count of a half-second window: the sigmoid is far off.
    assert not chosen["logistic"].adequate
    assert chosen.sigmoid_loss.rms_Hz > 4
    assert chosen.sigmoid_loss.bits_per_measurement > 1
    # Silent at negative currents: dropping them changes little but the threshold's certainty.
    keep = curve.current_pA >= 0
    part = FICurve(curve.current_pA[keep], curve.count[keep], curve.window_s[keep])
    assert select(part, intervals=None)["naka-rushton"].unit.rate(300) == pytest.approx(
        chosen["naka-rushton"].unit.rate(300), rel=0.02
    )


def test_regular_cell(recorded):
    chosen = select(recorded("18713001"))
    assert chosen.best.family == "naka-rushton"
    assert chosen.best.adequate
    assert chosen.best.residual_rms_Hz <= chosen.best.noise_rms_Hz
    assert chosen.noise.shape > 10
    assert 70 in chosen.best.intervals["threshold_pA"]


def test_five_points_refuse_the_larger_families(recorded):
    chosen = select(recorded("B6_IDRest"))
    assert {"naka-rushton", "lif", "noisy-lif"} <= set(chosen.refused)
    assert "measure at least 6" in chosen.refused["lif"]
    assert chosen.best.family == "square-root"
    assert any("extrapolated" in note for note in chosen.best.notes)
    assert chosen.ok


def test_depolarisation_block_is_refused_and_the_rising_part_accepted(recorded):
    curve = recorded("171116sh_0019")
    # With every family the cell gets the block unit; monotone ones are refused by name.
    assert select(curve, intervals=None).best.family == "block"
    monotone = [family for family in FAMILIES if family.monotone]
    blocked = select(curve, monotone)
    assert not blocked.ok
    assert blocked.best is None
    for word in ("depolarisation block", "1000 pA", "32 Hz", "current_max=1000"):
        assert word in blocked.refused["curve"]
    assert blocked.refused["curve"].reason == "block"
    with pytest.raises(RefusedError, match="depolarisation block") as caught:
        blocked.require()
    assert caught.value.reason == blocked.refusal.reason == "block"
    assert pickle.loads(pickle.dumps(blocked.refused["curve"])).reason == "block"
    assert caught.value.selection is blocked
    rising = select(curve, monotone, current_max=1000)
    assert rising.best.adequate
    assert rising.require() is rising.best.unit
    assert rising.best.valid_pA == (-100, 1000)
    assert rising.best.residual_rms_Hz <= rising.best.noise_rms_Hz


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ([0, 0, 0, 0, 0, 0], "no spikes up to 500 pA"),
        ([0, 0, 0, 0, 0, 7], "only one current"),
    ],
)
def test_hopeless_curves(counts, reason):
    chosen = select(FICurve(np.arange(0, 501, 100.0), counts, 1.0))
    assert reason in chosen.refused["curve"]
    assert not chosen.fits
    with pytest.raises(RefusedError, match=reason):
        chosen.require()
    with pytest.raises(RefusedError, match=reason):
        chosen["relu"]


def test_too_few_currents_for_all():
    chosen = select(FICurve([0, 100, 200], [0, 4, 9], 1.0))
    assert "too few currents for every family" in chosen.refused["curve"]
    assert "measure at least 4" in chosen.refused["relu"]
    assert chosen.refused["block"].reason == "no-block"
    others = {why.reason for name, why in chosen.refused.items() if name != "block"}
    assert others == {"few-currents"}
    assert chosen.to_dict()["reasons"]["relu"] == "few-currents"


def test_nothing_adequate_is_refused():
    """A curve with two steps in it, counted a hundred times over."""
    staircase = np.repeat([0, 1000, 1001, 3000, 3001, 3002], 3)
    chosen = select(FICurve(np.arange(18) * 25.0, staircase, 100.0), intervals=None)
    assert "no family fits" in chosen.refused["curve"]
    assert chosen.refusal.reason == "misfit"
    assert not any(fit.adequate for fit in chosen.fits)
    with pytest.raises(RefusedError, match="no family fits"):
        chosen.require()


def test_repeats_uncover_a_small_but_certain_misfit():
    """Lack of fit against pure error: a curve that is wrong by less than Poisson noise."""
    truth = TRUTHS["naka-rushton"]
    exact = np.floor(truth.rate(CURRENTS) * 0.5)
    current = np.repeat(CURRENTS, 4)
    jitter = np.tile([0, 1, 0, 1], len(CURRENTS))
    count = np.repeat(exact, 4) + jitter * (np.repeat(exact, 4) > 0)
    curve = FICurve(current, count, 0.5, np.tile(np.arange(4), len(CURRENTS)))
    chosen = select(curve, intervals=None)
    assert chosen.noise.source == "repeats"
    assert chosen.best.family == "naka-rushton"
    assert chosen.best.adequate
    assert not chosen["relu"].adequate


@pytest.fixture(scope="module")
def p_of_true_units():
    """Chances of a misfit of the true unit, which fires few spikes, in 80 data sets."""
    p = []
    for seed in range(80):
        curve = draw_curve(TRUTHS["logistic"], CURRENTS, 0.1, 1, [6, seed])
        chosen = select(curve, ["logistic"], intervals=None)
        if chosen.fits:  # a chance fall after the peak is another test's business
            p.append(chosen["logistic"].p_fit)
    assert len(p) >= 76
    return np.array(p)


@pytest.mark.slow
def test_misfit_test_keeps_its_level(p_of_true_units):
    """The true unit is disowned in about one of a hundred data sets, also with few spikes."""
    assert np.mean(p_of_true_units < 0.01) <= 0.05


@pytest.mark.slow
def test_p_is_uniform_where_the_unit_is_true(p_of_true_units):
    assert 0.35 < np.mean(p_of_true_units < 0.5) < 0.65


def test_same_seed_same_answer():
    curve = draw_curve(TRUTHS["lif"], CURRENTS, 1.0, 3, 5)
    assert select(curve, seed=3).to_dict() == select(curve, seed=3).to_dict()


def test_weights_and_aicc():
    curve = draw_curve(TRUTHS["relu"], CURRENTS, 1.0, 3, 5)
    chosen = select(curve, intervals=None)
    assert sum(fit.weight for fit in chosen.fits) == pytest.approx(1)
    assert list(chosen.to_frame()["aicc"]) == sorted(chosen.to_frame()["aicc"])
    fit = chosen["relu"]
    # The noise is one for all families and a parameter of none.
    free, n = 2, len(curve)
    expected = -2 * fit.log_likelihood + 2 * free + 2 * free * (free + 1) / (n - free - 1)
    assert fit.aicc == pytest.approx(expected)


def test_sigmoid_loss_is_what_it_says():
    curve = draw_curve(TRUTHS["square-root"], CURRENTS, 1.0, 3, 6)
    chosen = select(curve, ["logistic", "square-root"], intervals=None)
    loss, best, sigmoid = chosen.sigmoid_loss, chosen["square-root"], chosen["logistic"]
    gap = sigmoid.unit.rate(CURRENTS) - best.unit.rate(CURRENTS)
    assert loss.rms_Hz == pytest.approx(np.sqrt(np.mean(gap**2)))
    assert loss.max_Hz == pytest.approx(np.abs(gap).max())
    bits = (best.log_likelihood - sigmoid.log_likelihood) / np.log(2)
    assert loss.bits_per_measurement == pytest.approx(bits / len(curve))
    assert loss.bits_per_spike == pytest.approx(bits / curve.count.sum())
    own = select(draw_curve(TRUTHS["logistic"], CURRENTS, 1.0, 3, 6), ["logistic"], intervals=None)
    assert own.sigmoid_loss.rms_Hz == 0


def test_everything_can_be_printed_and_saved():
    chosen = select(draw_curve(TRUTHS["softplus"], CURRENTS, 1.0, 3, 7))
    text = json.dumps(chosen.to_dict(), allow_nan=False)
    assert json.loads(text)["best"] == chosen.best.family
    printed = str(chosen)
    for fit in chosen.fits:
        assert fit.family in printed
    assert "The likeliest sigmoid misses the counted rates by" in printed
    # The sentences of a card, once each, and one table.
    title, first, second = printed.splitlines()[:3]
    assert title == chosen.curve.source
    assert first.startswith(f"The {chosen.best.family} unit stands for this neuron (Akaike weight")
    assert second == fit_sentence(chosen.best)
    assert printed.count(f"{chosen.best.residual_rms_Hz:.2f} Hz (residual") == 1
    for code in ("dAICc", "..;", "best unit:"):
        assert code not in printed
    assert set(chosen.to_frame().index) == {fit.family for fit in chosen.fits}


def test_known_parameters_are_not_counted():
    curve = draw_curve(TRUTHS["lif"], CURRENTS, 1.0, 3, 8)
    chosen = select(curve, ["lif"], fixed={"lif": {"refractory_s": 0.004}})
    assert chosen["lif"].n_parameters == 3
    assert chosen["lif"].unit.refractory_s == 0.004
    assert "refractory_s" not in chosen["lif"].intervals


def test_arguments_are_checked():
    curve = FICurve([0, 50, 100, 150], [0, 4, 9, 12], 1.0)
    with pytest.raises(UnknownNameError, match="did you mean 'softplus'"):
        select(curve, ["softpluss"])
    with pytest.raises(ParameterError, match="no unit family"):
        select(curve, [3])
    with pytest.raises(ParameterError, match="at least one"):
        select(curve, [])
    with pytest.raises(ParameterError, match="confidence"):
        select(curve, confidence=95)
    with pytest.raises(ParameterError, match="'bootstrap'"):
        select(curve, intervals="wald")
    with pytest.raises(UnknownNameError, match="no family 'lifs'"):
        select(curve, fixed={"lifs": {}})
    with pytest.raises(CurveError, match="only 1 of 4"):
        select(curve, current_max=10)
    for wrong in (-1, float("nan")):
        with pytest.raises(ParameterError, match=r"intervals_within = .* must be 0 or more"):
            select(curve, intervals_within=wrong)
    assert [f.family for f in select(curve, "relu").fits] == ["relu"]
    assert select(curve, [Logistic, "relu", Logistic], intervals=None).refused.keys() == {
        "logistic"
    }


def test_speed():
    """The whole choice with intervals for twenty currents: about a second of one core."""
    import time

    curve = draw_curve(TRUTHS["noisy-lif"], CURRENTS[:20], 0.5, 1, 9)
    select(curve, intervals=None)
    start = time.process_time()
    select(curve)
    assert time.process_time() - start < 3


@pytest.mark.slow
def test_intervals_of_families_that_cannot_matter_may_be_left_out(recorded):
    curve = recorded("2019_07_24_0055_fsi")
    whole = select(curve, seed=1)
    near = select(curve, seed=1, intervals_within=20)
    assert [fit.family for fit in near.fits] == [fit.family for fit in whole.fits]
    for short, long in zip(near.fits, whole.fits, strict=True):
        assert short.unit == long.unit
        assert short.aicc == long.aicc
        assert long.intervals
        close = short.aicc <= near.best.aicc + 20
        assert short.intervals == (long.intervals if close else {})
    assert not near.fits[-1].intervals
    assert near.fits[1].intervals
