"""What a search found: every rung with its scores, in words, as files, and as a figure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ann.tensor_file import read_tensors, write_tensors
from bridge.reduce.drive import Placements, Trains
from bridge.reduce.errors import ReductionError
from bridge.reduce.features import DECAYS_MS, Scale
from bridge.reduce.innervation import BIN_MS
from bridge.reduce.models import LAGS_MS, MODELS, Layout, PointUnit
from bridge.reduce.network import ReducedNetwork, TestScores
from bridge.reduce.placements import PlacementSet, RateFit

__all__ = [
    "RateReduction",
    "Rung",
    "TrainReduction",
    "load_reduction",
    "provenance",
    "save_network",
]

WHAT = "neurosim reduction 1"


def provenance() -> dict[str, str]:
    """Versions of what a result depends on."""
    import brian2
    import scipy

    from neurosim.recording import versions

    return {
        **versions(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "brian2": brian2.__version__,
    }


@dataclass(frozen=True, eq=False)
class Rung:
    """A network of the ladder, its scores on validation and on test trials."""

    network: ReducedNetwork
    auc: float
    variance: float
    test: TestScores

    def to_dict(self) -> dict[str, Any]:
        """Name, size and scores, in plain values."""
        return {
            "model": self.network.model.name,
            "parameters": self.network.count,
            "hidden_units": self.network.model.hidden,
            "auc_validation": self.auc,
            "subthreshold_variance_validation": self.variance,
            "test": self.test.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class TrainReduction:
    """The smallest network that foretells spikes and potential, and the rungs below it.

    Attributes
    ----------
    cell : dict
        What was reduced.
    name : str
    drive : Trains
    measure, tolerance
        What was asked for.
    rungs : list of Rung
        In order of size, as far as the search climbed.
    found : int or None
        The first that reached the tolerance on the validation trials.
    output_Hz, seconds : dict of str to float
        Firing rate and time of each split.
    seed : int
    versions : dict
    example : dict of str to ndarray
        A second of a test trial.
    """

    cell: dict[str, Any]
    name: str
    drive: Trains
    measure: str
    tolerance: float
    rungs: list[Rung]
    found: int | None
    output_Hz: dict[str, float]
    seconds: dict[str, float]
    seed: int
    versions: dict[str, str]
    example: dict[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def best(self) -> Rung:
        """The rung that was found, or if none reached the tolerance, the best on validation."""
        if self.found is not None:
            return self.rungs[self.found]
        return max(self.rungs, key=lambda rung: getattr(rung, self.measure))

    @property
    def network(self) -> ReducedNetwork:
        """The network of `best`."""
        return self.best.network

    def rows(self) -> list[dict[str, Any]]:
        """A row a rung, for a table."""
        found = []
        for k, rung in enumerate(self.rungs):
            found.append(
                {
                    "model": rung.network.model.name,
                    "parameters": rung.network.count,
                    "auc_validation": rung.auc,
                    "auc_test": str(rung.test.auc),
                    **{
                        f"hits_at_{100 * rate:g}%_FP": str(score)
                        for rate, score in rung.test.hits.items()
                    },
                    "variance_test": str(rung.test.variance),
                    "FCI": rung.test.complexity,
                    "": "found" if k == self.found else "",
                }
            )
        return found

    def summary(self) -> str:
        """In words."""
        best = self.best
        wanted = f"{self.measure} {self.tolerance:g} on validation"
        head = (
            f"{self.name}: the smallest network with {wanted} is a {best.network.model.name} of "
            f"{best.network.count} numbers"
            if self.found is not None
            else f"{self.name}: none of {len(self.rungs)} networks reaches {wanted}; the best is a "
            f"{best.network.model.name} of {best.network.count} numbers, with "
            f"{getattr(best, self.measure):.4f}"
        )
        hits = "; ".join(
            f"{score} of the spikes at {100 * rate:g} % false positives "
            f"(found {100 * best.test.false_alarms[rate]:.2f} %)"
            for rate, score in best.test.hits.items()
        )
        return (
            f"{head}.\nHeld-out drive: AUC {best.test.auc}, subthreshold variance "
            f"{best.test.variance}, FCI {best.test.complexity:.2f};\n{hits}.\n"
            f"The cell fired at {self.output_Hz['test']:.2f} Hz under inputs of "
            f"{self.drive.rate_Hz:.2f} Hz; {self.seconds['train']:g} s of training, "
            f"{self.seconds['test']:g} s of test, bins of {BIN_MS:g} ms."
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything but the network's numbers, in plain values."""
        return {
            "what": WHAT,
            "name": self.name,
            "cell": self.cell,
            "drive": self.drive.to_dict(),
            "tolerance": {self.measure: self.tolerance},
            "reached": self.found is not None,
            "found": self.best.network.model.name,
            "parameters": self.best.network.count,
            "rungs": [rung.to_dict() for rung in self.rungs],
            "output_Hz": self.output_Hz,
            "seconds": self.seconds,
            "bin_ms": BIN_MS,
            "seed": self.seed,
            "versions": self.versions,
        }

    def figure(self) -> Any:
        """The ladder, and a second of held-out drive; a matplotlib Figure."""
        from bridge.reduce.figures import draw_trains

        return draw_trains(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``reduction.json``, ``network.safetensors`` and the figure (PNG, SVG).

        Returns
        -------
        list of pathlib.Path
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        model = folder / "network.safetensors"
        save_network(self.network, model)
        return [_write_json(self.to_dict(), folder), model, *_write_figure(self.figure(), folder)]


@dataclass(frozen=True, eq=False)
class RateReduction:
    """The smallest formula that foretells firing rates, beside the others.

    Attributes
    ----------
    cell, name, drive, tolerance, seed, versions
        As in `TrainReduction`.
    fits : list of RateFit
        All formulas, in order of size.
    found : int or None
        The first whose explained variance reached the tolerance on the validation trials.
    test : PlacementSet
        The test trials.
    trials : dict of str to int
    """

    cell: dict[str, Any]
    name: str
    drive: Placements
    tolerance: float
    fits: list[RateFit]
    found: int | None
    test: PlacementSet
    trials: dict[str, int]
    seed: int
    versions: dict[str, str]

    @property
    def best(self) -> RateFit:
        """The formula that was found, or the best on validation if none was good enough."""
        if self.found is not None:
            return self.fits[self.found]
        return max(self.fits, key=lambda one: one.validation)

    def rows(self) -> list[dict[str, Any]]:
        """A row a formula, for a table."""
        return [
            {
                "model": one.formula.name,
                "parameters": one.parameters,
                "rate_variance_validation": one.validation,
                "rate_variance_test": str(one.test),
                "": "found" if k == self.found else "",
            }
            for k, one in enumerate(self.fits)
        ]

    def summary(self) -> str:
        """In words."""
        best = self.best
        wanted = f"{100 * self.tolerance:g} % of the rate variance on validation"
        head = (
            f"{self.name}: the smallest formula with {wanted} is '{best.formula.name}', of "
            f"{best.parameters} numbers"
            if self.found is not None
            else f"{self.name}: none of {len(self.fits)} formulas explains {wanted}; the best is "
            f"'{best.formula.name}', with {100 * best.validation:.1f} %"
        )
        others = "; ".join(f"{one.formula.name} {one.test}" for one in self.fits)
        return (
            f"{head}.\nHeld-out placements, share of rate variance: {others}.\n"
            f"{self.trials['train']} training and {self.trials['test']} test trials, "
            f"{self.drive.kind} placements of {self.drive.fewest} to {self.drive.most} synapses on "
            f"{best.branches} branches; rates {self.test.rate_Hz.min():.0f} to "
            f"{self.test.rate_Hz.max():.0f} Hz."
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything but the formulas' numbers, in plain values."""
        return {
            "what": WHAT,
            "name": self.name,
            "cell": self.cell,
            "drive": self.drive.to_dict(),
            "tolerance": {"rate": self.tolerance},
            "reached": self.found is not None,
            "found": self.best.formula.name,
            "parameters": self.best.parameters,
            "formulas": [one.to_dict() for one in self.fits],
            "trials": self.trials,
            "seed": self.seed,
            "versions": self.versions,
        }

    def figure(self) -> Any:
        """Predicted against found rates, and the subunit's curve; a matplotlib Figure."""
        from bridge.reduce.figures import draw_rates

        return draw_rates(self)

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``reduction.json``, ``network.safetensors`` and the figure (PNG, SVG)."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        model = folder / "network.safetensors"
        names = ("weight", "offset", "size", "threshold", "log_width", "slope")
        numbers = self.best.fitted.parameters
        write_tensors(
            model,
            {name: np.atleast_1d(p) for name, p in zip(names, numbers, strict=False)},
            {"what": WHAT, "formula": self.best.formula.name, "spread_Hz": self.best.spread_Hz},
        )
        return [_write_json(self.to_dict(), folder), model, *_write_figure(self.figure(), folder)]


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


def load_reduction(path: str | Path) -> ReducedNetwork:
    """Read a network that `TrainReduction.save` wrote; it answers as the saved one did.

    Parameters
    ----------
    path : str or Path
        The file ``network.safetensors``, or the folder that holds it.

    Raises
    ------
    ReductionError
        The file holds something else.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "network.safetensors"
    tensors, card = read_tensors(path)
    if not isinstance(card, dict) or card.get("what") != WHAT or "model" not in card:
        raise ReductionError(f"{path} holds no network of neurosim reduce")
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


def _write_json(content: dict[str, Any], folder: Path) -> Path:
    path = folder / "reduction.json"
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(_plain(content), indent=1, allow_nan=False) + "\n")
    part.replace(path)
    return path


def _write_figure(figure: Any, folder: Path) -> list[Path]:
    from bridge.card_figure import card_style

    found = []
    with card_style():
        for kind in ("png", "svg"):
            path = folder / f"reduction.{kind}"
            part = path.with_name(path.name + ".part")
            metadata = {"Date": None} if kind == "svg" else {}
            figure.savefig(part, format=kind, dpi=160, metadata=metadata)
            part.replace(path)
            found.append(path)
    return found


def _plain(value: Any) -> Any:
    """Nested values as JSON can hold them; nan and infinity become null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
