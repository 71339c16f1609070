"""A part of a neuron as a mechanism of Arbor, in Arbor's dialect of NMODL.

Blocks and names are those of NEURON's texts. Arbor's compiler differs in this: potentials and ions
are not to be had in procedures, so that each block works out the named expressions itself, in LOCAL
variables; a state cannot be set from outside, so that one that starts elsewhere than at rest has a
parameter for it; and a concentration that nothing moves belongs to the ion, not to a mechanism.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from neurosim.channels.base import IONS, Channel, IonPool, Mechanism
from neurosim.engine.cable.scheme import conductance
from neurosim.equations.evaluate import identifiers
from neurosim.exchange.arbor.arbor_words import ARBOR_WORDS, ArborPrinter
from neurosim.exchange.errors import ExchangeError
from neurosim.exchange.mechanism_text import IonWriter, ion_per_charge
from neurosim.exchange.mechanism_writer import (
    MechanismText,
    MechanismWriter,
    block,
    carried_name,
    parameter_line,
    wrapped,
)
from neurosim.exchange.nmodl_words import write_expression
from neurosim.ions.ion import Ion
from neurosim.ions.transporter import Transporter
from neurosim.synapses.base import Receptor

__all__ = ["ArborText", "ArborWriter", "start_name", "write_for_arbor"]

_UNITS = (
    "UNITS {\n    (mV) = (millivolt)\n    (mA) = (milliamp)\n    (nA) = (nanoamp)\n"
    "    (mM) = (millimolar)\n}"
)
_EVALUATE = "evaluate()"


def start_name(state: str) -> str:
    """Return the parameter of Arbor that says where a state starts."""
    return f"{state}_start"


class ArborText:
    """Writes parts for Arbor; ``told`` says whether their states start where parameters say."""

    def __init__(self, *, told: bool) -> None:
        self._told = told

    def __call__(self, part: Mechanism, suffix: str, held: Mapping[str, IonPool]) -> MechanismText:
        return write_for_arbor(part, suffix, held, told=self._told)


def write_for_arbor(
    part: Mechanism, suffix: str, held: Mapping[str, IonPool], *, told: bool = False
) -> MechanismText:
    """Write a part for Arbor.

    Parameters
    ----------
    part : Channel, IonPool, Transporter or Receptor
        The part.
    suffix : str
        What Arbor is to call it.
    held : mapping of str to IonPool
        The ions that something holds where the part sits.
    told : bool
        Whether states start where parameters say, instead of at rest.

    Returns
    -------
    MechanismText
        Its text is empty for an ion that nothing moves.

    Raises
    ------
    ExchangeError
        Arbor's NMODL cannot say what the part does.

    Examples
    --------
    >>> from neurosim.channels import Leak
    >>> made = write_for_arbor(Leak(), "leak", {})
    >>> print(made.text[made.text.index("BREAKPOINT") :].strip())
    BREAKPOINT {
        LOCAL v_now, slope_current
        v_now = v
        slope_current = g
        current = g*(E - v)
        i = -scale*(current - slope_current*(v - v_now))
    }
    """
    if isinstance(part, Ion):
        return _ArborIon(part, suffix, held, told=told).write()
    return ArborWriter(part, suffix, held, told=told).write()


class ArborWriter(MechanismWriter):
    """Writes one mechanism for Arbor."""

    program = "Arbor"

    def __init__(
        self, part: Mechanism, suffix: str, held: Mapping[str, IonPool], *, told: bool
    ) -> None:
        self.told = told and not part.on_event
        slopes = [f"slope_{one}" for one in ("current", "cycles", "carried")]
        slopes += [f"slope_{carried_name(ion)}" for ion in (*IONS, "")]
        self.own = (*ARBOR_WORDS, "v_now", *slopes)
        super().__init__(part, suffix, held)
        if isinstance(part, IonPool):
            # Arbor paints compartments, and needs no mark where a mechanism is.
            self.places = [name for name in self.places if name != "scale"]

    def write_code(self, code: str) -> str:
        """Return an expression of the part in Arbor's NMODL."""
        if self.factor:
            code = re.sub(rf"\b{self.part.strength}\b", f"({self.part.strength}*phi_g)", code)
        if "t" in identifiers(code):
            raise ExchangeError(f"{self.where}: it depends on time, which Arbor does not tell")
        return write_expression(code, self._known, self.where, ArborPrinter)

    def _left_out(self) -> set[str]:
        """Return the named expressions that belong to the ion of a pool."""
        part = self.part
        if not isinstance(part, IonPool) or not part.nernst:
            return set()
        other = self.system[self._other_side].expr.code
        if other not in part.quantity_fields():
            raise ExchangeError(
                f"{self.where}: {self._other_side} is no field of it, and a concentration that "
                "follows a formula is not written for Arbor"
            )
        return {f"E_{part.ion}", self._other_side}

    def _fields(self) -> list[str]:
        part = self.part
        found = super()._fields()
        if isinstance(part, IonPool) and part.nernst:
            found = [name for name in found if name != self.system[self._other_side].expr.code]
        return found

    def write(self) -> MechanismText:
        """Return the mechanism."""
        lines, carried, unspecific = self.currents()
        assigned = self.evaluation()
        constants = self.constants_text()
        solve, blocks = self._steps()
        starts = self._starts()
        pool = self.part.writes if isinstance(self.part, IonPool) else ""
        # The locals of BREAKPOINT come after its SOLVE.
        current = self._with_locals([_EVALUATE, *lines], assigned) if lines else []
        targets = [line.partition(" = ")[0] for line in [*lines, *constants]]
        kept = [n for n in dict.fromkeys(targets) if self._is_own(n) and not _is_local(n)]
        parts = [
            self._comment(),
            self._neuron_block(carried, pool, unspecific=unspecific),
            _UNITS,
            self._parameters(),
            block("ASSIGNED", kept) if kept else "",
            self._state_block(),
            block("INITIAL", self._with_locals([*constants, *starts], assigned)),
            block("BREAKPOINT", [*solve, *current]),
            *(self._expanded(one, assigned) for one in blocks),
            *self._arrivals(assigned),
        ]
        local = [*self.system.diff_eq_names, *self.system.subexpr_names]
        states = {self.name(x) for x in self.system.diff_eq_names}
        names = {n: x for n, x in self._told_names(local).items() if x in {*states, *kept}}
        return MechanismText(
            suffix=self.suffix,
            text="\n\n".join(one for one in parts if one) + "\n",
            point=self.point,
            parameters={n: self.names[n] for n in [*self._fields(), *self._plain_constants()]},
            names=names,
            places=tuple(self.places),
            starts_elsewhere=self._starts_elsewhere(),
        )

    def currents(self) -> tuple[list[str], list[str], bool]:
        """Return the statements of the currents, as straight lines over the potential.

        Arbor's compiler takes the slope of a current over the potential only from a straight line
        in one statement; any other it would advance explicitly. So the slope is written out, and
        the line is that which touches the current at the present potential, as in our engine.
        """
        lines, carried, unspecific = super().currents()
        slopes = {
            name: self.write_code(code)
            for name, code in ((n, conductance(self.system, c)) for n, c in self._codes().items())
            if code != "0"
        }
        found = []
        for line in lines:
            target, _, right = line.partition(" = ")
            if not line.startswith(":") and not self._is_own(target):
                for name in slopes:
                    touching = f"({name} - slope_{name}*(v - v_now))"
                    right = re.sub(rf"\b{name}\b", touching, right)
                line = f"{target} = {right}"
            found.append(line)
        if slopes:
            before = [f"slope_{name} = {slope}" for name, slope in slopes.items()]
            found = ["v_now = v", *before, *found]
        return found, carried, unspecific

    def _codes(self) -> dict[str, str]:
        """Return by its name in the text each current of the part, as the part says it."""
        part = self.part
        if isinstance(part, Transporter):
            return {"cycles": part.expressions()["rate"][0]}
        if isinstance(part, Channel) and part.carries:
            return {carried_name(ion): code for ion, code in part.carries.items()}
        if isinstance(part, Receptor) and part.ion_current:
            return {"current": part.current, "carried": part.ion_current}
        return {"current": part.current} if isinstance(part, Channel | Receptor) else {}

    def _steps(self) -> tuple[list[str], list[str]]:
        """Return the statements that advance the states, and the blocks that they solve.

        METHOD cnexp takes no equation that depends on another state of its block, so that such a
        state has a block of its own.
        """
        alone = self.states.alone
        free = {x: linear for x, linear in alone.items() if not self.states.needs[x]}
        groups = [free, *({x: alone[x]} for x in alone if x not in free)]
        solve: list[str] = []
        blocks: list[str] = []
        first = replace(self.states, alone={})
        for k, states in enumerate([first, *(replace(first, alone=one, curved={}, schemes=())
                                             for one in groups)]):  # fmt: skip
            called = "states" if k < 2 else f"states{k - 1}"
            solve += [line.replace("SOLVE states ", f"SOLVE {called} ") for line in states.solve()]
            blocks += [
                one.replace("DERIVATIVE states ", f"DERIVATIVE {called} ")
                for one in states.blocks(self.write_code, self.name, _EVALUATE)
            ]
        # Arbor has one implicit solver for schemes and for equations that are not linear.
        return [line.replace("derivimplicit", "sparse") for line in solve], blocks

    def _is_own(self, name: str) -> bool:
        ionic = {x for ion in IONS for x in (f"i{ion}", f"{ion}i", f"{ion}o")}
        return name not in {"i", *ionic} and not name.startswith(":")

    def _starts(self) -> list[str]:
        if not self.told:
            return self.states.starts(self.write_code, self.name, _EVALUATE, self.given_starts())
        names = [self.name(x) for x in sorted(self.system.diff_eq_names)]
        return [f"{name} = {start_name(name)}" for name in names]

    def _with_locals(self, lines: list[str], assigned: list[str]) -> list[str]:
        """Return statements with named expressions worked out where they say ``evaluate()``."""
        used = [line for line in lines if line != _EVALUATE]
        needed = _needed(used, assigned) if _EVALUATE in lines else []
        names = [line.partition(" = ")[0] for line in (*needed, *used)]
        names = [n for n in dict.fromkeys(names) if n in _targets(needed) or _is_local(n)]
        if not names:
            return used
        found = [*wrapped("LOCAL", names)]
        for line in lines:
            found += needed if line == _EVALUATE else [line]
        return found

    def _expanded(self, text: str, assigned: list[str]) -> str:
        """Return a block with its named expressions worked out in it."""
        head, *lines, end = text.splitlines()
        inside = self._with_locals([line.strip() for line in lines], assigned)
        return "\n".join([head, *(f"    {line}" for line in inside), end])

    def _arrivals(self, assigned: list[str]) -> list[str]:
        if not self.point or not self.part.on_event:
            return []

        def known(local: str) -> str | None:
            return "w" if local == "weight" else self._known(local)

        lines = [
            f"{self.name(state)} = {self.name(state)} + "
            f"{write_expression(code, known, self.where, ArborPrinter)}"
            for state, code in self.part.on_event.items()
        ]
        return [block("NET_RECEIVE(w)", self._with_locals([_EVALUATE, *lines], assigned))]

    def _neuron_block(self, carried: Collection[str], pool: str, *, unspecific: bool) -> str:
        text = super()._neuron_block(carried, pool, unspecific=unspecific)
        if pool:
            ion, _, side = pool.partition("_")
            other = f"{ion}{'o' if side == 'i' else 'i'}"
            text = text.replace(f"WRITE {ion}i, {ion}o", f"WRITE {ion}{side}")
            text = text.replace(f"READ {other}, ", "READ ")
        kept = [line for line in text.splitlines() if not line.strip().startswith("RANGE")]
        constants = [*self.constants, *(["phi_g"] if self.factor else [])]
        fixed = [self.names[c] for c in constants if c not in self._plain_constants()]
        if any(line.startswith(self.names["RT_F"]) for line in self.constants_text()):
            fixed.append(self.names["RT_F"])
        ranged = [self.names[n] for n in [*self._fields(), *self._plain_constants()]]
        ranged += [*self.places, *([] if isinstance(self.part, IonPool) else ["current"])]
        ranged += ["cycles"] if isinstance(self.part, Transporter) else []
        if isinstance(self.part, Channel):
            ranged += [carried_name(ion) for ion in self.part.carries]
        if any(line.startswith("carried") for line in self.currents()[0]):
            ranged.append("carried")
        if self.told:
            ranged += [start_name(self.name(x)) for x in sorted(self.system.diff_eq_names)]
        return "\n".join([*kept[:-1], *(f"    {x}" for x in wrapped("RANGE", [
            *ranged, *dict.fromkeys(fixed)
        ]) if x != "RANGE"), "}"])  # fmt: skip

    def _parameters(self) -> str:
        text = super()._parameters()
        lines = [line.strip() for line in text.splitlines()[1:-1]]
        if any("celsius" in line for line in self.constants_text()):
            lines.append("celsius")
        if self.told:
            lines += [f"{start_name(self.name(x))} = 0" for x in sorted(self.system.diff_eq_names)]
        return block("PARAMETER", lines) if lines else ""


def _needed(lines: list[str], assigned: list[str]) -> list[str]:
    """Return those assignments, in their order, that some lines depend on."""
    wanted = set().union(*(_words(line) for line in lines)) if lines else set()
    kept: list[str] = []
    for line in reversed(assigned):
        target, _, right = line.partition(" = ")
        if target in wanted:
            kept.insert(0, line)
            wanted |= _words(right)
    return kept


def _targets(lines: list[str]) -> set[str]:
    return {line.partition(" = ")[0] for line in lines}


def _is_local(name: str) -> bool:
    return name == "v_now" or name.startswith("slope_")


def _words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", text))


class _ArborIon(IonWriter):
    """Writes what moves the concentrations of an ion that is held on both sides."""

    program = "Arbor"

    def __init__(
        self, part: Mechanism, suffix: str, held: Mapping[str, IonPool], *, told: bool
    ) -> None:
        self.told = told
        super().__init__(part, suffix, held)

    def write(self) -> MechanismText:
        """Return the mechanism, without a text where nothing moves the ion."""
        part, ion = self.part, self.part.ion
        sides = [s for s, m in (("i", part.inside_moves), ("o", part.outside_moves)) if m]
        equations, starts = [], []
        for side in sides:
            name, begin = f"{ion}{side}", "inside" if side == "i" else "outside"
            if side == "i":
                self._place("width_")
                moved = f"-free*i{ion}/(membrane*({ion_per_charge(part)})*width_)"
            else:
                moved = (
                    f"i{ion}/(membrane*({ion_per_charge(part)})*outside_depth) + "
                    f"(-1/outside_tau)*({ion}o - outside)"
                )
            equations.append(f"{name}' = {moved}")
            starts.append(f"{name} = {start_name(name) if self.told else begin}")
        if sides:
            self._place("membrane")
        told = [start_name(f"{ion}{side}") for side in sides] if self.told else []
        written = ", ".join(f"{ion}{side}" for side in sides)
        valence = " VALENCE -1" if ion == "cl" else ""
        head = [
            f"SUFFIX {self.suffix}",
            f"USEION {ion} READ i{ion} WRITE {written}{valence}",
            *wrapped("RANGE", [*self._fields(), *self.places, *told]),
        ]
        parameters = [parameter_line(name, getattr(part, name)) for name in self._fields()]
        parameters += [f"{n} = {'1e-4' if n == 'width_' else '1'}" for n in self.places]
        parameters += [f"{name} = 0" for name in told]
        parts = [
            self._comment(),
            block("NEURON", head),
            _UNITS,
            block("PARAMETER", parameters),
            block("STATE", [f"{ion}{side} (mM)" for side in sides]),
            block("INITIAL", starts),
            block("BREAKPOINT", ["SOLVE states METHOD cnexp"]),
            block("DERIVATIVE states", equations),
        ]
        return MechanismText(
            suffix=self.suffix,
            text="\n\n".join(parts) + "\n" if sides else "",
            point=False,
            parameters={name: name for name in self._fields()},
            names={f"{ion}_{side}": f"{ion}{side}" for side in sides},
            places=tuple(self.places),
        )
