"""Drawing functions that take arrays: the `plot` methods of neurosim's classes call these."""
