"""Neurons for Arbor: segments, mechanisms in its dialect, and both programs beside each other."""
