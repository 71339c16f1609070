"""Stimuli that measure a neuron: f-I curves, steps of current, frozen noise."""
