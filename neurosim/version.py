"""Which version of the project is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["DISTRIBUTION", "installed_version"]

DISTRIBUTION = "neurosim-bridge"
"""Name of the project on a package index; what it brings is imported by other names."""


def installed_version(distribution: str = DISTRIBUTION) -> str:
    """Return the version of an installed distribution, or "not installed".

    Examples
    --------
    >>> installed_version()[0].isdigit()
    True
    >>> installed_version("no such distribution")
    'not installed'
    """
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"
