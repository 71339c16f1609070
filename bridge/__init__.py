"""From neurons to artificial units, and from trained networks to neurons.

Names are loaded when first used: the units alone, which may serve as activations of a network, do
not bring the simulator with them.
"""

import lazy_loader

# The names and where they stand are in `__init__.pyi`, which type checkers and editors read too.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
