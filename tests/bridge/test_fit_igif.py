"""Fits of neurons that bend: what a recording tells of them, and cells without rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bridge.fit.current_balance import balanced_igif
from bridge.fit.fit_candidates import draw
from bridge.fit.fit_problem import FitProblem
from bridge.fit.fit_target import FitTarget, target_of
from bridge.fit.neuron_families import family_of
from bridge.fit_peers.known_truth import drawn_truth, recording_of
from bridge.recordings import CellRecording
from neurosim.catalogue import InactivatingGIF
from neurosim.errors import ParameterError


def _known() -> tuple[CellRecording, dict[str, float]]:
    family = family_of("igif")
    for number in range(2, 22):
        truth = drawn_truth(family, number)
        # Much of the conductance is open at the potentials of the recording.
        truth |= {"g_r": 0.3 * truth["C"], "V_r": -48.0, "tau_r": 8.0}
        try:
            return recording_of(family, truth, step_ms=200.0, noise_mV=0.3, seed=number), truth
        except ParameterError:
            continue
    raise AssertionError("no neuron of the family fires")


def test_the_balance_of_currents_tells_what_opens_and_from_where_the_threshold_follows() -> None:
    cell, own = _known()
    problem = FitProblem(family_of("igif"), target_of(cell, sweeps=4))
    found = balanced_igif(problem.target)
    assert len(found) > 20
    assert set(found[0]) == set(own)
    first = found[0]
    assert first["C"] == pytest.approx(own["C"], rel=0.15)
    assert first["E_L"] == pytest.approx(own["E_L"], abs=1.5)

    # How much flows where the neuron fires, whatever divides it between leak and conductance.
    def outward(p: dict[str, float], v: float) -> float:
        def through(at: float) -> float:
            return p["g_r"] / (1 + np.exp((p["V_r"] - at) / 4.0)) * (at + 90.0)

        return p["g_L"] * (v - p["E_L"]) + through(v) - through(p["E_L"])

    for v in (-60.0, -52.0, -48.0):
        assert outward(first, v) == pytest.approx(outward(own, v), rel=0.25)
    candidates = draw(problem, 20, 0)
    assert np.all((candidates > 0) & (candidates < 1))
    near = problem.roughly(candidates[:1], "times")[0]
    assert near < 0.3 * np.median(problem.roughly(candidates[16:], "times"))


def test_the_neuron_of_the_family_has_the_fitted_numbers_and_starts_at_its_rest() -> None:
    _, own = _known()
    neuron = family_of("igif").neuron(own, -70.0)
    assert isinstance(neuron, InactivatingGIF)
    for name in ("E_L", "V_i", "V_r", "tau_r", "tau_v", "jump"):
        assert float(getattr(neuron, name)) == pytest.approx(1e-3 * own[name])
    assert float(neuron.g_r) == pytest.approx(1e-9 * own["g_r"])
    assert float(neuron.follow) == pytest.approx(own["follow"])
    assert float(neuron.V_th) == pytest.approx(1e-3 * own["V_T"])
    assert float(neuron.V_0) == float(neuron.E_L)


def _restless(target: FitTarget) -> FitTarget:
    """Return the same steps of a cell that fires at 0 pA, each from a potential of its own."""

    def moved(k: int, piece):  # type: ignore[no-untyped-def]
        v = piece.v_mV.copy()
        v[:10] = -66.0 + k
        return replace(piece, v_mV=v)

    held = [moved(k, p) for k, p in enumerate(target.held_out)]
    nothing = min(range(len(held)), key=lambda k: abs(held[k].current_pA))
    held[nothing] = replace(held[nothing], current_pA=0.0, spikes_ms=np.array([60.0, 120.0]))
    train = tuple(moved(k, p) for k, p in enumerate(target.train))
    return replace(target, train=train, held_out=tuple(held))


def test_a_cell_without_rest_is_run_from_where_its_recording_begins() -> None:
    cell, own = _known()
    target = target_of(cell, sweeps=4)
    assert not target.is_restless
    restless = _restless(target)
    assert restless.is_restless
    problem = FitProblem(family_of("igif"), restless)
    u = problem.unit_of(np.array([list(own.values())]))
    runs = problem.run(u, list(restless.train))[0]
    starts = [run.v_mV[0] for run in runs]
    # One time step after the start.
    assert starts == pytest.approx([-66.0 + k for k in range(len(starts))], abs=0.2)
    in_a_spike = replace(restless.train[0], v_mV=np.full_like(restless.train[0].v_mV, 20.0))
    assert restless.start_mV(in_a_spike) == pytest.approx(restless.threshold_mV - 5.0)
    # Of a family that has a rest, nothing changes.
    glif = FitProblem(family_of("glif"), restless)
    v = glif.run(glif.unit_of(np.array([[own[n] for n in glif.family.names]])), [in_a_spike])
    assert v[0][0].v_mV[0] == pytest.approx(own["E_L"], abs=0.2)


@pytest.mark.parametrize("is_restless", [False, True])
def test_the_gradient_knows_where_runs_start(is_restless: bool) -> None:
    # At rest the resting potential moves the start too; without rest it does not.
    cell, own = _known()
    target = target_of(cell, sweeps=4)
    problem = FitProblem(family_of("igif"), _restless(target) if is_restless else target)
    u = problem.unit_of(np.array(list(own.values()))) + 0.003
    k = problem.family.names.index("E_L")
    _, slope = problem.gradient(u, "passive")
    along = np.arange(len(u)) == k
    moved = np.array([u + h * along for h in (1e-4, -1e-4)])
    above, below = problem.value(moved, "passive")
    assert slope[0, k] == pytest.approx((above - below) / 2e-4, rel=1e-4)


def test_a_neuron_of_the_family_may_fire_without_current() -> None:
    cell, own = _known()
    problem = FitProblem(family_of("igif"), _restless(target_of(cell, sweeps=4)))
    fires = own | {"E_L": -45.0, "V_T": -50.0, "V_i": -20.0, "g_r": 0.01}
    still = own | {"E_L": -60.0, "V_T": -50.0, "V_i": -20.0, "g_r": 0.01}
    nothing = replace(problem.target.train[0], current_pA=0.0)
    for values, many in ((fires, True), (still, False)):
        run = problem.run(problem.unit_of(np.array([list(values.values())])), [nothing])[0][0]
        assert (len(run.spikes_ms) > 0) == many
