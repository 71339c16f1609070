"""Fits of neurons to recordings: their gradient, their intervals, what they refuse."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bridge.fit.certainty import certainty_of
from bridge.fit.current_balance import balanced
from bridge.fit.fit_candidates import draw
from bridge.fit.fit_evolution import evolve
from bridge.fit.fit_neuron import _attainable, fit_neuron
from bridge.fit.fit_problem import WORST, FitProblem
from bridge.fit.fit_target import FitTarget, target_of
from bridge.fit.misfit import Tolerances
from bridge.fit.multi_start import jacobian, many_minima, without_gradient
from bridge.fit.neuron_families import FAMILIES, family_of
from bridge.fit.neuron_fit import FittedParameter, NeuronFit, _table
from bridge.fit.residual_rows import crossed
from bridge.fit.step_scores import StepScore, between_neighbours, own_reliability, score_steps
from bridge.fit.valley import finish
from bridge.fit_peers.known_truth import drawn_truth, recording_of
from bridge.recordings import made_recording
from bridge.recordings.errors import RecordingError
from neurosim.errors import (
    EngineError,
    ExtraMissingError,
    ParameterError,
    RowError,
    UnknownNameError,
)


def _known(name: str, seed: int = 2, step_ms: float = 120.0) -> tuple[FitProblem, np.ndarray]:
    """Return a problem whose recording is of a neuron of the family, and the truth in it."""
    family = family_of(name)
    for number in range(seed, seed + 20):
        truth = drawn_truth(family, number)
        try:
            cell = recording_of(family, truth, step_ms=step_ms, noise_mV=0.3, seed=number)
        except ParameterError:
            # Not every neuron fires as the recording needs it.
            continue
        problem = FitProblem(family, target_of(cell, sweeps=4))
        return problem, problem.unit_of(np.array([truth[name] for name in family.names]))
    raise AssertionError("no neuron of the family fires")


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_at_the_truth_nothing_but_the_noise_is_left(name: str) -> None:
    # The neuron that was recorded is built with its own numbers; the candidate is a row of a batch,
    # in hh2 with everything scaled by the coupling.
    problem, truth = _known(name)
    misfit = problem.misfits("all")[-1]
    assert len(misfit.piece.spikes_ms) >= 4
    run = problem.run(truth, [misfit.piece])[0][0]
    residual = misfit.residuals(run).values[: len(misfit.layout.samples)]
    noise = residual / misfit.layout.weight
    between = misfit.layout.weight == misfit.layout.weight.max()
    assert np.std(noise[between]) == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize("name", sorted(FAMILIES))
@pytest.mark.parametrize("stage", ["passive", "times", "all"])
def test_the_gradient_is_that_of_the_misfit(name: str, stage: str) -> None:
    problem, truth = _known(name)
    random = np.random.default_rng(4)
    u = truth + 0.01 * random.standard_normal(len(truth))
    value, slope = problem.gradient(u, stage)
    assert value[0] == pytest.approx(problem.value(u, stage)[0], rel=1e-9)
    along = random.standard_normal(len(truth))
    along /= np.linalg.norm(along)
    sizes = np.array([1e-5, 5e-6])
    moved = np.concatenate([u + h * along * np.array([[1.0], [-1.0]]) for h in sizes])
    values = problem.value(moved, stage)
    coarse, fine = (values[::2] - values[1::2]) / (2 * sizes)
    expected = (4 * fine - coarse) / 3
    # A sample that is compared between two steps of the run changes its four neighbours as it
    # moves, so that differences see small corners.
    assert slope[0] @ along == pytest.approx(expected, rel=2e-3)


def test_one_spike_late_costs_what_its_time_costs() -> None:
    # A potential that is compared where it was would cost the whole height of the spike.
    problem, truth = _known("hh1")
    misfit = problem.misfits("all")[-1]
    v = problem.run(truth, [misfit.piece])[0][0].v_mV
    dt, n = 0.025, len(misfit.layout.samples)
    moved = misfit.residuals(crossed(np.roll(v, 40), dt, problem.target.level_mV)).values
    # The last spike is cut by the end of the step.
    shape = misfit.layout.weight < misfit.layout.weight.max()
    shape &= misfit.layout.spike < len(misfit.piece.spikes_ms) - 1
    assert np.std(moved[:n][shape] / misfit.layout.weight[shape]) < 1.0
    where_it_was = np.interp(misfit.layout.time, np.arange(1, len(v) + 1) * dt, np.roll(v, 40))
    assert np.std((where_it_was - misfit.layout.seen)[shape]) > 10.0
    late = moved[n : n + len(misfit.piece.spikes_ms)] * np.sqrt(len(misfit.piece.spikes_ms))
    assert np.allclose(late, 1.0 / misfit.time_tolerance[: len(late)], rtol=0.02)


def test_searches_run_as_one_batch_and_a_failure_ends_them_all() -> None:
    sizes = []

    def bowl(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sizes.append(len(u))
        return ((u - 0.4) ** 2).sum(axis=1), 2 * (u - 0.4)

    found = many_minima(bowl, np.array([[0.9, 0.1], [0.0, 1.0], [0.4, 0.4]]), [True, True], 20)
    assert np.allclose(found.u, 0.4, atol=1e-5)
    assert sizes[0] == 3

    def fails(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise ValueError("the run diverged")

    with pytest.raises(ValueError, match="the run diverged"):
        many_minima(fails, np.zeros((4, 2)), [True, True], 5)


def test_a_candidate_that_cannot_be_run_does_not_end_the_search() -> None:
    asked = []

    def work(some: np.ndarray) -> np.ndarray:
        asked.append(len(some))
        if (some > 0.9).any():
            raise RowError("AdEx of row 3 at 2 ms: v left every bound")
        return np.column_stack([some[:, 0] ** 2, 2 * some])

    u = np.linspace(0.0, 1.0, 8)[:, np.newaxis]
    found = FitProblem._in_parts(u, work, 8)
    assert found[-1].tolist() == [WORST, 0.0]
    assert np.allclose(found[:-1, 0], u[:-1, 0] ** 2)
    assert np.allclose(found[:-1, 1], 2 * u[:-1, 0])
    assert asked[0] == 8

    def unbuilt(_some: np.ndarray) -> np.ndarray:
        raise EngineError("the program could not be built: no compiler")

    with pytest.raises(EngineError, match="no compiler"):
        FitProblem._in_parts(u, unbuilt, 8)


def test_the_fast_run_of_a_reset_neuron_says_nearly_the_same() -> None:
    problem, truth = _known("adex")
    pieces = list(problem.target.train)
    exact = problem.run(truth, pieces)[0]
    rough = problem._run(truth[np.newaxis], pieces, problem._on_grid)[0]
    for one, other in zip(exact, rough, strict=True):
        assert len(one.v_mV) == len(other.v_mV)
        assert len(one.spikes_ms) == len(other.spikes_ms)
        assert np.allclose(one.spikes_ms, other.spikes_ms, rtol=0.02, atol=0.1)
    silent = [k for k, piece in enumerate(pieces) if not len(piece.spikes_ms)]
    assert silent
    for k in silent:
        assert np.allclose(exact[k].v_mV, rough[k].v_mV, atol=0.05)
    worse = np.clip(truth + 0.1, 0.0, 1.0)
    near, far = problem.roughly(np.array([truth, worse]), "times")
    assert far > 10 * near


def test_the_balance_of_currents_is_near_the_neuron_before_any_run() -> None:
    problem, truth = _known("adex", step_ms=200.0)
    own = dict(zip(problem.family.names, problem.parameters(truth).tolist(), strict=True))
    found = balanced(problem.target)[0]
    assert set(found) == set(own)
    for name, share in (("C", 0.15), ("g_L", 0.3), ("a", 0.2), ("b", 0.3), ("tau_w", 0.5)):
        assert found[name] == pytest.approx(own[name], rel=share)
    for name in ("E_L", "V_T", "V_reset"):
        assert found[name] == pytest.approx(own[name], abs=1.5)


def test_candidates_differ_in_every_parameter() -> None:
    # A population moves along differences: a parameter in which all agree would never move.
    for name in sorted(FAMILIES):
        problem, _ = _known(name)
        drawn = draw(problem, 16, 3)
        assert drawn.shape == (16, len(problem.family.names))
        assert np.all(np.ptp(drawn, axis=0) > 0.02)
        assert np.all((drawn > 0) & (drawn < 1))


def test_a_population_leaves_a_minimum_that_gradients_stop_in() -> None:
    # Ripples on a bowl: gradient searches from the same candidates end in the ripples.
    def misfit(u: np.ndarray) -> np.ndarray:
        return np.sum((u - 0.7) ** 2 + 0.02 * (1 - np.cos(60 * (u - 0.7))), axis=1)

    def slope(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return misfit(u), 2 * (u - 0.7) + 1.2 * np.sin(60 * (u - 0.7))

    drawn = np.random.default_rng(5).uniform(0.0, 0.5, (64, 3))
    problem = SimpleNamespace(roughly=lambda u, _stage: misfit(u))
    found = evolve(problem, drawn, "times", 60, 1)
    assert len(found.u) == 64
    assert np.all(np.diff(found.misfit) >= 0)
    assert np.allclose(found.u[0], 0.7, atol=0.02)
    assert many_minima(slope, drawn, [True] * 3, 60).misfit.min() > 10 * found.misfit[0]


def test_intervals_hold_what_they_promise_where_noise_comes_in_clusters() -> None:
    # Noise that is shared by ten residuals each: without clusters intervals would be too short.
    random = np.random.default_rng(7)
    slopes = random.standard_normal((600, 3))
    slopes[:, 1] += 0.8 * slopes[:, 0]
    slopes += np.repeat(random.standard_normal((60, 3)), 10, axis=0)
    clusters = np.repeat(np.arange(60), 10)
    truth = np.array([0.5, 0.4, 0.6])
    inside = []
    for _ in range(400):
        noise = 0.05 * np.repeat(random.standard_normal(60), 10)
        noise += 0.05 * random.standard_normal(600)
        missed = np.linalg.lstsq(slopes, noise, rcond=None)[0]
        found = certainty_of(truth + missed, noise - slopes @ missed, slopes, clusters)
        inside.append((found.low <= truth) & (truth <= found.high))
    assert 0.91 < np.mean(inside) < 0.985


def test_intervals_hold_where_one_cluster_tells_most_of_a_parameter() -> None:
    # It draws the fit to itself, and what is left of its noise looks small: the sandwich without
    # jackknife holds 81 % here.
    random = np.random.default_rng(7)
    slopes = np.repeat(random.standard_normal((20, 3)), 10, axis=0)
    slopes[:10] = np.array([8.0, 1.0, 0.0])
    slopes[10:20] = np.array([1.0, 8.0, 0.0])
    slopes += 0.3 * random.standard_normal((200, 3))
    clusters = np.repeat(np.arange(20), 10)
    truth = np.full(3, 0.5)
    inside = []
    for _ in range(400):
        noise = 0.02 * np.repeat(random.standard_normal(20), 10)
        missed = np.linalg.lstsq(slopes, noise, rcond=None)[0]
        found = certainty_of(truth + missed, noise - slopes @ missed, slopes, clusters)
        inside.append((found.low <= truth) & (truth <= found.high))
    assert 0.9 < np.mean(inside) < 0.99
    assert np.mean(inside, axis=0).min() > 0.88


def test_a_direction_that_changes_nothing_is_named() -> None:
    random = np.random.default_rng(2)
    slopes = random.standard_normal((200, 3))
    slopes[:, 2] = -slopes[:, 0]
    noise = 0.02 * random.standard_normal(200)
    found = certainty_of(np.full(3, 0.5), noise, slopes, np.arange(200))
    assert found.identifiable.tolist() == [False, True, False]
    assert [sorted(k for k, _ in one.parts) for one in found.flat] == [[0, 2]]
    # They move together: what one adds, the other takes away.
    assert found.flat[0].parts[0][1] * found.flat[0].parts[1][1] > 0


def test_a_parameter_at_its_bound_is_not_said_to_be_known() -> None:
    random = np.random.default_rng(2)
    slopes = random.standard_normal((200, 2))
    found = certainty_of(
        np.array([1.0, 0.5]), 0.02 * random.standard_normal(200), slopes, np.arange(200)
    )
    assert found.identifiable.tolist() == [False, True]


def test_a_search_that_stands_on_a_slope_is_told() -> None:
    random = np.random.default_rng(2)
    slopes, noise = random.standard_normal((200, 2)), 0.02 * random.standard_normal(200)
    missed = np.linalg.lstsq(slopes, noise, rcond=None)[0]
    middle, clusters = np.full(2, 0.5), np.arange(200)
    bottom = certainty_of(middle, noise - slopes @ missed, slopes, clusters)
    assert bottom.remaining < 1e-6
    slope = certainty_of(middle, noise - slopes @ (missed + 0.01), slopes, clusters)
    assert slope.remaining > 3.0


@pytest.mark.parametrize("name", ["adex", "hh2"])
def test_derivatives_of_all_residuals_are_those_of_the_run_back(name: str) -> None:
    # Differences of runs and the run back know nothing of each other. Single parameters move spikes
    # by far more than flat combinations do, so that the columns must be right to many digits.
    problem, truth = _known(name)
    u = truth + 1e-4 * np.random.default_rng(3).standard_normal(len(truth))
    residuals, slopes = jacobian(problem, u, "exact")
    _, gradient = problem.gradient(u, "exact")
    told = slopes.T @ residuals / len(problem.target.train)
    assert told == pytest.approx(gradient[0], rel=1e-3, abs=1e-5 * np.abs(gradient).max())
    values, vectors = np.linalg.eigh(slopes.T @ slopes)
    flat = vectors[:, 0]
    ahead, behind = problem.residuals(u + 1e-5 * flat * np.array([[1.0], [-1.0]]), "exact")
    assert np.sum(((ahead - behind) / 2e-5) ** 2) == pytest.approx(values[0], rel=0.01)


def test_a_search_ends_at_the_bottom_of_a_flat_valley() -> None:
    # Aligned at spikes, the potential has ripples, and searches ended 5 to 10 standard deviations
    # beside the bottom, with a misfit above that of the truth.
    problem, truth = _known("hh2")
    _, slopes = jacobian(problem, truth, "exact")
    values, vectors = np.linalg.eigh(slopes.T @ slopes)
    # Of so many samples the standard deviation along a direction is the noise over its curvature.
    spread = 0.3 / np.sqrt(len(problem.target.time_ms) * values[:3])
    beside = truth + vectors[:, :3] @ (8.0 * spread)
    ended = finish(problem, beside)
    at_truth = problem.value(truth, "exact")[0]
    assert problem.value(beside, "exact")[0] > 1.001 * at_truth
    assert ended.misfit[0] < at_truth
    residuals, slopes = jacobian(problem, ended.u[0], "exact")
    sure = certainty_of(ended.u[0], residuals, slopes, problem.clusters("exact"))
    assert sure.remaining < 0.01
    assert np.all(np.abs(ended.u[0] - truth) < sure.high - sure.low)
    missed = vectors[:, :3].T @ (ended.u[0] - truth)
    assert np.all(np.abs(missed) < 4 * spread)


def test_a_bent_valley_is_followed_in_few_steps() -> None:
    # Rosenbrock's valley, a hundred times as steep as it is flat: after twice as many runs damped
    # Gauss-Newton steps are not half way.
    class Valley:
        family = SimpleNamespace(is_reset=True)
        asked = 0

        def residuals(self, u: np.ndarray, _stage: str) -> np.ndarray:
            self.asked += len(u)
            x, y, z = (8.0 * (u - 0.5)).T
            return np.stack([100.0 * (y - x**2), 10.0 * (z - x * y), x - 1.0, 0.5 + 0 * x], axis=1)

        def value(self, u: np.ndarray, stage: str) -> np.ndarray:
            return 0.5 * np.sum(self.residuals(np.atleast_2d(u), stage) ** 2, axis=1)

        def pieces(self, _stage: str) -> list[int]:
            return [0]

    valley = Valley()
    begin = 0.5 + np.array([-1.0, 1.0, -1.0]) / 8
    ended = finish(valley, begin)
    assert 8.0 * (ended.u[0] - 0.5) == pytest.approx(np.ones(3), abs=1e-3)
    assert ended.misfit[0] == pytest.approx(0.125, rel=1e-6)
    assert valley.asked < 300


def test_known_neurons_are_at_rest_when_their_recording_begins() -> None:
    # A slow membrane that still drifts is another neuron than one that starts from its rest.
    family = family_of("hh2")
    truth = drawn_truth(family, 1)
    assert truth["tau"] > 50.0
    cell = recording_of(family, truth, step_ms=200.0, noise_mV=0.0)
    before = cell.sweeps[0].voltage_mV[:800]
    assert np.ptp(before) < 1e-3


def test_steps_without_spikes_keep_their_tolerance() -> None:
    # What a neuron misses after spikes is no reason to miss a step in which there are none.
    problem, truth = _known("adex")
    u = truth.copy()
    u[problem.family.names.index("V_reset")] -= 0.2
    problem.tolerances = _attainable(problem, u)
    assert problem.tolerances.between_mV > 3.0
    strict = FitProblem(problem.family, problem.target, Tolerances())
    pairs = list(zip(problem.misfits("all"), strict.misfits("all"), strict=True))
    assert {wide.is_silent for wide, _ in pairs} == {True, False}
    for wide, own in pairs:
        ratio = own.layout.weight / wide.layout.weight
        expected = 1.0 if wide.is_silent else problem.tolerances.between_mV
        assert ratio == pytest.approx(expected)


def test_the_noise_of_a_recording_is_seen_beside_its_spikes() -> None:
    problem, _ = _known("hh1")
    assert problem.noise_mV == pytest.approx(0.3, rel=0.1)


def test_held_out_steps_are_not_fitted_and_counted_as_the_recording_counts() -> None:
    cell = made_recording([-50, 0, 50, 100, 150, 200], [0, 0, 0, 4, 8, 12])
    target = target_of(cell)
    fitted = {p.current_pA for p in target.train}
    held = {p.current_pA for p in target.held_out}
    assert not fitted & held
    assert fitted | held == {-50, 0, 50, 100, 150, 200}
    # The weakest step that makes the cell fire is fitted.
    assert 100 in fitted
    assert [len(p.spikes_ms) for p in target.train] == [0, 4, 12]
    # The run gives the spikes of the recording, and one too many.
    spikes = [p.spikes_ms for p in target.train]
    spikes[1] = np.append(spikes[1], target.stop_ms - 1.0)
    scores = score_steps(target, target.train, spikes, held_out=False)
    assert [(s.recorded, s.fitted) for s in scores] == [(0, 0), (4, 5), (12, 12)]
    assert np.isnan(scores[0].gamma)
    assert scores[2].gamma == pytest.approx(1.0)
    # Four coincidences of 4 and 5 spikes; 2 * 4 ms * 10 Hz * 4 = .32 come by chance.
    assert scores[1].gamma == pytest.approx((4 - 0.32) / 4.5 / (1 - 0.08))


@pytest.mark.parametrize(
    ("recorded", "fitted", "near"), [(3, 4, True), (3, 5, False), (40, 44, True), (40, 45, False)]
)
def test_counts_are_near_within_a_tenth_or_one(recorded: int, fitted: int, near: bool) -> None:
    assert StepScore(100.0, recorded, fitted, 0.0, True).near is near


def test_reliability_is_known_only_where_a_step_is_repeated() -> None:
    once = target_of(made_recording([0, 50, 100, 150], [0, 2, 4, 6]))
    assert np.isnan(own_reliability(once))
    twice = target_of(made_recording([0, 50, 100, 150, 150], [0, 2, 4, 6, 6]))
    assert len(twice.repeats) == 1
    assert own_reliability(twice) == pytest.approx(1.0)


def test_spikes_midway_between_those_of_the_steps_beside_are_scored() -> None:
    target = target_of(made_recording([50, 100, 150, 200, 250], [2, 4, 6, 8, 10]))
    # Of evenly spaced spikes the middle of two counts is none between: nothing but chance.
    assert between_neighbours(target) < 0.5
    pieces = {piece.current_pA: piece for piece in (*target.train, *target.held_out)}
    held = []
    for piece in target.held_out:
        beside = [pieces[piece.current_pA + pA].spikes_ms for pA in (-50, 50)]
        both = min(map(len, beside))
        held.append(replace(piece, spikes_ms=(beside[0][:both] + beside[1][:both]) / 2))
    assert between_neighbours(replace(target, held_out=tuple(held))) == pytest.approx(1.0)
    # Steps that are left over because enough others are fitted count as neighbours too.
    few = target_of(made_recording([50, 100, 150, 200, 250], [2, 4, 6, 8, 10]), sweeps=2)
    assert len(few.unused) == 1
    assert between_neighbours(few) == between_neighbours(target)
    # Nothing is told where no step has two neighbours that fire.
    assert np.isnan(between_neighbours(target_of(made_recording([0, 50, 100], [0, 0, 4]))))


def test_spikes_that_no_step_asks_for_are_scored_and_not_fitted() -> None:
    target = target_of(made_recording([-50, 0, 25, 50, 75, 100], [0, 3, 5, 7, 9, 11]))
    assert [p.current_pA for p in target.train] == [-50, 25, 75]
    assert [p.current_pA for p in target.held_out] == [0, 50, 100]
    assert "3 spikes at 0 pA" in " ".join(target.notes)
    quiet = target_of(made_recording([-50, 0, 25, 50, 75, 100], [0, 0, 5, 7, 9, 11]))
    assert not any("without a step" in note for note in quiet.notes)
    with pytest.raises(RecordingError, match="at least three currents"):
        target_of(made_recording([-100, -50, 0], [0, 0, 4]))


def test_a_family_that_there_is_not_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="hh1"):
        fit_neuron(made_recording([0, 100, 200], [0, 5, 12]), "hh")


def test_recordings_with_too_little_are_refused() -> None:
    with pytest.raises(RecordingError, match="at least three currents"):
        target_of(made_recording([100, 200], [3, 6]))
    with pytest.raises(RecordingError, match="0 spikes"):
        target_of(made_recording([0, 10, 20, 30], [0, 0, 0, 0]))


def test_without_cma_the_control_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cma", None)
    cell = made_recording([0, 100, 200], [0, 5, 12])
    with pytest.raises(ExtraMissingError, match="fit"):
        fit_neuron(cell, "hh1", control=True)


def test_the_control_searches_within_its_runs() -> None:
    pytest.importorskip("cma", reason="needs the extra fit")
    ran = []

    def value(u: np.ndarray, _stage: str) -> np.ndarray:
        ran.append(3 * len(u))
        return ((u - 0.3) ** 2).sum(axis=1)

    problem = SimpleNamespace(value=value, pieces=lambda _: [0, 1, 2])
    found = without_gradient(problem, np.array([0.6, 0.6]), "all", 1500, 1)
    assert sum(ran) <= 1500
    assert found.misfit[0] < 1e-6


def test_the_fitted_neuron_is_the_one_that_was_scored() -> None:
    # `neuron` in place of rows of a batch: what a reader exports fires as the report says.
    from brian2 import ms as millisecond
    from brian2 import mV, pA

    from neurosim import Constant, Steps, simulate
    from neurosim.morphology import root_site

    problem, truth = _known("hh2", seed=3)
    target: FitTarget = problem.target
    piece = target.train[-1]
    own = problem.family.neuron(
        dict(zip(problem.family.names, problem.parameters(truth), strict=True)), target.rest_mV
    )
    onset, length = target.onset_ms * millisecond, target.step_ms * millisecond
    step = Steps(amplitude=piece.current_pA * pA, onset=onset, duration=length)
    run = simulate(
        own.probe("v", root_site, label="soma"), target.length_ms * millisecond,
        stimulus=step + Constant(piece.holding_pA * pA), dt=0.025 * millisecond,
        settle=100 * millisecond,
    )  # fmt: skip
    v = np.asarray(run.matrix("soma").values / mV)[0, :, 0]
    assert np.allclose(v, problem.run(truth, [piece])[0][0].v_mV, atol=1e-6)


def test_intervals_that_do_not_hold_known_neurons_are_not_given() -> None:
    assert all(family_of(name).gives_intervals for name in ("adex", "glif", "hh1", "hh2"))
    families = {name: family_of(name) for name in ("adex", "hh2")}
    families["few"] = replace(family_of("hh1"), found_again=(1, 7, 8))
    assert not families["few"].gives_intervals
    # All of a few is no proof.
    assert not replace(family_of("hh2"), found_again=(9, 90, 90)).gives_intervals
    assert replace(family_of("hh2"), found_again=(10, 90, 100)).gives_intervals
    one = FittedParameter("C", "capacitance", "pF", 100.0, 90.0, 110.0, True, (1.0, 1000.0))
    report = {}
    for name, family in families.items():
        fit = object.__new__(NeuronFit)
        for key, value in {
            "family": family, "parameters": (one,), "remaining": 0.1, "misfit": 1.0,
            "noise_misfit": 1.0,
        }.items():  # fmt: skip
            object.__setattr__(fit, key, value)
        lines = [*_table(fit.parameters, fit.has_intervals), *fit._cautions()]
        report[name] = "\n".join(lines)
    assert "90 .. 110 pF" in report["adex"]
    _, held, of = families["adex"].found_again
    assert f"{held} of {of} did" in report["adex"]
    object.__setattr__(fit, "family", family_of("adex"))
    object.__setattr__(fit, "misfit", 2.0)
    assert not fit.has_intervals
    assert "2 times what the noise" in fit._cautions()[0]
    assert "90 .. 110" not in report["few"]
    assert "90 .. 110 pF" in report["hh2"]
    assert "7 of 8 held the truth" in report["few"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed", "starts"), [("adex", 2, 4), ("glif", 3, 2)])
def test_a_known_neuron_is_found_within_its_intervals(name: str, seed: int, starts: int) -> None:
    family = family_of(name)
    truth = drawn_truth(family, seed)
    cell = recording_of(family, truth, step_ms=200.0, seed=seed)
    found = fit_neuron(cell, name, starts=starts, seed=seed)
    assert found.at_bottom
    assert found.within_noise
    assert "the noise of the recording." in str(found)
    known = [one for one in found.parameters if one.identifiable]
    assert len(known) >= 7
    assert sum(one.low <= truth[one.name] <= one.high for one in known) >= len(known) - 1
    assert all(one.near for one in found.held_out)
    assert found.gamma > 0.9


def test_a_file_that_is_given_twice_does_not_make_a_cell_reliable() -> None:
    family = family_of("adex")
    cell = recording_of(family, drawn_truth(family, 2), step_ms=200.0, seed=2)
    later = [replace(one, number=one.number + 1000) for one in cell.sweeps]
    twice = replace(cell, sweeps=(*cell.sweeps, *later))
    target = target_of(twice)
    assert not target.repeats
    assert np.isnan(own_reliability(target))
    assert any("copies of others" in note for note in target.notes)


def test_a_unit_that_ended_at_the_end_of_a_range_is_told_of() -> None:
    from bridge.fit.step_scores import _at_end
    from bridge.units import NakaRushton

    most = next(one for one in NakaRushton.parameters if one.name == "half_pA").upper
    assert not _at_end(NakaRushton(100.0, 50.0, 80.0, 2.0))
    assert _at_end(NakaRushton(100.0, 50.0, most * (1 - 1e-12), 2.0)) == "half_pA"


@pytest.mark.parametrize("wrong", [{"between_mV": 0.0}, {"time_ms": -1.0}, {"silent_mV": np.nan}])
def test_a_tolerance_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="must be above 0"):
        Tolerances(**wrong)


def test_what_is_no_recording_is_refused() -> None:
    with pytest.raises(ParameterError, match="cell must be a recording"):
        fit_neuron("cell.abf", "adex")  # type: ignore[arg-type]
