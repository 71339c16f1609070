"""What a neuron is: frozen descriptions of point neurons, neurons with extent, and circuits."""
