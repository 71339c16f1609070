"""Channels as ion channels of NeuroML: their equations taken apart into gates.

An expression is worked out in SI numbers: parameters and units become numbers, and what remains are
the potential, concentrations and factors of temperature.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, field, fields
from xml.sax.saxutils import quoteattr

from brian2.core.namespace import DEFAULT_UNITS
from brian2.units import Quantity

from neurosim.channels.base import Channel
from neurosim.channels.neuroml_channel import NeuroMLChannel
from neurosim.describe.neuroml_out.lems_text import CannotSayError, component_type
from neurosim.equations.evaluate import parse
from neurosim.equations.trees import (
    Put,
    calls,
    divided,
    has,
    multiplied,
    number_of,
    over,
    parsed,
    product,
    simplified,
)
from neurosim.errors import ParameterError

__all__ = ["IonChannel", "ion_channel"]


@dataclass
class IonChannel:
    """A channel as text of NeuroML.

    Attributes
    ----------
    body : list of str
        The elements inside of it.
    types : list of str
        Component types that it needs, as elements of the file.
    nernst : bool
        Whether its reversal potential is that of Nernst for calcium.
    losses : list of str
        What is not the same in NeuroML.
    """

    body: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    nernst: bool = False
    losses: list[str] = field(default_factory=list)


def ion_channel(part: Channel, name: str, celsius: float, label: str) -> IonChannel:
    """Return a channel as an ion channel of NeuroML.

    Parameters
    ----------
    part : Channel
        The channel.
    name : str
        Its id in the file.
    celsius : float
        Temperature of the cell, for factors that NeuroML cannot say.
    label : str
        What the painted part is called, which is noted.

    Raises
    ------
    ParameterError
        Its equations are of a form that NeuroML's gates do not have.
    """
    try:
        return _Writer(part, name, celsius, label).write()
    except CannotSayError as error:
        raise ParameterError(
            f"to_neuroml: the channel {part.name!r} ({type(part).__name__}) cannot be said in "
            f"NeuroML: {error}"
        ) from None


class _Writer:
    """Writes one channel."""

    def __init__(self, part: Channel, name: str, celsius: float, label: str) -> None:
        self.part, self.name, self.celsius, self.label = part, name, celsius, label
        self.system = parse(part.equations)
        self.found = IonChannel()
        self.factors = {
            key: float(value)
            for key, value in part.constants(celsius).items()
            if key.startswith("phi")
        }
        known = {**part.parameters(), **part.constants(celsius)}
        self.numbers = {
            key: float(Quantity(value)) for key, value in known.items() if key not in self.factors
        }

    def write(self) -> IonChannel:
        gates = self._gates_of_current()
        if not self.found.nernst and "RT_F" in self.numbers:
            self.found.losses.append(
                f"the rates of {self.part.name!r} use RT/F at {self.celsius:g} degC, as a number"
            )
        if float(self.part.q10_g) != 1:
            self.found.body.append(
                f'<q10ConductanceScaling q10Factor="{float(self.part.q10_g)!r}" '
                f'experimentalTemp="{self.part.temperature_ref!r} degC"/>'
            )
        for gate, power in gates:
            self._gate(gate, power)
        if not isinstance(self.part, NeuroMLChannel):
            self.found.body.insert(0, self._note())
        return self.found

    def _note(self) -> str:
        part = self.part
        values: dict[str, object] = {
            name: float(getattr(part, name)) for name in part.quantity_fields()
        }
        for one in fields(part):
            if "unit" not in one.metadata:
                values[one.name] = getattr(part, one.name)
        value = json.dumps({"kind": type(part).__name__, "values": values, "label": self.label})
        return f'<property tag="neurosim.part" value={quoteattr(value)}/>'

    # ---- the current ----------------------------------------------------------------------------
    def _gates_of_current(self) -> list[tuple[str, int]]:
        """Return the gates whose product the current has, with their powers."""
        part = self.part
        up, down = product(parsed(part.current))
        gates = []
        drive = strength = 0
        for factor in up:
            power = 1
            if isinstance(factor, ast.BinOp) and isinstance(factor.op, ast.Pow):
                exponent = factor.right
                if not (isinstance(exponent, ast.Constant) and isinstance(exponent.value, int)):
                    raise CannotSayError("a gate has a power that is not whole")
                factor, power = factor.left, exponent.value
            if isinstance(factor, ast.Name) and factor.id == "g":
                strength += 1
            elif isinstance(factor, ast.Name) and factor.id in self.system:
                gates.append((factor.id, power))
            elif ast.unparse(factor) in ("E - v", "E_now - v"):
                drive += 1
                self.found.nernst = "E_now" in ast.unparse(factor)
            else:
                raise CannotSayError(
                    f"its current is {part.current}, and NeuroML has g, powers of gates and (E - v)"
                )
        if down or drive != 1 or strength != 1:
            raise CannotSayError(
                f"its current is {part.current}, and NeuroML has g, powers of gates and (E - v)"
            )
        if unused := set(part.states) - {gate for gate, _ in gates}:
            raise CannotSayError(f"the state {min(unused)!r} is not a factor of the current")
        return gates

    # ---- gates ----------------------------------------------------------------------------------
    def _gate(self, gate: str, power: int) -> None:
        line = self.system[gate]
        head = f'id="{gate}" instances="{power}"'
        if line.type != "differential equation":
            inf = self._dependence(self._worked_out(line.expr.code), gate, "inf")
            self._add("gateHHInstantaneous", head, [inf])
            return
        rates, steady = _taken_apart(self._worked_out(line.expr.code), gate)
        rates, q10 = self._without_factor(rates, gate)
        if steady is None:
            parts = [
                self._dependence(rates[0], gate, "alpha"),
                self._dependence(rates[1], gate, "beta"),
            ]
            self._add("gateHHrates", head, [*q10, *parts])
            return
        tau = over(ast.Constant(1.0), rates[0])
        parts = [self._dependence(tau, gate, "tau"), self._dependence(steady, gate, "inf")]
        self._add("gateHHtauInf", head, [*q10, *parts])

    def _add(self, kind: str, head: str, inside: list[str]) -> None:
        self.found.body += [f'<gate {head} type="{kind}">', *(f"  {x}" for x in inside), "</gate>"]

    def _without_factor(self, rates: list[ast.expr], gate: str) -> tuple[list[ast.expr], list[str]]:
        """Take the factor of temperature out of rates, if all have the same one."""
        used = [{n.id for n in ast.walk(rate) if isinstance(n, ast.Name)} & self.factors.keys()
                for rate in rates]  # fmt: skip
        names = set().union(*used)
        if not names:
            return rates, []
        if len(names) == 1 and all(used):
            name = next(iter(names))
            without = [divided(rate, name) for rate in rates]
            if all(rate is not None for rate in without):
                factor, at = self._q10(name)
                settings = (
                    f'<q10Settings type="q10ExpTemp" q10Factor="{factor!r}" '
                    f'experimentalTemp="{at!r} degC"/>'
                )
                return [rate for rate in without if rate is not None], [settings]
        self.found.losses.append(
            f"the gate {gate!r} of {self.part.name!r} keeps its rates at {self.celsius:g} degC, "
            "since NeuroML has one factor of temperature for all rates of a gate"
        )
        fixed = {name: ast.Constant(value) for name, value in self.factors.items()}
        return [simplified(Put(fixed).visit(rate)) for rate in rates], []

    def _q10(self, name: str) -> tuple[float, float]:
        if isinstance(self.part, NeuroMLChannel):
            for suffix, factor, at in self.part.q10s:
                if name == f"phi_{suffix}":
                    return factor, at
        value = getattr(self.part, "q10" + name.removeprefix("phi"))
        return float(value), float(self.part.temperature_ref)

    # ---- expressions ----------------------------------------------------------------------------
    def _worked_out(self, code: str) -> ast.expr:
        """Return an expression in SI numbers, named expressions written out."""
        words: dict[str, ast.expr] = {name: ast.Constant(v) for name, v in self.numbers.items()}
        tree = parsed(code)
        for _ in range(50):
            names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
            inner = {
                name: parsed(self.system[name].expr.code)
                for name in names
                if name in self.system and self.system[name].type != "differential equation"
            }
            if not inner:
                break
            tree = Put(inner).visit(tree)
        for name in {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}:
            if name not in words and name in DEFAULT_UNITS and name != "v":
                words[name] = ast.Constant(float(DEFAULT_UNITS[name]))
        return simplified(Put(words).visit(tree))

    def _dependence(self, tree: ast.expr, gate: str, what: str) -> str:
        """Return a rate, time constant or steady state as an element."""
        tag = {"alpha": "forwardRate", "beta": "reverseRate", "tau": "timeCourse",
               "inf": "steadyState"}[what]  # fmt: skip
        if what == "tau" and isinstance(tree, ast.Constant):
            return f'<timeCourse type="fixedTimeCourse" tau="{tree.value!r}s"/>'
        form = None if what == "tau" else _known_form(tree)
        if form is not None:
            kind, height, middle, scale = form
            unit, of = ("", "Variable") if what == "inf" else ("per_s", "Rate")
            return (
                f'<{tag} type="HH{kind}{of}" rate="{height!r}{unit}" midpoint="{middle!r}V" '
                f'scale="{scale!r}V"/>'
            )
        own = f"{self.name}_{gate}_{what}"
        written = component_type(own, tree, what)
        self.found.types.append(written)
        # A case or two come back as they are; more of them are put together in another order.
        if isinstance(self.part, NeuroMLChannel) and written.count("<Conditional") > 2:
            self.found.losses.append(
                f"an expression of the gate {gate!r} of {self.part.name!r} comes back in other "
                "words with the same values"
            )
        return f'<{tag} type="{own}"/>'


def _taken_apart(tree: ast.expr, gate: str) -> tuple[list[ast.expr], ast.expr | None]:
    """Return the rates of a gate, or its one rate and steady state."""
    up, down = product(tree)
    holds = [factor for factor in up if has(factor, gate)]
    others = [factor for factor in up if factor not in holds]
    wrong = CannotSayError(
        f"d{gate}/dt is neither alpha*(1 - {gate}) - beta*{gate} nor (inf - {gate})/tau"
    )
    if len(holds) != 1 or any(has(factor, gate) for factor in down):
        raise wrong
    inner = holds[0]
    if not (isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub)):
        raise wrong
    if ast.unparse(inner.right) == gate and not has(inner.left, gate):
        return [multiplied(others, down)], inner.left
    rates = []
    for side, wanted in ((inner.left, f"1.0 - {gate}"), (inner.right, gate)):
        more, less = product(side)
        own = [factor for factor in more if ast.unparse(factor) == wanted]
        rest = [factor for factor in more if factor not in own]
        if len(own) != 1 or any(has(factor, gate) for factor in [*rest, *less]):
            raise wrong
        rates.append(multiplied([*rest, *others], [*less, *down]))
    return rates, None


def _line(tree: ast.expr) -> tuple[float, float] | None:
    """Return midpoint and scale of (v - midpoint)/scale, None where a tree is not of that form."""
    sign = 1.0
    while isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        tree, sign = tree.operand, -sign
    up, down = product(tree)
    if len(up) != 1 or len(down) != 1 or not isinstance(down[0], ast.Constant):
        return None
    inner, middle = up[0], 0.0
    while isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.USub):
        inner, sign = inner.operand, -sign
    if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add | ast.Sub):
        left, right = inner.left, inner.right
        plus = isinstance(inner.op, ast.Add)
        if isinstance(left, ast.Name) and isinstance(right, ast.Constant):
            middle = -number_of(right) if plus else number_of(right)
            inner = left
        elif isinstance(left, ast.Constant) and isinstance(right, ast.Name):
            middle = -number_of(left) if plus else number_of(left)
            sign *= 1 if plus else -1
            inner = right
    if not (isinstance(inner, ast.Name) and inner.id == "v"):
        return None
    return middle + 0.0, sign * number_of(down[0])


def _known_form(tree: ast.expr) -> tuple[str, float, float, float] | None:
    """Return kind, rate, midpoint and scale of one of NeuroML's forms, None for any other."""
    up, down = product(multiplied(*product(tree)))
    height = 1.0
    rest = []
    for side, factors in ((1, up), (-1, down)):
        for factor in factors:
            if isinstance(factor, ast.Constant):
                value = number_of(factor)
                height = height * value if side == 1 else height / value
            else:
                rest.append((side, factor))
    if len(rest) != 1:
        return None
    side, one = rest[0]
    if side == 1 and calls(one, "exp"):
        found = _line(one.args[0])  # type: ignore[attr-defined]
        return None if found is None else ("Exp", height, *found)
    if side == -1 and calls(one, "exprel"):
        found = _line(one.args[0])  # type: ignore[attr-defined]
        return None if found is None else ("ExpLinear", height, found[0], -found[1])
    if side == -1 and isinstance(one, ast.BinOp) and isinstance(one.op, ast.Add):
        for number, call in ((one.left, one.right), (one.right, one.left)):
            if isinstance(number, ast.Constant) and number_of(number) == 1 and calls(call, "exp"):
                found = _line(call.args[0])  # type: ignore[attr-defined]
                return None if found is None else ("Sigmoid", height, found[0], -found[1])
    return None
