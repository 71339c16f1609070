"""A network compiled for training: the passes and updates as lists of NumPy calls."""
