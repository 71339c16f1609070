"""Converted networks as files of the Neuromorphic Intermediate Representation (NIR)."""
