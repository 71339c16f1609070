"""Neurons, described by what they are and run with Brian2.

Names are loaded when first used, so that `neurosim.errors` does not bring the simulator with it.
"""

import lazy_loader

# The names and where they stand are in `__init__.pyi`, which type checkers and editors read too.
_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """Return a public name, loaded when first used, or the version."""
    if name == "__version__":
        from neurosim.version import installed_version

        return installed_version()
    return _load(name)
