"""One artificial unit and one neuron: gain and offset between them, and units split in two."""
