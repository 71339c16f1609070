"""The command `neurosim sweep`."""
