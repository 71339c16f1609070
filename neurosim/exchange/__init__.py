"""Neurons of other programs, and ours for them."""
