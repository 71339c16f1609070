"""Fits of neurons to recordings, by the gradient of the run itself."""
