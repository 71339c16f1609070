"""Spike counts as data: f-I curves, their likelihood, and how much counts scatter."""
