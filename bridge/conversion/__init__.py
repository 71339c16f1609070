"""Trained networks onto spiking neurons."""
