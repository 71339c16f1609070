"""Networks of spiking neurons that run: layers, synapses, how rates are read, what they cost."""
