"""What nerves drive outside the nervous system: muscle and gland."""

from neurosim.effectors.end_plate import EndPlate
from neurosim.effectors.gland import ChromaffinCell, Secretion
from neurosim.effectors.martin_correction import martin_correction
from neurosim.effectors.muscle_fibre import MuscleFibre

__all__ = ["ChromaffinCell", "EndPlate", "MuscleFibre", "Secretion", "martin_correction"]
