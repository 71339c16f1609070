"""Ion channels of NeuroML: their gates as equations.

References
----------
NeuroML 2.3, core types ``Channels.xml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from brian2.units import Quantity, second, volt

from neurosim.neuroml.elements import Element
from neurosim.neuroml.neuroml_units import quantity_of

__all__ = ["CHANNELS", "ChannelText", "channel_text"]

CHANNELS = ("ionChannel", "ionChannelHH", "ionChannelPassive", "ionChannelKS", "ionChannelVShift")

_ONE = Quantity(1.0)
_HZ = 1 / second
# By element, which of the parts of a gate it has.
_GATES: Mapping[str, tuple[str, ...]] = {
    "gateHHrates": ("forwardRate", "reverseRate"),
    "gateHHratesTau": ("forwardRate", "reverseRate", "timeCourse"),
    "gateHHratesInf": ("forwardRate", "reverseRate", "steadyState"),
    "gateHHratesTauInf": ("forwardRate", "reverseRate", "timeCourse", "steadyState"),
    "gateHHtauInf": ("timeCourse", "steadyState"),
    "gateHHInstantaneous": ("steadyState",),
}
_PARTS = ("forwardRate", "reverseRate", "timeCourse", "steadyState")
# What NeuroML calls the three forms of a dependence on the potential.
_FORMS = {
    "HHExpRate": "exp", "HHExpVariable": "exp",
    "HHSigmoidRate": "sigmoid", "HHSigmoidVariable": "sigmoid",
    "HHExpLinearRate": "linear", "HHExpLinearVariable": "linear",
}  # fmt: skip
_UNIT_NAMES = {"forwardRate": "Hz", "reverseRate": "Hz", "timeCourse": "second", "steadyState": "1"}


@dataclass(frozen=True)
class ChannelText:
    """A channel as text, before it is given a conductance and a reversal potential.

    Attributes
    ----------
    equations : str
        Equations of the gates.
    opening : str
        Product of the gates, "" for none.
    q10s : tuple of (str, float, float)
        See `neurosim.channels.neuroml_channel.NeuroMLChannel`.
    q10_g, temperature_ref : float
        Factor on the conductance for 10 °C, and the temperature at which it is 1.
    reads : tuple of str
        Shared names that the equations use.
    """

    equations: str = ""
    opening: str = ""
    q10s: tuple[tuple[str, float, float], ...] = ()
    q10_g: float = 1.0
    temperature_ref: float = 23.0
    reads: tuple[str, ...] = ()

    @property
    def asks_temperature(self) -> bool:
        """Whether it depends on the temperature."""
        return bool(self.q10s) or self.q10_g != 1


def channel_text(channel: Element, custom: Mapping[str, Element]) -> ChannelText:
    """Return a channel as equations.

    Parameters
    ----------
    channel : Element
        An element of `CHANNELS`.
    custom : mapping of str to Element
        Component types of the file, by name.

    Raises
    ------
    NeuroMLError
        The channel uses what is not known here.
    """
    kind = channel.attributes.get("type", channel.tag)
    if kind == "ionChannelPassive":
        channel.only()
        return ChannelText()
    if kind not in ("ionChannel", "ionChannelHH"):
        raise channel.fail(f"channels of the kind {kind} are not known here")
    lines: list[str] = []
    opening, q10s = [], []
    reads: set[str] = set()
    q10_g, at = 1.0, 23.0
    for child in channel.only("gate", *_GATES, "q10ConductanceScaling"):
        if child.tag == "q10ConductanceScaling":
            q10_g = _number(child, "q10Factor")
            at = float(quantity_of(child, "experimentalTemp", _ONE))
            continue
        name, text, factors = _gate(child, custom, reads)
        power = int(_number(child, "instances"))
        lines += text
        opening.append(name if power == 1 else f"{name}**{power}")
        q10s += factors
    return ChannelText(
        "\n".join(lines), "*".join(opening), tuple(q10s), q10_g, at, tuple(sorted(reads))
    )


def _number(element: Element, attribute: str) -> float:
    text = element.get(attribute)
    try:
        value = float(text)
    except ValueError:
        raise element.fail(f"{attribute}={text!r} is no number") from None
    if not 0 < value < 1e6:
        raise element.fail(f"{attribute}={text} must be greater than 0 and below a million")
    return value


def _gate(
    gate: Element, custom: Mapping[str, Element], reads: set[str]
) -> tuple[str, list[str], list[tuple[str, float, float]]]:
    """Return the name of a gate, its equations, and its factors for 10 °C."""
    kind = gate.attributes.get("type", gate.tag)
    if kind not in _GATES:
        raise gate.fail(f"gates of the kind {kind} are not known here (known: {', '.join(_GATES)})")
    name = gate.get("id")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in ("v", "g", "E", "t", "dt"):
        raise gate.fail("a gate is called by letters, digits and underscores, and not v, g, E or t")
    parts = {part.tag: part for part in gate.only(*_PARTS, "q10Settings")}
    wanted = _GATES[kind]
    for part in wanted:
        if part not in parts:
            raise gate.fail(f"a {kind} needs {part}, which is missing")
    q10 = ""
    scale: list[tuple[str, float, float]] = []
    if "q10Settings" in parts:
        q10, scale = _q10(parts["q10Settings"], name)
    short = {
        "forwardRate": "alpha",
        "reverseRate": "beta",
        "timeCourse": "tau",
        "steadyState": "inf",
    }
    lines = []
    for part in wanted:
        code = _dependence(parts[part], custom, reads)
        lines.append(f"{short[part]}_{name} = {code} : {_UNIT_NAMES[part]}")
    # The time constant and steady state of each kind, as NeuroML defines them.
    alpha, beta, tau, inf = f"alpha_{name}", f"beta_{name}", f"tau_{name}", f"inf_{name}"
    if kind == "gateHHInstantaneous":
        return name, [*lines, f"{name} = {inf} : 1"], scale
    if kind == "gateHHrates":
        equation = (
            f"{q10}({alpha}*(1 - {name}) - {beta}*{name})"
            if q10
            else f"{alpha}*(1 - {name}) - {beta}*{name}"
        )
    elif kind == "gateHHratesInf":
        equation = f"{q10}({alpha} + {beta})*({inf} - {name})"
    else:
        if kind == "gateHHratesTau":
            inf = f"{alpha}/({alpha} + {beta})"
        equation = f"{q10}({inf} - {name})/{tau}"
    return name, [f"d{name}/dt = {equation} : 1", *lines], scale


def _q10(settings: Element, gate: str) -> tuple[str, list[tuple[str, float, float]]]:
    """Return the factor on the rates of a gate."""
    kind = settings.get("type")
    if kind == "q10Fixed":
        return f"{_number(settings, 'fixedQ10')!r}*", []
    if kind != "q10ExpTemp":
        raise settings.fail(f"{kind} is not known here (known: q10Fixed, q10ExpTemp)")
    at = float(quantity_of(settings, "experimentalTemp", _ONE))
    return f"phi_{gate}*", [(gate, _number(settings, "q10Factor"), at)]


def _dependence(part: Element, custom: Mapping[str, Element], reads: set[str]) -> str:
    """Return the expression of a rate, time constant or steady state."""
    from neurosim.neuroml.component_types import custom_dependence

    kind = part.get("type")
    if kind == "fixedTimeCourse":
        return f"{float(quantity_of(part, 'tau', second))!r}*second"
    if kind in custom:
        return custom_dependence(custom[kind], part, reads)
    form = _FORMS.get(kind)
    if form is None:
        raise part.fail(f"a dependence of the kind {kind} is neither known nor in the file")
    if part.tag == "timeCourse":
        raise part.fail(f"{kind} is no time constant")
    unit = "Hz" if part.tag in ("forwardRate", "reverseRate") else "1"
    height = float(quantity_of(part, "rate", _HZ if unit == "Hz" else _ONE))
    middle = float(quantity_of(part, "midpoint", volt))
    scale = float(quantity_of(part, "scale", volt))
    if scale == 0:
        raise part.fail("the scale must not be 0")
    front = f"{height!r}*{unit}" if unit == "Hz" else f"{height!r}"
    x = (
        f"(v - {middle!r}*volt)/({scale!r}*volt)"
        if middle >= 0
        else (f"(v + {-middle!r}*volt)/({scale!r}*volt)")
    )
    if form == "exp":
        return f"{front}*exp({x})"
    if form == "sigmoid":
        return f"{front}/(1 + exp(-{x}))"
    # x/(1 - exp(-x)), which is 1 at x = 0.
    return f"{front}/exprel(-{x})"
