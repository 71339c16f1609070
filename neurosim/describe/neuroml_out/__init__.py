"""A neuron as a cell of NeuroML 2: its shape, its channels, and what only we can say."""
