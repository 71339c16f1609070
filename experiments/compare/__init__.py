"""The main job: neurons, their units and a network on spiking neurons, on one page."""
