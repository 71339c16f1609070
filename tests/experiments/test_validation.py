"""Every acceptance problem is a test with its tolerance."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from experiments.kit.registry import Context
from experiments.validation import Check, all_problems
from experiments.validation.cable_checks import cable_response, rallpack1

PROBLEMS = {problem.id: problem for problem in all_problems()}
LONG = {"P02", "P05", "P07", "P10"}


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=[pytest.mark.slow] if n in LONG else []) for n in PROBLEMS],
)
@pytest.mark.slow
def test_problem(number):
    checks = list(PROBLEMS[number].run(Context(quick=True)))
    assert checks
    missed = [
        f"{check.what}: {check.ours:.6g}, reference {check.reference:.6g}"
        for check in checks
        if not check.holds
    ]
    assert not missed


def test_a_check_fails_when_it_should():
    assert Check("x", 1.004, 1.0, 0.005).holds
    assert not Check("x", 1.006, 1.0, 0.005).holds
    assert not Check("x", float("nan"), 1.0, 0.005).holds
    assert not Check("n", 7, 8, 0, True).holds
    # Chance counts: the interval has to be within the tolerance too.
    assert Check("x", 2.006, 2.0, 0.005, uncertainty=0.003).holds
    assert not Check("x", 2.006, 2.0, 0.005, uncertainty=0.005).holds
    assert not Check("n", 7.5, 8, 0.6, True, uncertainty=0.2).holds


def test_the_closed_form_is_that_of_the_targets(shared_targets):
    """The Fourier series used here gives the stored analytic trace of Rallpack 1."""
    facts = json.loads((shared_targets / "rallpack1.json").read_text())
    last = facts["v_ss_mV"]  # at 250 ms
    late = np.array([250.0])
    assert cable_response(late, 0.0)[0] - 65 == pytest.approx(last["x0"], abs=0.03)
    assert cable_response(late, 1.0)[0] - 65 == pytest.approx(last["xL"], abs=1e-3)


@pytest.mark.slow
def test_rallpack_1_against_the_stored_trace(shared_targets):
    with (shared_targets / "rallpack1_v.csv").open() as file:
        rows = [row for row in csv.reader(file) if not row[0].startswith("#")]
    header, values = rows[0], np.array(rows[1:], dtype=float)
    t, traces = rallpack1(Context())
    far = next(k for k, name in enumerate(header) if "L" in name)
    expected = np.interp(t, values[:, 0], values[:, far])
    assert np.sqrt(np.mean((traces["far"] - expected)[t >= 1] ** 2)) < 0.02
