"""Neurons, described by what they are and run with Brian2.

Names are loaded when first used, so that `neurosim.errors` does not bring the simulator with it.
"""

import lazy_loader

# The names and where they stand are in `__init__.pyi`, which type checkers and editors read too.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
