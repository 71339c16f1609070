"""The jump and the block: equations, slopes, inverses, and when each may stand for a curve."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.choice.recovery import CURRENTS, MORE_TRUTHS, TRUTHS, draw_curve, recover
from bridge.choice.select_unit import select
from bridge.counts.curve import FICurve
from bridge.errors import RangeError
from bridge.units import FAMILIES, Block, SquareRoot, TypeTwo
from experiments.kit.recorded import recorded_curve

UNITS = list(MORE_TRUTHS.values())
every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)


@every_unit
def test_slopes_are_those_of_the_equation(unit):
    current = np.linspace(120.3, 600, 37)
    step = 1e-4
    numeric = (unit.rate(current + step) - unit.rate(current - step)) / (2 * step)
    np.testing.assert_allclose(unit.gradient(current), numeric, rtol=1e-5, atol=1e-7)
    theta = unit.values
    _, partials = unit.derivatives(theta, current)
    for i in range(len(theta)):
        moved = np.zeros_like(theta)
        moved[i] = 1e-6 * theta[i]
        numeric = (
            unit.evaluate(theta + moved, current) - unit.evaluate(theta - moved, current)
        ) / (2 * moved[i])
        scale = np.abs(numeric).max()
        np.testing.assert_allclose(partials[:, i], numeric, rtol=1e-5, atol=1e-6 * scale)


@every_unit
def test_inverse_gives_a_current_of_that_rate(unit):
    low, high = unit.rate_range
    wanted = np.linspace(low + 0.1, min(high, 200) - 0.1, 9)
    np.testing.assert_allclose(unit.rate(unit.inverse(wanted)), wanted, rtol=1e-6)
    with pytest.raises(RangeError):
        unit.inverse(high * 2 if np.isfinite(high) else low / 2)


def test_limits():
    # Without a jump the unit is the square root; without a block in reach a hyperbola.
    current = np.linspace(0, 600, 61)
    np.testing.assert_allclose(
        TypeTwo(1e-3, 2, 112).rate(current), SquareRoot(2, 112).rate(current), atol=2e-3
    )
    far = Block(80, 62, 120, reach_pA=1e5, width_pA=10)
    np.testing.assert_allclose(far.rate(262.0), 80 * 200 / 320)
    # Far beyond the block the share `rest` of the rise is left.
    gone = Block(80, 62, 120, reach_pA=290, width_pA=12, rest=0.1)
    np.testing.assert_allclose(gone.rate(2062.0), 0.1 * 80 * 2000 / 2120, rtol=1e-9)


def test_the_recorded_block_cell_gets_the_block_unit():
    curve = recorded_curve("block")
    chosen = select(curve, FAMILIES)
    assert chosen.best.family == "block"
    assert chosen.best.adequate
    for family in TRUTHS:
        assert "no monotone unit is right" in chosen.refused[family]
    # The peak stands where it was measured, and the block between 1400 and 1500 pA.
    assert 900 <= chosen.best.unit.peak_pA <= 1400
    half = chosen.best.unit.threshold_pA + chosen.best.unit.reach_pA
    assert 1350 < half < 1500
    assert chosen.best.valid_Hz[1] > 30
    # Asked for monotone units only, the answer stays a refusal.
    assert not select(curve, TRUTHS).ok


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["fast-spiking", "regular", "continuous"])
def test_a_rate_that_does_not_fall_gets_no_block(cell):
    chosen = select(recorded_curve(cell), FAMILIES, intervals=None)
    assert "does not fall" in chosen.refused["block"]
    assert chosen.best.family == select(recorded_curve(cell), TRUTHS, intervals=None).best.family


def test_a_jump_is_told_from_a_square_root():
    jump = select(draw_curve(MORE_TRUTHS["type-two"], CURRENTS, 1.0, 5, 3), FAMILIES)
    assert jump.best.family == "type-two"
    low, high = (
        jump.best.intervals["threshold_pA"].low,
        jump.best.intervals["threshold_pA"].high,
    )
    # The threshold lies below the first current that fired, and the interval says so.
    assert low < 112 < high <= 125
    smooth = draw_curve(TRUTHS["square-root"], CURRENTS, 1.0, 5, 3)
    assert select(smooth, ["square-root", "type-two"], intervals=None).best.family == "square-root"


def test_only_one_current_left_is_refused_in_words():
    chosen = select(FICurve([0, 1, 2, 3], [0, 3, 4, 5], 1.0), ["block"])
    assert not chosen.ok
    assert "does not fall" in chosen.refused["block"]


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE_TRUTHS)
def test_known_jump_and_block_in_a_hundred_seeds(name):
    families = ["logistic", "softplus", "relu", "square-root", "naka-rushton", *MORE_TRUTHS]
    found = recover(name, 100, seed=0, families=families)
    told_apart = found.rivals[found.rivals["distinct"]]
    assert (told_apart["beaten"] >= 0.90).all(), found.rivals
    assert found.chosen[name] >= 90
    assert found.refused <= 3
    assert (found.coverage["covered"] >= 0.90).all(), found.coverage
    assert found.coverage["open"].max() <= 0.05
