"""What an experiment returns: numbers, tables, figures and a verdict on its claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.kit.outputs import write_folder
from neurosim.atomic_write import plain, write_json

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from experiments.kit.estimate import Estimate

__all__ = ["Result", "Verdict"]


@dataclass(frozen=True)
class Verdict:
    """One number held against its bar.

    Attributes
    ----------
    what : str
        What was measured, with its unit.
    value : float
        The number obtained.
    bar : float
        What it is held against.
    sense : {"<=", ">=", "within"}
        Which side of the bar is right; "within" means from -bar to +bar.
    low, high : float or None
        Interval over the draws, if chance is in the number.
    draws : int or None
        Independent draws behind it; None if no chance is in it.
    method : str
        How the interval was found.
    level : float
        Of the interval.
    draws_are : str
        What the draws are, such as "networks" or "images".

    Examples
    --------
    >>> print(Verdict("error (%)", 0.3, 0.5))
    holds: error (%) = 0.3 (<= 0.5)
    >>> print(Verdict("error (%)", 0.3, 0.5, low=-0.1, high=0.7, draws=5, method="bootstrap"))
    UNDECIDED: error (%) = 0.3 (<= 0.5; 90 % interval -0.1 to 0.7, bootstrap over 5 draws)
    >>> print(Verdict("difference", -0.3, 2, "within", low=-1, high=0.4, method="bootstrap"))
    holds: difference = -0.3 (within ±2; 90 % interval -1 to 0.4, bootstrap)
    """

    what: str
    value: float
    bar: float
    sense: str = "<="
    low: float | None = None
    high: float | None = None
    draws: int | None = None
    method: str = ""
    level: float = 0.90
    draws_are: str = "draws"

    @classmethod
    def of(cls, what: str, estimate: Estimate, bar: float, sense: str = "<=") -> Verdict:
        """Hold an estimate over several draws against a bar."""
        return cls(what, estimate.value, bar, sense, *astuple(estimate)[1:])

    @property
    def holds(self) -> bool:
        """Whether the number is on the right side of its bar (nan never is).

        Where chance is in it, the whole interval has to be.
        """
        return self._right(self.low) and self._right(self.high) and self._right(self.value)

    @property
    def undecided(self) -> bool:
        """Whether the interval lies on both sides of the bar: neither shown nor refuted."""
        if self.holds:
            return False
        if self.sense == "within" and self.low is not None and self.high is not None:
            return self.low <= self.bar and self.high >= -self.bar
        return self._right(self.low) or self._right(self.high)

    def _right(self, number: float | None) -> bool:
        if number is None:
            # A number without an interval stands for both of its ends.
            number = self.value
        if self.sense == "within":
            return bool(abs(number) <= self.bar)
        return bool(number <= self.bar if self.sense == "<=" else number >= self.bar)

    @property
    def word(self) -> str:
        """The outcome in one word."""
        return "holds" if self.holds else "UNDECIDED" if self.undecided else "FAILS"

    def __str__(self) -> str:
        return f"{self.word}: {self.what} = {self.value:.4g} ({self.held_against()})"

    def held_against(self) -> str:
        """Return the bar, and how sure the number is, in words."""
        said = f"within ±{self.bar:g}" if self.sense == "within" else f"{self.sense} {self.bar:g}"
        if self.low is not None and self.high is not None:
            ends = f"{self.low:.3g} to {self.high:.3g}"
            said += f"; {100 * self.level:g} % interval {ends}, {self.method}"
            return said if self.draws is None else f"{said} over {self.draws} {self.draws_are}"
        return (
            said
            if self.draws is None
            else f"{said}; {self.method} of {self.draws} {self.draws_are}"
        )


@dataclass(frozen=True)
class Result:
    """Outcome of one experiment.

    Attributes
    ----------
    name, claim : str
        Which experiment, and what it set out to show; `Experiment.run` fills them in.
    numbers : dict
        Every number worth keeping, nested as it reads best.
    tables : dict of str to DataFrame
    figures : dict of str to Figure
    verdicts : list of Verdict
        Each over several draws, unless no chance is in the experiment.
    provenance : dict
        Parameters, seed and versions (filled in likewise), neuron, engine.
    """

    name: str = ""
    claim: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every verdict holds."""
        return all(verdict.holds for verdict in self.verdicts)

    def __repr__(self) -> str:
        held = sum(verdict.holds for verdict in self.verdicts)
        parts = [f"{held} of {len(self.verdicts)} verdicts hold"]
        for kind, names in (("tables", self.tables), ("figures", self.figures)):
            if names:
                parts.append(f"{kind}: {', '.join(names)}")
        return f"Result({self.name}; {'; '.join(parts)})"

    def _repr_html_(self) -> str:
        from html import escape

        from experiments.kit.style import data_uri
        from neurosim.display import html_table

        rows = [(v.word, v.what, f"{v.value:.4g}", v.held_against()) for v in self.verdicts]
        head = ("verdict", "what was measured", "value", "bar")
        pictures = (
            f'<img alt="{escape(name)}" src="{data_uri(figure)}">'
            for name, figure in self.figures.items()
        )
        return html_table(self.name, rows, head, note=self.claim) + "".join(pictures)

    def to_dict(self) -> dict[str, Any]:
        """Return numbers, tables, verdicts and provenance as plain values."""
        verdicts = [{**asdict(v), "holds": v.holds} for v in self.verdicts]
        tables = {name: table.to_dict(orient="records") for name, table in self.tables.items()}
        kept: dict[str, Any] = {"name": self.name, "claim": self.claim, "verdicts": verdicts}
        kept |= {"numbers": self.numbers, "tables": tables, "provenance": self.provenance}
        return {key: plain(value) for key, value in kept.items()}

    def save(self, folder: Path) -> Path:
        """Write ``result.json``, each table as CSV and each figure as SVG and PNG, all or nothing.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        return write_folder(folder, self.write)

    def write(self, place: Path, pictures: Mapping[str, Mapping[str, bytes]] | None = None) -> None:
        """Write the files of `save` into a folder that is there.

        Parameters
        ----------
        place : Path
        pictures : mapping, optional
            What `experiments.kit.style.drawn` made of each figure, so that none is drawn twice.
        """
        from experiments.kit.style import drawn

        write_json(place / "result.json", self.to_dict())
        for name, table in self.tables.items():
            table.to_csv(place / f"{name}.csv", index=False)
        for name, figure in self.figures.items():
            ready = None if pictures is None else pictures.get(name)
            for kind, content in (ready or drawn(figure)).items():
                (place / f"{name}.{kind}").write_bytes(content)
