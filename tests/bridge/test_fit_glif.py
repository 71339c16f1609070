"""Fits of generalised integrate-and-fire neurons: what a recording tells before any run."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.fit.current_balance import balanced_glif
from bridge.fit.fit_candidates import draw
from bridge.fit.fit_problem import WORST, FitProblem
from bridge.fit.fit_target import target_of
from bridge.fit.neuron_families import family_of
from bridge.fit_peers.known_truth import drawn_truth, recording_of
from neurosim.catalogue import GLIF
from neurosim.errors import ParameterError


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
    for name in ("E_L", "V_T", "V_reset"):
        assert found[name] == pytest.approx(own[name], abs=1.0)
    # That the threshold rises is seen in the recording alone.
    assert found["jump"] == pytest.approx(own["jump"], abs=2.0)
    assert found["tau_s"] == pytest.approx(own["tau_s"], rel=0.3)
    candidates = draw(problem, 16, 0)
    near = problem.roughly(candidates[:1], "times")[0]
    others = problem.roughly(candidates[12:], "times")
    assert near < 0.3 * np.median(others)


def test_a_candidate_that_fires_all_the_time_does_not_end_the_search() -> None:
    # Bounds of rest, reset and threshold overlap: such a neuron has no spikes to compare by.
    problem, own = _known()
    wild = [own | {"E_L": own["V_T"] + 5.0}, own | {"V_reset": own["V_T"] + 4.0, "jump": 1.0}, own]
    u = problem.unit_of(np.array([[one[name] for name in own] for one in wild]))
    exact, rough = problem.value(u, "times"), problem.roughly(u, "times")
    assert exact[2] < 0.1
    assert np.all(exact[:2] > 100 * exact[2])
    assert np.all(rough[:2] > 100 * rough[2])
    values, slopes = problem.gradient(u, "times")
    assert values[2] == pytest.approx(exact[2])
    assert np.all(np.isfinite(slopes[2]))
    assert values[0] == WORST


def test_the_neuron_of_a_family_has_the_fitted_numbers() -> None:
    _, own = _known()
    neuron = family_of("glif").neuron(own, -70.0)
    assert isinstance(neuron, GLIF)
    assert float(neuron.V_th) == pytest.approx(1e-3 * own["V_T"])
    assert float(neuron.A_2) == pytest.approx(1e-12 * own["A_2"])
    assert float(neuron.jump) == pytest.approx(1e-3 * own["jump"])
    assert float(neuron.t_ref) == pytest.approx(1e-3)
