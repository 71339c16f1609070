"""Neurons and units as files for other programs."""
