"""What chapters of the book use: the unknown neuron, and the textbook neuron with a pump.

Names are loaded when first used, since `neurosim list` looks into every folder.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
