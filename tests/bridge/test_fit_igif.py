"""Fits of neurons that bend: what a recording tells of them, and cells without rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bridge.fit.current_balance import balanced_igif
from bridge.fit.fit_candidates import draw
from bridge.fit.fit_problem import FitProblem
from bridge.fit.fit_target import FitTarget, target_of
from bridge.fit.misfit import PieceMisfit, Tolerances
from bridge.fit.neuron_families import family_of
from bridge.fit.residual_rows import LocatedRun
from bridge.fit_peers.known_truth import drawn_truth, recording_of
from bridge.recordings import CellRecording, made_recording
from neurosim.catalogue import InactivatingGIF
from neurosim.errors import ParameterError

# Much of one conductance is open at the potentials at which the neuron fires, and of the other at
# those below rest (nS/pF, mV, ms).
OPENS = {"g_r": 0.3, "V_r": -48.0, "tau_r": 8.0}
CLOSES = {"g_r": -0.06, "V_r": -78.0, "tau_r": 2.0, "g_L": 0.1}


def _known(kind: dict[str, float] = OPENS) -> tuple[CellRecording, dict[str, float]]:
    family = family_of("igif")
    for number in range(2, 22):
        truth = drawn_truth(family, number)
        truth |= {n: x * truth["C"] if n.startswith("g") else x for n, x in kind.items()}
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
    assert first["E_L"] == pytest.approx(own["E_L"], abs=5.0)

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


def test_a_step_that_fires_unasked_is_divided_with_the_others_if_neurons_may_fire_there() -> None:
    cell = made_recording([-50, -25, 0, 25, 50, 75, 100], [0, 0, 3, 5, 7, 9, 11])
    target = target_of(cell, restless=True)
    # The weakest current that makes the cell fire is fitted.
    assert [p.current_pA for p in target.train] == [-50, 0, 50, 100]
    assert [p.current_pA for p in target.held_out] == [-25, 25, 75]
    assert "intervals are compared" in " ".join(target.notes)
    quiet = made_recording([-50, -25, 0, 25, 50, 75, 100], [0, 0, 0, 5, 7, 9, 11])
    both = [target_of(quiet, restless=one) for one in (False, True)]
    assert [p.current_pA for p in both[0].train] == [p.current_pA for p in both[1].train]


def test_of_spikes_that_no_step_asks_for_the_intervals_are_compared() -> None:
    cell, _ = _known()
    target = target_of(cell, sweeps=4)
    loud = max(target.train, key=lambda p: len(p.spikes_ms))
    assert len(loud.spikes_ms) > 3
    unasked = replace(loud, current_pA=0.0)
    free = PieceMisfit(target, unasked, "times", Tolerances())
    assert free.phase_is_free
    v = np.full(round(target.length_ms / 0.05), -60.0)

    def misses(times_ms: np.ndarray, piece: PieceMisfit) -> float:
        found = piece.residuals(LocatedRun(v, 0.05, times_ms)).values
        return float(found @ found)

    # A run that is late as a whole misses nothing, unless its last spikes leave the step.
    assert misses(loud.spikes_ms + 3.0, free) == pytest.approx(0.0, abs=1e-20)
    bound = PieceMisfit(target, loud, "times", Tolerances())
    assert misses(loud.spikes_ms + 3.0, bound) > 1.0
    # Longer intervals and missing spikes cost.
    longer = loud.spikes_ms[0] + 1.1 * (loud.spikes_ms - loud.spikes_ms[0])
    assert misses(longer, free) > 1.0
    assert misses(loud.spikes_ms[:-2], free) > 1.0
    assert misses(np.zeros(0), free) > misses(loud.spikes_ms[:-2], free)
    # How each residual follows the spikes: a shift of all of them changes none.
    residuals = free.residuals(LocatedRun(v, 0.05, longer))
    by_spike = residuals.by_spike.toarray()
    assert np.abs(by_spike.sum(axis=1)).max() < 1e-12
    for k in range(len(longer)):
        moved = [longer + h * (np.arange(len(longer)) == k) for h in (1e-5, -1e-5)]
        above, below = (free.residuals(LocatedRun(v, 0.05, one)).values for one in moved)
        assert by_spike[:, k] == pytest.approx((above - below) / 2e-5, abs=1e-6)


def test_of_two_starts_one_begins_with_a_conductance_that_closes() -> None:
    cell, own = _known(CLOSES)
    problem = FitProblem(family_of("igif"), target_of(cell, sweeps=4))
    k = problem.family.names.index("g_r")
    opens, closes = (problem.parameters(draw(problem, 20, seed))[:4, k] for seed in (0, 1))
    assert np.all(opens >= 0)
    assert np.all(closes < 0)
    first = balanced_igif(problem.target, closes=True)[0]
    assert first["g_L"] + first["g_r"] == pytest.approx(own["g_L"] + own["g_r"], rel=0.3)
    assert first["g_L"] > 1.5 * (first["g_L"] + first["g_r"])
    # Of a cell in which none closes, both begin with one that opens.
    other = target_of(_known()[0], sweeps=4)
    assert balanced_igif(other, closes=True) == balanced_igif(other)
