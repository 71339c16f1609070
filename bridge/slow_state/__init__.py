"""Cells whose rate depends on how they fired seconds ago, and the unit that stands for them."""
