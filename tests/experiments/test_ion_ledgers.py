"""Ledgers of every kind of model with ions, in a time that a test can afford."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from experiments import Context, find
from experiments.gallery.ions import ion_ledgers
from experiments.gallery.ions.ledger_models import MODELS
from neurosim import Neuron, simulate
from neurosim.errors import UnknownNameError

CONTEXT = Context(seed=3, jobs=1, quick=True, engine="numpy")


# The long form, `neurosim run ion-ledgers`, takes all of them over 10 s.
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "shells and diffusion",
        "shell outside",
        "transporters",
        "oligodendrocyte",
        "space with a bath",
    ],
)
def test_what_was_there_and_what_crossed_is_what_is_there(name):
    found = ion_ledgers.check(MODELS[name](), 0.002, 2.0, CONTEXT)
    assert max(found.particles, found.charge, found.spaces) < 1e-9
    assert found.moved_fmol > 1e-5
    # Within 2 ms something drives the cell: more moves than in one that is left alone. (An
    # oligodendrocyte is so leaky at rest that 50 pA over 1.5 ms cannot be told from nothing.)
    alone = MODELS[name]()
    driven = isinstance(alone.model, Neuron) and alone.stimulus is not None
    if driven and name != "oligodendrocyte":
        quiet = ion_ledgers.check(replace(alone, stimulus=None), 0.002, 2.0, CONTEXT)
        assert found.moved_fmol > 1.05 * quiet.moved_fmol
    if not MODELS[name]().placed:
        assert found.recorded < 1e-9


def test_currents_that_were_not_recorded_are_missed():
    """The sum of recorded currents is one of its own: a step left out is seen."""
    watched = ion_ledgers._watched(MODELS["shell outside"]().model)
    run = simulate(watched, 1 * ms, dt=0.05 * ms, record_dt=0.05 * ms, engine="numpy")
    assert ion_ledgers._apart(watched, run, 0.05) < 1e-12
    short = replace(run, traces_si={k: v[:, 1:] for k, v in run.traces_si.items()})
    assert ion_ledgers._apart(watched, short, 0.05) > 1e-2


@pytest.mark.slow
def test_ions_pass_the_junction_of_two_cells_around_a_space():
    run = simulate(MODELS["space with a bath"]().model, 3 * ms, dt=0.05 * ms, engine="numpy")
    for name in ("driven", "other"):
        assert np.abs(run[name].ledger["k"].through_junctions).max() > 0


@pytest.mark.slow
def test_a_model_with_receptors_alone_has_no_sum_of_currents_to_judge():
    """The sum was not a number, and its verdict failed."""
    found = find("ion-ledgers")
    short = {"models": "transporters", "duration_s": "0.002", "recorded_ms": "1"}
    result = found.run(found.with_values(short), CONTEXT)
    assert result.holds
    assert len(result.verdicts) == 3


def test_a_model_that_is_not_there_is_refused():
    found = find("ion-ledgers")
    with pytest.raises(UnknownNameError, match=r"'astrocyt'.*did you mean 'astrocyte'"):
        found.run(found.with_values({"models": "astrocyt"}), CONTEXT)
    assert np.all([callable(one) for one in MODELS.values()])
