"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

PACKAGES = ("neurosim", "ann", "bridge", "experiments")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _modules():
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield name
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            yield module.name


@pytest.mark.parametrize("name", sorted(_modules()))
@pytest.mark.slow
def test_examples_run(name):
    module = importlib.import_module(name)
    failed, tried = doctest.testmod(module, optionflags=FLAGS)
    assert failed == 0, f"{failed} of {tried} examples in {name}"
