"""Experiments: one file, one claim, one figure; and the command that runs them."""

from experiments.kit.registry import Context, Experiment, all_experiments, find
from experiments.kit.result import Result, Verdict

__all__ = ["Context", "Experiment", "Result", "Verdict", "all_experiments", "find"]
