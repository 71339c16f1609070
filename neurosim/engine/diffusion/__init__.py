"""Ions that diffuse inside cells: along the tree, and between shells of each compartment."""
