"""What a search found: every rung with its scores, in words, as files, and as a figure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.page_style import Axes, save_page
from bridge.reduce.files import WHAT, save_formula, save_network
from bridge.reduce.innervation import BIN_MS
from bridge.reduce.input_trains import Placements, Trains
from bridge.reduce.placements import PlacementSet, RateFit
from bridge.reduce.reduced_network import ReducedNetwork, TestScores
from bridge.reduce.reduction_figure import draw_foretold, draw_rates, draw_sizes, draw_trains
from bridge.reduce.scores import Score
from neurosim.atomic_write import make_folder, write_json
from neurosim.display import axes_or_new, html_table

__all__ = ["RateReduction", "Rung", "TrainReduction"]


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


class _Reduction(ABC):
    """What both kinds of reduction share: words, files and a table."""

    name: str
    found: int | None

    @abstractmethod
    def rows(self) -> list[dict[str, Any]]:
        """A row a network or formula, for a table."""

    @abstractmethod
    def summary(self) -> str:
        """In words."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Everything but the numbers of networks and formulas, in plain values."""

    @abstractmethod
    def figure(self) -> Any:
        """How good each is, in the style of pages; a Matplotlib figure."""

    @abstractmethod
    def _save_best(self, path: Path) -> None:
        """Write the numbers of the best one."""

    def save(self, folder: str | Path) -> list[Path]:
        """Write ``reduction.json``, ``network.safetensors`` and the figure (PNG, SVG).

        Returns
        -------
        list of pathlib.Path
        """
        folder = make_folder(folder)
        content, model = folder / "reduction.json", folder / "network.safetensors"
        self._save_best(model)
        write_json(content, self.to_dict())
        figure = self.figure()
        pages = [save_page(figure, folder / f"reduction.{kind}", 160) for kind in ("png", "svg")]
        return [content, model, *pages]

    def _head(self, tolerance: dict[str, float], best: str, parameters: int) -> dict[str, Any]:
        return {
            "what": WHAT,
            **{name: getattr(self, name) for name in ("name", "cell", "seed", "versions")},
            "drive": self.drive.to_dict(),  # type: ignore[attr-defined]
            "tolerance": tolerance,
            "reached": self.found is not None,
            "found": best,
            "parameters": parameters,
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.summary().partition(chr(10))[0].rstrip('.')})"

    def _repr_html_(self) -> str:
        rows = self.rows()
        cells = [
            [f"{cell:.3g}" if isinstance(cell, float) else cell for cell in row.values()]
            for row in rows
        ]
        return html_table(self.name, cells, list(rows[0]), self.summary())


@dataclass(frozen=True, eq=False, repr=False)
class TrainReduction(_Reduction):
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
        In order of size, as far as the search went.
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
        return [
            {
                "model": rung.network.model.name,
                "parameters": rung.network.count,
                "auc_validation": rung.auc,
                "auc_test": str(rung.test.auc),
                **{f"hits_at_{100 * rate:g}%_FP": str(s) for rate, s in rung.test.hits.items()},
                "variance_test": str(rung.test.variance),
                "FCI": rung.test.complexity,
                "": "found" if k == self.found else "",
            }
            for k, rung in enumerate(self.rungs)
        ]

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
        best = self.best.network
        return {
            **self._head({self.measure: self.tolerance}, best.model.name, best.count),
            "rungs": [rung.to_dict() for rung in self.rungs],
            "output_Hz": self.output_Hz,
            "seconds": self.seconds,
            "bin_ms": BIN_MS,
        }

    def _sizes(self) -> tuple[list[tuple[str, int, Score]], str, float, int | None]:
        networks = [
            (rung.network.model.kind, rung.network.count, getattr(rung.test, self.measure))
            for rung in self.rungs
        ]
        return networks, self.measure, self.tolerance, self.found

    def figure(self) -> Any:
        """How good each network is, and a second of held-out drive; a Matplotlib figure."""
        return draw_trains(self.name, *self._sizes(), self.network.model.name, self.example)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how good each network is on held-out drive, by its size.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        """
        ax = axes_or_new(ax)
        draw_sizes(ax, *self._sizes())
        return ax

    def _save_best(self, path: Path) -> None:
        save_network(self.network, path)


@dataclass(frozen=True, eq=False, repr=False)
class RateReduction(_Reduction):
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
            **self._head({"rate": self.tolerance}, self.best.formula.name, self.best.parameters),
            "formulas": [one.to_dict() for one in self.fits],
            "trials": self.trials,
        }

    def _foretold(self, fit: RateFit) -> tuple[str, NDArray[Any], Score]:
        return fit.formula.name, fit.predict(self.test.number), fit.test

    def figure(self) -> Any:
        """Predicted against found rates, and the subunit's curve; a Matplotlib figure."""
        number = np.linspace(0, min(20.0, float(self.test.number.max())), 200)
        formulas = [self._foretold(fit) for fit in self.fits[:3]]
        return draw_rates(formulas, self.test.rate_Hz, number, self.fits[2].subunit(number))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the test rates that the best formula foretells against those of the cell.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure).
        """
        ax = axes_or_new(ax)
        draw_foretold(ax, *self._foretold(self.best), self.test.rate_Hz)
        return ax

    def _save_best(self, path: Path) -> None:
        save_formula(self.best, path)
