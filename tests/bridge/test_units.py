"""Every unit: its equation against closed forms, its slope, its inverse, its fit, its refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
from brian2 import Hz, Mohm, ms, mV, nA, pA, second

from ann.network.activations import resolve
from bridge.choice.recovery import TRUTHS
from bridge.counts.curve import FICurve
from bridge.errors import FitError, RangeError
from bridge.units import (
    FAMILIES,
    LIFRate,
    Logistic,
    NakaRushton,
    NoisyLIF,
    ReLU,
    Softplus,
    SquareRoot,
)
from neurosim.errors import ParameterError, UnitError, UnknownNameError

UNITS = [*TRUTHS.values(), NoisyLIF.from_membrane(sigma_mV=2.0, dt_s=1e-4)]
CURRENTS = np.linspace(3, 600, 41)
every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)


def test_equations_at_known_points():
    assert Logistic(80, 200, 40).rate(240) == pytest.approx(80 / (1 + np.exp(-1)))
    assert Softplus(0.2, 150, 20).rate(150) == pytest.approx(0.2 * 20 * np.log(2))
    assert ReLU(0.2, 150).rate(250) == pytest.approx(20)
    assert SquareRoot(3, 100).rate(200) == pytest.approx(30)
    assert NakaRushton(100, 50, 150, 2).rate(350) == pytest.approx(100 * 4 / 5)
    # tau ln 2 + refractory, at twice the rheobase
    assert LIFRate(150, 150, 0.02, 0.002).rate(300) == pytest.approx(1 / (0.002 + 0.02 * np.log(2)))


def test_softplus_becomes_the_relu_and_noisy_lif_the_lif():
    np.testing.assert_allclose(
        Softplus(0.2, 150, 1e-3).rate(CURRENTS), ReLU(0.2, 150).rate(CURRENTS), atol=1e-3
    )
    away = CURRENTS[np.abs(CURRENTS - 150) > 3]
    np.testing.assert_allclose(
        NoisyLIF.from_membrane(sigma_mV=0.01).rate(away),
        LIFRate.from_membrane().rate(away),
        rtol=1e-4,
        atol=1e-9,
    )


def test_lif_against_published_values(shared_targets):
    target = json.loads((shared_targets / "analytic_public.json").read_text())["lif_fi"]
    rate = LIFRate.from_membrane().rate(np.array(target["I_nA"]) * 1e3)
    np.testing.assert_allclose(rate, target["rate_Hz"], rtol=1e-12)


def test_siegert_against_published_values(shared_targets):
    target = json.loads((shared_targets / "analytic_public.json").read_text())["lif_siegert"]
    for row in target["table"]:
        unit = NoisyLIF.from_membrane(sigma_mV=row["sigma_mV"])
        current = (row["mu_mV"] + 70) * 10
        np.testing.assert_allclose(unit.rate(current), row["rate_Hz"], rtol=1e-12)


@every_unit
def test_shapes_are_kept_and_quantities_converted(unit):
    assert np.ndim(unit.rate(200)) == 0
    assert unit.rate(np.full((2, 3), 200.0)).shape == (2, 3)
    assert unit.gradient(np.full((2, 3), 200.0)).shape == (2, 3)
    assert unit.rate(0.2 * nA) == pytest.approx(unit.rate(200))
    with pytest.raises(UnitError):
        unit.rate(3 * mV)


@every_unit
def test_rate_never_falls(unit):
    wide = np.concatenate([np.linspace(-3000, 3000, 2001), [1e5]])
    rate = unit.rate(wide)
    assert np.all(np.isfinite(rate))
    assert np.all(rate >= 0)
    assert np.all(np.diff(rate) >= -1e-12 * rate.max())


@every_unit
def test_gradient_is_the_slope(unit):
    step = 1e-4
    numeric = (unit.rate(CURRENTS + step) - unit.rate(CURRENTS - step)) / (2 * step)
    np.testing.assert_allclose(
        unit.gradient(CURRENTS), numeric, rtol=1e-6, atol=1e-7 * np.abs(numeric).max()
    )


@every_unit
def test_partial_derivatives(unit):
    theta = unit.values
    rate, partials = unit.derivatives(theta, CURRENTS, **unit.settings)
    np.testing.assert_allclose(rate, unit.rate(CURRENTS), rtol=1e-12)
    for i in range(len(theta)):
        step = np.zeros_like(theta)
        step[i] = 1e-6 * theta[i]
        above = unit.evaluate(theta + step, CURRENTS, **unit.settings)
        below = unit.evaluate(theta - step, CURRENTS, **unit.settings)
        numeric = (above - below) / (2 * step[i])
        scale = np.abs(numeric).max()
        np.testing.assert_allclose(partials[:, i], numeric, rtol=1e-6, atol=1e-7 * scale)


@every_unit
def test_many_units_at_once(unit):
    theta = unit.values * np.array([[1.0], [1.1]])
    both = unit.evaluate(theta, CURRENTS, **unit.settings)
    alone = unit.evaluate(theta[1], CURRENTS, **unit.settings)
    np.testing.assert_allclose(both[1], alone, rtol=1e-14)


@every_unit
def test_inverse_undoes_rate(unit):
    rate = unit.rate(CURRENTS)
    fires = rate > 0
    np.testing.assert_allclose(unit.inverse(rate[fires]), CURRENTS[fires], rtol=1e-7)
    assert np.ndim(unit.inverse(10.0)) == 0
    assert unit.inverse(10 * Hz) == pytest.approx(unit.inverse(10.0))


@every_unit
def test_rates_out_of_reach_name_the_range(unit):
    with pytest.raises(RangeError, match="-1 Hz"):
        unit.inverse([10.0, -1.0])
    with pytest.raises(RangeError):
        unit.inverse(np.nan)
    high = unit.rate_range[1]
    if np.isfinite(high):
        with pytest.raises(RangeError, match=f"below {high:g} Hz"):
            unit.inverse(high)
    if unit.sharp:
        assert unit.inverse(0.0) == getattr(unit, unit.location)
    else:
        with pytest.raises(RangeError, match="above 0 Hz"):
            unit.inverse(0.0)


@every_unit
def test_fit_finds_the_unit_in_many_counts(unit):
    currents = np.arange(0, 601, 12.5)
    counts = np.round(unit.rate(currents) * 2000)
    found = type(unit).fit(FICurve(currents, counts, 2000.0), fixed=unit.settings)
    np.testing.assert_allclose(found.rate(currents), unit.rate(currents), rtol=0.01, atol=0.02)


def test_fixed_parameters_stay():
    truth = LIFRate.from_membrane()
    currents = np.arange(0, 601, 25.0)
    curve = FICurve(currents, np.round(truth.rate(currents) * 50), 50.0)
    found = LIFRate.fit(curve, fixed={"refractory_s": 2 * ms, "span_pA": 0.15 * nA})
    assert found.refractory_s == pytest.approx(0.002)
    assert found.tau_s == pytest.approx(0.02, rel=0.01)
    with pytest.raises(UnknownNameError, match="did you mean 'refractory_s'"):
        LIFRate.fit(curve, fixed={"refractory": 0.002})
    with pytest.raises(ParameterError, match="outside"):
        LIFRate.fit(curve, fixed={"refractory_s": -1.0})


def test_fit_refuses_what_cannot_be_fitted():
    with pytest.raises(FitError, match="no spikes"):
        ReLU.fit(FICurve([0, 50], [0, 0], 1.0))
    with pytest.raises(FitError, match="4 free parameters"):
        LIFRate.fit(FICurve([0, 50], [0, 4], 1.0))


def test_membranes_with_quantities():
    plain = NoisyLIF.from_membrane(90, 0.015, -68, -52, -60, 0.003, 4.0)
    quantities = NoisyLIF.from_membrane(
        90 * Mohm, 15 * ms, -68 * mV, -52 * mV, -60 * mV, 0.003 * second, 4 * mV
    )
    np.testing.assert_allclose(quantities.values, plain.values)
    assert plain.noise_pA == pytest.approx(4 / 90 * 1e3)
    with pytest.raises(ParameterError, match="above reset"):
        LIFRate.from_membrane(reset_mV=-50)
    with pytest.raises(ParameterError, match="positive"):
        LIFRate.from_membrane(resistance_Mohm=0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, "x", None, [1.0, 2.0]])
def test_bad_parameters_are_named(bad):
    with pytest.raises(ParameterError, match="max_rate_Hz"):
        Logistic(bad, 200, 40)
    assert Logistic(80 * Hz, 200 * pA, 40 * pA) == Logistic(80, 200, 40)


@every_unit
def test_units_are_values(unit):
    again = type(unit)(**{f.name: getattr(unit, f.name) for f in fields(unit)})
    assert again == unit
    assert hash(again) == hash(unit)
    assert json.loads(json.dumps(unit.to_dict()))["name"] == unit.name
    first = unit.parameters[0].name
    assert unit.replace(**{first: 77.0}) != unit
    with pytest.raises(UnknownNameError, match="no parameter"):
        unit.replace(nonsense=1.0)
    with pytest.raises(AttributeError):
        setattr(unit, first, 1.0)


@every_unit
def test_units_serve_as_activations(unit):
    activation = resolve(unit)
    z = np.linspace(100, 300, 6).reshape(2, 3)
    np.testing.assert_allclose(activation.value(z), unit.rate(z))
    np.testing.assert_allclose(activation.gradient(z), unit.gradient(z))
    assert activation.name == unit.name


def test_names_are_unique():
    assert len({family.name for family in FAMILIES}) == len(FAMILIES) == 9


def test_units_do_not_bring_the_simulator():
    """An activation must not cost the import of Brian2."""
    code = "import sys, bridge.units; sys.exit('brian2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
