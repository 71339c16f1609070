"""Fits of generalised integrate-and-fire neurons: what a recording tells before any run."""

from __future__ import annotations

import numpy as np
import pytest

import bridge.fit.fit_neuron as fitting
from bridge.fit.current_balance import balanced_glif
from bridge.fit.fit_candidates import draw
from bridge.fit.fit_neuron import fit_neuron
from bridge.fit.fit_problem import WORST, FitProblem
from bridge.fit.fit_target import target_of
from bridge.fit.multi_start import Found, descend, jacobian
from bridge.fit.neuron_families import family_of
from bridge.fit_peers.known_truth import drawn_truth, recording_of
from neurosim.catalogue import GLIF
from neurosim.errors import EngineError, ParameterError


def _known() -> tuple[FitProblem, dict[str, float]]:
    family = family_of("glif")
    for number in range(2, 22):
        truth = drawn_truth(family, number)
        try:
            cell = recording_of(family, truth, step_ms=200.0, noise_mV=0.3, seed=number)
        except ParameterError:
            continue
        return FitProblem(family, target_of(cell, sweeps=4)), truth
    raise AssertionError("no neuron of the family fires")


def test_the_balance_of_currents_and_the_potentials_of_spikes_are_near_the_neuron() -> None:
    problem, own = _known()
    found = balanced_glif(problem.target)[0]
    assert set(found) == set(own)
    for name, share in (("C", 0.15), ("g_L", 0.1), ("A_1", 0.3), ("A_2", 0.3), ("tau_2", 0.3)):
        assert found[name] == pytest.approx(own[name], rel=share)
    assert found["E_L"] == pytest.approx(own["E_L"], abs=1.0)

    # Where the potential meets the threshold that follows it, and where a spike from there ends.
    def met(p: dict[str, float]) -> float:
        return (p["V_T"] - p["follow"] * p["E_L"]) / (1 - p["follow"])

    def left(p: dict[str, float]) -> float:
        return p["V_reset"] + p["f_v"] * (met(own) - p["E_L"])

    assert met(found) == pytest.approx(met(own), abs=1.0)
    assert left(found) == pytest.approx(left(own), abs=1.0)
    assert found["follow"] == pytest.approx(own["follow"], abs=0.15)
    assert found["f_v"] == pytest.approx(own["f_v"], abs=0.1)
    assert found["jump"] == pytest.approx(own["jump"], abs=2.0)
    assert found["tau_s"] == pytest.approx(own["tau_s"], rel=0.3)
    candidates = draw(problem, 16, 0)
    near = problem.roughly(candidates[:1], "times")[0]
    others = problem.roughly(candidates[12:], "times")
    assert near < 0.3 * np.median(others)


def test_a_candidate_that_fires_all_the_time_does_not_end_the_search() -> None:
    # Bounds of rest, reset and threshold overlap: such a neuron has no spikes to compare by.
    problem, own = _known()
    wild = [
        own | {"E_L": own["V_T"] + 5.0},
        own | {"V_reset": own["V_T"] + 4.0, "f_v": 0.0, "jump": 1.0, "follow": 0.0},
        own,
    ]
    u = problem.unit_of(np.array([[one[name] for name in own] for one in wild]))
    exact, rough = problem.value(u, "times"), problem.roughly(u, "times")
    assert exact[2] < 0.1
    assert np.all(exact[:2] > 100 * exact[2])
    assert np.all(rough[:2] > 100 * rough[2])
    # One that fires at once after its reset is found neither by the fast run nor by the exact one.
    assert exact[1] == rough[1] == WORST
    assert np.isnan(problem.residuals(u[1:2], "times")).all()
    assert np.isfinite(problem.residuals(u[2:], "times")).all()
    # A fit is scored at steps that it has not seen: there such a neuron is run all the same.
    pieces = list(problem.target.train)
    silent, firing = (p.current_pA for p in (pieces[0], pieces[-1]))
    with pytest.raises(EngineError, match="at once"):
        problem.run(u[1], pieces)
    answers = problem.answers(u[1], pieces)
    by_current = {p.current_pA: run for p, run in zip(pieces, answers, strict=True)}
    assert len(by_current[silent].spikes_ms) == 0
    at_once = np.diff(by_current[firing].spikes_ms).min()
    assert at_once == pytest.approx(own["t_ref"], abs=2 * problem.family.dt_ms)
    for one, other in zip(problem.answers(u[2], pieces), problem.run(u[2], pieces)[0], strict=True):
        assert np.array_equal(one.spikes_ms, other.spikes_ms)
    values, slopes = problem.gradient(u, "times")
    assert values[2] == pytest.approx(exact[2])
    assert np.all(np.isfinite(slopes[2]))
    assert values[0] == WORST


def test_beside_a_neuron_that_cannot_be_run_slopes_are_taken_from_the_other_side() -> None:
    problem, own = _known()
    names = problem.family.names
    k = names.index("V_reset")

    def at(reset_mV: float) -> np.ndarray:
        values = own | {"V_reset": reset_mV, "f_v": 0.0, "jump": 0.5, "follow": 0.05}
        return problem.unit_of(np.array([values[name] for name in names]))

    low, high = own["V_T"] - 20.0, own["V_T"] + 5.0
    for _ in range(30):
        middle = (low + high) / 2
        if problem.value(at(middle), "times")[0] < WORST:
            low = middle
        else:
            high = middle
    # Nearer to the edge than a difference reaches.
    u = at(low)
    assert problem.value(u + 1e-5 * (np.arange(len(u)) == k), "times")[0] == WORST
    residuals, slopes = jacobian(problem, u, "times")
    assert np.isfinite(residuals).all()
    assert np.isfinite(slopes).all()
    below = u - 1e-5 * (np.arange(len(u)) == k)
    expected = (residuals - problem.residuals(below, "times")[0]) / 1e-5
    assert slopes[:, k] == pytest.approx(expected, rel=1e-6)
    assert np.abs(slopes[:, k]).max() > 0
    # From there a search goes on, and from one that cannot be run it ends.
    assert descend(problem, u, "times", 2).misfit[0] < problem.value(u, "times")[0]
    assert descend(problem, at(high + 1.0), "times", 2).misfit[0] == WORST


def test_the_neuron_of_a_family_has_the_fitted_numbers() -> None:
    _, own = _known()
    neuron = family_of("glif").neuron(own, -70.0)
    assert isinstance(neuron, GLIF)
    assert float(neuron.V_th) == pytest.approx(1e-3 * own["V_T"])
    assert float(neuron.A_2) == pytest.approx(1e-12 * own["A_2"])
    assert float(neuron.jump) == pytest.approx(1e-3 * own["jump"])
    assert float(neuron.t_ref) == pytest.approx(1e-3 * own["t_ref"])
    assert float(neuron.f_v) == pytest.approx(own["f_v"])
    # In the steady state the threshold follows the potential by this share.
    assert float(neuron.a_v * neuron.tau_v) == pytest.approx(own["follow"])
    assert float(neuron.tau_v) == pytest.approx(1e-3 * own["tau_v"])


def test_a_neuron_whose_threshold_hides_its_spikes_is_no_known_neuron() -> None:
    # Its potential is above the level of timing before it spikes, so that its recording would
    # say that spikes come early.
    family, (_, own) = family_of("glif"), _known()
    high = own | {"V_T": -26.0, "jump": 20.0, "tau_s": 100.0, "follow": 0.3}
    with pytest.raises(ParameterError, match="timed"):
        recording_of(family, high, step_ms=200.0, seed=1)
    at_once = own | {"V_reset": own["V_T"] + 4.0, "f_v": 0.0, "jump": 1.0, "follow": 0.0}
    with pytest.raises(ParameterError, match="at once"):
        recording_of(family, at_once, step_ms=200.0, seed=1)


def test_a_search_that_found_only_neurons_that_cannot_be_run_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem, own = _known()
    wild = own | {"V_reset": own["V_T"] + 4.0, "f_v": 0.0, "jump": 1.0, "follow": 0.0}
    u = problem.unit_of(np.array([[wild[name] for name in own]]))
    monkeypatch.setattr(fitting, "_one_by_one", lambda *_: (u, Found(u, problem.value(u, "times"))))
    monkeypatch.setattr(fitting, "_ALL", 1)
    monkeypatch.setattr(fitting, "_TIMES", 1)
    with pytest.raises(ParameterError, match="more starts or another family"):
        fit_neuron(problem.target, "glif", starts=1)


def test_each_start_is_a_population_that_ends_in_a_minimum_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem, _ = _known()
    seeds = []

    def grown(_problem: FitProblem, drawn: np.ndarray, stage: str, _many: int, seed: int) -> Found:
        seeds.append(seed)
        assert stage == "times"
        assert drawn.shape == (30, 15)
        return Found(drawn, np.arange(30.0))

    def bottom(_problem: FitProblem, u: np.ndarray, _stage: str) -> Found:
        return Found(u[np.newaxis], np.array([10.0 - len(seeds)]))

    monkeypatch.setattr(fitting, "evolve", grown)
    monkeypatch.setattr(fitting, "polish", bottom)
    told: list[float] = []
    drawn, found = fitting._one_by_one(problem, 5, 7, told.append)
    assert seeds == [7, 8, 9, 10, 11]
    assert drawn.shape == (150, 15)
    # Three at least go on, best first: the last ended lowest.
    assert found.misfit.tolist() == [5.0, 6.0, 7.0]
    assert np.array_equal(found.u[0], drawn[120])
    assert told[-1] == pytest.approx(0.3)
