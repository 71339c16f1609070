"""`neurosim explore`."""
