"""The artificial unit that stands for a neuron, with its card and the atlas of many."""
