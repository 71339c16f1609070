"""Derivatives of what is measured on a neuron, with respect to anything that describes it."""
