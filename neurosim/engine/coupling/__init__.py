"""Junctions that carry current between cells while the trees of all of them are solved."""
