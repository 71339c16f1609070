"""Reading numbers the way people type them: 12,263 and 1.234,5 and 154.8 cm and 45 % and (3).

A column is written one way throughout, even where a single cell could be read two ways: 1,234
alone may be a thousand or one and a quarter-ish, but beside 12,5 it can only be a decimal comma.
So `read_style` looks at all cells first, and `plain` then rewrites one cell in that style as
plain digits, exactly (decimal arithmetic, no rounding).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

from ann.data.cells.lexicon import CURRENCIES, MAGNITUDES

__all__ = [
    "NumberStyle",
    "counting_number",
    "is_plain",
    "plain",
    "ratio",
    "read_style",
    "split_affixes",
    "split_money",
    "times",
]

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?\Z")
_COMMA_DECIMAL = re.compile(r"[+-]?\d+,\d+\Z")
_DOT_GROUPS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?\Z")
_SPACE_GROUPS = re.compile(r"[+-]?\d{1,3}(?:[ '’\u00a0\u202f\u2009]\d{3})+(?:[.,]\d*)?\Z")
_INDIAN_GROUPS = re.compile(r"[+-]?\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d*)?\Z")
_BODY = (
    r"[+\-−]?\s*(?:\d[\d.,'’\u00a0\u202f\u2009]*(?: \d{3})*(?:[.,]\d+)?|[.,]\d+)(?:[eE][+-]?\d+)?"
)
_AFFIXED = re.compile(
    rf"(?P<prefix>[^\d\s+\-−.,()]{{0,4}})\s*(?P<body>{_BODY})\s*(?P<suffix>\D{{0,14}})\Z"
)
_SEPARATORS = re.compile(r"[ '’\u00a0\u202f\u2009]")
# The largest float has 309 digits; the search for what stands around a number takes the square of
# the length.
_LONGEST = 300
#: A factor of more characters has been rounded to 28 digits; what it gives holds for 15.
_ROUNDED, _TO_15 = 28, Context(prec=15)
_CURRENCIES = frozenset(c.casefold() for c in CURRENCIES)


@dataclass(frozen=True)
class NumberStyle:
    """How a column writes its numbers.

    Attributes
    ----------
    decimal : str
        ``"."``, ``","``, or ``".,"`` where a column has both and no thousands.
    thousands : str
        ``","``, ``"."``, ``" "`` (any kind of space or apostrophe) or ``""``.
    certain : bool
        False where every cell with a separator could be read in both ways.
    """

    decimal: str = "."
    thousands: str = ""
    certain: bool = True


def is_plain(text: str) -> bool:
    """Tell whether `text` is a number in plain digits, as Python reads it.

    Examples
    --------
    >>> is_plain("-1.5e3"), is_plain("1,500")
    (True, False)
    """
    return _PLAIN.match(text) is not None and _in_range(text)


def counting_number(text: str) -> int | None:
    """Return a whole number without a sign; None for other text, and for over 18 digits.

    Superscripts are digits but no numbers, and Python reads no number of 5,000 digits.

    Examples
    --------
    >>> counting_number("1952"), counting_number("10²"), counting_number("1" * 5000)
    (1952, None, None)
    """
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def _in_range(text: str) -> bool:
    """Tell whether plain digits stand for a number that a computer's float can hold."""
    if len(text) <= _LONGEST and "e" not in text and "E" not in text:
        return True
    return len(text) <= _LONGEST and abs(float(text)) < math.inf


def split_affixes(text: str) -> tuple[str, str, str] | None:
    """Split a cell into what stands before, in and after its number.

    Parameters
    ----------
    text : str
        One cell.

    Returns
    -------
    tuple of (prefix, body, suffix) or None
        None where there is no number, or more than one. Accounting's ``(3)`` gives ``-3``.

    Examples
    --------
    >>> split_affixes("154.8 cm"), split_affixes("$1,200"), split_affixes("(3.5)")
    (('', '154.8', 'cm'), ('$', '1,200', ''), ('', '-3.5', ''))
    >>> split_affixes("C23 C25") is None
    True
    """
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    if _PLAIN.match(text):
        return ("", text, "") if _in_range(text) else None
    if text.startswith("(") and text.endswith(")"):
        inner = split_affixes(text[1:-1])
        if inner is None or inner[1].startswith(("-", "+")):
            return None
        if _letters(inner[0] + inner[2]) and inner[2].casefold() not in MAGNITUDES:
            return None
        return inner[0], "-" + inner[1], inner[2]
    sign = ""
    if len(text) > 1 and text[0] in "+-−" and not (text[1].isdigit() or text[1] in ".,"):
        sign, text = "-" if text[0] != "+" else "", text[1:].strip()
    found = _AFFIXED.match(text)
    if found is None:
        return None
    body = found["body"].replace("−", "-").replace(" ", " ")
    body = re.sub(r"^([+-])\s+", r"\1", body)
    prefix, suffix = found["prefix"].strip(), found["suffix"].strip()
    if prefix and prefix.casefold() not in _CURRENCIES:
        return None
    if sign and body.startswith(("-", "+")):
        return None
    return prefix, sign + body, suffix


def split_money(suffix: str) -> tuple[str, str]:
    """Split a sign of money off the end of what stands after a number.

    Examples
    --------
    >>> split_money("Mio. €"), split_money("USD"), split_money("cm")
    (('Mio.', '€'), ('', 'USD'), ('cm', ''))
    """
    for sign in CURRENCIES:
        if suffix.casefold().endswith(sign.casefold()):
            rest = suffix[: -len(sign)]
            # "tEUR" is no sign after a letter, "M€" is one.
            if not (sign[0].isalpha() and rest[-1:].isalpha()):
                return rest.strip(), suffix[len(rest) :]
    return suffix, ""


def _letters(text: str) -> bool:
    return any(c.isalpha() for c in text)


def read_style(bodies: Iterable[str]) -> NumberStyle:
    """Find the one style in which a column's numbers make sense.

    Parameters
    ----------
    bodies : iterable of str
        Numbers without prefix or suffix, as `split_affixes` gives them.

    Returns
    -------
    NumberStyle

    Examples
    --------
    >>> read_style(["12,263", "980", "1,204,000"])
    NumberStyle(decimal='.', thousands=',', certain=True)
    >>> read_style(["12,5", "1.234,75", "8"])
    NumberStyle(decimal=',', thousands='.', certain=True)
    """
    comma_thousands = comma_decimal = dot_thousands = dot_decimal = spaces = ambiguous = 0
    for body in bodies:
        if _SPACE_GROUPS.match(body):
            spaces += 1
            body = _SEPARATORS.sub("", body)
        commas, dots = body.count(","), body.count(".")
        if not commas and not dots:
            continue
        if commas and dots:
            if body.rfind(",") > body.rfind("."):
                comma_decimal += 1
                dot_thousands += 1
            else:
                comma_thousands += 1
                dot_decimal += 1
        elif commas:
            if commas > 1:
                comma_thousands += 1
            elif _COMMA_GROUPS.match(body) and not body.lstrip("+-").startswith("0"):
                ambiguous += 1
            else:
                comma_decimal += 1
        elif dots > 1:
            dot_thousands += 1
        else:
            dot_decimal += 1
    space = " " if spaces else ""
    if comma_decimal and comma_decimal >= comma_thousands and not (dot_decimal > comma_decimal):
        return NumberStyle(",", "." if dot_thousands else space)
    if comma_decimal and not (comma_thousands or dot_thousands or ambiguous):
        return NumberStyle(".,", space)
    if comma_thousands:
        return NumberStyle(".", ",")
    if dot_thousands and not comma_thousands:
        return NumberStyle(",", ".")
    if ambiguous:
        return NumberStyle(".", ",", certain=bool(dot_decimal) or ambiguous >= 3)
    return NumberStyle(".", space)


def plain(body: str, style: NumberStyle) -> str | None:
    """Rewrite one number in plain digits, or None where it does not follow the style.

    Parameters
    ----------
    body : str
        A number without prefix or suffix.
    style : NumberStyle
        How its column writes numbers.

    Returns
    -------
    str or None

    Examples
    --------
    >>> plain("12,263", NumberStyle(".", ","))
    '12263'
    >>> plain("1.234,50", NumberStyle(",", "."))
    '1234.50'
    >>> plain("12,26,3", NumberStyle(".", ",")) is None
    True
    """
    if _PLAIN.match(body) and not (style.thousands == "." and _DOT_GROUPS.match(body)):
        return body
    if _SPACE_GROUPS.match(body):
        body = _SEPARATORS.sub("", body)
    if style.decimal in (",", ".,"):
        if style.decimal == "," and style.thousands == "." and _DOT_GROUPS.match(body):
            body = body.replace(".", "")
        if _COMMA_DECIMAL.match(body):
            body = body.replace(",", ".")
    elif style.thousands != " " and (_COMMA_GROUPS.match(body) or _INDIAN_GROUPS.match(body)):
        body = body.replace(",", "")
    return body if _PLAIN.match(body) else None


def times(body: str, factor: str, offset: str = "0") -> str:
    """Multiply a number in plain digits by a factor and add an offset, exactly if the factor is.

    Parameters
    ----------
    body, factor, offset : str
        Numbers in plain digits.

    Returns
    -------
    str
        The result in plain digits without needless zeros.

    Examples
    --------
    >>> times("1.72", "100"), times("45", "0.01")
    ('172', '0.45')
    """
    try:
        value = Decimal(body) * Decimal(factor) + Decimal(offset)
    except InvalidOperation:
        return body
    if len(factor) > _ROUNDED:
        # The factor is a rounded ratio, such as a twelfth: six times it is a half.
        value = _TO_15.plus(value)
    return _digits(value)


def ratio(size: str, unit: str) -> str:
    """Divide one number in plain digits by another, to 28 digits.

    Examples
    --------
    >>> ratio("0.0254", "0.01")
    '2.54'
    """
    return _digits(Decimal(size) / Decimal(unit))


def _digits(value: Decimal) -> str:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
