"""Channels as ion channels of NeuroML: their equations taken apart into gates.

An expression is worked out in SI numbers: parameters and units become numbers, and what remains are
the potential, concentrations and factors of temperature.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from xml.sax.saxutils import quoteattr

from brian2.core.namespace import DEFAULT_UNITS
from brian2.units import Quantity

from neurosim.channels.base import Channel
from neurosim.channels.neuroml_channel import NeuroMLChannel
from neurosim.equations.evaluate import parse
from neurosim.equations.trees import (
    Put,
    calls,
    divided,
    has,
    multiplied,
    over,
    parsed,
    product,
    simplified,
)
from neurosim.errors import ParameterError

__all__ = ["IonChannel", "ion_channel"]

_LEMS = {"exp": "exp", "log": "ln", "sqrt": "sqrt", "abs": "abs", "tanh": "tanh", "sin": "sin",
         "cos": "cos", "tan": "tan", "sinh": "sinh", "cosh": "cosh"}  # fmt: skip
_SIGNS: Mapping[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^",
    ast.Gt: ".gt.", ast.Lt: ".lt.", ast.GtE: ".geq.", ast.LtE: ".leq.", ast.Eq: ".eq.",
    ast.NotEq: ".neq.", ast.And: ".and.", ast.Or: ".or.",
}  # fmt: skip
_CONCENTRATION = "ca_i"


class _CannotSayError(Exception):
    """Why something cannot be said in NeuroML."""


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
    except _CannotSayError as error:
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
        return f"<property tag=\"neurosim.part\" value={quoteattr(value)}/>"

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
                    raise _CannotSayError("a gate has a power that is not whole")
                factor, power = factor.left, exponent.value
            if isinstance(factor, ast.Name) and factor.id == "g":
                strength += 1
            elif isinstance(factor, ast.Name) and factor.id in self.system:
                gates.append((factor.id, power))
            elif ast.unparse(factor) in ("E - v", "E_now - v"):
                drive += 1
                self.found.nernst = "E_now" in ast.unparse(factor)
            else:
                raise _CannotSayError(
                    f"its current is {part.current}, and NeuroML has g, powers of gates and (E - v)"
                )
        if down or drive != 1 or strength != 1:
            raise _CannotSayError(
                f"its current is {part.current}, and NeuroML has g, powers of gates and (E - v)"
            )
        if unused := set(part.states) - {gate for gate, _ in gates}:
            raise _CannotSayError(f"the state {min(unused)!r} is not a factor of the current")
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
        self.found.types.append(_component_type(own, tree, what))
        return f'<{tag} type="{own}"/>'


def _taken_apart(tree: ast.expr, gate: str) -> tuple[list[ast.expr], ast.expr | None]:
    """Return the rates of a gate, or its one rate and steady state."""
    up, down = product(tree)
    holds = [factor for factor in up if has(factor, gate)]
    others = [factor for factor in up if factor not in holds]
    wrong = _CannotSayError(
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
    for side, wanted in ((inner.left, f"1 - {gate}"), (inner.right, gate)):
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
    own = [factor for factor in up if has(factor, "v")]
    if len(own) != 1 or any(not isinstance(f, ast.Constant) for f in down):
        return None
    for factor in up:
        if factor is not own[0]:
            if not isinstance(factor, ast.Constant):
                return None
            sign *= factor.value
    inner, middle = own[0], 0.0
    while isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.USub):
        inner, sign = inner.operand, -sign
    if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add | ast.Sub):
        left, right = inner.left, inner.right
        plus = isinstance(inner.op, ast.Add)
        if isinstance(left, ast.Name) and isinstance(right, ast.Constant):
            middle = -right.value if plus else right.value
            inner = left
        elif isinstance(left, ast.Constant) and isinstance(right, ast.Name):
            middle = -left.value if plus else left.value
            sign *= 1 if plus else -1
            inner = right
    if not (isinstance(inner, ast.Name) and inner.id == "v"):
        return None
    scale = 1.0
    for factor in down:
        assert isinstance(factor, ast.Constant)
        scale *= factor.value
    return middle + 0.0, scale / sign


def _known_form(tree: ast.expr) -> tuple[str, float, float, float] | None:
    """Return kind, rate, midpoint and scale of one of NeuroML's forms, None for any other."""
    up, down = product(multiplied(*product(tree)))
    height = 1.0
    rest = []
    for side, factors in ((1, up), (-1, down)):
        for factor in factors:
            if isinstance(factor, ast.Constant):
                height = height * factor.value if side == 1 else height / factor.value
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
            if isinstance(number, ast.Constant) and number.value == 1 and calls(call, "exp"):
                found = _line(call.args[0])  # type: ignore[attr-defined]
                return None if found is None else ("Sigmoid", height, found[0], -found[1])
    return None


def _component_type(name: str, tree: ast.expr, what: str) -> str:
    """Return a component type that gives a rate, time constant or steady state."""
    end = {"alpha": "Rate", "beta": "Rate", "tau": "Time", "inf": "Variable"}[what]
    exposure, dimension, scale = {
        "Rate": ("r", "per_time", " / TIME_SCALE"),
        "Time": ("t", "time", " * TIME_SCALE"),
        "Variable": ("x", "none", ""),
    }[end]
    more: list[str] = []
    text = _lems(tree, more)
    conc = "Conc" if has(tree, _CONCENTRATION) else ""
    lines = [
        f'<ComponentType name="{name}" extends="baseVoltage{conc}Dep{end}">',
        '  <Constant name="TIME_SCALE" dimension="time" value="1 s"/>',
        '  <Constant name="VOLT_SCALE" dimension="voltage" value="1 V"/>',
        *(['  <Constant name="CONC_SCALE" dimension="concentration" value="1 mM"/>'] * bool(conc)),
        "  <Dynamics>",
        '    <DerivedVariable name="V" dimension="none" value="v / VOLT_SCALE"/>',
        *(['    <DerivedVariable name="CA" dimension="none" value="caConc / CONC_SCALE"/>']
          * bool(conc)),
        *(f"    {line}" for line in more),
        f'    <DerivedVariable name="{exposure}" exposure="{exposure}" dimension="{dimension}" '
        f'value={quoteattr(f"({text}){scale}")}/>',
        "  </Dynamics>",
        "</ComponentType>",
    ]  # fmt: skip
    return "\n".join(lines)


def _lems(tree: ast.expr, more: list[str]) -> str:
    """Return an expression in the signs of LEMS; `more` gets the variables that it needs."""
    if isinstance(tree, ast.Constant):
        return f"({tree.value!r})" if tree.value < 0 else repr(tree.value)
    if isinstance(tree, ast.Name):
        if tree.id not in ("v", _CONCENTRATION):
            raise _CannotSayError(f"it depends on {tree.id!r}")
        return "V" if tree.id == "v" else "CA"
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return f"(-1 * {_lems(tree.operand, more)})"
    if isinstance(tree, ast.BinOp) and type(tree.op) in _SIGNS:
        return f"({_lems(tree.left, more)} {_SIGNS[type(tree.op)]} {_lems(tree.right, more)})"
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and type(tree.ops[0]) in _SIGNS:
        sign = _SIGNS[type(tree.ops[0])]
        return f"({_lems(tree.left, more)} {sign} {_lems(tree.comparators[0], more)})"
    if isinstance(tree, ast.BoolOp):
        sign = f" {_SIGNS[type(tree.op)]} "
        return "(" + sign.join(_lems(one, more) for one in tree.values) + ")"
    if calls(tree, "exprel"):
        inner = _lems(tree.args[0], more)  # type: ignore[attr-defined]
        return _cases(
            more,
            [
                (f"abs({inner}) .lt. 1e-6", f"1 + {inner} / 2"),
                ("", f"(exp({inner}) - 1) / {inner}"),
            ],
        )
    if calls(tree, "int"):
        inner = _lems(tree.args[0], more)  # type: ignore[attr-defined]
        return _cases(more, [(inner, "1"), ("", "0")])
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in _LEMS:
        return f"{_LEMS[tree.func.id]}({', '.join(_lems(arg, more) for arg in tree.args)})"
    raise _CannotSayError(f"it uses {ast.unparse(tree)[:80]}")


def _cases(more: list[str], cases: list[tuple[str, str]]) -> str:
    """Add a variable of several cases; return its name."""
    name = f"u{sum('<Conditional' in line for line in more)}"
    more.append(f'<ConditionalDerivedVariable name="{name}" dimension="none">')
    for condition, value in cases:
        when = f"condition={quoteattr(condition)} " if condition else ""
        more.append(f"  <Case {when}value={quoteattr(value)}/>")
    more.append("</ConditionalDerivedVariable>")
    return name
