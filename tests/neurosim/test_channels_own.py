"""A channel of one's own, what is refused, and all parts through Brian2 itself."""

import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import brian2
import numpy as np
import pytest
from brian2 import Quantity, cm, hertz, mM, mS, ms, mV, nA, second, volt
from brian2.units import amp, meter

from neurosim import HodgkinHuxley, effectors, synapses, terminals
from neurosim import channels as catalogue
from neurosim.channels import SHARED, Channel, HHSodium, IonPool, Leak, Mechanism, squid_axon
from neurosim.equations.evaluate import evaluate, parse
from neurosim.errors import ParameterError, UnitError, UnknownNameError
from neurosim.quantities import quantity, unit_name

BASES = (Mechanism, Channel, IonPool, synapses.Receptor)
PARTS = [
    kind
    for module in (catalogue, synapses)
    for kind in (getattr(module, name) for name in module.__all__)
    if isinstance(kind, type) and issubclass(kind, Mechanism) and kind not in BASES
]


@dataclass(frozen=True, eq=False, repr=False)
class SlowPotassium(Channel):
    """A user's channel: ten lines of equations, no more."""

    g: Quantity = quantity(0.5 * mS / cm**2, "conductance density", at_least=0 * mS / cm**2)
    E: Quantity = quantity(-90 * mV, "potassium reversal potential")
    q10: Quantity = quantity(2.3, "factor on the rates for 10 °C", above=0)

    equations: ClassVar[str] = """
    dp/dt = (p_inf - p)/tau : 1
    p_inf = 1/(1 + exp(-(v + 35*mV)/(10*mV))) : 1
    tau = 100*ms/phi : second
    """
    current: ClassVar[str] = "g*p*(E - v)"
    ion: ClassVar[str | None] = "k"


def test_a_channel_in_ten_lines_has_everything_the_others_have():
    own = SlowPotassium(g=1 * mS / cm**2)
    assert own.name == "slow_potassium"
    assert own.states == ("p",)
    assert list(own.parameters()) == ["g", "E"]
    gate = own.gates(-35 * mV, 33)["p"]
    assert float(gate.steady) == pytest.approx(0.5)
    assert float(gate.tau / ms) == pytest.approx(100 / 2.3)
    assert float(own.density(-35 * mV) / (amp / meter**2)) == pytest.approx(-0.5 * 10 * 0.055)
    assert own.replace(name="im").name == "im"
    assert own == SlowPotassium(g=1 * mS / cm**2)
    assert own != SlowPotassium(g=1 * mS / cm**2, name="im")
    assert "g = " in SlowPotassium.describe()


def make(**members):
    """Return a channel class with some members replaced."""
    body = {"current": "g*(E - v)", "equations": "", "__annotations__": {}, **members}
    body["__annotations__"] = {"g": Quantity, "E": Quantity}
    body.setdefault("g", quantity(1 * mS / cm**2, "conductance"))
    body.setdefault("E", quantity(-90 * mV, "reversal potential"))
    return dataclass(frozen=True, eq=False, repr=False)(type("Mine", (Channel,), body))


@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.__name__)
def test_parts_are_values(kind):
    again = pickle.loads(pickle.dumps(kind()))
    assert again == kind()
    assert hash(again) == hash(kind())
    assert again.to_dict()["kind"] == kind.__name__
    for name in kind.quantity_fields():
        assert f"{name} = " in kind.describe()


@pytest.mark.parametrize(
    ("members", "error", "says"),
    [
        ({"current": "g*(E_K - v)"}, UnknownNameError, "'E_K'.*did you mean 'E'"),
        ({"current": "g*x*(E - v)"}, UnknownNameError, "'x'"),
        ({"current": "g*(E - v)*mV"}, UnitError, "current"),
        ({"current": "g + E"}, UnitError, "units"),
        ({"equations": "dn/dt = -n : 1", "current": "g*n*(E - v)"}, UnitError, "'n'"),
        ({"equations": "k = v : 1", "current": "g*k*(E - v)"}, UnitError, "'k'"),
        ({"reads": ("ca",)}, UnknownNameError, "did you mean"),
        ({"ion": "calcium"}, UnknownNameError, "calcium"),
    ],
)
def test_a_channel_that_makes_no_sense_is_refused_when_made(members, error, says):
    with pytest.raises(error, match=says):
        make(**members)()


def test_wrong_values_are_refused():
    with pytest.raises(UnitError, match="must carry a unit"):
        Leak(g=1)
    with pytest.raises(ParameterError, match="at least"):
        Leak(g=-1 * mS / cm**2)
    with pytest.raises(ParameterError, match="name must be letters"):
        Leak(name="my leak")
    with pytest.raises(ParameterError, match="from -10 to 60"):
        HHSodium().constants(300)
    with pytest.raises(UnknownNameError, match="does not use 'ca_i'"):
        HHSodium().gates(-65 * mV, ca_i=1 * mM)
    with pytest.raises(UnitError):
        HHSodium().gates(-65)


@pytest.fixture
def numpy_target():
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    yield
    brian2.prefs.codegen.target = before


def complete(part):
    """Return the part's equations with a line for every parameter, as Brian2 runs them."""
    lines = [part.equations.strip("\n")]
    for name, (code, like) in part.expressions().items():
        lines.append(f"{name} = {code} : {unit_name(like)}")
    values = {**part.parameters(), **part.constants()}
    values |= {name: SHARED[name] for name in part.reads}
    for name, value in values.items():
        lines.append(f"{name} : {unit_name(value)} (constant)")
    if not isinstance(part, IonPool) or "v" in lines[0]:
        lines.append("v : volt")
    return "\n".join(line.strip() for text in lines for line in text.splitlines()), values


@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.__name__)
@pytest.mark.usefixtures("numpy_target")
@pytest.mark.slow
def test_brian2_reads_every_part_and_steps_it_by_exponential_euler(kind):
    """Units agree, states are linear in themselves, and one step is the exact relaxation."""
    part = kind()
    equations, values = complete(part)
    group = brian2.NeuronGroup(1, equations, method="exponential_euler", dt=0.01 * ms, name="part*")
    for name, value in values.items():
        setattr(group, name, value)
    if "v" in group.variables:
        group.v = -51.3 * mV
    given = {}
    for name in part.states:
        start = Quantity(0.3, dim=parse(part.equations)[name].dim) * (1 if name != "ca_i" else 1e-3)
        setattr(group, name, start)
        given[name] = start
    brian2.Network(group).run(0.01 * ms)
    for name, gate in part.gates(-51.3 * mV, **given).items():
        unit = Quantity(1.0, dim=parse(part.equations)[name].dim)
        start, steady = float(given[name] / unit), float(gate.steady)
        expected = steady + (start - steady) * np.exp(-float(0.01 * ms / gate.tau))
        assert float(getattr(group, name)[0] / unit) == pytest.approx(expected, rel=1e-10)


def test_the_squid_membrane_in_parts_is_the_squid_membrane_whole():
    """Every rate of change is that of the catalogue's cell, at states all over their range."""
    whole = HodgkinHuxley()
    rng = np.random.default_rng(5)
    v = rng.uniform(-100, 60, 50) * mV
    states = {name: rng.uniform(0, 1, 50) for name in ("m", "h", "n")}
    known = {name: getattr(whole, name) for name in whole.quantity_fields()}
    known |= {"v": v, "I_stim": 0 * nA, **states}
    inward = sum(
        part.density(v, 6.3, **{name: states[name] for name in part.states})
        for part in squid_axon()
    )
    wanted = evaluate(whole.equations, parse(whole.equations)["v"].expr.code, known)
    np.testing.assert_allclose(inward / whole.C_m / (volt / second), wanted / (volt / second))
    for part in squid_axon():
        for name in part.states:
            values = part.values(v, 6.3, **{state: states[state] for state in part.states})
            ours = evaluate(part.equations, parse(part.equations)[name].expr.code, values)
            theirs = evaluate(whole.equations, parse(whole.equations)[name].expr.code, known)
            np.testing.assert_allclose(ours / hertz, theirs / hertz)


class TestPage:
    """The page of parts names every part, and its code runs."""

    PAGE = (Path(__file__).resolve().parents[2] / "docs" / "parts.md").read_text()

    def test_every_part_is_listed(self):
        names = {kind.__name__ for kind in PARTS} | set(terminals.__all__) | set(effectors.__all__)
        internal = {"TRANSMITTERS", "SteadyRelease", "Terminal", "receptors_of"}
        assert not {name for name in names - internal if f"`{name}" not in self.PAGE}

    def test_its_code_runs(self, capsys):
        blocks = re.findall(r"```python\n(.*?)```", self.PAGE, flags=re.DOTALL)
        assert len(blocks) == 4
        # In one session, as a reader types them: later blocks use the imports of earlier ones.
        session = {"__name__": "page"}
        for block in blocks:
            exec(compile(block, "docs/parts.md", "exec"), session)
        assert "us\n1.037167" in capsys.readouterr().out

    def test_default_conductances_and_reversals_are_those_of_the_parts(self):
        """The first numbers of a row's defaults are g (mS/cm2 or nS) and E (mV)."""
        checked = 0
        for kind in PARTS:
            pattern = rf"^\| `{kind.__name__}`[^|]*\|([^|]*)\|([^|]*)\|"
            row = re.search(pattern, self.PAGE, re.MULTILINE)
            found = row and re.match(r" ([\d.]+) (mS/cm²|nS), (-?[\d.]+) mV", row.group(2))
            if not found:
                continue
            unit = mS / cm**2 if found.group(2) == "mS/cm²" else 1e-9 * brian2.siemens
            assert float(kind().g / unit) == pytest.approx(float(found.group(1))), kind
            assert float(kind().E / mV) == pytest.approx(float(found.group(3))), kind
            checked += 1
        assert checked >= 20
