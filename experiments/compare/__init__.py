"""The main job: neurons, their units and a network of them, on one page."""
