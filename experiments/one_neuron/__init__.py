"""One neuron, its synapses and one of its spikes: what is measured and how it is drawn."""
