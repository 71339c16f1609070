"""What nerves drive outside the nervous system: muscle and gland."""

from neurosim.effectors.gland import ChromaffinCell, Secretion
from neurosim.effectors.muscle import EndPlate, MuscleFibre, martin_correction

__all__ = ["ChromaffinCell", "EndPlate", "MuscleFibre", "Secretion", "martin_correction"]
