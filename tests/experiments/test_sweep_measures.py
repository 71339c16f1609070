"""What a sweep measures, and what it is told of it: units, windows, sizes."""

import numpy as np
import pytest
from brian2.units import Quantity, mV, nA, pA

from experiments.sweep.errors import MeasureError
from experiments.sweep.rows.grids import product, random_grid
from experiments.sweep.rows.row_measures import measure_of_runs, measures_of
from neurosim.errors import ParameterError


def potential(recording):
    return np.array([1.0, 2.0]) * mV


def plain(recording):
    return np.array([1.0, 2.0])


def complex_numbers(recording):
    return np.array([1j, 2j])


def nothing(recording):
    return None


def slope(recording):
    return Quantity([3.0], dim=(mV / (1e-3 * nA)).dim)


def made(function, unit):
    return measure_of_runs(function, version="1", outputs={"a": unit})


def test_quantities_come_out_in_the_unit_that_was_stated():
    """1 mV was stored as 0.001 and labelled mV."""
    assert made(potential, "mV")(None)["a"] == pytest.approx([1, 2])
    assert made(potential, "V")(None)["a"] == pytest.approx([0.001, 0.002])
    assert made(plain, "mV")(None)["a"] == pytest.approx([1, 2])
    assert made(slope, "V/A")(None)["a"] == pytest.approx([3.0])


@pytest.mark.parametrize("unit", ["banana", "mV/", "3", "mV*banana", "1/s/"])
def test_a_unit_that_there_is_not_is_refused(unit):
    with pytest.raises(MeasureError, match="is no unit"):
        made(plain, unit)


def test_another_unit_complex_numbers_and_none_are_refused():
    with pytest.raises(MeasureError, match="a quantity in volt, and its unit was stated as 'pA'"):
        made(potential, "pA")(None)
    with pytest.raises(MeasureError, match="its unit was stated as 'none'"):
        made(potential, "")(None)
    with pytest.raises(MeasureError, match="returned complex numbers"):
        made(complex_numbers, "")(None)
    with pytest.raises(MeasureError, match="returned None"):
        made(nothing, "")(None)


def test_a_count_in_a_window_can_be_written_in_words():
    (one,) = measures_of("count(0 ms, 50 ms)")
    assert one.name == "count"
    assert [(name, float(value)) for name, value in one.arguments] == [
        ("start", 0.0),
        ("stop", pytest.approx(0.05)),
    ]
    with pytest.raises(MeasureError, match="a start and a stop"):
        measures_of("count(1 ms, 2 ms, 3 ms)")
    with pytest.raises(MeasureError, match="a window is two times"):
        measures_of("count(1 mV)")


def test_a_grid_of_a_trillion_rows_is_refused_before_it_is_made():
    with pytest.raises(ParameterError, match=r"2e\+12 rows are more than a sweep holds"):
        product({"current": [1, 400] * pA, "repeat": range(10**12)})
    with pytest.raises(ParameterError, match="more than a sweep holds"):
        random_grid({"repeat": range(3)}, 10**12)
