"""The words messy files use: for nothing, for yes and no, for units and money.

Everything is compared in lower case with single spaces. Two lists stand for "missing": spellings
that mean it anywhere, and spellings that can also be an honest category ("none", "unknown") and
are therefore read as missing only among numbers and dates.
"""

from __future__ import annotations

__all__ = [
    "CURRENCIES",
    "ERROR_MARKS",
    "ID_WORDS",
    "MISSING_ALWAYS",
    "MISSING_AMONG_NUMBERS",
    "PAIRS",
    "SENTINELS",
    "UNITS",
    "fold",
    "unit_key",
]

#: Results of a failed spreadsheet formula.
ERROR_MARKS = frozenset({"#n/a", "#na", "#value!", "#ref!", "#div/0!", "#null!", "#num!", "#name?"})

#: Means "no value" in any column.
MISSING_ALWAYS = ERROR_MARKS | frozenset(
    {
        "",
        "?",
        "??",
        "-",
        "--",
        "---",
        ".",
        "..",
        "na",
        "n/a",
        "n.a.",
        "n.a",
        "nan",
        "null",
        "nul",
        "<na>",
        "<null>",
        "(null)",
        "(blank)",
        "\\n",
        "nat",
        "not available",
        "no data",
        "missing",
        "(missing)",
    }
)

#: Means "no value" among numbers and dates, and may be a category among words.
MISSING_AMONG_NUMBERS = frozenset(
    {
        "none",
        "nil",
        "unknown",
        "unk",
        "not known",
        "not recorded",
        "not measured",
        "undefined",
        "n/d",
        "nd",
        "n.d.",
        "tbd",
        "tba",
        "x",
        "*",
        "invalid",
        "error",
        "empty",
        "not applicable",
        "not sampled",
    }
)

#: Numbers that people write where they have none.
SENTINELS = (
    0.0,
    *(sign * float(digit * n) for sign in (-1, 1) for digit in "987" for n in range(2, 9)),
    -1.0,
    -9.0,
    -8.0,
    -7.0,
    -999.25,
    *(sign * value for sign in (-1, 1) for value in (99.9, 999.9, 9999.9, 99.99, 999.99, 9999.99)),
    -9.9,
    -9.99,
    # The ends of two integer types, and powers of ten that nobody measures.
    *(32767.0, -32768.0, 2147483647.0, -2147483648.0, 1e9, -1e9, 1e10, -1e10, 1e20, 1e30),
)

#: Two-valued vocabularies, each a pair of synonym sets.
PAIRS: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (
        frozenset(
            {"yes", "y", "true", "t", "1", "1.0", "on", "ja", "j", "oui", "si", "sí", "vrai"}
        ),
        frozenset({"no", "n", "false", "f", "0", "0.0", "off", "nein", "non", "faux"}),
    ),
    (
        frozenset({"male", "m", "man"}),
        frozenset({"female", "f", "woman", "w"}),
    ),
)

#: Signs of money before or after a number.
CURRENCIES = ("$", "€", "£", "¥", "₹", "₽", "US$", "USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD")

#: Unit spelling -> (dimension, how many of the dimension's base unit it is).
UNITS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("nm",), ("length", "1e-9")),
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns"), ("length", "1e-6")),
    **dict.fromkeys(
        ("mm", "mms", "millimetre", "millimetres", "millimeter", "millimeters"), ("length", "1e-3")
    ),
    **dict.fromkeys(
        ("cm", "cms", "centimetre", "centimetres", "centimeter", "centimeters"), ("length", "1e-2")
    ),
    **dict.fromkeys(("m", "metre", "meter", "metres", "meters"), ("length", "1")),
    **dict.fromkeys(
        ("km", "kms", "kilometre", "kilometres", "kilometer", "kilometers"), ("length", "1e3")
    ),
    **dict.fromkeys(("in", "inch", "inches", '"'), ("length", "0.0254")),
    **dict.fromkeys(("ft", "foot", "feet"), ("length", "0.3048")),
    **dict.fromkeys(("mi", "mile", "miles"), ("length", "1609.344")),
    **dict.fromkeys(("ug", "µg", "μg", "mcg"), ("mass", "1e-9")),
    **dict.fromkeys(("mg",), ("mass", "1e-6")),
    **dict.fromkeys(("g", "gr", "gram", "grams"), ("mass", "1e-3")),
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"), ("mass", "1")),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), ("mass", "0.45359237")),
    **dict.fromkeys(("oz", "ounce", "ounces"), ("mass", "0.028349523125")),
    **dict.fromkeys(("us", "µs", "μs"), ("time", "1e-6")),
    **dict.fromkeys(("ms", "msec"), ("time", "1e-3")),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("time", "1")),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), ("time", "60")),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), ("time", "3600")),
    **dict.fromkeys(("d", "day", "days"), ("time", "86400")),
    **dict.fromkeys(("pa",), ("current or pressure", "1e-12")),
    **dict.fromkeys(("na",), ("current", "1e-9")),
    **dict.fromkeys(("uv", "µv", "μv"), ("voltage", "1e-6")),
    **dict.fromkeys(("mv",), ("voltage", "1e-3")),
    **dict.fromkeys(("v", "volt", "volts"), ("voltage", "1")),
    **dict.fromkeys(("kv",), ("voltage", "1e3")),
    **dict.fromkeys(("hz",), ("frequency", "1")),
    **dict.fromkeys(("khz",), ("frequency", "1e3")),
    **dict.fromkeys(("mhz",), ("frequency", "1e6")),
    **dict.fromkeys(("ml",), ("volume", "1e-3")),
    **dict.fromkeys(("cl",), ("volume", "1e-2")),
    **dict.fromkeys(("l", "litre", "liter", "litres", "liters"), ("volume", "1")),
    **dict.fromkeys(("kb",), ("memory", "1e3")),
    **dict.fromkeys(("mb",), ("memory", "1e6")),
    **dict.fromkeys(("gb",), ("memory", "1e9")),
    **dict.fromkeys(("k",), ("count", "1e3")),
    **dict.fromkeys(("mio", "mn", "million"), ("count", "1e6")),
}

#: Words in a column's name that say "this is a label of the row".
ID_WORDS = frozenset(
    {"id", "ids", "uid", "uuid", "guid", "key", "code", "index", "idx", "no", "nr", "num", "number"}
    | {"ref", "reference", "serial", "record", "rownum", "unnamed", "identifier"}
)


def unit_key(suffix: str) -> str:
    """Return how a unit is looked up: no case, no full stop.

    Examples
    --------
    >>> unit_key("Cm."), unit_key("KG")
    ('cm', 'kg')
    """
    return fold(suffix).rstrip(".")


def fold(text: str) -> str:
    """Return the text in lower case with single spaces and none at its ends.

    Examples
    --------
    >>> fold("  New   York ")
    'new york'
    """
    return " ".join(text.split()).casefold()
