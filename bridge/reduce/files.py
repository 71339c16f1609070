"""Reductions as files: a network or a formula, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ann.files.tensor_file import read_tensors, write_tensors
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
        The file holds something else.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "network.safetensors"
    tensors, card = read_tensors(path)
    kind = card if isinstance(card, dict) and card.get("what") == WHAT else {}
    if "formula" in kind:
        return _formula(tensors, kind, path)
    if "model" in kind:
        return _network(tensors, kind, path)
    raise ReductionError(f"{path} holds no network and no formula of neurosim reduce")


def _formula(tensors: dict[str, NDArray[Any]], card: dict[str, Any], path: Path) -> RateFit:
    found = [one for one in FORMULAS if one.name == card["formula"]]
    # Formulas were once saved without what they scored.
    if not found or "branches" not in card:
        raise ReductionError(
            f"{path} holds the formula {card['formula']!r} as another version wrote it; reduce the "
            "cell again"
        )
    numbers = [tensors[name] for name in NUMBERS if name in tensors]
    validation, *test = (np.nan if score is None else score for score in card["scores"])
    return RateFit(
        formula=found[0],
        fitted=Fitted(numbers, *card["fitted"]),
        spread_Hz=card["spread_Hz"],
        validation=validation,
        test=Score(*test),
        branches=card["branches"],
    )


def _network(tensors: dict[str, NDArray[Any]], card: dict[str, Any], path: Path) -> ReducedNetwork:
    if tuple(card["decays_ms"]) != DECAYS_MS or tuple(card["lags_ms"]) != LAGS_MS:
        raise ReductionError(
            f"{path} was made with decays {card['decays_ms']} ms, which this version does not use; "
            "reduce the cell again"
        )
    kind = MODELS[card["model"]["kind"]]
    model = kind() if kind is PointUnit else kind(card["model"]["size"])  # type: ignore[call-arg]
    return ReducedNetwork(
        model=model,
        layout=Layout(tensors["branch"], tensors["excitatory"], len(DECAYS_MS)),
        scale=Scale(
            tensors["mean"], tensors["spread"], card["voltage_mean_mV"], card["voltage_spread_mV"]
        ),
        parameters=[tensors[f"parameter_{k}"] for k in range(len(tensors) - 4)],
    )
