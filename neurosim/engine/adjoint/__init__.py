"""The derivative of a run: one time step as a graph of operations, and the run backwards."""
