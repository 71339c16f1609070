"""The network itself: layers, activations, losses and initial weights."""
