"""Experiments on neurons."""
