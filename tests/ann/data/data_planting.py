"""Clean tables with honest traps in them, and eight faults to plant there.

The traps are what a careless cleaner would "repair": counts with many zeros, genotypes that
differ in case, a category called None, country codes with NA, postcodes with leading zeros, the
real 0 of a thermometer. Each planting remembers every cell it touched and what stood there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pandas as pd

__all__ = ["FAULTS", "Planting", "clean_table", "plant"]

CITIES = ["Paris", "Lyon", "New York", "Oslo", "Köln", "São Paulo", "Bergen", "Stoke-on-Trent"]
CODES = ["NA", "DE", "FR", "GB", "US", "NO", "SE", "DK", "FI", "IT", "ES", "PT", "PL", "CZ"]


@dataclass
class Planting:
    """A table with faults.

    Attributes
    ----------
    dirty, clean : DataFrame of str
        Before and after what a perfect cleaner would do; same rows but for planted duplicates.
    cells : dict of (fault, column) to list of row positions
        In `dirty`.
    extra_rows : list of int
        Planted duplicates.
    extra_columns : dict of str to str
        Planted column -> fault.
    """

    dirty: pd.DataFrame
    clean: pd.DataFrame
    cells: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    extra_rows: list[int] = field(default_factory=list)
    extra_columns: dict[str, str] = field(default_factory=dict)


def clean_table(rng: np.random.Generator) -> pd.DataFrame:
    """Make a table of text without faults; the last column, `outcome`, is the target."""
    n = int(rng.integers(120, 600))
    latent = rng.normal(size=n)
    pick = lambda words, p=None: rng.choice(words, n, p=p)  # noqa: E731
    columns: dict[str, list[str]] = {
        "height": [f"{v:.1f}" for v in rng.normal(170, 9, n)],
        "weight": [f"{v:.1f}" for v in 70 + 9 * rng.normal(size=n) + 4 * latent],
        "income": [str(int(v)) for v in rng.lognormal(10.2, 0.5, n)],
        "revenue": [f"{v:.2f}" for v in rng.lognormal(9.0, 0.8, n)],
        "distance": [f"{v:.1f}" for v in rng.uniform(20, 90, n)],
        "age": [str(int(v)) for v in rng.integers(18, 90, n)],
        "visits": [str(v) for v in rng.poisson(1.2, n)],
        "spent": [f"{v:.2f}" for v in np.where(rng.random(n) < 0.5, 0, rng.lognormal(3, 1, n))],
        "temperature": [f"{v:.1f}" for v in rng.normal(4, 8, n)],
        "rating": [str(v) for v in rng.integers(1, 6, n)],
        "change": [f"{v:.3f}" for v in rng.normal(0, 1, n)],
        "flag": [str(v) for v in rng.integers(0, 2, n)],
        "year": [str(v) for v in rng.integers(1990, 2024, n)],
        "city": list(pick(CITIES)),
        "colour": list(pick(["red", "dark blue", "Light green", "black"], [0.4, 0.3, 0.2, 0.1])),
        "genotype": list(pick(["AA", "Aa", "aa"], [0.25, 0.5, 0.25])),
        "garage": list(pick(["None", "Attached", "Detached"])),
        "country": list(pick(CODES)),
        "postcode": [f"{v:05d}" for v in rng.choice(rng.integers(500, 99999, 40), n)],
        "smoker": list(pick(["Yes", "No"], [0.3, 0.7])),
        "insured": list(pick(["yes", "no"])),
        "active": list(pick(["TRUE", "FALSE"])),
        "service": list(pick(["Yes", "No", "No phone service"])),
        "date": [
            str(np.datetime64("2019-01-01") + np.timedelta64(int(v), "D"))
            for v in rng.integers(0, 900, n)
        ],
        "grade": list(pick(["11th", "9th", "HS-grad", "Masters"])),
    }
    names = list(columns)
    number = int(rng.integers(8, len(names)))
    kept = [names[k] for k in sorted(rng.choice(len(names), number, replace=False))]
    for name in ("weight", "income", "city", "smoker"):
        if name not in kept:
            kept.append(name)
    table = pd.DataFrame({k: np.array(columns[k], dtype=object) for k in kept}, dtype=object)
    for name in kept:
        if rng.random() < 0.3 and name not in ("country", "date"):
            table.loc[rng.random(n) < rng.uniform(0.01, 0.2), name] = ""
    chance = 1 / (1 + np.exp(-1.5 * latent))
    outcome = np.where(rng.random(n) < chance, "bad", "good")
    return table.assign(outcome=pd.Series(outcome, dtype=object))


def _filled(table: pd.DataFrame, name: str) -> np.ndarray:
    return np.flatnonzero((table[name] != "").to_numpy())


def _some(rng: np.random.Generator, rows: np.ndarray, low: float, high: float) -> np.ndarray:
    size = max(3, round(rng.uniform(low, high) * len(rows)))
    return np.sort(rng.choice(rows, min(size, len(rows)), replace=False))


def _choose(rng: np.random.Generator, p: Planting, names: list[str]) -> str | None:
    used = {column for _, column in p.cells}
    free = [n for n in names if n in p.dirty.columns and n not in used]
    return str(rng.choice(free)) if free else None


def _write(p: Planting, fault: str, column: str, rows: np.ndarray, new: list[str]) -> bool:
    cells = p.dirty[column].to_numpy(dtype=object).copy()
    changed = [int(r) for r, v in zip(rows, new, strict=True) if cells[r] != v]
    cells[rows] = new
    p.dirty[column] = pd.Series(cells, dtype=object)
    if changed:
        p.cells[fault, column] = changed
    return bool(changed)


def thousands(rng: np.random.Generator, p: Planting) -> bool:
    """12263 -> 12,263 (or 12 263, or the whole column as 12.263,50)."""
    column = _choose(rng, p, ["income", "revenue"])
    if column is None:
        return False
    rows = _filled(p.dirty, column)
    styles = ["comma", "space", "apostrophe"]
    if column == "revenue":
        # Whole numbers as 12.263 cannot be told from three decimals: reported, not changed.
        styles.append("european")
    style = rng.choice(styles)
    if style != "european":
        rows = _some(rng, rows, 0.3, 1.0)
    sign = {"comma": ",", "space": " ", "apostrophe": "'", "european": ","}[str(style)]
    new = []
    for v in p.dirty[column].to_numpy()[rows]:
        text = f"{Decimal(v):,}".replace(",", sign)
        if style == "european":
            text = text.translate(str.maketrans(",.", ".,"))
        new.append(text)
    return _write(p, "thousands", column, rows, new)


def unit(rng: np.random.Generator, p: Planting) -> bool:
    """154.8 -> 154.8 cm, some of them as 1.548 m."""
    column = _choose(rng, p, ["height", "weight", "distance", "temperature"])
    if column is None:
        return False
    own, other, factor = {
        "height": ("cm", "m", "0.01"),
        "weight": ("kg", "g", "1000"),
        "distance": ("km", "m", "1000"),
        "temperature": ("°C", "", "1"),
    }[column]
    rows = _some(rng, _filled(p.dirty, column), 0.2, 1.0)
    # One hand writes the column, but not always the textbook's.
    forms = {"cm": ["cm", "Cm", "cm.", "centimeters"], "kg": ["kg", "KG", "kgs", "kilograms"]}
    own = str(rng.choice(forms.get(own, [own])))
    space = str(rng.choice([" ", ""]))
    mixed = bool(other) and rng.random() < 0.4
    if column == "temperature":
        rows = _filled(p.dirty, column)
    new = []
    for v in p.dirty[column].to_numpy()[rows]:
        if mixed and rng.random() < 0.25:
            new.append(f"{Decimal(v) * Decimal(factor):f}{space}{other}")
        else:
            new.append(f"{v}{space}{own}")
    return _write(p, "unit", column, rows, new)


def variants(rng: np.random.Generator, p: Planting) -> bool:
    """Paris -> paris, PARIS, ' Paris', 'Paris  ', 'Paris.', and with an invisible space."""
    column = _choose(rng, p, ["city", "colour", "service"])
    if column is None:
        return False
    dress: list[Callable[[str], str]] = [
        str.upper,
        str.lower,
        lambda v: " " + v,
        lambda v: v + "  ",
        lambda v: v + "\u00a0",
        lambda v: v.replace(" ", "  ") + " ",
        lambda v: v.lower() + " ",
        lambda v: v + ".",
        lambda v: v + "\u200b",
    ]
    rows = _some(rng, _filled(p.dirty, column), 0.05, 0.3)
    new = [dress[int(rng.integers(len(dress)))](v) for v in p.dirty[column].to_numpy()[rows]]
    return _write(p, "variants", column, rows, new)


def yes_no(rng: np.random.Generator, p: Planting) -> bool:
    """Yes -> yes, Y, TRUE, 1."""
    column = _choose(rng, p, ["smoker", "insured"])
    if column is None:
        return False
    yes, no = ["yes", "Y", "y", "YES", "true", "1"], ["no", "N", "n", "NO", "false", "0"]
    rows = _some(rng, _filled(p.dirty, column), 0.1, 0.4)
    new = [
        str(rng.choice(yes if v.casefold() == "yes" else no))
        for v in p.dirty[column].to_numpy()[rows]
    ]
    return _write(p, "yes/no", column, rows, new)


def sentinel(rng: np.random.Generator, p: Planting) -> bool:
    """-999 and its kin, and a zero where nothing can be zero."""
    codes = {
        "height": ["-999", "-1", "0", "9999", "-99"],
        "weight": ["-999", "0", "9999", "-9", "999.0"],
        "age": ["-999", "-1", "999", "-99", "9999"],
        "temperature": ["-999", "-9999", "999.9", "9999"],
        "change": ["-999", "-99", "99", "9999.0"],
        "year": ["0", "-1", "9999", "-999"],
        "rating": ["-9", "99", "-1", "999"],
        "visits": ["-1", "-9", "99", "999"],
        "income": ["-999", "-1", "-99999"],
    }
    column = _choose(rng, p, list(codes))
    if column is None:
        return False
    rows = _some(rng, _filled(p.dirty, column), 0.02, 0.12)
    code = str(rng.choice(codes[column]))
    clean = p.clean[column].to_numpy(dtype=object).copy()
    clean[rows] = ""
    p.clean[column] = pd.Series(clean, dtype=object)
    return _write(p, "sentinel", column, rows, [code] * len(rows))


def identity(rng: np.random.Generator, p: Planting) -> bool:
    """A column that names the rows."""
    n = len(p.dirty)
    kind = int(rng.integers(6))
    start = int(rng.integers(0, 50_000))
    if kind == 0:
        name, cells = "Unnamed: 0", [str(k) for k in range(n)]
    elif kind == 1:
        name, cells = "nr", [str(start + k) for k in range(n)]
    elif kind == 2:
        name, cells = "patient", [str(start + k) for k in rng.permutation(n)]
    elif kind == 3:
        name, cells = (
            "customer_id",
            [str(v) for v in rng.choice(900_000, n, replace=False) + 100_000],
        )
    elif kind == 4:
        name, cells = "token", [rng.bytes(8).hex() for _ in range(n)]
    else:
        name, cells = "sample", [f"S{start + k:06d}-{'AB'[k % 2]}" for k in range(n)]
    at = int(rng.integers(0, len(p.dirty.columns)))
    p.dirty.insert(at, name, pd.Series(cells, dtype=object))
    p.extra_columns[name] = "id"
    return True


def leak(rng: np.random.Generator, p: Planting) -> bool:
    """A column that was written down after the outcome."""
    y = (p.dirty["outcome"] == "bad").to_numpy()
    n = len(y)
    kind = int(rng.integers(5))
    if kind == 0:
        cells = np.where(y, "closed", "open").astype(object)
    elif kind == 1:
        cells = np.array(
            [f"{v:.2f}" for v in np.where(y, 5.0, 1.0) + 0.2 * rng.normal(size=n)], object
        )
    elif kind == 2:
        flip = rng.random(n) < 0.005
        cells = np.where(y ^ flip, "1", "0").astype(object)
    elif kind == 3:
        cells = np.array(
            [f"2021-03-{1 + k % 28:02d}" if b else "" for k, b in enumerate(y)], object
        )
    else:
        cells = np.array(
            [str(int(v)) if b else "" for v, b in zip(rng.integers(5, 900, n), y, strict=True)],
            object,
        )
        cells[y & (rng.random(n) < 0.3)] = ""
    p.dirty.insert(
        int(rng.integers(0, len(p.dirty.columns))), "follow_up", pd.Series(cells, dtype=object)
    )
    p.extra_columns["follow_up"] = "leak"
    return True


def duplicates(rng: np.random.Generator, p: Planting) -> bool:
    """Rows that come twice, somewhere else in the file. Planted last."""
    n = len(p.dirty)
    twice = rng.choice(n, max(1, round(rng.uniform(0.005, 0.05) * n)), replace=False)
    key = np.concatenate([np.arange(n), rng.uniform(twice, n)])
    order = np.argsort(key, kind="stable")
    source = np.concatenate([np.arange(n), twice])[order]
    copies = np.concatenate([np.zeros(n, bool), np.ones(len(twice), bool)])[order]
    where = np.flatnonzero(~copies)
    p.dirty = p.dirty.iloc[source].reset_index(drop=True)
    p.clean = p.clean.iloc[source].reset_index(drop=True)
    for key_, rows in p.cells.items():
        again = [int(k) for k in np.flatnonzero(copies) if source[k] in set(rows)]
        p.cells[key_] = sorted([*(int(where[r]) for r in rows), *again])
    p.extra_rows = [int(k) for k in np.flatnonzero(copies)]
    return True


FAULTS: dict[str, Callable[[np.random.Generator, Planting], bool]] = {
    "thousands": thousands,
    "unit": unit,
    "variants": variants,
    "yes/no": yes_no,
    "sentinel": sentinel,
    "id": identity,
    "leak": leak,
    "duplicates": duplicates,
}


def plant(seed: int) -> tuple[Planting, list[str]]:
    """Make a clean table and plant a random choice of faults in it."""
    rng = np.random.default_rng(seed)
    table = clean_table(rng)
    p = Planting(table.copy(), table.copy())
    number = int(rng.integers(1, len(FAULTS) + 1))
    chosen = sorted(rng.choice(len(FAULTS), number, replace=False))
    names = list(FAULTS)
    return p, [names[k] for k in chosen if FAULTS[names[k]](rng, p)]
