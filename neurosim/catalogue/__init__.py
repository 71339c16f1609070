"""Ready neurons, one a file, each a few lines of equations with its source."""

from neurosim.catalogue.adex import AdEx
from neurosim.catalogue.hodgkin_huxley import HodgkinHuxley
from neurosim.catalogue.lif import LIF
from neurosim.catalogue.traub_miles import TraubMiles

__all__ = ["LIF", "AdEx", "HodgkinHuxley", "TraubMiles"]
