"""Networks of artificial units in NumPy: a calculus to read, a plan to run, estimators to use.

Names are loaded when first used, so that `ann.errors` does not bring scikit-learn with it.
"""

import lazy_loader

# The names and where they stand are in `__init__.pyi`, which type checkers and editors read too.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
