"""The engine in a page: a described neuron as WebAssembly, with the inputs of its run."""
