"""Code of a Brian2 model in the words of this package: names, waveforms and random numbers."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.input.timedarray import TimedArray
from brian2.units import Quantity
from brian2.utils.stringtools import get_identifiers

from neurosim.describe.point_neuron import FIRST_SAMPLE, KEYS
from neurosim.errors import ParameterError
from neurosim.quantities import unit_name

__all__ = ["Translation", "assigned", "rename"]

_DRAWN = {"rand": "uniform", "randn": "gaussian"}
_UNDRAWABLE = ("poisson", "binomial")
# Random streams of calls, apart from those of the white noises of the equations.
_STREAMS = 1 << 21
_STATEMENT = re.compile(r"^\s*(\w+)\s*(?:\*\*|//|[-+*/%])?=(?!=)")


def rename(code: str, spelled: Mapping[str, str]) -> str:
    """Return code with whole words replaced, all at once.

    Examples
    --------
    >>> rename("V + V_t + x.V", {"V": "v", "v": "w"})
    'v + V_t + x.V'
    """
    if not spelled:
        return code
    words = "|".join(re.escape(word) for word in sorted(spelled, key=len, reverse=True))
    return re.sub(rf"(?<![\w.])({words})(?!\w)", lambda found: spelled[found[1]], code)


def assigned(code: str) -> list[str]:
    """Return the names that statements assign to, in order.

    Examples
    --------
    >>> assigned("v = c; u += d")
    ['v', 'u']
    """
    lines = re.split(r"[;\n]", code)
    found = [match[1] for line in lines if (match := _STATEMENT.match(line))]
    return list(dict.fromkeys(found))


@dataclass
class Translation:
    """Turns the code of one model; collects the waveforms and the noises it meets.

    Parameters
    ----------
    name : str
        Of the model, for messages.
    spelled, in_statements : dict of str to str
        What the model's names are called here, in expressions and where they can be assigned to.
    waveforms : mapping of str to TimedArray
        By the name the model has for them.
    index : int
        Number of the neuron, for waveforms of two dimensions.
    """

    name: str
    spelled: dict[str, str]
    in_statements: dict[str, str]
    waveforms: Mapping[str, TimedArray]
    index: int
    samples: list[tuple[float, ...]] = field(default_factory=list)
    _played: dict[str, int] = field(default_factory=dict)
    _calls: int = 0

    def expression(self, code: str) -> str:
        """Return an expression in our names.

        Raises
        ------
        ParameterError
            It calls what a seed does not reach, or a waveform in a way that cannot be played.
        """
        return rename(self._with_calls(code, "eval"), self.spelled)

    def statements(self, code: str) -> str:
        """Return statements in our names."""
        return rename(self._with_calls(code, "exec"), self.in_statements)

    def _with_calls(self, code: str, mode: str) -> str:
        words = set(get_identifiers(code))
        for word in _UNDRAWABLE:
            if word in words:
                raise ParameterError(
                    f"{self.name}: {word}() is not carried over; use rand() or randn(), or inject "
                    "noise as a stimulus"
                )
        if not words & (set(_DRAWN) | set(self.waveforms)):
            return code
        lines = "\n".join(line.strip() for line in re.split(r"[;\n]", code) if line.strip())
        tree = ast.parse(lines if mode == "exec" else code.strip(), mode=mode)
        return ast.unparse(_Calls(self).visit(tree))

    def drawn(self, word: str) -> str:
        """Return a random number of the row and step, of a stream of its own for every call."""
        self._calls += 1
        low, high = KEYS
        return f"{_DRAWN[word]}({low}, {high}, {_STREAMS + self._calls}, t_in_timesteps)"

    def played(self, word: str, arguments: list[str]) -> str:
        """Return a waveform at a time, held before its start and after its end as Brian2 does."""
        waveform = self.waveforms[word]
        values = np.asarray(waveform.values, dtype=float)
        if values.ndim == 2:
            if len(arguments) != 2 or arguments[1] != "i":
                raise ParameterError(
                    f"{self.name}: {word}({', '.join(arguments)}) can be carried over as "
                    f"{word}(t, i) only; write i for the second argument"
                )
            values = values[:, self.index]
        if word not in self._played:
            self._played[word] = len(self.samples)
            self.samples.append(tuple(values.tolist()))
        interval = float(waveform.dt)
        place = f"clip(({arguments[0]})/({interval!r}*second), 0, {len(values) - 0.5})"
        unit = unit_name(Quantity(1.0, dim=waveform.dim))
        factor = "" if unit == "1" else f"*{unit}"
        return f"(waveform({FIRST_SAMPLE} + {self._played[word]}, {place}){factor})"


class _Calls(ast.NodeTransformer):
    """Replaces the calls that need another function here."""

    def __init__(self, translation: Translation) -> None:
        self.translation = translation

    def visit_Call(self, node: ast.Call) -> Any:
        """Replace a call of a random number or a waveform."""
        word = node.func.id if isinstance(node.func, ast.Name) else ""
        if word in _DRAWN:
            code = self.translation.drawn(word)
        elif word in self.translation.waveforms:
            inner = [ast.unparse(self.visit(argument)) for argument in node.args]
            code = self.translation.played(word, inner)
        else:
            return self.generic_visit(node)
        return ast.parse(code, mode="eval").body
