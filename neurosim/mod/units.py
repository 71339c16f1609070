"""Units as MOD files write them: what they are worth, and how Brian2 spells them.

NEURON checks units only with a tool of its own, and many published files are not consistent. So
formulas are taken as they stand, in NMODL's units, and a unit matters at two places: a constant of
the UNITS block is what NEURON's table says it is, and a field of a part carries its unit.
"""

from __future__ import annotations

import math
import re

__all__ = ["constant_value", "spelling"]

# The values of NEURON 9 (CODATA 2018).
_E, _K, _MOLE = 1.602176634e-19, 1.380649e-23, 6.02214076e23
_DIMENSIONS = {name: k for k, name in enumerate(("m", "kg", "s", "A", "K"))}
_BASE: dict[str, tuple[float, str]] = {
    "volt": (1, "kg m m s-3 A-1"),
    "amp": (1, "A"),
    "ampere": (1, "A"),
    "coulomb": (1, "A s"),
    "joule": (1, "kg m m s-2"),
    "siemens": (1, "kg-1 m-2 s3 A2"),
    "mho": (1, "kg-1 m-2 s3 A2"),
    "ohm": (1, "kg m2 s-3 A-2"),
    "farad": (1, "kg-1 m-2 s4 A2"),
    "meter": (1, "m"),
    "second": (1, "s"),
    "sec": (1, "s"),
    "gram": (1e-3, "kg"),
    "liter": (1e-3, "m3"),
    "litre": (1e-3, "m3"),
    "degC": (1, "K"),
    "degK": (1, "K"),
    "kelvin": (1, "K"),
    "mole": (_MOLE, ""),
    "molar": (_MOLE * 1e3, "m-3"),
    "faraday": (_E * _MOLE, "A s"),
    "e": (_E, "A s"),
    "k": (_K, "kg m2 s-2 K-1"),
    "boltzmann": (_K, "kg m2 s-2 K-1"),
    "R": (_K * _MOLE, "kg m2 s-2 K-1"),
    "gasconstant": (_K * _MOLE, "kg m2 s-2 K-1"),
    "pi": (math.pi, ""),
    "hz": (1, "s-1"),
}
_PREFIXES = {
    "milli": 1e-3, "micro": 1e-6, "nano": 1e-9, "pico": 1e-12, "femto": 1e-15, "kilo": 1e3,
    "centi": 1e-2, "deci": 1e-1, "mega": 1e6, "giga": 1e9,
}  # fmt: skip
_SHORT = {
    "mV": "millivolt", "mA": "milliamp", "nA": "nanoamp", "pA": "picoamp", "uA": "microamp",
    "mM": "millimolar", "uM": "micromolar", "M": "molar", "ms": "millisecond", "s": "second",
    "m": "meter", "cm": "centimeter", "um": "micrometer", "micron": "micrometer", "nm": "nanometer",
    "mm": "millimeter", "S": "siemens", "mS": "millisiemens", "uS": "microsiemens",
    "pS": "picosiemens", "nS": "nanosiemens", "umho": "micromho", "mol": "mole", "V": "volt",
    "A": "amp", "C": "coulomb", "J": "joule", "l": "liter", "uF": "microfarad", "mF": "millifarad",
    "degc": "degC", "coul": "coulomb",
}  # fmt: skip


def constant_value(unit: str, counted_in: str) -> float | None:
    """Return how many of one unit another is, as NEURON's UNITS block says; None if not known.

    Examples
    --------
    >>> round(constant_value("faraday", "coulomb"), 4), constant_value("pi", "1") > 3.14
    (96485.3321, True)
    """
    first, second = _worth(unit), _worth(counted_in)
    # A number without dimension may be counted in what has some, (pi) (1) or (1) (um).
    if first is None or second is None or first[1] != second[1]:
        return None
    return first[0] / second[0]


def _worth(unit: str) -> tuple[float, tuple[int, ...]] | None:
    total, powers, below = 1.0, [0] * len(_DIMENSIONS), False
    for word in re.findall(r"/|[^\s/*-]+(?:(?<=\d)[eE]?[+-]\d+)?", unit.strip()):
        if word == "/":
            below = True
            continue
        found = _word(word)
        if found is None:
            return None
        factor, own = found
        total = total / factor if below else total * factor
        powers = [p - q if below else p + q for p, q in zip(powers, own, strict=True)]
    return total, tuple(powers)


def _word(word: str) -> tuple[float, tuple[int, ...]] | None:
    nothing = (0,) * len(_DIMENSIONS)
    if re.fullmatch(r"\d+\.?\d*(?:[eE]?[+-]?\d+)?", word):
        plain = re.fullmatch(r"(\d+\.?\d*)([+-]\d+)", word)
        return float(f"{plain[1]}e{plain[2]}" if plain else word), nothing
    split = re.fullmatch(r"([A-Za-z]+?)(\d?)", word)
    if split is None:
        return None
    name, power = split[1], int(split[2] or 1)
    factor = 1.0
    name = _SHORT.get(name, name)
    for prefix, times in _PREFIXES.items():
        if name.startswith(prefix) and name != prefix:
            factor, name = times, name.removeprefix(prefix)
            break
        if name == prefix:
            return times, nothing
    if name not in _BASE and name.endswith("s"):
        name = name.removesuffix("s")
    if name not in _BASE:
        return None
    value, text = _BASE[name]
    powers = list(nothing)
    for part in text.split():
        found = re.fullmatch(r"([A-Za-z]+)(-?\d*)", part)
        assert found is not None
        powers[_DIMENSIONS[found[1]]] += int(found[2] or 1)
    return (factor * value) ** power, tuple(power * p for p in powers)


# How Brian2 spells what a unit is made of.
_BRIAN = {
    "mV": "mV", "millivolt": "mV", "V": "volt", "volt": "volt", "mA": "mA", "milliamp": "mA",
    "nA": "nA", "nanoamp": "nA", "pA": "pA", "uA": "uA", "A": "amp", "mM": "mM", "uM": "uM",
    "ms": "ms", "s": "second", "sec": "second", "second": "second", "cm": "cm", "um": "um",
    "micron": "um", "m": "meter", "nm": "nmeter", "S": "siemens", "siemens": "siemens",
    "mho": "siemens", "mS": "msiemens", "uS": "uS", "umho": "uS", "nS": "nS", "pS": "psiemens",
    "uF": "uF", "Hz": "Hz",
}  # fmt: skip


def spelling(unit: str) -> str:
    """Return how Brian2 spells a unit of a MOD file; "" for none, and for one it does not have.

    Examples
    --------
    >>> spelling("mho/cm2"), spelling("/ms"), spelling("degC"), spelling("mA-ms/cm2")
    ('siemens/cm**2', '1/ms', '', 'mA*ms/cm**2')
    """
    above: list[str] = []
    below: list[str] = []
    side = above
    for word in re.findall(r"/|[^\s/*-]+", unit.strip()):
        if word == "/":
            side = below
            continue
        if word == "1":
            continue
        split = re.fullmatch(r"([A-Za-z]+)(\d?)", word)
        if split is None or split[1] not in _BRIAN:
            return ""
        name = _BRIAN[split[1]]
        side.append(f"{name}**{split[2]}" if split[2] not in ("", "1") else name)
    if not above and not below:
        return ""
    return "/".join(["*".join(above) or "1", *below])
