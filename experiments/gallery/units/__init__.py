"""Experiments on the units that stand for neurons."""
