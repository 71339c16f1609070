"""The sentences of the main job say what its numbers say."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from brian2.units import second

from bridge.choice.select_unit import select
from bridge.counts.curve import FICurve
from bridge.units.logistic import Logistic
from experiments.compare.network_part import DIGITS, Answered
from experiments.compare.page_content import _of_the_recorded, accuracy_shown
from experiments.compare.report import html_table
from experiments.compare.story import (
    Decision,
    kept_and_lost,
    left_out_by_units,
    of_the_answers,
    of_the_network,
    of_the_neuron,
    of_the_refused,
    of_the_units,
    of_the_wait,
    units_in_short,
)
from experiments.gallery.networks.digits_on_neurons import Trained
from experiments.kit.estimate import Estimate
from experiments.kit.registry import Context, find
from experiments.kit.result import Verdict
from experiments.kit.unit_tables import Fitted, parameter_table, unit_table


def decision(lost, low, high, time=50.0):
    estimate = Estimate(lost, low, high, 2700, "Agresti-Min")
    return Decision(time, 0.98, 0.98 - lost / 100, estimate, 2700, 91.2, 1.23e10)


@pytest.mark.parametrize(
    ("low", "high", "equivalent"),
    [(-0.2, 0.3, True), (-2.0, 2.0, True), (1.9, 2.1, False), (-2.1, 0.5, False), (3, 4, False)],
)
def test_equivalent_is_an_interval_within_the_margin(low, high, equivalent):
    one = decision((low + high) / 2, low, high)
    assert one.equivalent is equivalent
    assert ("they are equivalent" in of_the_network(one)) is equivalent
    assert ("equivalence is not shown" in of_the_network(one)) is not equivalent


def test_a_difference_is_told_with_its_side():
    assert "1.0 percentage points fewer" in of_the_network(decision(1.0, 0.4, 1.6))
    assert "answers 98.0 % of 2700 held-out images" in of_the_network(decision(0.0, -0.2, 0.2))
    assert "1.0 percentage points more" in of_the_network(decision(-1.0, -1.6, -0.4))
    assert "equally many" in of_the_network(decision(0.0, -0.2, 0.2))
    assert "−0.2 to 0.2" in of_the_network(decision(0.0, -0.2, 0.2))
    assert "lost: 0.0 to 0.0 percentage" in of_the_network(decision(0.0, -0.04, -0.01))


def test_images_of_several_networks_are_not_said_to_be_of_one():
    said = of_the_network(decision(0.0, -0.2, 0.2), 5)
    assert "trained 5 times, each time with another 540 images held out" in said
    assert "answers 98.0 % of these 2700 correctly" in said


def test_what_is_kept_and_lost():
    early, late = decision(2.74, 2, 3.4, 10.0), decision(0.0, -0.2, 0.2)
    kept, lost, cost = kept_and_lost(early, late, 0.031, 0.042, 100.0)
    assert "own curve" not in lost
    assert "The answers are kept: after 50 ms of input 98.0 %" in kept
    assert (
        "Speed and precision are lost: after 10 ms the accuracy is 2.7 percentage points lower"
        in lost
    )
    assert "read over 100 ms scatters by 0.03 (on a range of 1); its mean is off by 0.04" in lost
    assert "91 spikes" in cost
    assert "Howarth et al. 2012" in cost
    assert "1.2·10¹⁰ molecules" in cost
    assert "open" in kept_and_lost(early, decision(2.5, 1, 4), 0.03, 0.04, 100.0)[0]
    nothing = kept_and_lost(decision(-0.01, -0.3, 0.3, 10.0), late, 0.031, 0.04, 100.0)[1]
    assert nothing.startswith("Precision is lost: after 10 ms the accuracy is no lower")


def test_the_network_with_the_cells_own_curve_loses_more():
    """The kinder network alone would hide what a network of slower neurons loses."""
    early, late = decision(2.74, 2, 3.4, 10.0), decision(0.0, -0.2, 0.2)
    own = [decision(14.1, 11, 17, 10.0), decision(4.6, 3, 6, 25.0), decision(0.3, -0.5, 1, 40.0)]
    lost = kept_and_lost(early, late, 0.031, 0.042, 50.0, ("textbook neuron", own))[1]
    assert "accuracy is 2.7 percentage points lower (a network trained with the curve of" in lost
    assert "loses 14.1 points after 10 ms and 4.6 points after 25 ms)" in lost
    assert "40 ms" not in lost
    none = decision(-0.01, -0.3, 0.3, 10.0)
    assert kept_and_lost(none, late, 0.03, 0.04, 50.0, ("cell", own))[1].startswith("Speed and")
    lost = kept_and_lost(none, late, 0.03, 0.04, 50.0, ("cell", own[2:]))[1]
    assert lost.startswith("Precision is")


def test_waiting_longer_is_told_with_its_test():
    judged, last = decision(0.0, -0.2, 0.2), decision(0.3, 0.1, 0.5, 200.0)
    said = of_the_wait(judged, last, 0.039)
    assert "Waiting until 200 ms does not help" in said
    assert "from 98.0 to 97.7 % (paired test over all answers, p = 0.039)" in said
    assert "chance would not make" in of_the_wait(judged, last, 0.3)
    assert "200 ms helps" in of_the_wait(judged, decision(-0.3, -0.5, -0.1, 200.0), 0.01)
    assert of_the_wait(judged, judged, 1.0) == ""


def test_images_that_recur_are_told():
    said = of_the_answers(2700, 1512, 5, 1.31, 1.02, ("image", "images"))
    assert "2700 answers are to 1512 different images" in said
    assert "to one image counted as one they would be 1.3 times as wide" in said
    assert of_the_answers(540, 540, 1, 1.0, 1.0, ("image", "images")) == ""


def fitted(title, rate_Hz, currents=None):
    current = np.arange(0.0, 301, 20) if currents is None else currents
    # Counts of ten seconds without scatter, and whole.
    curve = FICurve(current, np.round(10 * rate_Hz(current)).astype(int), 10.0)
    return Fitted(title, curve, select(curve, seed=1, intervals=None))


@pytest.fixture(scope="module")
def three():
    def root(current):
        return 6 * np.sqrt(np.maximum(current - 90, 0))

    def sigmoid(current):
        return 100 / (1 + np.exp(-(current - 150) / 20))

    return [
        fitted("LIF, noise 1 mV", root),
        fitted("LIF, noise 3 mV", sigmoid),
        fitted("recorded: mine", root),
    ]


def test_units_are_told_by_what_the_neurons_are(three):
    said = of_the_units(three)
    assert (
        "The 3 neurons are a leaky integrate-and-fire (LIF) neuron at 2 noise levels and the "
        "recorded cell mine." in said
    )
    assert "In 2 of 3 a curve other than the logistic sigmoid" in said
    assert "In 1 of 3 the sigmoid itself is chosen." in said
    most = max(np.abs(three[0].sigmoid.residual_Hz))
    assert f"{most:.0f} Hz" in said
    short = units_in_short(three)
    assert "In 2 of 3 neurons" in short
    assert f"misses one of the measured rates by {most:.0f} Hz." in short
    assert "In all 2 neurons" in units_in_short([three[0], three[2]])
    assert "In 1 of 1 neuron" in units_in_short(three[:1])
    silent = fitted("cell: mine", lambda current: 0 * current)
    assert units_in_short([silent]) == of_the_units([silent])
    assert "No neuron fired" in of_the_units([silent])
    # What stands in the list of neurons is what was fitted.
    assert "The 3 neurons" in of_the_units([*three, silent])


def test_a_choice_between_two_near_families_is_undecided(three):
    close = [
        replace(fit, weight=w) for fit, w in zip(three[0].selection.fits, [0.5, 0.2], strict=False)
    ]
    unsure = replace(three[0], selection=replace(three[0].selection, fits=tuple(close)))
    assert "In 1 of 2 (LIF, noise 1 mV) the choice is undecided" in of_the_units([unsure, three[1]])
    sure = [replace(close[0], weight=0.9), replace(close[1], weight=0.1)]
    sure = replace(three[0], selection=replace(three[0].selection, fits=tuple(sure)))
    assert "undecided" not in of_the_units([sure])


def test_families_that_were_not_fitted_are_named_with_the_reason(three):
    said = of_the_refused(three)
    assert "block was fitted to none of the neurons. The reason: no depolarisation block" in said
    assert set(three[0].selection.refused) == {"block"}
    falling = fitted("cell: falls", lambda current: 60 * np.exp(-(((current - 150) / 60) ** 2)))
    said = of_the_refused([*three, falling])
    assert "block was not fitted to LIF, noise 1 mV; LIF, noise 3 mV; recorded: mine. The" in said
    assert "logistic was not fitted to cell: falls. The reason: depolarisation block" in said


def test_the_nearest_sigmoid_is_no_farther_than_any(three):
    """Not than the likeliest one, nor than any near it; and a sigmoid finds itself."""
    for neuron in three:
        nearest = neuron.sigmoid
        assert nearest.rms_Hz <= neuron.selection["logistic"].residual_rms_Hz + 1e-9
        top, middle, width = nearest.unit.values
        rates = neuron.curve.mean_rate_Hz()
        for factors in np.random.default_rng(1).normal(1, 0.03, (200, 3)):
            other = Logistic(top * factors[0], middle * factors[1], width * factors[2])
            off = rates - other.rate(nearest.current_pA)
            assert np.sqrt(np.mean(off**2)) >= nearest.rms_Hz
    assert three[1].sigmoid.most_Hz < 0.1
    # Without noise a few slow rates rule the likelihood: there the two differ.
    assert three[0].sigmoid.rms_Hz < 0.95 * three[0].selection["logistic"].residual_rms_Hz


def test_the_table_says_why_a_unit_has_no_p(three):
    # With one count a current, its own residuals are all that tells how noisy the counts are.
    rest = three[0].selection.fits[0]
    noisy = replace(rest, p_fit=0.36)
    clock = replace(rest, possible_by="counts")
    for fit, said in (
        (clock, "yes (every count)"),
        (replace(clock, possible_by="nothing", adequate=False), "no (not every count)"),
        (noisy, "yes (p 0.36)"),
        (rest, "yes (no p)"),
    ):
        one = replace(three[0], selection=replace(three[0].selection, fits=(fit,)))
        assert unit_table([one])["fits"][0] == said
    # A residual that set the noise itself is no test of that noise.
    for fit, checks in ((noisy, 1), (rest, 0)):
        one = replace(three[0], selection=replace(three[0].selection, fits=(fit,)))
        assert len(_of_the_recorded(one)) == checks


def test_a_maximum_beyond_the_data_is_told():
    low = fitted("cell: low", lambda current: 300 * current**2 / (current**2 + 900**2))
    table = parameter_table([low]).set_index("parameter")
    best = low.selection.best
    assert best.family == "naka-rushton"
    assert (
        f"beyond the data, which end at {best.valid_Hz[1]:.0f} Hz"
        in table["meaning"]["max_rate_Hz"]
    )
    assert "beyond the data, which end" in table["meaning"]["half_pA"]
    assert "beyond" not in table["meaning"]["exponent"]
    full = fitted("cell: full", lambda current: 100 * current**2 / (current**2 + 60**2))
    assert not parameter_table([full])["meaning"].str.contains("beyond").any()


def test_what_a_unit_leaves_out():
    assert "34 % of the far synapse's effect reaches the soma" in left_out_by_units(
        {"epsp_left_at_soma": 0.339}
    )
    assert "synapse" not in left_out_by_units({})


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(-1, 1, "holds"), (-3, 3, "UNDECIDED"), (1, 3, "UNDECIDED"), (2.5, 3, "FAILS")],
)
def test_a_number_within_its_bar_on_both_sides(low, high, word):
    one = Verdict("difference", (low + high) / 2, 2, "within", low=low, high=high)
    assert one.word == word
    assert "within ±2" in str(one)


@pytest.mark.slow
def test_one_spike_of_the_textbook_neuron():
    """Threshold, place of origin and velocity are those that other measurements find."""
    from brian2 import ms, mV

    from experiments.gallery.neurons.one_spike import Parameters, driven_neuron
    from neurosim.axon import conduction_velocity
    from neurosim.morphology import at

    result = find("one-spike").run()
    assert result.holds
    n = result.numbers
    # The same spike, timed by detectors.
    context, parameters = Context(), Parameters()
    neuron = driven_neuron(parameters, context.seed)
    timed = conduction_velocity(
        neuron, at("axon", 0.2), at("axon", 0.8), 150 * ms, seed=context.seeds(8)[0],
        dt=parameters.dt_ms * ms, threshold=-20 * mV,
    )  # fmt: skip
    assert n["velocity_m_per_s"] == pytest.approx(float(timed), rel=0.01)
    # Passive cables weaken a response on its way; and a spike that runs back fades.
    assert 0.1 < n["epsp_left_at_soma"] < 0.6
    assert 0.02 < n["spike_left_at_dendritic_tip"] < 0.5
    assert 0.1 < n["lead_of_initial_segment_ms"] < 0.2
    said = of_the_neuron(n, 60, 20)
    assert "soma reaches −5" in said
    figure = result.figures["one-spike"]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert "One spike" in titles
    neuron = next(a for a in figure.axes if a.get_title(loc="left") == "A neuron and its synapses")
    drawn = {c.get_label(): len(c.get_offsets()) for c in neuron.collections if c.get_label()}
    assert drawn["60 excitatory synapses"] == 60
    assert drawn["20 inhibitory synapses"] == 20
    assert np.isfinite(list(n.values())).all()


def answered(monkeypatch):
    """Two networks that share one of their three images each, and their neurons at two times."""
    images = {"a": [0.0, 1], "b": [1.0, 0], "c": [0.5, 0.5], "d": [1.0, 1], "e": [0.0, 0]}

    def network(names, right):
        truth = np.zeros(len(names), dtype=int)
        model = SimpleNamespace(
            predict=lambda X: np.where(right, 0, 1), score=lambda X, y: float(np.mean(right))
        )
        return Trained(model, None, np.array([images[n] for n in names]), truth, 1)

    def neurons(at_50, at_200):
        return SimpleNamespace(
            predict=lambda time: np.where(at_50 if time < 0.1 * second else at_200, 0, 1),
            spikes_per_decision=lambda time: 10.0,
        )

    price = SimpleNamespace(spikes=10.0, atp_total=1e9)
    monkeypatch.setattr("experiments.compare.network_part.cost", lambda run, time: price)
    pairs: Any = [
        (network("abc", [True, True, False]), neurons([True, False, False], [True, True, True])),
        (network("ade", [True, True, True]), neurons([True, False, True], [True, True, True])),
    ]
    return Answered(DIGITS, pairs, (50.0, 100.0, 200.0))


def test_answers_to_one_image_are_counted_together(monkeypatch):
    found = answered(monkeypatch)
    repeats = found.repeats
    assert (repeats.answers, repeats.distinct, repeats.networks) == (6, 5, 2)
    # Right on neurons: a twice, e once, of six; both answers to a lie on one side of the mean.
    off = np.array([0.5, -0.5, -0.5, 0.5, -0.5, 0.5])
    together = (off[0] + off[3]) ** 2 + np.sum(off[[1, 2, 4, 5]] ** 2)
    assert repeats.wider_bars == pytest.approx(np.sqrt(together / np.sum(off**2)))
    # Three answers become right, none wrong: 2 / 2 ** 3.
    assert found.p_of_waiting(50.0, 200.0) == pytest.approx(0.25)
    assert found.p_of_waiting(50.0, 50.0) == 1.0


def test_checks_are_in_percent_and_say_whose_they_are(monkeypatch):
    checks = answered(monkeypatch).verdicts()
    assert checks[0].what == "accuracy of the trained networks (mean, %)"
    assert checks[0].value == pytest.approx(100 * 5 / 6)
    assert checks[0].bar == 96
    assert checks[0].low < checks[0].value < checks[0].high
    assert [one.what.partition(": ")[2] for one in checks[1:]] == [
        "equivalence, on this page",
        "claim of digits-on-neurons",
        "claim of digits-on-neurons",
    ]
    assert len({one.what for one in checks}) == len(checks)


def test_accuracies_are_shown_in_percent(monkeypatch):
    shown = accuracy_shown(answered(monkeypatch).table, "images")
    assert shown["trained network (%)"][0] == "83.33"
    assert shown["on neurons (%)"].tolist() == ["50.00", "100.00", "100.00"]
    assert shown["points lost"][0] == "33.33"
    assert "−16.67" in html_table(shown)
    assert "-" not in re.sub(r"<[^>]*>", "", html_table(shown))
