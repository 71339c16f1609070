"""Computational graphs: operations, their derivatives, and checks by finite differences."""
