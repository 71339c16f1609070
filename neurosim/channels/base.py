"""What a part of the membrane is: equations with local names, and the current they give.

A part is a frozen value. It states its model in Brian2's language, with its own parameters as
fields; how it is painted on a cell and run is the business of the cell and its engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, fields
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from brian2.units import Quantity, amp, meter, mV, second
from brian2.units.constants import faraday_constant
from brian2.units.fundamentalunits import (
    DimensionMismatchError,
    get_dimensions,
    have_same_dimensions,
)
from brian2.units.stdunits import mM

from neurosim.equations.evaluate import (
    Gate,
    evaluate,
    gate_curves,
    identifiers,
    known_words,
    parse,
)
from neurosim.equations.thermal import thermal_potential
from neurosim.errors import ParameterError, UnitError, UnknownNameError, suggest
from neurosim.quantities import Description, check_celsius, check_quantity, quantity

__all__ = ["DIFFUSION", "SHARED", "Channel", "IonPool", "Mechanism"]

# What the parts of a compartment share, by its global name, with a typical value that carries the
# unit: concentrations inside (`na_i`) and outside (`na_o`), the summed current density of all parts
# that carry an ion (`i_na`), its Nernst potential (`E_na`), and the shape of the place: the radius
# of the cross-section, and membrane area over volume.
SHARED: dict[str, Quantity] = {
    "ca_i": 1e-4 * mM,
    "na_i": 10 * mM,
    "k_i": 140 * mM,
    "cl_i": 7 * mM,
    "i_ca": 0 * amp / meter**2,
    "i_na": 0 * amp / meter**2,
    "i_k": 0 * amp / meter**2,
    "i_cl": 0 * amp / meter**2,
    "na_o": 145 * mM,
    "k_o": 3.5 * mM,
    "ca_o": 2 * mM,
    "cl_o": 130 * mM,
    "E_na": 70 * mV,
    "E_k": -95 * mV,
    "E_ca": 120 * mV,
    "E_cl": -75 * mV,
    "radius": Quantity(1e-6, dim=meter.dim),
    "surface_to_volume": 2e6 / meter,
}
IONS = ("na", "k", "ca", "cl")

# Diffusion coefficients in water, by ion; they are smaller in tissue (by its tortuosity) and in
# cells (by crowding and buffers): Halnes, Ostby, Pettersen, Omholt and Einevoll (2013),
# PLoS Comput Biol 9:e1003386, after Grodzinsky (2011), Fields, Forces and Flows in Biological
# Systems.
DIFFUSION: Mapping[str, Quantity] = MappingProxyType(
    {
        ion: Quantity(D, dim=(meter**2 / second).dim)
        for ion, D in {"na": 1.33e-9, "k": 1.96e-9, "ca": 0.71e-9, "cl": 2.03e-9}.items()
    }
)


@dataclass(frozen=True, eq=False, repr=False)
class Mechanism(Description):
    """What channels, ion pools and receptors have in common.

    Parameters
    ----------
    name : str
        Name of the part within a cell; its local names become ``<name>_<local name>`` there. By
        default the name of the class in lower case with underscores.
    q10_g : Quantity
        What the conductance ``g`` (or permeability ``P``) is multiplied by for 10 °C above
        ``temperature_ref``, at which its value is given; 1 where it does not depend on the
        temperature. Measured values lie between 1.2 and 1.5.

    Attributes
    ----------
    equations : str
        Differential equations and named expressions, in Brian2's language, with local names. Every
        state must be linear in itself, dx/dt = a + b x. They may use the fields of the class, what
        `constants` returns, ``v`` and what `reads` lists.
    reads : tuple of str
        Names from `SHARED` that the equations use.
    temperature_ref : float
        Temperature in °C at which the rates were measured. A field ``q10`` gives the constant
        ``phi`` = q10**((T - temperature_ref)/10), a field ``q10_x`` the constant ``phi_x``.
    starts : dict of str to str
        By state, an expression of where it starts, for states that no steady state tells: those
        without decay, such as a concentration that only currents move, and those that do not start
        at rest. It may use the fields of the class, what `constants` returns, ``v`` at the start
        and named expressions that use no state. Any other state starts at its steady state.
    nonlinear : tuple of str
        States that are not linear in themselves, dx/dt = f(x). Each needs a place to start. A step
        follows f and its slope at the beginning, x + dt f exprel(dt df/dx): exponential Euler where
        f is linear.
    on_event : dict of str to str
        What an event adds to which state, for parts that take events. The expression may use
        ``weight``, the number of quanta (or of synapses) that act.
    """

    _: KW_ONLY
    name: str = ""
    q10_g: Quantity = quantity(Quantity(1.0), "factor on the conductance for 10 °C", above=0)

    equations: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ()
    temperature_ref: ClassVar[float] = 23.0
    starts: ClassVar[dict[str, str]] = {}
    nonlinear: ClassVar[tuple[str, ...]] = ()
    on_event: ClassVar[dict[str, str]] = {}

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", _snake(type(self).__name__))
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self.name):
            raise ParameterError(
                f"{type(self).__name__}: name must be letters, digits and underscores and start "
                f"with a letter, such as {_snake(type(self).__name__)!r}; got {self.name!r}"
            )
        super().__post_init__()
        if float(self.q10_g) != 1 and not self.strength and "phi_g" not in self._used():
            raise ParameterError(
                f"{type(self).__name__}: q10_g is the q10 of a conductance g or permeability P, "
                "and this part has neither; leave it out"
            )
        if "_verified" not in type(self).__dict__:
            self._verify()
            type(self)._verified = True  # type: ignore[attr-defined]

    @property
    def states(self) -> tuple[str, ...]:
        """Local names of what the part integrates."""
        return tuple(sorted(parse(self.equations).diff_eq_names))

    def expressions(self) -> dict[str, tuple[str, Quantity]]:
        """Return what the part hands to the cell: name, expression, and a value of its unit."""
        return {}

    def parameters(self) -> dict[str, Quantity]:
        """Return the fields that the equations use, by local name."""
        used = self._used()
        return {name: getattr(self, name) for name in self.quantity_fields() if name in used}

    @property
    def strength(self) -> str:
        """The parameter that says how much of it there is: "g", "P", or "" where it has neither."""
        known = self.parameters()
        return next((name for name in ("g", "P") if name in known), "")

    @property
    def variant(self) -> tuple[Any, ...]:
        """What, beside the name, decides which equations the part has where it is painted."""
        return ()

    def conductance_factor(self, temperature_celsius: float | None = None) -> float:
        """Return what the conductance is multiplied by at a temperature: ``q10_g``'s factor.

        It is 1 where the equations themselves use ``phi_g``.

        Examples
        --------
        >>> from neurosim.channels import Leak
        >>> round(Leak(q10_g=1.5).conductance_factor(33), 6)
        1.5
        """
        if "phi_g" in self._used():
            return 1.0
        celsius = self.temperature_ref if temperature_celsius is None else temperature_celsius
        return float(float(self.q10_g) ** ((celsius - self.temperature_ref) / 10))

    def constants(self, temperature_celsius: float | None = None) -> dict[str, Quantity | float]:
        """Return what follows from the temperature and is computed once a run.

        Parameters
        ----------
        temperature_celsius : float, optional
            Temperature in °C; by default the one at which the rates were measured.

        Returns
        -------
        dict of str to Quantity or float
            ``phi`` factors of the rates; ``RT_F`` (volt), ``F`` and ``celsius`` (the temperature in
            °C, a plain number) where the equations use them.
        """
        celsius = self.temperature_ref if temperature_celsius is None else temperature_celsius
        check_celsius(celsius, f"{type(self).__name__}: temperature")
        found: dict[str, Quantity | float] = {}
        for name in self.quantity_fields():
            if name == "q10" or name.startswith("q10_"):
                factor = float(getattr(self, name)) ** ((celsius - self.temperature_ref) / 10)
                found["phi" + name.removeprefix("q10")] = factor
        found["RT_F"] = thermal_potential(celsius, type(self).__name__)
        found["F"] = faraday_constant
        found["celsius"] = float(celsius)
        used = self._used()
        return {name: value for name, value in found.items() if name in used}

    def values(
        self, v: Quantity, temperature_celsius: float | None = None, **given: Any
    ) -> dict[str, Any]:
        """Return everything the equations need to be evaluated at a potential.

        Parameters
        ----------
        v : Quantity
            Membrane potential, one value or an array.
        temperature_celsius : float, optional
            Temperature in °C.
        **given
            What the part reads (``ca_i`` ...), states and other values; what `reads` lists and is
            not given has its typical value from `SHARED`.
        """
        v = check_quantity(v, -70 * mV, f"{type(self).__name__}: v", many=2)
        shared = {name: SHARED[name] for name in self.reads}
        known = {**shared, **self.parameters(), **self.constants(temperature_celsius)}
        if self.strength:
            known[self.strength] *= self.conductance_factor(temperature_celsius)
        allowed = {*known, *self.states, "v"}
        for name in given:
            if name not in allowed:
                raise UnknownNameError(
                    f"{type(self).__name__} does not use {name!r}: {suggest(name, allowed)}"
                )
        return {**known, "v": v, **given}

    def gates(
        self, v: Quantity, temperature_celsius: float | None = None, **given: Any
    ) -> dict[str, Gate]:
        """Return steady state and time constant of every state at a potential.

        Examples
        --------
        >>> from brian2 import ms, mV
        >>> from neurosim.channels import HHSodium
        >>> m = HHSodium().gates([-65, -40] * mV)["m"]
        >>> m.steady.round(4).tolist(), (m.tau / ms).round(4).tolist()
        ([0.0529, 0.5006], [0.2368, 0.5006])
        """
        values = self.values(v, temperature_celsius, **given)
        curves = gate_curves(self.equations, values, self.nonlinear)
        shape = np.shape(values["v"])
        return {
            name: Gate(np.broadcast_to(steady, shape), np.ones(shape) * tau)
            for name, (steady, tau) in curves.items()
        }

    def jump(self, state: str, weight: float = 1.0, **given: Any) -> float:
        """Return what an event of a weight adds to a state."""
        values = {**self.parameters(), **self.constants(), **given, "weight": weight}
        return float(evaluate(self.equations, self.on_event[state], values))

    def __repr__(self) -> str:
        hidden = {"q10_g"} if float(self.q10_g) == 1 else set()
        hidden |= {"reversal"} if getattr(self, "reversal", "") == "follow" else set()
        hidden |= {"diffusion"} if float(getattr(self, "diffusion", 1)) == 0 else set()
        inside = ", ".join(
            f"{one.name}={getattr(self, one.name)}"
            for one in fields(self)
            if one.name not in hidden
        )
        return f"{type(self).__name__}({inside})"

    def _used(self) -> set[str]:
        """Return the names that the equations, expressions and events use."""
        lines = [line.expr.code for line in parse(self.equations).values() if line.expr is not None]
        lines += [code for code, _ in self.expressions().values()]
        lines += self.starts.values()
        return set().union(*map(identifiers, (*lines, *self.on_event.values()))) - {"weight"}

    def _verify(self) -> None:
        """Check names and units of the class once, with the values of its first instance."""
        label = type(self).__name__
        for name in self.reads:
            if name not in SHARED:
                raise UnknownNameError(f"{label}: reads {name!r}: {suggest(name, SHARED)}")
        system = parse(self.equations)
        own = {*self.quantity_fields(), *self.constants(), *self.reads, "v"}
        for name in sorted(self._used() - own - set(system) - known_words()):
            raise UnknownNameError(
                f"{label}: the equations use {name!r}, which is neither a field nor listed in "
                f"reads: {suggest(name, own | set(system))}"
            )
        for state in set(self.nonlinear) - set(self.starts):
            raise ParameterError(
                f"{label}: {state!r} is in nonlinear, so that its steady state is not solved for; "
                "say in starts where it begins"
            )
        for what, named in (("on_event", self.on_event), ("starts", self.starts)):
            for state in named:
                if state not in system.diff_eq_names:
                    raise UnknownNameError(
                        f"{label}: {what} names the state {state!r}: "
                        f"{suggest(state, system.diff_eq_names)}"
                    )
        values = self.values(-65.1 * mV)
        for name in system.diff_eq_names:
            values.setdefault(name, Quantity(0.5, dim=system[name].dim))
        try:
            for name, equation in system.items():
                value = evaluate(self.equations, equation.expr.code, values)
                per = second if equation.type == "differential equation" else 1
                if not have_same_dimensions(value, Quantity(1.0, dim=equation.dim) / per):
                    raise UnitError(
                        f"{label}: the right side of {name!r} has the unit {get_dimensions(value)}"
                        f", which does not fit its declaration: {equation}"
                    )
            starts = {
                f"starts[{name!r}]": (code, Quantity(1.0, dim=system[name].dim))
                for name, code in self.starts.items()
            }
            for name, (code, like) in (self.expressions() | starts).items():
                value = evaluate(self.equations, code, values)
                if not have_same_dimensions(value, like):
                    raise UnitError(
                        f"{label}: {name} = {code} has the unit {get_dimensions(value)}; "
                        f"expected {get_dimensions(like)}"
                    )
        except DimensionMismatchError as error:
            raise UnitError(f"{label}: the units of its equations do not fit: {error}") from None


@dataclass(frozen=True, eq=False, repr=False)
class Channel(Mechanism):
    """A conductance painted on membrane.

    Attributes
    ----------
    current : str
        Current density, inward positive (it depolarises), in amp/meter**2. Where it is linear in
        ``v``, as in ``"g*m**3*h*(E - v)"``, an engine treats it implicitly. Currents of
        Goldman, Hodgkin and Katz keep their dependence on ``v`` in a named expression of the
        equations, which an engine evaluates at the beginning of a step.
    ion : str or None
        Ion it carries (``"na"``, ``"k"``, ``"ca"``, ``"cl"``); its current is added to that ion's.
    carries : dict of str to str
        Of a channel, pump or exchanger with several currents: by ion the current that it carries,
        "" for what belongs to no ion. `current` is their sum, and `ion` is None.
    follows : dict of str to str
        By field the shared name (``"E_k"``, ``"ca_o"``) that takes its place where that ion is
        held, beside those of `ion` itself.
    reversal : {"follow", "fixed"}
        If ``"follow"`` and something there holds the concentrations of its ion (`neurosim.ions`),
        the current uses the Nernst potential of these, ``E_<ion>``, in place of its field ``E``,
        and ``<ion>_o`` in place of a field of that name. ``"fixed"`` keeps the fields. Where
        nothing holds the ion, the fields count in any case.
    """

    _: KW_ONLY
    reversal: str = "follow"

    current: ClassVar[str]
    ion: ClassVar[str | None] = None
    carries: ClassVar[dict[str, str]] = {}
    follows: ClassVar[dict[str, str]] = {}

    @property
    def variant(self) -> tuple[Any, ...]:
        return (self.reversal,)

    @property
    def followed(self) -> dict[str, str]:
        """What takes the place of which field where the ion's concentrations are held.

        Examples
        --------
        >>> from neurosim.channels import HHSodium, Leak
        >>> HHSodium().followed, HHSodium(reversal="fixed").followed, Leak().followed
        ({'E': 'E_na'}, {}, {})
        """
        if self.reversal == "fixed":
            return {}
        own = {"E": f"E_{self.ion}", f"{self.ion}_o": f"{self.ion}_o"} if self.ion else {}
        instead = own | self.follows
        return {field: name for field, name in instead.items() if field in self.parameters()}

    def expressions(self) -> dict[str, tuple[str, Quantity]]:
        parts = {f"i_{ion}": (code, amp / meter**2) for ion, code in self.carries.items()}
        return {"current": (self.current, amp / meter**2)} | parts

    def check(self) -> None:
        for ion in (self.ion, *self.carries):
            if ion and ion not in IONS:
                raise UnknownNameError(f"{type(self).__name__}: ion {ion!r}: one of {IONS}")
        if self.reversal not in ("follow", "fixed"):
            raise UnknownNameError(
                f"{type(self).__name__}: reversal {self.reversal!r}: "
                f"{suggest(str(self.reversal), ('follow', 'fixed'))}"
            )

    def density(
        self, v: Quantity, temperature_celsius: float | None = None, **given: Any
    ) -> Quantity:
        """Return the current density at a potential, inward positive.

        States that are not given stand at their steady state.

        Examples
        --------
        >>> from brian2 import mV
        >>> from neurosim.channels import Leak
        >>> round(float(Leak().density(-60 * mV)), 6)
        -0.01
        """
        values = self.values(v, temperature_celsius, **given)
        curves = gate_curves(self.equations, values, self.nonlinear)
        steady = {name: gate.steady for name, gate in curves.items()}
        return evaluate(self.equations, self.current, {**steady, **values})


@dataclass(frozen=True, eq=False, repr=False)
class IonPool(Mechanism):
    """A concentration under the membrane, moved by the current of its ion.

    Attributes
    ----------
    ion : str
        Ion it holds.
    writes : str
        Shared name of its concentration (``"ca_i"``), a state of the equations that is not prefixed
        within a cell. The equations read the ion's current density ``i_<ion>``.
    nernst : bool
        Whether the equations also name the concentration on the other side (``ca_o``) and the
        Nernst potential ``E_<ion>`` of both. Channels of the ion then follow them.
    """

    ion: ClassVar[str]
    writes: ClassVar[str]
    nernst: ClassVar[bool] = False


def _snake(name: str) -> str:
    """Return a class name in lower case with underscores: CalciumL -> calcium_l."""
    parts = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+", name)
    return "_".join(part.lower() for part in parts)
