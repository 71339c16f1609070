"""Reconstructions other than SWC: Neurolucida's text (ASC) and HDF5."""
