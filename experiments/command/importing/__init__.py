"""`neurosim import`: what files of other simulators become here."""
