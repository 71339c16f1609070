"""Experiments on ions, pumps and glia."""
