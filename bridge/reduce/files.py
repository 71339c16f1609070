"""Reductions as files: a network or a formula, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ann.errors import ModelFileError
from ann.files.tensor_file import TensorFile, write_tensors
from bridge.reduce.architectures import LAGS_MS, MODELS, Layout, PointUnit
from bridge.reduce.errors import ReductionError
from bridge.reduce.filtered_events import DECAYS_MS, Scale
from bridge.reduce.innervation import BIN_MS
from bridge.reduce.minimise import Fitted
from bridge.reduce.placements import FORMULAS, RateFit
from bridge.reduce.reduced_network import ReducedNetwork
from bridge.reduce.scores import Score
from neurosim.atomic_write import plain

__all__ = ["WHAT", "load_reduction", "save_formula", "save_network"]

WHAT = "neurosim reduction 1"

MOST_BRANCHES = 1_000_000

# Numbers of a formula, in the order of its parameters; without subunits the last three are absent.
NUMBERS = ("weight", "offset", "size", "threshold", "log_width", "slope")


def save_network(network: ReducedNetwork, path: str | Path) -> None:
    """Write a network: its arrays, and on the card how to read them."""
    arrays = {f"parameter_{k}": p for k, p in enumerate(network.parameters)}
    write_tensors(
        path,
        {
            **arrays,
            "branch": np.asarray(network.layout.branch, dtype=np.int64),
            "excitatory": np.asarray(network.layout.excitatory, dtype=bool),
            "mean": network.scale.mean,
            "spread": network.scale.spread,
        },
        {
            "what": WHAT,
            "model": network.model.to_dict(),
            "decays_ms": list(DECAYS_MS),
            "lags_ms": list(LAGS_MS),
            "bin_ms": BIN_MS,
            "voltage_mean_mV": network.scale.voltage_mean_mV,
            "voltage_spread_mV": network.scale.voltage_spread_mV,
        },
    )


def save_formula(found: RateFit, path: str | Path) -> None:
    """Write a formula of the firing rate: its numbers, and on the card which formula it is."""
    numbers = zip(NUMBERS, found.fitted.parameters, strict=False)
    write_tensors(
        path,
        {name: np.asarray(number) for name, number in numbers},
        {
            "what": WHAT,
            "formula": found.formula.name,
            "branches": found.branches,
            "spread_Hz": found.spread_Hz,
            "fitted": [found.fitted.training, found.fitted.validation, found.fitted.steps],
            # nan, where there is no score, is none of JSON's numbers.
            "scores": plain([found.validation, *found.test.to_dict().values()]),
        },
    )


def load_reduction(path: str | Path) -> ReducedNetwork | RateFit:
    """Read what `TrainReduction.save` or `RateReduction.save` wrote; it answers as the saved did.

    Parameters
    ----------
    path : str or Path
        The file ``network.safetensors``, or the folder that holds it.

    Returns
    -------
    ReducedNetwork or RateFit
        A network that foretells spikes (`ReducedNetwork.answer`), or a formula of the firing rate
        (`RateFit.predict`).

    Raises
    ------
    ReductionError
        The file is damaged or holds something else.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "network.safetensors"
    try:
        file = TensorFile(path)
        kind = file.card if isinstance(file.card, dict) and file.card.get("what") == WHAT else {}
        if not {"formula", "model"} & set(kind):
            raise ReductionError(f"{path} holds no network and no formula of neurosim reduce")
        reduced = _formula(file, kind, path) if "formula" in kind else _network(file, kind, path)
        file.finish()
    except ModelFileError as error:
        raise ReductionError(str(error)) from error
    except ReductionError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ReductionError(f"{path} does not describe a reduction: {error!r}") from error
    return reduced


def _formula(file: TensorFile, card: dict[str, Any], path: Path) -> RateFit:
    found = [one for one in FORMULAS if one.name == card["formula"]]
    # Formulas were once saved without what they scored.
    if not found or "branches" not in card:
        raise ReductionError(
            f"{path} holds the formula {card['formula']!r} as another version wrote it; reduce the "
            "cell again"
        )
    shapes = [start.shape for start in found[0].starts(_count(card["branches"]), 1.0)[0]]
    numbers = [file.take(name, shape) for name, shape in zip(NUMBERS, shapes, strict=False)]
    validation, *test = (np.nan if score is None else score for score in card["scores"])
    return RateFit(
        formula=found[0],
        fitted=Fitted(numbers, *card["fitted"]),
        spread_Hz=card["spread_Hz"],
        validation=validation,
        test=Score(*test),
        branches=card["branches"],
    )


def _count(branches: Any) -> int:
    """Return a number of branches, which is not more than any neuron has.

    The numbers in the file do not bound it: all branches may share one weight.
    """
    if not isinstance(branches, int) or not 1 <= branches <= MOST_BRANCHES:
        raise ValueError(f"{branches!r} branches")
    return branches


def _network(file: TensorFile, card: dict[str, Any], path: Path) -> ReducedNetwork:
    times = {"decays_ms": list(DECAYS_MS), "lags_ms": list(LAGS_MS), "bin_ms": BIN_MS}
    for name, wanted in times.items():
        if card[name] != wanted:
            raise ReductionError(
                f"{path} was made with {name} = {card[name]}, this version uses {wanted}; reduce "
                "the cell again"
            )
    kind, size = MODELS[card["model"]["kind"]], card["model"]["size"]
    if type(size) is not int or size < (kind is not PointUnit):
        raise ValueError(f"a {kind.kind} of {size!r} units")
    model = kind() if kind is PointUnit else kind(size)  # type: ignore[call-arg]
    branch = file.take("branch", dtype=np.int64)
    excitatory = file.take("excitatory", branch.shape, bool)
    layout = Layout(branch, excitatory, len(DECAYS_MS))
    shape = (len(DECAYS_MS), len(branch))
    mean, spread = (file.take(name, shape) for name in ("mean", "spread"))
    scale = Scale(mean, spread, card["voltage_mean_mV"], card["voltage_spread_mV"])
    # Before room is made for as many numbers as the card says.
    weights = len(branch) * model.units(layout)
    if not 1 <= weights <= file.size():
        raise ReductionError(
            f"{path} holds {file.size()} numbers, too few for the {weights} weights of a "
            f"{model.name} on {len(branch)} inputs"
        )
    starts = model.start(layout, 0.0, np.random.default_rng(0))
    return ReducedNetwork(
        model=model,
        layout=layout,
        scale=scale,
        parameters=[file.take(f"parameter_{k}", p.shape) for k, p in enumerate(starts)],
    )
