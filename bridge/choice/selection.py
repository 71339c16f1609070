"""What `select` found: units ranked, how sure, where valid, what the sigmoid loses; or why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridge.choice.feasible_set import possible_units
from bridge.choice.likelihood_band import profile_bands, widest_curve_drop
from bridge.choice.selection_words import (
    FAMILY_HEAD,
    current_sentence,
    fit_sentence,
    in_columns,
    rates_name,
    sentence,
    verdict_sentence,
)
from bridge.choice.unit_fit import Interval, SigmoidLoss, UnitFit
from bridge.counts.curve import FICurve
from bridge.counts.curve_plot import draw_residual, draw_unit, residual_axes
from bridge.counts.dispersion import CountNoise
from bridge.errors import Refusal, RefusedError
from bridge.page_style import Axes
from bridge.units.base import Unit
from bridge.units.fitting import Solution, best_fit, problem
from neurosim.atomic_write import plain
from neurosim.display import html_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Interval", "Selection", "SigmoidLoss", "UnitFit"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Selection:
    """The answer of `select`.

    Attributes
    ----------
    curve : FICurve
        The counts that were used.
    fits : tuple of UnitFit
        Best first; empty where the whole curve was refused before fitting.
    noise : CountNoise
        How counts scatter; the same for all families.
    confidence : float
        Of the intervals.
    refused : mapping of str to Refusal
        Sentences, each with its `reason`, by family name; under ``"curve"`` the one that says why
        no unit may stand for it at all.
    notes : tuple of str
        What was done to the curve.
    sigmoid_loss : SigmoidLoss or None
        None where the logistic was not fitted.
    """

    curve: FICurve
    fits: tuple[UnitFit, ...]
    noise: CountNoise
    confidence: float
    refused: Mapping[str, Refusal]
    notes: tuple[str, ...] = ()
    sigmoid_loss: SigmoidLoss | None = None

    @property
    def ok(self) -> bool:
        """Whether some unit may stand for the curve."""
        return "curve" not in self.refused

    @property
    def best(self) -> UnitFit | None:
        """The fit of lowest AICc, adequate or not; None where nothing was fitted."""
        return self.fits[0] if self.fits else None

    def __getitem__(self, family: str) -> UnitFit:
        """The fit of one family.

        Raises
        ------
        RefusedError
            The family was refused or not asked for; the message gives the reason.
        """
        for fit in self.fits:
            if fit.family == family:
                return fit
        asked = Refusal("it was not among the families", "not-tried")
        why = self.refused.get(family, self.refused.get("curve", asked))
        raise RefusedError(f"{family} was not fitted: {why}", why.reason, self)

    @property
    def refusal(self) -> Refusal | None:
        """Why no unit may stand for the curve; None where the best one may."""
        if not self.ok:
            why = self.refused["curve"]
            return Refusal(f"no unit stands for this curve: {why}", why.reason)
        best = self.fits[0]
        if best.adequate:
            return None
        others = ", ".join(fit.family for fit in self.fits if fit.adequate)
        return Refusal(
            f"the likeliest unit, {best.family}, {best.standardised} ({best.verdict}); within "
            f"noise: {others}",
            "misfit",
        )

    def require(self) -> Unit:
        """The best unit, for those who want nothing less.

        Returns
        -------
        Unit

        Raises
        ------
        RefusedError
            The curve was refused, or the best unit misses by more than counting noise.

        Examples
        --------
        >>> from bridge import select
        >>> select(FICurve([0, 50, 100], [0, 0, 0], 1.0)).require()
        Traceback (most recent call last):
        bridge.errors.RefusedError: no unit stands for this curve: no spikes up to 100 pA; ...
        """
        if self.refusal is not None:
            raise RefusedError(self.refusal, self.refusal.reason, self)
        return self.fits[0].unit

    def to_frame(self) -> pd.DataFrame:
        """The families as a table, best first.

        Returns
        -------
        pandas.DataFrame
            One row a family: AICc, weight, adequacy, residuals, noise, parameters in words.
        """
        columns = [
            "family", "parameters", "aicc", "delta_aicc", "weight", "adequate", "p_fit",
            "residual_rms_Hz", "noise_rms_Hz", "noise_ratio", "values",
        ]  # fmt: skip
        rows = [
            (
                fit.family, fit.n_parameters, fit.aicc, fit.aicc - self.fits[0].aicc, fit.weight,
                fit.adequate, fit.p_fit, fit.residual_rms_Hz, fit.noise_rms_Hz, fit.noise_ratio,
                fit.in_words(),
            )
            for fit in self.fits
        ]  # fmt: skip
        import pandas as pd

        return pd.DataFrame(rows, columns=columns).set_index("family")

    def to_dict(self) -> dict[str, Any]:
        """Every number, fit for JSON.

        Returns
        -------
        dict
        """
        counts = self.curve.to_dict()
        del counts["provenance"]
        best = None if self.best is None else self.best.family
        said = {
            **counts,
            "ok": self.ok,
            "best": best,
            "fits": [fit.to_dict() for fit in self.fits],
            "noise": asdict(self.noise),
            "confidence": self.confidence,
            "refused": {name: str(why) for name, why in self.refused.items()},
            "reasons": {name: why.reason for name, why in self.refused.items()},
            "notes": self.notes,
            "sigmoid_loss": None if self.sigmoid_loss is None else asdict(self.sigmoid_loss),
        }
        return dict(plain(said))

    def band(self, fit: UnitFit, current: Array, simultaneous: bool = False) -> tuple[Array, Array]:
        """Where the rate of a fit may lie, by profile likelihood with the confidence asked for.

        Parameters
        ----------
        fit : UnitFit
            One of `fits`.
        current : ndarray, shape (n,)
            Currents (pA).
        simultaneous : bool
            Whether the band is to hold the whole curve between the first and the last measured
            current, not only the rate at any one of them.

        Returns
        -------
        low, high : ndarray, shape (n,)
            Rates (Hz); the fit always lies between.

        Examples
        --------
        >>> from bridge.choice.select_unit import select
        >>> found = select(FICurve([0, 50, 100, 150], [0, 4, 11, 14], 1.0), ["relu"])
        >>> low, high = found.band(found.best, np.array([100.0]))
        >>> bool(low[0] < found.best.unit.rate(100) < high[0])
        True
        """
        return self._bands(fit, current, [simultaneous])[0]

    def both_bands(
        self, fit: UnitFit, current: Array
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """The band at any one current and the band of the whole curve, in the time of one.

        Parameters
        ----------
        fit : UnitFit
            One of `fits`.
        current : ndarray, shape (n,)
            Currents (pA).

        Returns
        -------
        pointwise, simultaneous : tuple of ndarray
            Lowest and highest rates (Hz), as `band` gives each of them.
        """
        pointwise, simultaneous = self._bands(fit, current, [False, True])
        return pointwise, simultaneous

    def _bands(
        self, fit: UnitFit, current: Array, simultaneous: list[bool]
    ) -> list[tuple[Array, Array]]:
        task = problem(
            type(fit.unit),
            self.curve.statistics(
                self.noise.shapes(self.curve.statistics()), self.noise.spike_times
            ),
            {**fit.unit.settings, **fit.fixed},
        )
        z = task.coordinates(fit.unit.values)[None]
        amount = np.asarray(current, dtype=float)
        start = Solution(z, task.statistics.log_likelihood(task.rate(z)), *task.bounds(z))
        found = best_fit(task, keep=4, near=start).best_first(start) if task.size else start
        if self.noise.source == "clock":
            # What is possible is possible everywhere at once: one band serves both purposes.
            possible = possible_units(task, self.curve, found)
            rate = np.asarray(fit.unit.rate(amount))
            low, high = (rate, rate) if possible is None else possible[0].band(amount)
            return [(np.minimum(low, rate), np.maximum(high, rate))] * len(simultaneous)
        alone = self.noise.drop(self.confidence)
        joint = alone
        if task.size and any(simultaneous):
            joint = widest_curve_drop(task, found, self.confidence, self.noise.freedom)
        drops = [joint if one else alone for one in simultaneous]
        return profile_bands(task, found, amount, drops)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the counts, the best unit with its band, and below what the unit leaves.

        The bars of the counts follow the noise that the fits took. A sigmoid that is not the best
        unit is drawn as a dashed line.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (default: a new figure); its lower third becomes the residuals.

        Returns
        -------
        matplotlib Axes
            Of the rates.
        """
        ax = self.curve.plot(ax, noise=self.noise)
        best = self.best
        if best is None:
            ax.set_title(fill(f"No unit: {self.refused['curve']}", 50), fontsize="small")
            return ax
        fine = np.linspace(*best.valid_pA, 500)
        label, style = (best.family, "-") if best.adequate else (f"{best.family} (misfit)", ":")
        band = self.band(best, fine)
        clock = self.noise.source == "clock"
        sure = f"{100 * self.confidence:g} % band (profile likelihood)"
        sure = "possible rates" if clock else sure
        line = draw_unit(ax, fine, best.unit.rate(fine), label, band, style, sure)
        for fit in self.fits[1:]:
            if fit.family == "logistic":
                draw_unit(ax, fine, fit.unit.rate(fine), fit.family, style="--")
        ax.legend(fontsize="small")
        below = residual_axes(ax)
        told = (best.current_pA, best.residual_Hz, best.noise_Hz, line.get_color())
        draw_residual(below, *told, clock=clock)
        below.set_xlabel(f"{self.curve.current_name} (pA)")
        return ax

    def sigmoid_in_words(self) -> str:
        """How far a sigmoid is from the counted rates, beside the best unit; a sentence."""
        loss = self.sigmoid_loss
        if loss is None or loss.best == "logistic":
            return ""
        sigmoid = self["logistic"]
        errors = np.abs(sigmoid.residual_Hz)
        worst = int(np.argmax(errors))
        return (
            f"the likeliest sigmoid misses the {self._rates} by {sigmoid.residual_rms_Hz:.2f} Hz "
            f"(rms), at most by {errors[worst]:.2f} Hz (at {sigmoid.current_pA[worst]:g} pA); "
            f"the {loss.best} unit misses them by {loss.best_residual_rms_Hz:.2f} Hz (rms)"
        )

    @property
    def _rates(self) -> str:
        return rates_name(self.curve, self.noise.source == "clock")

    def in_cells(self) -> list[tuple[str, ...]]:
        """A row a family: name, ΔAICc, weight, residual and noise (Hz), whether it is adequate.

        Of a clockwork cell "counts only" stands for a unit that predicts every count and not every
        interval between spikes, where another family predicts these as well.
        """
        return [
            (
                fit.family,
                f"{fit.aicc - self.fits[0].aicc:.1f}",
                f"{fit.weight:.2f}",
                f"{fit.residual_rms_Hz:.2f}",
                f"{fit.noise_rms_Hz:.2f}",
                self._adequacy(fit),
            )
            for fit in self.fits
        ]

    def _adequacy(self, fit: UnitFit) -> str:
        """Whether a fit is adequate; of a clock also if only by the coarser of what is known."""
        exact = any(one.possible_by == "spike times" for one in self.fits)
        if fit.possible_by == "counts" and exact:
            return "counts only"
        return "yes" if fit.adequate else "no"

    def refusals(self, *left_out: str) -> list[str]:
        """A line a reason, with the families it holds for, but for some of them."""
        names: dict[str, list[str]] = {}
        for name, why in self.refused.items():
            if name not in left_out:
                names.setdefault(why, []).append(name)
        return [f"refused ({', '.join(same)}): {why}" for why, same in names.items()]

    def __repr__(self) -> str:
        best = self.best
        if best is None:
            return f"Selection(no unit: {self.refused['curve']})"
        return (
            f"Selection({best.family}, weight {best.weight:.2f}, {best.verdict}; {len(self.fits)} "
            f"families fitted, {len(set(self.refused) - {'curve'})} refused)"
        )

    def _repr_html_(self) -> str:
        rows = [(*row, fit.in_words()) for row, fit in zip(self.in_cells(), self.fits, strict=True)]
        head = ("family", "ΔAICc", "weight", "residual (Hz)", "noise (Hz)", "adequate", "numbers")
        title = self.curve.source or "Which unit stands for the curve"
        return html_table(title, rows, head, "; ".join(self.refusals()))

    def in_sentences(self) -> list[str]:
        """Which unit stands for the curve, how far it is from it, where it was tested, the noise.

        Returns
        -------
        list of str
            The first says which unit, or why none.
        """
        best, tried = self.best, len(self.fits) + len(set(self.refused) - {"curve"})
        return [
            verdict_sentence(best, self.refusal, tried),
            *([] if best is None else [fit_sentence(best, self._rates)]),
            current_sentence(self.curve, best),
            *([] if best is None else [sentence(str(self.noise))]),
        ]

    def __str__(self) -> str:
        lines = [self.curve.source] if self.curve.source else []
        lines += self.in_sentences()
        if self.fits:
            rows = [
                (*row, fit.in_words()) for row, fit in zip(self.in_cells(), self.fits, strict=True)
            ]
            table = in_columns([(*FAMILY_HEAD, "parameters"), *rows], {0, 5, 6})
            lines += ["", *(f"  {line}" for line in table), ""]
        notes = [f"note: {note}" for note in self.notes]
        notes += [f"note ({fit.family}): {note}" for fit in self.fits[:1] for note in fit.notes]
        told = [*filter(None, [self.sigmoid_in_words()]), *self.refusals("curve"), *notes]
        return "\n".join([*lines, *(sentence(one) for one in told)]).rstrip()
