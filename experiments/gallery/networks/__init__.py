"""Experiments on trained networks that run on spiking neurons."""
