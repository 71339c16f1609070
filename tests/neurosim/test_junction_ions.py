"""Ions that pass gap junctions from pool to pool: closed forms, the ledger, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import Quantity, cm, mS, ms, mV, nA, nS, pA, second, um
from brian2.units.constants import faraday_constant, gas_constant
from brian2.units.stdunits import mM
from scipy.integrate import solve_ivp

from neurosim import Circuit, Constant, Neuron, simulate
from neurosim.catalogue import astrocyte
from neurosim.channels import Leak
from neurosim.errors import EngineError, ParameterError, UnknownNameError
from neurosim.ions import Calcium, Chloride, Potassium, Sodium
from neurosim.morphology import PerBranch, at, cylinder, everywhere

FARADAY = float(faraday_constant)
RT_F = float(gas_constant) * 310.15 / FARADAY
AREA, VOLUME = np.pi * 10e-6 * 10e-6, np.pi / 4 * 10e-6**3
#: Nothing crosses the membrane; the capacitance is all that holds the potentials apart.
SILENT = Leak(g=0 * mS / cm**2)


def cell(*parts, diameter=10, rest=-70):
    shape = cylinder(10 * um, diameter * um, name="soma")
    one = Neuron(shape, PerBranch(1), rest=rest * mV).paint([SILENT, *parts])
    return one.probe("v", everywhere)


def pair(first, second, conductance=1 * nS, **options):
    for ion in ("k", "cl", "na", "ca"):
        if any(getattr(p.part, "ion", "") == ion and p.part.name != "leak" for p in first.painted):
            first, second = (one.probe(f"{ion}_i", everywhere) for one in (first, second))
    made = Circuit().add("first", first).add("second", second)
    return made.couple("first", "second", conductance=conductance, record=True, **options)


def run(circuit, time=1 * second, dt=0.1 * ms, **options):
    settle = {} if "initial" in options else {"settle": 0 * ms}
    options = {"engine": "numpy", "scheme": "backward-euler"} | settle | options
    return simulate(circuit, time, dt=dt, **options)


def test_one_ion_comes_to_its_own_equilibrium():
    """A few ions charge the capacitances until the potentials differ by its Nernst potential."""
    found = run(
        pair(cell(Potassium(150 * mM)), cell(Potassium(100 * mM)), 1 * nS, ions={"k": 1}),
        40 * ms,
        0.4 * ms,
    )
    v = [1e-3 * float(found[name].trace("v")[0, -1] / mV) for name in ("first", "second")]
    k = [float(found[name].trace("k_i")[0, -1] / mM) for name in ("first", "second")]
    assert v[0] - v[1] == pytest.approx(RT_F * np.log(k[1] / k[0]), rel=1e-6)
    assert v[0] - v[1] < -0.009
    # What the first lost is the charge that the capacitances hold.
    moved = (v[1] - v[0]) / 2 * AREA * 0.01 / FARADAY
    assert (150 - k[0]) * VOLUME == pytest.approx(moved, rel=1e-6)
    carried = found.junctions["first -- second"].carried["k"]
    assert float(carried[0]) == pytest.approx(moved, rel=1e-6)


def salt(*, halves=(12, 4)):
    return [cell(Potassium(c * mM), Chloride(c * mM)) for c in halves]


def test_a_salt_diffuses_as_fast_as_both_its_ions_allow():
    """With no charge to spare, v1 - v2 = E (g_k - g_cl)/g, and both ions flow by 2 g_k g_cl E/g."""
    g_k, g_cl = 0.6, 0.4
    found = run(pair(*salt(), 200 * nS, ions={"k": g_k, "cl": g_cl}), 200 * ms, 0.5 * ms)

    def slope(t, c):
        equal = RT_F * np.log(c[1] / c[0])
        flow = -2 * g_k * g_cl * 200e-9 * equal / FARADAY / VOLUME
        return [-flow, flow]

    wanted = solve_ivp(slope, (0, 0.2), [12, 4], t_eval=[0.05, 0.1, 0.2], rtol=1e-9).y
    for name, row in zip(("first", "second"), wanted, strict=True):
        for ion in ("k_i", "cl_i"):
            trace = np.asarray(found[name].trace(ion) / mM)[0]
            assert trace[[99, 199, 399]] == pytest.approx(row, rel=2e-3)
    assert wanted[0, -1] < 9
    v = [np.asarray(found[name].trace("v"))[0, -1] for name in ("first", "second")]
    # The potential of a step is that of the concentrations at its start.
    k = [np.asarray(found[name].trace("k_i") / mM)[0, -2] for name in ("first", "second")]
    assert v[0] - v[1] == pytest.approx(RT_F * np.log(k[1] / k[0]) * (g_k - g_cl), rel=1e-3)
    for name in ("first", "second"):
        ledger = found[name].ledger
        assert max(ledger[ion].relative_error for ion in ("k", "cl")) < 1e-9
        assert ledger.charge.relative_error < 1e-9


def test_the_current_of_a_junction_is_carried_by_its_ions():
    """Where concentrations agree, each ion carries its share, and the rest nobody follows."""
    parts = (Potassium(140 * mM), Sodium(10 * mM))
    leak = Leak(g=0.1 * mS / cm**2, E=-70 * mV, name="open")
    circuit = pair(cell(*parts, leak), cell(*parts, leak), 2 * nS, ions={"k": 0.7, "na": 0.1})
    circuit = (
        Circuit()
        .add("first", circuit.populations["first"].neuron, stimulus=Constant(5 * pA))
        .add("second", circuit.populations["second"].neuron)
        .couple("first", "second", conductance=2 * nS, record=True, ions={"k": 0.7, "na": 0.1})
    )
    found = run(circuit, 100 * ms, 0.5 * ms)
    junction = found.junctions["first -- second"]
    charge = junction.current_si[0].sum() * 0.5e-3
    assert charge > 0
    # The concentrations change by a share of 1e-4, which is what the equality holds to.
    assert float(junction.carried["k"][0]) * FARADAY == pytest.approx(0.7 * charge, rel=0.02)
    assert float(junction.carried["na"][0]) * FARADAY == pytest.approx(0.1 * charge, rel=0.02)
    gained = found["second"].ledger["k"]
    assert gained.through_junctions.sum() == pytest.approx(float(junction.carried["k"][0]))
    assert (gained.inside_end - gained.inside_start).sum() == pytest.approx(
        gained.through_junctions.sum(), rel=1e-6
    )
    assert ("k", "gap junctions", gained.through_junctions.sum()) in found["second"].ledger.rows()


def test_shares_follow_from_what_is_painted_at_each_place():
    """Potassium painted at 1 mM beside sodium at 10: its share is not that of 140 mM."""
    thin = cell(Sodium(10 * mM)).paint(Potassium(), values={"inside": [1] * mM})
    made = Circuit().add("first", thin).add("second", thin)
    shares = made.couple("first", "second", conductance=1 * nS, ions=("k", "na")).couplings[0].ions
    assert shares["k"] == pytest.approx(1.96 / (1.96 + 1.33 * 10), rel=0.01)


@pytest.mark.parametrize("ions", [{"k": Quantity(0.9)}, {"k": 0.9}])
def test_a_share_may_be_a_quantity_without_a_unit(ions):
    one = cell(Potassium())
    made = Circuit().add("first", one).add("second", one)
    (coupling,) = made.couple("first", "second", conductance=1 * nS, ions=ions).couplings
    assert dict(coupling.ions) == {"k": 0.9}
    (named,) = made.couple("first", "second", conductance=1 * nS, ions={"k"}).couplings
    assert dict(named.ions) == {"k": 1.0}


def test_shares_follow_from_mobility_and_concentration():
    parts = (Potassium(100 * mM), Sodium(15 * mM), Calcium(1e-4 * mM))
    made = pair(cell(*parts), cell(*parts), ions=("k", "na", "ca")).couplings[0].ions
    weight = np.array([1.96 * 100, 1.33 * 15, 4 * 0.71 * 1e-4])
    assert [made[ion] for ion in ("k", "na", "ca")] == pytest.approx(weight / weight.sum())
    assert dict(pair(cell(*parts), cell(*parts)).couplings[0].ions) == {}


def chain(count=3, engine="numpy", **options):
    """Cells of unlike sizes in shells and in a row, joined at both ends, one of them driven."""
    pools = [Potassium(120 * mM, diffusion=0.6 * um**2 / ms, shells=2), Chloride(9 * mM)]
    leak = Leak(g=0.1 * mS / cm**2, E=-70 * mV, name="open")
    shape = cylinder(40 * um, 4 * um, name="soma")
    one = Neuron(shape, PerBranch(4), rest=-70 * mV).paint([*pools, leak])
    one = one.probe("v", everywhere).probe("k_i", everywhere).probe("cl_i", everywhere)
    sizes = {"potassium.inside": np.linspace(120, 90, count) * mM}
    circuit = Circuit().add("row", one, count, batch=sizes)
    circuit = circuit.add("driver", one, stimulus=Constant(0.02 * nA))
    pairs = [(k, k + 1) for k in range(count - 1)]
    ends = (at("soma", 1.0), at("soma", 0.0))
    circuit = circuit.couple(
        "row", "row", conductance=5 * nS, pairs=pairs, sites=ends, ions=("k", "cl")
    )
    circuit = circuit.couple(
        "driver", "row", conductance=3 * nS, pairs=[(0, 0)], sites=ends, ions={"cl": 0.4},
        label="half",
    )  # fmt: skip
    return simulate(circuit, 5 * ms, dt=0.05 * ms, engine=engine, **options)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["backward-euler", "crank-nicolson"])
def test_both_engines_pass_the_same_ions(scheme):
    ours, other = (chain(engine=engine, scheme=scheme) for engine in ("cpp", "numpy"))
    for name in ("row", "driver"):
        for label, values in other[name].traces_si.items():
            assert ours[name].traces_si[label] == pytest.approx(values, rel=1e-9, abs=1e-12)
        for ion in ("k", "cl"):
            mine, theirs = (one[name].ledger[ion].through_junctions for one in (ours, other))
            assert mine == pytest.approx(theirs, rel=1e-6, abs=1e-24)
    many = chain(engine="cpp", scheme=scheme, jobs=2)
    assert np.array_equal(many["row"].trace("k_i[0]"), ours["row"].trace("k_i[0]"))


def test_what_one_cell_loses_the_others_get():
    found = chain()
    for ion in ("k", "cl"):
        accounts = [found[name].ledger[ion] for name in ("row", "driver")]
        came = [one.through_junctions for one in accounts]
        assert abs(sum(one.sum() for one in came)) < 1e-12 * np.abs(came[0]).max()
        assert max(one.relative_error for one in accounts) < 1e-9
    assert np.abs(found["row"].ledger["k"].through_junctions).max() > 0
    # Only chloride passes the junctions of the driver.
    assert not found["driver"].ledger["k"].through_junctions.any()
    assert max(found[name].ledger.charge.relative_error for name in ("row", "driver")) < 1e-9


def test_a_run_goes_on_as_if_it_had_not_stopped():
    circuit = pair(*salt(), 5 * nS, ions=("k", "cl"))
    whole, half = (run(circuit, time) for time in (4 * ms, 2 * ms))
    rest = run(circuit, 2 * ms, initial=half.state)
    assert np.array_equal(rest["first"].trace("k_i")[0], whole["first"].trace("k_i")[0, 20:])


def test_ions_stay_while_cells_settle():
    found = run(pair(*salt(), 5 * nS, ions=("k", "cl")), 0.1 * ms, settle=5 * ms)
    assert float(found["first"].trace("k_i")[0, 0] / mM) == pytest.approx(12, rel=1e-3)
    # The potential has settled where both ions together carry no current.
    v = [np.asarray(found[name].trace("v"))[0, -1] for name in ("first", "second")]
    shares = found.circuit.couplings[0].ions
    wanted = RT_F * np.log(4 / 12) * (shares["k"] - shares["cl"])
    assert v[0] - v[1] == pytest.approx(wanted, rel=1e-2)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("cpp", marks=pytest.mark.slow)])
def test_a_pool_that_a_junction_empties_is_told(engine):
    tiny = cell(Potassium(1e-3 * mM), Leak(g=10 * mS / cm**2, E=-20 * mV, name="open"))
    other = cell(Potassium(1e-3 * mM), Leak(g=10 * mS / cm**2, E=-70 * mV, name="open"))
    circuit = pair(tiny, other, 100 * nS, ions={"k": 1})
    with pytest.raises(EngineError, match=r"'first'.*concentration of k inside fell to zero"):
        run(circuit, 50 * ms, dt=5 * ms, engine=engine)


@pytest.mark.parametrize(
    ("parts", "ions", "message"),
    [
        ([Potassium()], ("k", "na"), r"no pool of it moves in 'first'.*paint Sodium\(\)"),
        ([Potassium(held=True)], ("k",), r"paint Potassium\(\) there \(without held=True\)"),
        ([Potassium()], {"k": 1.2}, r"ions\['k'\] is the share.*got 1.2"),
        ([Potassium()], {"k": 0}, "above 0"),
        ([Potassium(), Chloride()], {"k": 0.7, "cl": 0.4}, "sum to 1.1"),
        ([Potassium()], 3, "ions must name those that pass"),
        ([Potassium()], {"k": "all"}, "got 'all'"),
    ],
)
def test_what_cannot_pass_is_refused(parts, ions, message):
    with pytest.raises(ParameterError, match=message):
        pair(cell(*parts), cell(*parts), ions=ions)


def test_an_ion_of_another_name_and_cells_of_two_temperatures():
    with pytest.raises(UnknownNameError, match=r"'potassium'.*known: ca, cl, k, na"):
        pair(cell(Potassium()), cell(Potassium()), ions=("potassium",))
    warm = cell(Potassium()).replace(celsius=20.0)
    with pytest.raises(ParameterError, match=r"one temperature; 'first' has 37 °C and 'second' 20"):
        pair(cell(Potassium()), warm, ions=("k",))


@pytest.mark.slow
def test_astrocytes_share_the_potassium_that_one_of_them_got():
    """Without ions through junctions its rise stays where it is."""
    glia = astrocyte().probe("k_i", at("soma"), label="inside")
    more = {"potassium.inside": [110, 99.959, 99.959] * mM}
    found = {}
    for ions in ((), ("k", "na", "cl")):
        circuit = Circuit().add("glia", glia, 3, batch=more).couple(
            "glia", "glia", conductance=200 * nS, pairs=[(0, 1), (1, 2)], ions=ions
        )  # fmt: skip
        run_ = simulate(circuit, 200 * ms, dt=1 * ms, engine="numpy", settle=0 * ms)
        found[ions] = np.asarray(run_["glia"].trace("inside") / mM)[:, -1]
    assert found[()][1] == pytest.approx(99.96, abs=0.05)
    assert found["k", "na", "cl"][1] > found[()][1] + 0.1
    assert found["k", "na", "cl"][0] < found[()][0] - 0.1
