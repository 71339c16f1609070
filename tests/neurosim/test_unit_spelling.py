"""A run leaves Brian2 spelling units as people write them."""

import subprocess
import sys

import pytest
from brian2 import Quantity, cm, get_dimensions, meter, ms, mV, nS, ohm, siemens, uF, volt
from brian2.equations.equations import dimensions_and_type_from_string
from brian2.units.stdunits import mM

from neurosim.quantities import unit_name

UNITS = {
    "siemens/metre**2": siemens / meter**2,
    "farad/metre**2": uF / cm**2,
    "ohm*metre": ohm * cm,
    "hertz": 1 / ms,
    "siemens": nS,
    "volt": mV,
    "metre**-1": 1 / meter,
    "metre/second": meter / ms,
    "mole/metre**3": mM,
    "metre**3/second/mole": 1 / (mM * ms),
    "siemens/second": siemens / ms,
    "volt/second": volt / ms,
    "1": Quantity(1.0),
}


@pytest.mark.parametrize("spelling", UNITS)
def test_a_unit_is_spelt_with_the_fewest_units_and_read_back(spelling):
    dim = get_dimensions(UNITS[spelling])
    assert unit_name(Quantity(1.0, dim=dim)) == spelling
    assert dimensions_and_type_from_string(spelling)[0] is dim


def test_a_run_does_not_change_how_units_are_printed():
    """After a run 1 uF/cm2 was printed as 0.01 m^-4 kg^-1 s^4 A^2: as the engine had spelt it."""
    program = """
from brian2 import cm, mS, ms, uF
from neurosim import simulate
from neurosim.catalogue import textbook_neuron
simulate(textbook_neuron(), 0.1 * ms, engine="numpy")
print(1 * uF / cm**2, 3 * mS / cm**2)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "kg" not in done.stdout, done.stdout
