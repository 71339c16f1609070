"""Generated C++ in a form that computes the same bits on every machine and in a page.

A sum, a product, a quotient and a root have one right result, which every processor gives as long
as the compiler leaves them as they are written (`compiler.py` has the flags). What differs is the
functions of the C library. Here their names give way to functions of our own (`portable.h`), and
powers whose exponent is a whole number to products.
"""

from __future__ import annotations

import re

from neurosim.engine.programs.generated_calls import rewritten
from neurosim.errors import EngineError

__all__ = ["portable"]

_OWN = ("exp", "log", "expm1", "log10", "log1p", "sinh", "cosh", "tanh")
_MISSING = ("sin", "cos", "tan", "asin", "acos", "atan", "arcsin", "arccos", "arctan")
# Beyond this an exponent and a logarithm are no less exact than so many products.
_MOST_PRODUCTS = 64


def portable(text: str) -> str:
    """Return lines of generated C++ that call functions of ours alone.

    Raises
    ------
    EngineError
        They call a function that has no form of ours.

    Examples
    --------
    >>> portable("x = exp(y);")
    'x = neurosim::portable::exp(y);'
    >>> portable("x = _brian_pow(_brian_pow(m, 3)*h, k);")
    'x = neurosim::portable::power(neurosim::portable::whole_power<3>(m)*h, k);'
    """
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    if line.lstrip().startswith("#"):
        return line
    line = rewritten(line, "_brian_pow", _power)
    if missing := _called(_MISSING).search(line):
        raise EngineError(
            f"the portable arithmetic has no {missing[1]} of its own, so {line.strip()!r} would "
            f"have other bits on another machine; write the equation without {missing[1]}, or run "
            "it in the default arithmetic, which a page does not have (unset NEUROSIM_ARITHMETIC)"
        )
    return _called(_OWN).sub(r"neurosim::portable::\1(", line)


def _called(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.:>])({'|'.join(names)})\(")


def _power(arguments: list[str]) -> str:
    base, exponent = arguments
    try:
        number = float(exponent.strip("() "))
    except ValueError:
        number = 0.5
    if number == int(number) and abs(number) <= _MOST_PRODUCTS:
        return f"neurosim::portable::whole_power<{int(number)}>({base})"
    return f"neurosim::portable::power({base}, {exponent})"
