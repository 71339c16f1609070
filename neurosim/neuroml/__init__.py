"""Cells written in NeuroML 2: their shape and their channels as a neuron."""
