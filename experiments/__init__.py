"""Experiments: one file, one claim, one figure; and the command that runs them.

Names are loaded when first used, so that the command starts without NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.kit.registry import Context, Experiment, all_experiments, find
    from experiments.kit.result import Result, Verdict

__all__ = ["Context", "Experiment", "Result", "Verdict", "all_experiments", "find"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'experiments' has no attribute {name!r}")
    place = "result" if name in ("Result", "Verdict") else "registry"
    return getattr(import_module(f"experiments.kit.{place}"), name)


def __dir__() -> list[str]:
    return __all__
