"""Sweeps: one measure over many runs, in chunks that can be stopped, resumed and recomputed.

Names are loaded when first used, so that the command starts without NumPy.
"""

import lazy_loader

# The names and where they stand are in `__init__.pyi`, which type checkers and editors read too.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
