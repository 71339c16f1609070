"""What a neuron is: frozen descriptions of point and multi-compartment neurons, and of circuits."""
