"""The cell with a pump under steps, trains and ouabain, held against NEURON 9.0.2."""

from __future__ import annotations

import numpy as np
import pytest

from experiments import Context
from experiments.gallery.ions.pump_reference import (
    POTENTIAL_AT_S,
    REFERENCE,
    SODIUM_AT_S,
    beside,
)

CONTEXT = Context(seed=3, jobs=1, quick=True)
UNTIL_S = 4.0


@pytest.fixture(scope="module")
def early():
    """The first seconds of every protocol in which something has happened by then."""
    cases = [case for case in REFERENCE if not case[3] or case[4] < UNTIL_S - 0.5]
    return cases, beside(cases, 0.025, UNTIL_S, **CONTEXT.running())


@pytest.mark.slow
def test_sodium_is_that_of_neuron_within_half_a_percent(early):
    cases, run = early
    assert len(cases) > 15
    moments = [t for t in SODIUM_AT_S if t <= UNTIL_S]
    for row, case in zip(run.traces_si["sodium"], cases, strict=True):
        told = REFERENCE[case][2][: len(moments)]
        found = np.interp(moments, run.trace_time_s, row)
        assert found == pytest.approx(told, rel=5e-3), case
    assert run.ledger["na"].relative_error < 1e-9


@pytest.mark.slow
def test_potential_before_the_protocol_is_that_of_neuron(early):
    cases, run = early
    for row, case in zip(run.traces_si["cell"], cases, strict=True):
        found = 1e3 * np.interp(POTENTIAL_AT_S[0], run.trace_time_s, row)
        # 1e-3 mV is the last digit of the reference; ouabain from 0.2 s on depolarises.
        assert found == pytest.approx(REFERENCE[case][3][0], abs=2e-3), case


@pytest.mark.slow
def test_a_step_makes_the_spikes_of_neuron_where_they_are_few(early):
    # Those that fall silent within the time that is run here, and trains of a spike a pulse.
    cases, run = early
    for case, count in {(6, 0, 0, 0, 0): 1, (2, 0, 0, 0, 0): 0, (10, 0, 0, 0, 0): 64}.items():
        assert REFERENCE[case][0] == count
        assert int(run.counts()[cases.index(case)]) == count
    assert int(run.counts()[cases.index((0, 250, 50, 0, 0))]) == 150
