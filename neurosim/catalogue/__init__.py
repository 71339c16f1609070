"""Ready neurons, one a file, each a few lines of equations with its source."""

import lazy_loader

# The names and where they stand are in `__init__.pyi`, which type checkers and editors read too.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
