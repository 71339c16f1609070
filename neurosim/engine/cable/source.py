"""From `CableModel`s to one C++ file, with the loop bodies written by Brian2's code generation.

Brian2 turns the statements of a step (`scheme.write_step`) into C++ through a template of our own
(`templates/kernel.cpp`), derived from that of its standalone mode; `runtime.cpp` holds everything
that is the same for every model. Runs only inside a worker process.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.engine.cable.model import CableModel, Kernel
from neurosim.engine.cable.scheme import prepare, slopes, write_step
from neurosim.engine.programs.generated_calls import rewritten
from neurosim.engine.programs.portable import portable
from neurosim.engine.programs.sources import cpp_functions, membrane_source
from neurosim.errors import EngineError

__all__ = ["portable_kernels", "write_program"]

# Functions with a body in membrane.h, written without branches so that loops stay vectors.
_OWN = ("gaussian", "waveform", "step_level", "exprel_given", "quotient_power")
_FUNCTIONS = {
    *("exp", "log", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan"),
    *("abs", "floor", "ceil", "exprel", "expm1", "log1p", "clip", "int", "sign", "timestep"),
    *_OWN,
}
_ROWS = 1000


def write_program(models: Sequence[CableModel], path: Path) -> None:
    """Write the membrane loops of one or several models into one file.

    Raises
    ------
    EngineError
        An equation uses a function that the engine does not know, or is not linear in its state.
    """
    import brian2

    brian2.set_device("cpp_standalone", build_on_run=False)
    # Groups serve code generation alone and are in no network.
    brian2.BrianLogger.suppress_name("unused_brian_object")
    parts, made = [], []
    for number, model in enumerate(models):
        for place, kernel in enumerate(model.kernels):
            name = f"Kernel_{number}_{kernel.name}"
            parts.append(_kernel(kernel, name, model.kernels))
            made.append(f"    if (model == {number} && number == {place}) return new {name}();")
    path.write_text(
        "\n".join(
            [
                membrane_source(),
                _own("membrane.h"),
                "namespace neurosim {",
                *parts,
                "Membrane* make_membrane(int64_t model, int64_t number) {",
                *made,
                "    return nullptr;",
                "}",
                "}  // namespace neurosim",
                "",
            ]
        )
    )


def portable_kernels(text: str) -> str:
    """Return what `write_program` wrote with its loops in the form of `portable`."""
    ahead, begin, loops = text.partition("\nnamespace neurosim {\n\nstruct Kernel_")
    return f"{ahead}{begin}{portable(loops)}"


def _own(name: str) -> str:
    return (Path(__file__).parent / name).read_text()


def _group(kernel: Kernel, name: str) -> Any:
    from brian2 import NeuronGroup

    def unused(*_: float) -> float:
        raise AssertionError("only its C++ body is used")

    return NeuronGroup(
        _ROWS,
        prepare(kernel).parsed,
        method="exponential_euler",
        namespace=cpp_functions(dict.fromkeys(_OWN, unused)),
        name=name,
    )


def _kernel(kernel: Kernel, structure: str, kernels: Sequence[Kernel]) -> str:
    """Return the C++ structure of one kernel, under a name of its own."""
    from brian2.codegen.codeobject import create_runner_codeobj
    from brian2.core.functions import Function
    from brian2.core.variables import ArrayVariable, Constant
    from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
    from brian2.devices.device import get_device

    class CableCodeObject(CPPStandaloneCodeObject):  # type: ignore[misc]  # Brian2 has no types
        """Code of one kernel, in our own template."""

        templater = CPPStandaloneCodeObject.templater.derive("neurosim.engine.cable")

    group = _group(kernel, structure)
    code = create_runner_codeobj(
        group,
        write_step(kernel),
        "kernel",
        run_namespace={},
        codeobj_class=CableCodeObject,
        check_units=False,
    )
    # A rate divided by exprel needs one division, not two.
    text = code.code.cpp_file.replace("/_exprel(", "*_per_exprel(")
    parts = _split(text.replace("/neurosim_exprel_given(", "*_per_exprel_given("))
    constants, arrays = [], {}
    for name, variable in code.variables.items():
        if isinstance(variable, Function):
            if name not in _FUNCTIONS:
                raise EngineError(
                    f"{kernel.name}: the function {name} cannot be used in a branched neuron; "
                    f"known are {', '.join(sorted(_FUNCTIONS))}"
                )
        elif isinstance(variable, Constant):
            kind = "int64_t" if isinstance(variable.value, (int, np.integer)) else "double"
            constants.append(f"const {kind} {name} = {variable.value!r};")
        elif isinstance(variable, ArrayVariable):
            arrays[name] = get_device().get_array_name(variable, access_data=False)
    members, bound = [], []
    for name, array in arrays.items():
        if name in ("dt", "t", "t_in_timesteps"):
            kind = "int64_t" if name == "t_in_timesteps" else "double"
            members.append(f"{kind} value_{array}[1]; {kind}* {array} = value_{array};")
            continue
        kind = "int32_t" if name in kernel.integers else "double"
        members.append(f"{kind}* {array} = nullptr;")
        if name == "v":
            bound.append(f"{array} = arrays.potential();")
        else:
            kept_in = "integers" if kind == "int32_t" else "numbers"
            bound.append(f'{array} = arrays.{kept_in}("{name}");')
    clock = [
        f"{arrays[name]}[0] = {value};"
        for name, value in (("dt", "step.dt"), ("t", "step.time"), ("t_in_timesteps", "step.index"))
        if name in arrays
    ]
    for name in kernel.record:
        members.append(f"double* samples_{name} = nullptr;")
        bound.append(f'samples_{name} = arrays.numbers("{name}.traced");')
    traced = [f"double* traced_{name} = samples_{name};" for name in kernel.record]
    store = [f"traced_{name}[_idx] = _traced_{name};" for name in kernel.record]
    # What ions are moved by, once the potential is solved for.
    left = [f"{name}.given" for name in (one.variable for one in kernel.carriers)]
    left += [f"{name}.slope" for name in (slopes(kernel) if kernel.carriers else ())]
    single, once = set(), []
    for number, name in enumerate(left):
        variable, kind = name.split(".")
        members.append(f"double* left_{number} = nullptr;")
        bound.append(f'left_{number} = arrays.numbers("{name}");')
        if kernel.density and any(f" _{kind}_{variable} =" in line for line in parts["scalar"]):
            # The same for all rows.
            single.add(name)
            once.append(f"left_{number}[0] = _{kind}_{variable};")
        else:
            store.append(f"left_{number}[_idx] = _{kind}_{variable};")
    exponents, body = _shared_powers(parts["vector"], kernel.shared)
    body = _logarithms_of_ions(body, kernel)
    scalar = _powers_taken_once(parts["scalar"])
    for name in sorted(exponents):
        once.append(f"const double sign_{name} = _sign_of_power({name});")
        once.append(f"const int64_t halves_{name} = _halves({name});")
    few = " && ".join(f"_halves({arrays[name]}[0]) >= 0" for name in sorted(exponents))
    rows = "const Step& step, int64_t rows, double* __restrict _row_conductance,"
    rows += "\n                 double* __restrict _row_current"
    heads = [f"void advance({rows}) override {{"]
    if few:
        given = "(step, rows, _row_conductance, _row_current)"
        heads += [
            f"    if ({few}) advance_rows<true>{given};",
            f"    else advance_rows<false>{given};",
        ]
        heads += ["}", f"template <bool few> void advance_rows({rows}) {{"]
    return f"""
struct {structure} final : Membrane {{
    {_lines(members, 4)}
    void describe(Described& it) const override {{
        {_lines(_described(kernel, left, single), 8)}
        {_lines(_of_ions(kernel, kernels), 8)}
    }}
    void bind(Arrays& arrays) override {{
        {_lines(bound, 8)}
    }}
    {_lines(heads, 4)}
        {_lines(clock, 8)}
        {_lines(constants, 8)}
        {_lines(parts["pointers"], 8)}
        {_lines(traced, 8)}
        const int64_t _row_count = rows;
        {_lines(scalar, 8)}
        {_lines(once, 8)}
        #pragma GCC ivdep
        for (int64_t _idx = 0; _idx < _row_count; _idx++) {{
            {_lines(body, 12)}
            _row_conductance[_idx] = _conductance;
            _row_current[_idx] = _current;
            {_lines(store, 12)}
        }}
    }}
    {_lines(_crossing(kernel, left, single), 4)}
}};
"""


def _crossing(kernel: Kernel, left: Sequence[str], single: Collection[str]) -> list[str]:
    """Return the C++ function that lets the currents of a step cross a patch whose ions move.

    One loop counts the charge of each carrier and moves each concentration inside, so that every
    number is read and written once a step.

    Parameters
    ----------
    kernel : Kernel
    left : sequence of str
        ``<carrier>.given`` and ``<carrier>.slope`` of the arrays that `advance` leaves, in order.
    single : collection of str
        Those of them with one number for all rows.
    """
    if not kernel.moves_ions:
        return []
    heads, body = ["const double dt = to.dt;", "double gone = 0.0;"], []

    def read(name: str, array: str, where: str = "") -> str:
        """Return a number of the row, of an array that is told in the head."""
        heads.append(f"const double* __restrict {name} = {array}{where};")
        return f"{name}[k]"

    def written(name: str, array: str, where: str = "") -> str:
        heads.append(f"double* __restrict {name} = {array}{where};")
        return f"{name}[k]"

    for m, carrier in enumerate(kernel.carriers):
        found = {}
        for kind in ("given", "slope"):
            if (name := f"{carrier.variable}.{kind}") in left:
                array, here = f"left_{left.index(name)}", f"{kind}{m}"
                if name in single:
                    heads.append(f"const double {here} = {array}[0];")
                    found[kind] = here
                else:
                    found[kind] = read(here, array, " + from")
        slope = f" - {found['slope']}*x[k]" if "slope" in found else ""
        body.append(f"const double i{m} = {found['given']}{slope};")
        body.append(f"{written(f'crossed{m}', f'to.crossed[{m}]', ' + from')} += dt*i{m};")
        if kernel.retraced():
            body.append(f"{written(f'current{m}', f'to.current[{m}]')} = i{m};")
    for n, held in enumerate(kernel.ions):
        carried = [(m, dict(one.ions).get(held.ion, 0)) for m, one in enumerate(kernel.carriers)]
        total = " + ".join(f"{charge}*i{m}" for m, charge in carried if charge) or "0.0"
        body.append(
            f"const double came{n} = {read(f'placed{n}', f'to.placed[{n}]')} + dt*({total});"
        )
        if held.outside or held.shared:
            body.append(f"{written(f'charge{n}', f'to.charge[{n}]')} = came{n};")
        if held.inside:
            inside = written(f"inside{n}", f"to.inside[{n}]", " + from")
            per = read(f"per{n}", f"to.per[{n}]", " + from")
            body.append(f"const double now{n} = {inside} + came{n}*{per};")
            body.append(f"{inside} = now{n};")
            body.append(f"gone += now{n} > 0.0 ? 0.0 : 1.0;")
    return [
        "double cross(const Crossing& to, const double* __restrict x, int64_t from,",
        "             int64_t n) override {",
        *(f"    {line}" for line in heads),
        "    #pragma GCC ivdep",
        "    for (int64_t k = 0; k < n; k++) {",
        *(f"        {line}" for line in body),
        "    }",
        "    return gone;",
        "}",
    ]


def _shared_powers(lines: Sequence[str], shared: Collection[str]) -> tuple[set[str], list[str]]:
    """Return the exponents that all rows share, and a loop body whose powers know that.

    Examples
    --------
    >>> _shared_powers(["y = _brian_pow(1.0f*K/x, n) + _brian_pow(x, 3);"], {"n"})
    ({'n'}, ['y = _shared_power<few>(1.0f*K/x, n, sign_n, halves_n) + _brian_pow(x, 3);'])
    """
    found: set[str] = set()

    def power(arguments: list[str]) -> str | None:
        base, exponent = arguments
        if exponent not in shared:
            return None
        found.add(exponent)
        return f"_shared_power<few>({base}, {exponent}, sign_{exponent}, halves_{exponent})"

    def of_quotient(arguments: list[str]) -> str:
        found.add(exponent := arguments[2])
        return f"_quotient_power<few>({', '.join(arguments)}, halves_{exponent})"

    body = []
    for line in lines:
        line = rewritten(line, "_brian_pow", power)
        body.append(rewritten(line, "neurosim_quotient_power", of_quotient))
    return found, body


def _powers_taken_once(lines: Sequence[str]) -> list[str]:
    """Return what is computed ahead of a loop, whose powers need not be fast."""

    def of_quotient(arguments: list[str]) -> str:
        return f"_quotient_power<false>({', '.join(arguments)}, -1)"

    return [rewritten(line, "neurosim_quotient_power", of_quotient) for line in lines]


def _logarithms_of_ions(lines: Sequence[str], kernel: Kernel) -> list[str]:
    """Return a loop body that spares logarithms of concentrations what they cannot need.

    No concentration of an ion is ever 0 or less: a run that comes there ends with an error.
    """
    ions = "|".join(held.ion for held in kernel.ions)
    pattern = re.compile(rf"\b(log_of_((?:{ions})_[io]) = )log\(\2\);")
    return [pattern.sub(r"\1log_of_positive(\2);", line) if ions else line for line in lines]


def _described(kernel: Kernel, left: Sequence[str], single: Collection[str]) -> list[str]:
    """Return the C++ statements that tell of a kernel's arrays, and in which order they come."""
    injects = kernel.injects and not kernel.density
    flags = ", ".join(str(x).lower() for x in (kernel.density, kernel.conducts, injects))
    clamp = f"Amplifier::{kernel.amplifier or 'none'}"
    lines = [f'it.called("{kernel.name}", {flags}, {clamp}, "{kernel.ion}");']

    def array(name: str, kind: str, integer: bool = False) -> None:
        lines.append(f'it.array("{name}", ArrayKind::{kind}, {str(integer).lower()});')

    for name in [*kernel.states, *kernel.parameters]:
        array(name, "shared" if name in kernel.shared else "row", name in kernel.integers)
    for name in [*(f"{name}.traced" for name in kernel.record), *left]:
        array(name, "single" if name in single else "traced")
    told = {"event": kernel.events, "trace": kernel.record, "keep": kernel.kept}
    return lines + [f'it.{what}("{name}");' for what, names in told.items() for name in names]


def _of_ions(kernel: Kernel, kernels: Sequence[Kernel]) -> list[str]:
    """Return the C++ statements that say what carries which ion, and what holds it."""
    lines: list[str] = []

    def tell(what: str, name: str, kind: str, values: Sequence[Any], *more: str) -> None:
        # C++ knows no list without an entry.
        listed = ", ".join(map(str, values)) or "0"
        words = ", ".join([f'"{name}"', "list", str(len(values)), *more])
        lines.append(f"{{ const {kind} list[] = {{{listed}}}; it.{what}({words}); }}")

    for one in kernel.carriers:
        charges = dict(one.ions)
        ion = "" if kernel.density else one.ions[0][0]
        listed = [charges.get(held.ion, 0) for held in kernel.ions]
        tell("carrier", one.variable, "double", listed, f'"{ion}"')
    for held in kernel.ions:
        moves = ", ".join(str(x).lower() for x in (held.inside, held.outside, held.shared))
        lines.append(f'it.moving_ion("{held.ion}", "{held.part}", {held.valence}, {moves});')
    for part, field in kernel.above:
        lines.append(f'it.stays_above("{part}", "{field}");')
    for name in kernel.gathers:
        sources = [f'"{patch.source_of(name)}"' for patch in kernels]
        tell("gather", name, "char* const", sources)
    for name, weights in kernel.retraced().items():
        tell("retrace", name, "double", weights)
    return lines


def _split(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    here: list[str] = []
    for line in text.splitlines():
        heading = re.match(r"//@ (\w+)", line.strip())
        if heading:
            here = found.setdefault(heading[1], [])
        elif line.strip():
            here.append(line.strip())
    return found


def _lines(lines: list[str], indent: int) -> str:
    return ("\n" + " " * indent).join(lines)
