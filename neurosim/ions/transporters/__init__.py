"""Pumps, exchangers and cotransporters: one a file, equation and source in its docstring."""
