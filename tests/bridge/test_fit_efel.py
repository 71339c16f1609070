"""Fits beside eFEL: features of the recorded and the fitted trace, and what does not apply."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bridge.fit.fit_problem import FitProblem
from bridge.fit.fit_target import FitTarget, target_of
from bridge.fit.neuron_families import family_of
from bridge.fit_peers.efel_check import FEATURES, EfelCheck, efel_check, features_of
from bridge.fit_peers.known_truth import drawn_truth, recording_of
from neurosim.errors import ExtraMissingError, ParameterError


def _known(name: str) -> tuple[FitTarget, dict[str, float]]:
    """Return a recording of a neuron of the family, and its parameters."""
    family = family_of(name)
    for number in range(2, 22):
        truth = drawn_truth(family, number)
        try:
            cell = recording_of(family, truth, step_ms=120.0, noise_mV=0.1, seed=number)
        except ParameterError:
            continue
        return target_of(cell, sweeps=4), truth
    raise AssertionError("no neuron of the family fires")


def _both(found: EfelCheck, name: str) -> tuple[np.ndarray, np.ndarray]:
    recorded, fitted = found[name]
    known = ~np.isnan(recorded)
    assert known.any()
    return recorded[known], fitted[known]


@pytest.mark.parametrize("name", ["adex", "hh1"])
def test_the_neuron_that_was_recorded_has_the_features_of_the_recording(name: str) -> None:
    pytest.importorskip("efel", reason="needs the extra efel")
    target, truth = _known(name)
    found = features_of(family_of(name), target, truth)
    assert found.recorded.shape == (len(FEATURES), len(target.held_out))
    assert np.array_equal(*found["spike_count_stimint"])
    # What eFEL counts is what the recording has.
    spikes = [
        int(np.sum((p.spikes_ms >= target.onset_ms) & (p.spikes_ms < target.stop_ms)))
        for p in target.held_out
    ]
    assert found["spike_count_stimint"][0].tolist() == spikes
    assert max(spikes) > 3
    # A sample is .1 ms; noise moves a peak by a few samples of a broad top.
    assert np.allclose(*_both(found, "time_to_first_spike"), atol=0.5)
    assert np.allclose(*_both(found, "adaptation_index2"), atol=0.01)
    assert np.allclose(*_both(found, "steady_state_voltage_stimend"), atol=0.2)
    assert np.allclose(*_both(found, "AHP_depth"), atol=0.7)
    shape = [one.name for one in FEATURES if one.shape]
    if found.is_reset:
        assert all(np.isnan(found[one][1]).all() for one in shape)
        assert str(found).count("does not apply") == len(shape)
    else:
        assert np.allclose(*_both(found, "AP_height"), atol=0.5)
        assert np.allclose(*_both(found, "AP_duration_half_width"), atol=0.15)
        assert "does not apply" not in str(found)


def test_another_neuron_has_other_features() -> None:
    # A check that says of every neuron that it agrees would be none.
    pytest.importorskip("efel", reason="needs the extra efel")
    target, truth = _known("hh1")
    other = {**truth, "speed": 0.6 * truth["speed"], "E_leak": truth["E_leak"] - 4.0}
    found = features_of(family_of("hh1"), target, other)
    recorded, fitted = found["AP_duration_half_width"]
    both = ~np.isnan(recorded) & ~np.isnan(fitted)
    assert np.all(fitted[both] > 1.3 * recorded[both])
    assert np.all(found["voltage_base"][1] < found["voltage_base"][0] - 2.5)


def test_a_table_tells_what_does_not_apply(tmp_path: Path) -> None:
    steps = 2
    recorded = np.arange(float(len(FEATURES) * steps)).reshape(len(FEATURES), steps)
    fitted = recorded + 0.5
    fitted[[one.shape for one in FEATURES]] = np.nan
    check = EfelCheck(np.array([50.0, 100.0]), recorded, fitted, True, "cell", "adex", "5", -20.0)
    with check.save(tmp_path).open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(FEATURES) * steps
    by = {(row["feature"], row["current_pA"]): row for row in rows}
    assert by["AP_height", "100"]["applies"] == "no"
    assert by["AP_height", "100"]["fitted"] == ""
    assert by["AHP_depth", "50"]["recorded"] == "14"
    assert by["AHP_depth", "50"]["fitted"] == "14.5"


def test_without_efel_it_is_said_before_the_search(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from experiments.command.main import app

    monkeypatch.setitem(__import__("sys").modules, "efel", None)
    target, truth = _known("adex")
    with pytest.raises(ExtraMissingError, match=r"neurosim-bridge\[efel\]"):
        features_of(family_of("adex"), target, truth)
    missing = tmp_path / "not-read.abf"
    told = CliRunner().invoke(app, ["fit", str(missing), "--efel"])
    assert isinstance(told.exception, ExtraMissingError)


def test_the_command_writes_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("efel", reason="needs the extra efel")
    from bridge.fit import fit_neuron
    from experiments.command.main import app

    target, truth = _known("adex")
    problem = FitProblem(family_of("adex"), target)
    u = problem.unit_of(np.array([truth[name] for name in problem.family.names]))
    # In place of a search of minutes: the fit that ends at the truth.
    ended = fit_neuron.Found(u[np.newaxis], np.ones(1))
    fit = fit_neuron._told(problem, fit_neuron._Ended(u, 1.0, "all"), ended, None, 0)
    fit = dataclasses.replace(fit, target=dataclasses.replace(target, name="cell"))
    monkeypatch.setattr(fit_neuron, "fit_neuron", lambda *_, **__: fit)
    monkeypatch.setattr("bridge.recordings.read", lambda *_, **__: type("", (), {"name": "cell"}))
    told = CliRunner().invoke(app, ["fit", "cell.csv", "--efel", "--out", str(tmp_path)])
    assert told.exit_code == 0, told.output
    assert "eFEL" in told.output
    assert (tmp_path / "cell_adex_efel.csv").read_text().count("AHP_depth") == len(target.held_out)
    assert str(efel_check(fit)) in told.output
