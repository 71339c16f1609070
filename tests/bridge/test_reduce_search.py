"""Searches on cells whose answer is known, on shuffled answers, and what is refused."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from brian2.units import mV, pA, um

from ann.files.tensor_file import write_tensors
from bridge.reduce import (
    Answer,
    FilterBank,
    Placements,
    PointUnit,
    ReductionError,
    Tolerance,
    Trains,
    innervate,
    load_reduction,
    reduce_rates,
    reduce_trains,
    search,
)
from bridge.reduce.dataset import Recorded, find_rate, record_trains
from bridge.reduce.files import save_formula
from bridge.reduce.filtered_events import decayed
from bridge.reduce.minimise import Fitted
from bridge.reduce.placements import FORMULAS, RateFit
from bridge.reduce.reduced_network import validate
from bridge.reduce.scores import Score
from neurosim import LIF, Neuron
from neurosim.morphology import cylinder

BRANCHES = 6


@dataclass
class Made:
    """A cell that is a formula: each branch sums its inputs, bends the sum, and all are added."""

    bend: bool
    gain: float = 6.0
    name: str = "made"
    branches: tuple = tuple(f"b{k}" for k in range(BRANCHES))
    branch: np.ndarray = field(default_factory=lambda: np.repeat(np.arange(BRANCHES), 4))
    excitatory: np.ndarray = field(default_factory=lambda: np.ones(4 * BRANCHES, dtype=bool))

    def respond(self, events, *, jobs=1, progress=None):
        trials, _, bins = events.shape
        each = np.stack([events[:, self.branch == k].sum(axis=1) for k in range(BRANCHES)], axis=1)
        slow = decayed(each.astype(np.float32), 12.0)
        if self.bend:
            slow = 6 / (1 + np.exp((3 - slow) / 0.4))
        total = slow.sum(axis=1)
        random = np.random.default_rng(int(events.sum()))
        chance = 1 / (1 + np.exp(self.gain - total))
        return Answer((random.random((trials, bins)) < chance).astype(np.uint8), total - 70)

    def to_dict(self):
        return {"kind": "Made", "bend": self.bend}


def recorded(cell, seconds=60.0, seed=1):
    splits = {"train": seconds, "validation": seconds / 2, "test": seconds / 2}
    return record_trains(cell, Trains(10.0, wander=1.0), splits, seed=seed)


@pytest.mark.slow
def test_a_linear_cell_is_a_point_unit():
    cell = Made(bend=False)
    found = search(
        cell, recorded(cell), Tolerance("variance", 0.97), [FilterBank(4), PointUnit()],
        drive=Trains(10.0), silent_rows=6000,
    )  # fmt: skip
    assert found.found == 0
    assert found.network.model == PointUnit()
    assert found.best.test.variance.value > 0.97


@pytest.mark.slow
def test_a_cell_of_bent_branches_is_two_layers():
    from bridge.reduce import TwoLayer

    cell = Made(bend=True, gain=10.0)
    found = search(
        cell, recorded(cell), Tolerance("variance", 0.9), [TwoLayer(BRANCHES), PointUnit()],
        drive=Trains(10.0), silent_rows=6000,
    )  # fmt: skip
    point, two = found.rungs
    assert point.test.variance.high < 0.9 < two.test.variance.low
    assert point.test.auc.value < two.test.auc.value
    assert found.network.model == TwoLayer(BRANCHES)


def shuffled(sets):
    """Every trial gets the answer of another one."""
    return {
        split: Recorded(
            one.events, np.roll(one.spikes, 1, axis=0), np.roll(one.voltage_mV, 1, axis=0),
            one.warm_up,
        )
        for split, one in sets.items()
    }  # fmt: skip


@pytest.mark.slow
def test_nothing_is_foretold_of_another_trials_answer():
    cell = Made(bend=False)
    found = search(
        cell, shuffled(recorded(cell)), Tolerance("auc", 0.6), [PointUnit(), FilterBank(2)],
        drive=Trains(10.0), silent_rows=6000,
    )  # fmt: skip
    assert found.found is None
    assert "none of 2 networks reaches auc 0.6" in found.summary()
    for rung in found.rungs:
        assert rung.test.auc.low < 0.53
        assert rung.test.auc.high > 0.47
        assert rung.test.variance.value < 0.02


@pytest.mark.slow
def test_a_reduction_draws_and_shows_itself(tmp_path):
    cell = Made(bend=False, name="a <made> cell")
    found = search(
        cell, recorded(cell, 20.0), Tolerance("variance", 0.9), [PointUnit(), FilterBank(1)],
        drive=Trains(10.0), silent_rows=2000, all_rungs=True,
    )  # fmt: skip
    ax = found.plot()
    assert ax.get_xlabel() == "numbers in the network"
    assert ax.get_ylabel() == "subthreshold variance explained"
    seen = np.concatenate([bars.lines[0].get_xydata() for bars in ax.containers])
    wanted = [(rung.network.count, rung.test.variance.value) for rung in found.rungs]
    np.testing.assert_allclose(sorted(map(tuple, seen)), sorted(wanted))
    assert any(np.allclose(line.get_ydata(), 0.9) for line in ax.lines)
    assert repr(found).startswith("TrainReduction(a <made> cell: the smallest network")
    page = found._repr_html_()
    assert "a &lt;made&gt; cell" in page
    assert "point unit" in page
    assert {path.name for path in found.save(tmp_path)} == {
        path.name for path in tmp_path.iterdir()
    }


@pytest.mark.slow
def test_a_leaky_integrate_and_fire_cell_is_one_filter(tmp_path):
    cell = innervate(LIF(), "LIF")
    found = reduce_trains(cell, Tolerance("auc", 0.99), seconds=120, largest=2, restarts=1, seed=2)
    assert found.network.model == PointUnit()
    assert found.best.test.auc.value >= 0.99
    assert found.best.test.auc.low > 0.985
    assert 0.4 < found.output_Hz["test"] < 2
    # Its filter sees a membrane: excitation lifts, inhibition lowers, late events count less.
    full = found.network.to_network().layers[0].weights[:, 0].reshape(5, 100)
    assert full[:, :80].sum() > 0 > full[:, 80:].sum()
    found.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"reduction.json", "network.safetensors", "reduction.png", "reduction.svg"}
    events = Trains(3.0).draw(cell, 1, 500, seed=9)
    np.testing.assert_array_equal(
        load_reduction(tmp_path).answer(events)[0], found.network.answer(events)[0]
    )


def test_the_same_seed_gives_the_same_numbers():
    cell = Made(bend=False)
    runs = [
        search(
            cell, recorded(cell, 30.0), Tolerance("auc", 0.6), [FilterBank(1)],
            drive=Trains(10.0), silent_rows=3000, restarts=1,
        ).to_dict()
        for _ in range(2)
    ]  # fmt: skip
    assert runs[0] == runs[1]


@pytest.mark.slow
def test_test_trials_choose_nothing():
    """Other test trials change test scores and nothing else."""
    cell = Made(bend=False)
    sets = recorded(cell, 20.0)
    other = {**sets, "test": recorded(cell, 20.0, seed=5)["test"]}
    rungs = [PointUnit(), FilterBank(1)]
    one, two = (
        search(
            cell, s, Tolerance("auc", 0.99), rungs, drive=Trains(10.0), silent_rows=2000, restarts=1
        )
        for s in (sets, other)
    )
    for here, there in zip(one.rungs, two.rungs, strict=True):
        for p, q in zip(here.network.parameters, there.network.parameters, strict=True):
            np.testing.assert_array_equal(p, q)
        assert here.auc == there.auc
        assert here.test.auc != there.test.auc
    assert validate(one.network, sets["validation"]).auc == one.best.auc


class TwoLayerRates(Made):
    """Spikes by the published formula, rate f(Σ s(n)), without noise."""

    def respond(self, events, *, jobs=1, progress=None):
        trials, _, bins = events.shape
        each = np.stack(
            [events[:, self.branch == k].sum(axis=(1, 2)) for k in range(BRANCHES)], axis=1
        )
        number = each / (bins / 20)
        total = (1 / (1 + np.exp((5 - number) / 0.8))).sum(axis=1)
        spikes = np.zeros((trials, bins), dtype=np.uint8)
        for k, many in enumerate(np.round(60 * np.log1p(np.exp(2 * total - 2))).astype(int)):
            spikes[k, :many] = 1
        return Answer(spikes, np.zeros((trials, bins), dtype=np.float32))


@pytest.mark.slow
def test_the_two_layer_formula_is_recovered_and_read_back(tmp_path):
    cell = TwoLayerRates(bend=True)
    found = reduce_rates(
        cell, Tolerance("rate", 0.97), drive=Placements("mixed", 6, 30), trials=150
    )
    number, weights, two, own = found.fits
    assert found.best.formula.name == "two-layer"
    assert two.test.low > 0.97
    assert number.test.high < two.test.low
    assert weights.test.high < two.test.low
    found.save(tmp_path)
    back = load_reduction(tmp_path)
    np.testing.assert_array_equal(back.predict(found.test.number), two.predict(found.test.number))
    assert (back.formula, back.parameters, back.test) == (two.formula, two.parameters, two.test)
    threshold = float(two.fitted.parameters[3][0])
    assert threshold == pytest.approx(5, abs=0.5)
    assert own.parameters > two.parameters > weights.parameters > number.parameters


@pytest.mark.parametrize("formula", FORMULAS, ids=[one.name for one in FORMULAS])
def test_a_file_brings_back_a_formula(formula, tmp_path):
    start = formula.starts(BRANCHES, 20.0)[-1]
    scores = Score(0.5, float("nan"), float("nan"))
    one = RateFit(formula, Fitted(start, 0.1, 0.2, 7), 12.0, 0.6, scores, BRANCHES)
    save_formula(one, tmp_path / "network.safetensors")
    back = load_reduction(tmp_path)
    number = np.random.default_rng(1).integers(0, 9, (20, BRANCHES))
    np.testing.assert_array_equal(back.predict(number), one.predict(number))
    assert (back.fitted.steps, back.validation) == (7, 0.6)
    assert np.isnan(back.test.low)


def test_a_file_of_something_else_is_no_reduction(tmp_path):
    write_tensors(tmp_path / "network.safetensors", {"x": np.ones(2)}, {"formula": "point"})
    with pytest.raises(ReductionError, match="no network and no formula"):
        load_reduction(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("wanted_Hz", [2.0, 5.0])
def test_the_cell_fires_as_often_as_wanted(wanted_Hz):
    """Off by a tenth or so: by no more in the middle of five seeds, and never by a quarter."""
    cell = innervate(LIF(), "LIF")
    off = []
    for seed in range(5):
        drive = find_rate(cell, Trains(1.0), wanted_Hz, seed=seed)
        long = record_trains(cell, drive, {"train": 600 / wanted_Hz}, seed=seed)["train"]
        off.append(abs(long.rate_Hz / wanted_Hz - 1))
    assert np.median(off) < 0.1
    assert max(off) < 0.25


# ---- refusals, each before a long run -----------------------------------------------------------
@pytest.mark.slow
def test_a_cell_that_never_fires_is_refused():
    with pytest.raises(ReductionError, match=r"never fires.*larger conductance"):
        find_rate(innervate(LIF(), "LIF", current=1 * pA), Trains(1.0), 1.0)


@pytest.mark.slow
def test_a_cell_that_is_never_silent_is_refused():
    always = LIF(E_L=-56 * mV, V_reset=-60 * mV, V_th=-55.9 * mV)
    with pytest.raises(ReductionError, match="never stays silent"):
        find_rate(innervate(always, "restless", current=500 * pA), Trains(1.0), 0.1)


def test_a_cell_without_dendrites_is_refused():
    axon = Neuron(cylinder(100 * um, 1 * um, tag="axon"))
    with pytest.raises(ReductionError, match="tag some branches basal, apical or dendrite"):
        innervate(axon, "axon")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"seconds": 10.0}, "record at least 60 s"),
        ({"output_Hz": 0.0}, "0.05 to 100 Hz"),
    ],
)
def test_too_short_a_drive_is_refused(arguments, said):
    with pytest.raises(ReductionError, match=said):
        reduce_trains(innervate(LIF(), "LIF"), Tolerance("auc", 0.99), **arguments)


@pytest.mark.parametrize("text", ["auc=1.2", "auc=0.5", "rate=0", "auc", "r2=0.9", "auc=nan"])
def test_a_tolerance_that_means_nothing_is_refused(text):
    with pytest.raises(ReductionError, match="tolerance"):
        Tolerance.read(text)


def test_placements_need_branches():
    with pytest.raises(ReductionError, match="one branch"):
        reduce_rates(innervate(LIF(), "LIF"), Tolerance("rate", 0.9))


def test_something_else_than_a_neuron_is_refused():
    with pytest.raises(ReductionError, match=r"ca1_pyramidal\(\) or LIF\(\)"):
        innervate("LIF", "LIF")
