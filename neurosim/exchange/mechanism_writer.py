"""The text of a NEURON mechanism, block by block, from the equations of a part."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from brian2.units import Quantity

from neurosim.channels.base import IONS, SHARED, Channel, IonPool, Mechanism
from neurosim.equations.evaluate import identifiers, parse
from neurosim.equations.thermal import thermal_potential
from neurosim.exchange.errors import ExchangeError
from neurosim.exchange.nmodl_states import States, in_order, read_states
from neurosim.exchange.nmodl_words import (
    HELPERS,
    Names,
    in_neuron_units,
    unit_text,
    write_expression,
)
from neurosim.ions.transporter import VALENCE, Transporter
from neurosim.synapses.base import Receptor

__all__ = [
    "MechanismText",
    "MechanismWriter",
    "block",
    "carried_name",
    "followed_where",
    "parameter_line",
    "wrapped",
]

_PLACES = {"radius", "surface_to_volume"}
# What a text calls something beside the names of its part.
_OWN = {"scale", "membrane", "current", "width", "cycles", "carried", "w"}
_OWN |= {"evaluate", "states", "curved", "scheme"}
_OWN |= {f"current_{ion}" for ion in (*IONS, "other")}
#: Millivolt for a kelvin.
_RT_F_PER_KELVIN = float(in_neuron_units(thermal_potential(0.0, "NEURON"))) / 273.15


@dataclass(frozen=True)
class MechanismText:
    """A mechanism of NEURON.

    Attributes
    ----------
    suffix : str
        Name in NEURON.
    text : str
        Its MOD file.
    point : bool
        Whether it is a point process.
    parameters : dict of str to str
        By field of the part (or what follows from the temperature and has no formula), the RANGE
        variable that holds it.
    names : dict of str to str
        By state and named expression, what it is called.
    places : tuple of str
        RANGE variables that say what a place is: ``scale``, ``membrane``, ``radius``, ...
    starts_elsewhere : bool
        Whether NEURON cannot find by itself where the states start.
    """

    suffix: str
    text: str
    point: bool
    parameters: dict[str, str]
    names: dict[str, str]
    places: tuple[str, ...]
    starts_elsewhere: bool = False


class MechanismWriter:
    """Writes one mechanism; subclasses differ in what is between the heads and the states."""

    own: tuple[str, ...] = ()
    program = "NEURON"

    def __init__(self, part: Mechanism, suffix: str, held: Mapping[str, IonPool]) -> None:
        self.part, self.suffix, self.held = part, suffix, held
        self.where = f"{type(part).__name__} ({part.name!r}) for {self.program}"
        self.point = isinstance(part, Receptor)
        self.system = parse(part.equations)
        self.followed = self._followed()
        self.constants = part.constants()
        self.ions: dict[str, set[str]] = {}
        self.places: list[str] = []
        self.helpers: set[str] = set()
        self.states: States = read_states(self.system, self.where, part.nonlinear)
        self.names = self._names()
        self.expressions = [x for x in in_order(self.system) if x not in self._left_out()]
        self._check_words()
        if isinstance(part, IonPool):
            # Only to say where it is: NEURON inserts it into whole sections.
            self._place("scale")
        for name in _PLACES & set(part.reads):
            self._place(self.names[name])

    def _followed(self) -> dict[str, str]:
        return followed_where(self.part, self.held)

    @property
    def factor(self) -> bool:
        """Whether the conductance is multiplied by a power of the temperature."""
        part = self.part
        return bool(part.strength) and float(part.q10_g) != 1 and "phi_g" not in self.constants

    def _fields(self) -> list[str]:
        """Return the fields that the mechanism has as parameters."""
        q10 = [f"q10{name[3:]}" for name in self.constants if name.startswith("phi")]
        if self.factor:
            q10.append("q10_g")
        known = self.part.quantity_fields()
        return [
            name
            for name in dict.fromkeys([*self.part.parameters(), *q10])
            if name in known and name not in self.followed
        ]

    def _plain_constants(self) -> list[str]:
        """Return the constants that no formula of the temperature gives here."""
        return [c for c in self.constants if c not in ("RT_F", "F") and not c.startswith("phi")]

    def _names(self) -> Names:
        states = [
            *self.states.alone,
            *self.states.curved,
            *(x for g in self.states.schemes for x in g.states),
        ]
        local = [*states, *self.system.subexpr_names, *self._fields(), *self.constants]
        local += [*self.part.reads, *self.followed.values(), "RT_F", "phi_g"]
        ionic = {f"{ion}{side}" for ion in IONS for side in "io"} | {f"i{ion}" for ion in IONS}
        own = {*_OWN, *ionic, *self.own}
        shared = {f"{ion}_{side}": f"{ion}{side}" for ion in IONS for side in "io"}
        # A field may be called as a concentration is: it counts where nothing holds the ion.
        fields = set(self._fields())
        self._shared = {n: new for n, new in shared.items() if n in local and n not in fields}
        if isinstance(self.part, IonPool):
            self._shared[self.part.writes] = shared[self.part.writes]
            if self.part.nernst:
                self._shared[self._other_side] = shared[self._other_side]
        return Names([n for n in dict.fromkeys(local) if n not in self._shared], own, states)

    @property
    def _other_side(self) -> str:
        """The concentration on the other side of the membrane than that which a pool writes."""
        assert isinstance(self.part, IonPool)
        ion, _, side = self.part.writes.partition("_")
        return f"{ion}_{'o' if side == 'i' else 'i'}"

    def _left_out(self) -> set[str]:
        """Return the named expressions that others write for themselves where they need them."""
        part = self.part
        return {f"E_{part.ion}"} if isinstance(part, IonPool) and part.nernst else set()

    def _check_words(self) -> None:
        for name in self.part.reads:
            if name not in SHARED:
                raise ExchangeError(
                    f"{self.where}: reads {name!r}, which {self.program} does not have"
                )

    # ---- expressions ----------------------------------------------------------------------------
    def name(self, local: str) -> str:
        """Return what a name of the part is called, and note what has to be declared for it."""
        local = self.followed.get(local, local)
        if local in self._shared:
            ion, _, side = local.partition("_")
            self.ions.setdefault(ion, set()).add(f"{ion}{side}")
            return self._shared[local]
        return self.names[local]

    def _known(self, local: str) -> str | None:
        local = self.followed.get(local, local)
        if local in ("v", "t"):
            return local
        if local in self._shared or local in self.names:
            return self.name(local)
        return None

    def write_code(self, code: str) -> str:
        """Return an expression of the part in NMODL."""
        if self.factor:
            strength = self.part.strength
            code = re.sub(rf"\b{strength}\b", f"({strength}*phi_g)", code)
        text = write_expression(code, self._known, self.where)
        self.helpers |= {name for name in HELPERS if f"{name}(" in text}
        return text

    def _place(self, name: str) -> str:
        if name not in self.places:
            self.places.append(name)
        return name

    # ---- blocks ---------------------------------------------------------------------------------
    def evaluation(self) -> list[str]:
        """Return the statements that work out the named expressions."""
        lines = []
        needed = [*self.part.reads, *self.followed.values()]
        for name in dict.fromkeys(needed):
            kind, _, ion = name.partition("_")
            if kind == "i" and ion in IONS:
                self.ions.setdefault(ion, set()).add(f"i{ion}")
                # Inward positive, on an area of membrane with its spines.
                lines.append(f"{self.names[name]} = -i{ion}/{self._place('membrane')}")
            elif kind == "E" and ion in IONS:
                valence = VALENCE[ion]
                divided = self.names["RT_F"] + {1: "", -1: "*(-1)"}.get(valence, f"/{valence}")
                outside, inside = self._concentration(ion, "o"), self._concentration(ion, "i")
                lines.append(f"{self.names[name]} = {divided}*log({outside}/{inside})")
        lines += [
            f"{self.name(name)} = {self.write_code(self.system[name].expr.code)}"
            for name in self.expressions
        ]
        return lines

    def _concentration(self, ion: str, side: str) -> str:
        self.ions.setdefault(ion, set()).add(f"{ion}{side}")
        return f"{ion}{side}"

    def currents(self) -> tuple[list[str], list[str], bool]:
        """Return the statements of the currents, the ions they write, and whether ``i`` is."""
        part = self.part
        if isinstance(part, Receptor):
            return self._receptor_currents(part)
        if isinstance(part, Transporter):
            scale, rate = self._place("scale"), part.expressions()["rate"][0]
            lines = [f"cycles = {self.write_code(rate)}", f"current = {part.net_charge}*cycles"]
            for ion, count in part.moves.items():
                lines.append(f"i{ion} = -scale*({VALENCE[ion] * count})*cycles")
            if part.other_charge:
                lines.append(f"i = -{scale}*({part.other_charge})*cycles")
            return lines, list(part.moves), bool(part.other_charge)
        if isinstance(part, Channel):
            scale = self._place("scale")
            if part.carries:
                return self._several_currents(part, scale)
            lines = [f"current = {self.write_code(part.current)}"]
            written = "i" if part.ion is None else f"i{part.ion}"
            lines.append(f"{written} = -{scale}*current")
            return lines, [part.ion] if part.ion else [], part.ion is None
        return [], [], False

    def _several_currents(self, part: Channel, scale: str) -> tuple[list[str], list[str], bool]:
        lines = []
        for ion, code in part.carries.items():
            lines.append(f"{carried_name(ion)} = {self.write_code(code)}")
            lines.append(f"i{ion} = -{scale}*{carried_name(ion)}")
        lines.append(f"current = {' + '.join(map(carried_name, part.carries))}")
        return lines, [ion for ion in part.carries if ion], "" in part.carries

    def _receptor_currents(self, part: Receptor) -> tuple[list[str], list[str], bool]:
        lines = [f"current = {self.write_code(part.current)}"]
        if part.ion is None:
            return (
                [*lines, ": from mA, inward positive, to nA, outward positive", "i = -1e6*current"],
                [],
                True,
            )
        if not part.ion_current:
            return [*lines, f"i{part.ion} = -1e6*current"], [part.ion], False
        lines.append(f"carried = {self.write_code(part.ion_current)}")
        lines += [f"i{part.ion} = -1e6*carried", "i = -1e6*(current - carried)"]
        return lines, [part.ion], True

    def constants_text(self) -> list[str]:
        """Return the statements of INITIAL that follow from the temperature."""
        lines = []
        reference = self.part.temperature_ref
        for name in [*self.constants, *(["phi_g"] if self.factor else [])]:
            if name.startswith("phi"):
                q10 = self.names[f"q10{name[3:]}"]
                lines.append(f"{self.names[name]} = {q10}^((celsius - {reference})/10)")
        if (
            "RT_F" in self.constants
            or any(n.startswith("E_") for n in self.followed.values())
            or any(n.startswith("E_") for n in self.part.reads)
        ):
            lines.append(f"{self.names['RT_F']} = {_RT_F_PER_KELVIN!r}*(celsius + 273.15)")
        if "F" in self.constants:
            lines.append(f"{self.names['F']} = {float(in_neuron_units(self.constants['F']))!r}")
        return lines

    def given_starts(self) -> dict[str, str]:
        """Return the states that start elsewhere than at rest, and where."""
        found = {state: self.write_code(code) for state, code in self.part.starts.items()}
        if self.point:
            found = dict.fromkeys(self.states.alone, "0")
        elif isinstance(self.part, IonPool):
            found |= self._pool_start()
        return found

    def _pool_start(self) -> dict[str, str]:
        assert isinstance(self.part, IonPool)
        rest = "rest" if "rest" in self.part.quantity_fields() else ""
        if self.part.writes in self.part.starts:
            return {}
        return {self.part.writes: self.names[rest]} if rest else {}

    def write(self) -> MechanismText:
        """Return the mechanism."""
        assigned = self.evaluation()
        evaluate = "evaluate()" if assigned else ""
        lines, carried, unspecific = self.currents()
        blocks = self.states.blocks(self.write_code, self.name, evaluate)
        starts = self.states.starts(self.write_code, self.name, evaluate, self.given_starts())
        events = self._events(evaluate)
        constants = self.constants_text()
        solve = self.states.solve()
        nernst = isinstance(self.part, IonPool) and self.part.nernst
        current = [evaluate] if evaluate and (lines or nernst) else []
        breakpoint_lines = [*solve, *current, *lines]
        if nernst and evaluate not in starts:
            starts = [*starts, evaluate]
        pool = self.part.writes if isinstance(self.part, IonPool) else ""
        parts = [
            self._comment(),
            self._neuron_block(carried, pool, unspecific=unspecific),
            "UNITS {\n    (mV) = (millivolt)\n    (mA) = (milliamp)\n    (nA) = (nanoamp)\n"
            "    (S) = (siemens)\n    (molar) = (1/liter)\n    (mM) = (millimolar)\n}",
            self._parameters(),
            self._assigned([*assigned, *lines, *constants], carried, unspecific=unspecific),
            self._state_block(),
            block("INITIAL", [*constants, *starts]),
            block("BREAKPOINT", breakpoint_lines),
            *blocks,
            *([block("PROCEDURE evaluate()", assigned)] if assigned else []),
            *events,
            *(HELPERS[name] for name in sorted(self.helpers)),
        ]
        local = [*self.system.diff_eq_names, *self.system.subexpr_names]
        return MechanismText(
            suffix=self.suffix,
            text="\n\n".join(one for one in parts if one) + "\n",
            point=self.point,
            parameters={n: self.names[n] for n in [*self._fields(), *self._plain_constants()]},
            names=self._told_names(local),
            places=tuple(self.places),
            starts_elsewhere=self._starts_elsewhere(),
        )

    def _told_names(self, local: list[str]) -> dict[str, str]:
        found = {
            n: self._shared.get(n) or self.names[n] for n in sorted(set(local) - self._left_out())
        }
        if isinstance(self.part, Channel):
            found |= {f"i_{ion or 'other'}": carried_name(ion) for ion in self.part.carries}
        return found

    def _starts_elsewhere(self) -> bool:
        reads_current = any(name.startswith("i_") for name in self.part.reads)
        return not self.states.told or reads_current

    def _comment(self) -> str:
        said = (type(self.part).__doc__ or "").strip().splitlines()[:1]
        plain = re.sub(r"[^A-Za-z0-9 ,.;:()+-]", "", " ".join(said))
        plain = plain.replace("ENDCOMMENT", "").replace("VERBATIM", "")
        return (
            f"COMMENT\n{type(self.part).__name__} of neurosim. {plain}\n"
            "All numbers are in mV, ms, mA, cm and micromole: so in mM, S/cm2 and mA/cm2.\n"
            "ENDCOMMENT"
        )

    def _neuron_block(self, carried: Collection[str], pool: str, *, unspecific: bool) -> str:
        kind = "POINT_PROCESS" if self.point else "SUFFIX"
        lines = [f"{kind} {self.suffix}"]
        written = {ion: {f"i{ion}"} for ion in carried}
        if pool:
            ion, _, side = pool.partition("_")
            written.setdefault(ion, set()).add(f"{ion}{side}")
            if isinstance(self.part, IonPool) and self.part.nernst:
                written[ion] |= {f"{ion}i", f"{ion}o"}
        for ion in sorted({*self.ions, *written}):
            writes = written.get(ion, set())
            reads = self.ions.get(ion, set()) - writes
            line = f"USEION {ion}"
            line += f" READ {', '.join(sorted(reads))}" if reads else ""
            line += f" WRITE {', '.join(sorted(writes))}" if writes else ""
            lines.append(line + (" VALENCE -1" if ion == "cl" else ""))
        if unspecific:
            lines.append("NONSPECIFIC_CURRENT i")
        ranged = [self.names[n] for n in [*self._fields(), *self._plain_constants()]]
        ranged += [*self.places, *([] if isinstance(self.part, IonPool) else ["current"])]
        ranged += ["cycles"] if isinstance(self.part, Transporter) else []
        ranged += [self.names[n] for n in self.expressions if n not in self._shared]
        if isinstance(self.part, Channel):
            ranged += [carried_name(ion) for ion in self.part.carries]
        lines += wrapped("RANGE", ranged)
        return block("NEURON", lines)

    def _parameters(self) -> str:
        known = {**self.part.parameters(), **self.constants}
        lines = []
        for name in [*self._fields(), *self._plain_constants()]:
            value = known.get(name)
            value = getattr(self.part, name) if value is None else value
            if np.ndim(value):
                continue
            lines.append(parameter_line(self.names[name], value))
        defaults = {"scale": "1", "membrane": "1"}
        lines += [f"{name} = {defaults.get(name, '1e-4')}" for name in self.places]
        return block("PARAMETER", lines) if lines else ""

    def _assigned(
        self, statements: list[str], carried: Collection[str], *, unspecific: bool
    ) -> str:
        whole = "(nA)" if self.point else "(mA/cm2)"
        lines = ["v (mV)", "celsius (degC)"]
        lines += [f"i {whole}"] if unspecific else []
        known = {"v", "celsius", "i", *(self.name(x) for x in self.system.diff_eq_names)}
        targets = [line.partition(" = ")[0] for line in statements if not line.startswith(":")]
        ionic = sorted(name for names in self.ions.values() for name in names)
        for name in dict.fromkeys([*targets, *ionic, *(f"i{ion}" for ion in carried)]):
            if name in known:
                continue
            unit = whole if name in {f"i{ion}" for ion in carried} else ""
            unit = "(mM)" if name in ionic and name[0] != "i" else unit
            lines.append(f"{name} {unit}".strip())
        return block("ASSIGNED", lines)

    def _state_block(self) -> str:
        names = [self.name(x) for x in sorted(self.system.diff_eq_names)]
        return block("STATE", wrapped("", names, separator=" ")) if names else ""

    def _events(self, evaluate: str) -> list[str]:
        if not self.point or not self.part.on_event:
            return []
        uses = set().union(*map(identifiers, self.part.on_event.values()))
        head = [evaluate] if uses & set(self.system.subexpr_names) else []

        def known(local: str) -> str | None:
            return "w" if local == "weight" else self._known(local)

        lines = []
        for state, code in self.part.on_event.items():
            added = write_expression(code, known, self.where)
            lines.append(f"{self.name(state)} = {self.name(state)} + {added}")
        return [block("NET_RECEIVE(w)", [*head, *lines])]


def carried_name(ion: str) -> str:
    """Return what a part of several currents calls that of an ion, "" for what belongs to none."""
    return f"current_{ion or 'other'}"


def followed_where(part: Mechanism, held: Collection[str]) -> dict[str, str]:
    """Return what takes the place of which field of a part where these ions are held."""
    if not isinstance(part, Channel | Receptor):
        return {}
    return {f: name for f, name in part.followed.items() if set(name.split("_")) & set(held)}


def block(head: str, lines: list[str]) -> str:
    return "\n".join([f"{head} {{", *(f"    {line}" for line in lines), "}"])


def wrapped(head: str, names: list[str], separator: str = ", ") -> list[str]:
    """Return a list of names on lines of at most eight."""
    rows = [names[k : k + 8] for k in range(0, len(names), 8)]
    return [f"{head} {separator.join(row)}".strip() for row in rows]


def parameter_line(name: str, value: Quantity | float) -> str:
    unit = unit_text(value)
    text = f"{name} = {float(in_neuron_units(value))!r}"
    return f"{text} ({unit})" if unit else text
