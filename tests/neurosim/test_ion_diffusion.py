"""Pools that diffuse: along cables and trees, and between shells; against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import cm, mS, ms, mV, nA, uA, um
from brian2.units.stdunits import mM
from scipy.special import j1, jn_zeros

from neurosim import Constant, Course, Neuron, simulate
from neurosim.channels import CalciumPool, HHSodium, Leak, SodiumLeak
from neurosim.channels.base import DIFFUSION
from neurosim.dynamics import ion_balance, ion_rest
from neurosim.electrodiffusion import MovingIon
from neurosim.errors import ParameterError, UnitError
from neurosim.ions import Calcium, Chloride, Ion, Potassium, Sodium, SodiumPump
from neurosim.morphology import PerBranch, branch, cone, cylinder, distance, everywhere, tree
from neurosim.outside import SpaceAlong

D = 0.6 * um**2 / ms
D_SI = 0.6e-9


def cable(n: int, inside: np.ndarray, *, length: float = 100) -> Neuron:
    """A sealed cylinder in which sodium diffuses from a profile over its compartments."""
    cell = Neuron(cylinder(length * um, 2 * um), PerBranch(n), rest=-65 * mV)
    cell = cell.paint(Sodium(diffusion=D), values={"inside": inside * mM}).paint(Leak())
    return cell.probe("na_i", everywhere)


def profile(run, name: str = "na_i", sample: int = -1) -> np.ndarray:
    """Concentrations along the compartments at a sample, shape (compartments, cells)."""
    traces = run.traces_si
    if name in traces:
        return traces[name][:, sample][np.newaxis]
    found = [
        traces[f"{name}[{k}]"][:, sample] for k in range(len(traces)) if f"{name}[{k}]" in traces
    ]
    return np.array(found)


def pulse_series(n: int, time: float, length: float = 100e-6) -> np.ndarray:
    """Mean over each compartment of a pulse that filled the first tenth at time 0.

    Carslaw and Jaeger (1959), Conduction of Heat in Solids, section 3.4: with both ends sealed,
    c = w + (2/pi) sum sin(k pi w)/k cos(k pi x/L) exp(-D (k pi/L)^2 t), w the share filled.
    """
    k = np.arange(1, 400)[:, np.newaxis]
    edges = np.linspace(0, 1, n + 1)
    cosine = np.diff(np.sin(k * np.pi * edges), axis=1) * n / (k * np.pi)
    decay = np.exp(-D_SI * (k * np.pi / length) ** 2 * time)
    return 0.1 + np.sum(2 / (np.pi * k) * np.sin(k * np.pi * 0.1) * cosine * decay, axis=0)


def test_a_pulse_in_a_sealed_cable_is_the_series_solution():
    n = 100
    start = 10 + 40.0 * (np.arange(n) < n // 10)
    run = simulate(cable(n, start), 200 * ms, dt=0.5 * ms, record_dt=50 * ms, engine="numpy")
    for sample, time in ((1, 0.1), (3, 0.2)):
        found, expected = profile(run, sample=sample)[:, 0] - 10, 40 * pulse_series(n, time)
        assert found == pytest.approx(expected, abs=0.005 * expected.max())
    # What is lost at one place arrives at others.
    moved = run.ledger["na"].diffused
    assert np.abs(moved.sum()) < 1e-12 * np.abs(moved).max()
    assert run.ledger["na"].relative_error < 1e-9


def test_the_error_falls_with_the_square_of_the_compartment():
    errors = []
    for n in (5, 10, 20):
        x = (np.arange(n) + 0.5) / n
        start = 10 + 5 * np.cos(np.pi * x)
        run = simulate(cable(n, start), 100 * ms, dt=0.5 * ms, record_dt=100 * ms, engine="numpy")
        now = 2 * np.mean((profile(run)[:, 0] - 10) * np.cos(np.pi * x))
        # Of the scheme in time, backward Euler, the decay is known.
        decay = (1 + 0.5e-3 * D_SI * (np.pi / 100e-6) ** 2) ** -200
        errors.append(abs(now / 5 / decay - 1))
    assert errors[0] < 0.005
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2, abs=0.1)


def test_branches_that_add_up_to_the_parent_are_one_cable():
    # Two branches of half its cross-section go on from the first: the slowest mode of one cable.
    errors = []
    for n in (3, 6, 12):
        thin = 2 / np.sqrt(2)
        shape = cylinder(50 * um, 2 * um, name="first")
        for name in ("second", "third"):
            shape = shape.join(cylinder(50 * um, thin * um, name=name), "first")
        x = (np.arange(n) + 0.5) / n / 2
        mode = np.cos(np.pi * np.concatenate([x, x + 0.5, x + 0.5]))
        cell = Neuron(shape, PerBranch(n), rest=-65 * mV).paint(Leak())
        cell = cell.paint(Sodium(diffusion=D), values={"inside": (10 + 5 * mode) * mM})
        cell = cell.probe("na_i", everywhere)
        run = simulate(cell, 100 * ms, dt=0.5 * ms, record_dt=100 * ms, engine="numpy")
        volume = cell.compartments.volume_m3
        now = 2 * np.sum(volume * (profile(run)[:, 0] - 10) * mode) / volume.sum()
        errors.append(abs(now / 5 * (1 + 0.5e-3 * D_SI * (np.pi / 100e-6) ** 2) ** 200 - 1))
    assert errors[0] < 0.005
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2, abs=0.1)


def test_the_error_falls_with_the_step():
    n, x = 10, (np.arange(10) + 0.5) / 10
    rate = D_SI * (2 * n / 100e-6) ** 2 * np.sin(np.pi / (2 * n)) ** 2
    errors = []
    for dt in (4, 2, 1):
        cell = cable(n, 10 + 5 * np.cos(np.pi * x))
        run = simulate(cell, 200 * ms, dt=dt * ms, record_dt=200 * ms, engine="numpy")
        now = 2 * np.mean((profile(run)[:, 0] - 10) * np.cos(np.pi * x))
        errors.append(abs(now / 5 / np.exp(-rate * 0.2) - 1))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.05)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(1, abs=0.05)


def slowest_mode(shells, dt_ms, record_ms):
    """Run the slowest mode of diffusion in a sealed cylinder of 2 um for 1 ms.

    It is J0(z r/R), z the first zero of J1, and decays with exp(-D z^2 t/R^2); Crank (1975), The
    Mathematics of Diffusion, section 5.3. Returned are the run, the names of the shells, their
    edges, the mode in each shell, and D z^2/R^2 (per ms).
    """
    radius, zero = 2.0, float(jn_zeros(1, 1)[0])
    cell = Neuron(cylinder(50 * um, 2 * radius * um), PerBranch(1), rest=-65 * mV)
    cell = cell.paint(Calcium(1 * mM, shells=shells, diffusion=0.2 * um**2 / ms)).paint(Leak())
    names = ["ca_i", *(f"ca_i_{k}" for k in range(2, shells + 1))]
    for name in names:
        cell = cell.probe(name, everywhere)
    edges = np.linspace(radius, 0, shells + 1)
    mode = np.diff(edges * radius / zero * j1(zero * edges / radius)) / np.diff(edges**2 / 2)
    starts = {name: (1 + 0.5 * x) * mM for name, x in zip(names, mode, strict=True)}
    times = {"dt": dt_ms * ms, "record_dt": record_ms * ms}
    run = simulate(cell, 1 * ms, initial=starts, engine="numpy", **times)
    return run, names, edges, mode, 0.2 * zero**2 / radius**2


def test_shells_are_the_bessel_series():
    run, names, _, mode, rate = slowest_mode(30, 0.005, 0.25)
    for sample in range(4):
        time = run.trace_time_s[sample] * 1e3
        expected = 0.5 * mode * np.exp(-rate * time)
        found = np.array([run.traces_si[name][0, sample] for name in names]) - 1
        assert found == pytest.approx(expected, abs=0.005 * expected.max())
    assert run.ledger["ca"].relative_error < 1e-9


@pytest.mark.parametrize("shells", [8, [0.1, 0.2, 0.2, 0.5] * um])
def test_a_steady_current_makes_a_parabola_in_shells(shells):
    # Whatever the thickness of the shells: c = a + b r^2 with 2 D b R the flux into the cell, and
    # 2/R of the flux as the rate at which all shells rise. Its mean in a shell from r to s is
    # a + b (r^2 + s^2)/2.
    pool = Sodium(1 * mM, shells=shells, diffusion=0.2 * um**2 / ms)
    cell = Neuron(cylinder(50 * um, 3 * um), PerBranch(1), rest=-65 * mV)
    cell = cell.paint(
        [pool, SodiumLeak(g=5 * mS / cm**2, reversal="fixed"), Leak(g=5 * mS / cm**2)]
    )
    names = ["na_i", *(f"na_i_{k}" for k in range(2, pool.shell_count + 1))]
    for name in [*names, "i_na"]:
        cell = cell.probe(name, everywhere)
    run = simulate(cell, 12 * ms, dt=0.04 * ms, record_dt=4 * ms, engine="numpy")
    flux = float(run.traces_si["i_na"][0, -1]) / 96485.33212
    edges = pool.shell_edges(np.array([1.5e-6]))[:, 0]
    parabola = flux / (2 * 0.2e-9 * 1.5e-6) * (edges[:-1] ** 2 + edges[1:] ** 2) / 2
    found = np.array([run.traces_si[name][0, -1] for name in names])
    assert found[0] - found[-1] > 0.05
    assert found - found[-1] == pytest.approx(parabola - parabola[-1], rel=1e-3, abs=1e-6)


def test_the_error_falls_with_the_square_of_the_thickness_of_shells():
    # Of the scheme in time, backward Euler, the decay is known.
    dt, errors = 0.01, []
    for shells in (8, 16, 32):
        run, names, edges, mode, rate = slowest_mode(shells, dt, 1)
        found = np.array([run.traces_si[name][0, -1] for name in names]) - 1
        decay = (1 + rate * dt) ** -(1 / dt)
        volume = edges[:-1] ** 2 - edges[1:] ** 2
        left = np.sum(volume * mode * found) / np.sum(volume * mode**2) / 0.5
        errors.append(abs(left / decay - 1))
    assert errors[0] < 0.02
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2, abs=0.1)


def branched() -> Neuron:
    """A tree of unequal branches with a taper, on which sodium in shells and potassium diffuse."""
    shape = cone(60 * um, 4 * um, 2 * um)
    for name, diameter, where in (("b", 1.5, 1.0), ("c", 1.0, 1.0), ("d", 0.8, 0.5)):
        child = cone(50 * um, diameter * um, 0.5 * diameter * um, name=name)
        shape = shape.join(child, shape.names[0], at=where)
    cell = Neuron(shape, PerBranch(4), rest=-65 * mV)
    active = [HHSodium(), Leak(), SodiumPump(I_max=5 * uA / cm**2)]
    sodium = Sodium(shells=3, diffusion=D, free=0.5)
    start = np.linspace(5, 20, len(cell.compartments)) * mM
    cell = cell.paint(sodium, values={"inside": start})
    cell = cell.paint(Potassium(75 * mM, 3.5 * mM, diffusion=1 * um**2 / ms))
    cell = cell.paint(active, distance(below=80 * um)).paint(SodiumLeak(g=2 * mS / cm**2))
    for name in ("na_i", "na_i_3", "k_i", "E_na", "v"):
        cell = cell.probe(name, everywhere)
    return cell


@pytest.fixture(scope="module")
def branched_runs():
    """The tree in both engines, a batch of three; and a run in two pieces.

    The closed forms above are shown of the oracle, which compiles nothing; the program is held to
    the oracle here.
    """
    cell, found = branched(), {}
    for engine in ("numpy", "cpp"):
        settings = {
            "stimulus": Constant(1 * nA), "dt": 0.02 * ms, "record_dt": 0.5 * ms, "engine": engine,
            "batch": {"sodium.diffusion": [0.1, 0.6, 2] * um**2 / ms, "sodium.free": [1, 0.5, 0.2]},
        }  # fmt: skip
        whole = simulate(cell, 4 * ms, **settings)
        half = simulate(cell, 2 * ms, **settings)
        rest = simulate(cell, 2 * ms, initial=half.state, **settings)
        found[engine] = whole, rest
    # Twenty rows, so that there is more than one block for two threads.
    many = {"sodium.diffusion": np.linspace(0.1, 2, 20) * um**2 / ms}
    for jobs in (1, 2):
        found[jobs] = simulate(cell, 1 * ms, jobs=jobs, **{**settings, "batch": many}), None
    return found


@pytest.mark.slow
def test_two_engines_agree_about_a_branched_cell(branched_runs):
    oracle, program = branched_runs["numpy"][0], branched_runs["cpp"][0]
    assert np.ptp(profile(program)[:, 1]) > 0.05
    for name, values in oracle.traces_si.items():
        assert values == pytest.approx(program.traces_si[name], rel=1e-9)
    for name, values in branched_runs[1][0].traces_si.items():
        assert np.array_equal(values, branched_runs[2][0].traces_si[name])


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "cpp"])
def test_particles_are_kept_on_a_branched_cell(branched_runs, engine):
    run = branched_runs[engine][0]
    for ion in ("na", "k"):
        account = run.ledger[ion]
        # In each compartment, and in all of them together, where diffusion moves nothing.
        assert np.abs(account.inside_error).max() < 1e-9 * account.largest_moved
        assert np.abs(account.diffused.sum(axis=0)).max() < 1e-12 * np.abs(account.diffused).max()
        gained = (account.inside_end - account.inside_start).sum(axis=0)
        assert gained == pytest.approx(account.entered.sum(axis=0), rel=1e-9)
    sodium = run.ledger["na"]
    assert np.abs(sodium.diffused).max() > 0.01 * sodium.largest_moved


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "cpp"])
def test_shells_go_on_from_a_state_bit_for_bit(branched_runs, engine):
    whole, rest = branched_runs[engine]
    for name, values in whole.traces_si.items():
        assert np.array_equal(values[:, 4:], rest.traces_si[name])


def test_a_tree_comes_to_one_concentration_whatever_the_step():
    # With a step far longer than any time of diffusion.
    cell = Neuron(tree(3, 20 * um, 3 * um), PerBranch(3), rest=-65 * mV)
    start = np.linspace(5, 30, len(cell.compartments))
    pool = Sodium(diffusion=2 * um**2 / ms, shells=3)
    cell = cell.paint(pool, values={"inside": start * mM}).paint(Leak()).probe("na_i", everywhere)
    run = simulate(cell, 40_000 * ms, dt=500 * ms, record_dt=500 * ms, engine="numpy")
    volume = cell.compartments.volume_m3
    mean = float(start @ volume / volume.sum())
    assert profile(run)[:, 0] == pytest.approx(np.full(len(start), mean), rel=1e-9)
    every = np.array([profile(run, sample=k) for k in range(4)])
    assert every.min() >= 5
    assert every.max() <= 30


def test_unlike_cylinders_exchange_by_their_halves_in_line():
    # Two compartments of unlike radius: one link k = D / (half length / area of each, in sum).
    shape = cylinder(20 * um, 4 * um).join(cylinder(10 * um, 1 * um, name="thin"))
    cell = Neuron(shape, PerBranch(1), rest=-65 * mV)
    cell = cell.paint(Sodium(diffusion=D), values={"inside": np.array([20, 10]) * mM})
    cell = cell.paint(Leak()).probe("na_i", everywhere)
    run = simulate(cell, 50 * ms, dt=0.2 * ms, record_dt=10 * ms, engine="numpy")
    areas, lengths = np.pi * np.array([2, 0.5]) ** 2, np.array([20.0, 10.0])
    volumes = areas * lengths
    link = 0.6 / np.sum(lengths / 2 / areas)
    rate = link * np.sum(1 / volumes)
    steps = (1 + 0.2 * rate) ** -(run.trace_time_s * 1e3 / 0.2)
    difference = run.traces_si["na_i[0]"][0] - run.traces_si["na_i[1]"][0]
    assert difference == pytest.approx(10 * steps, rel=1e-6)


def test_what_does_not_hold_the_ion_is_passed_by():
    # Three branches at one point, of which the parent has no pool: the children exchange.
    cell = Neuron(tree(2, 40 * um, 2 * um), PerBranch(2), rest=-65 * mV).paint(Leak())
    names = cell.compartments.branch_names
    for name, start, label in zip(names[1:], (20, 10), ("one", "two"), strict=True):
        pool = Sodium(start * mM, diffusion=D)
        cell = cell.paint(pool, branch(name), label=label)
    for name, label in zip(names[1:], ("one", "two"), strict=True):
        cell = cell.probe("na_i", branch(name), label=label)
    run = simulate(cell, 15_000 * ms, dt=50 * ms, record_dt=5000 * ms, engine="numpy")
    ends = np.array([values[0, -1] for values in run.traces_si.values()])
    assert ends == pytest.approx(np.full(4, 15.0), rel=1e-6)
    assert run.ledger["na"].relative_error < 1e-9


def test_a_calcium_pool_spreads_along_its_shell():
    # A pool that is emptied with the time constant tau has the same sum of modes, each of which is
    # lost by exp(-t/tau) besides; buffers slow the diffusion to the share that is free.
    n = 20
    x = (np.arange(n) + 0.5) / n
    pool = CalciumPool(tau=50 * ms, free=0.5, depth=0.2 * um, rest=0 * mM, diffusion=D)
    cell = Neuron(cylinder(30 * um, 2 * um), PerBranch(n), rest=-65 * mV).paint([pool, Leak()])
    cell = cell.probe("ca_i", everywhere)
    start = (1 + 0.5 * np.cos(np.pi * x)) * 1e-3
    at_rest = simulate(cell, 0.1 * ms, dt=0.1 * ms, engine="numpy")
    arrays = {**at_rest.state.arrays, "ca_i": start[:, np.newaxis]}
    run = simulate(
        cell, 20 * ms, dt=0.1 * ms, record_dt=20 * ms, engine="numpy",
        initial=replace(at_rest.state, arrays=arrays),
    )  # fmt: skip
    rate = 0.5 * D_SI * (2 * n / 30e-6) ** 2 * np.sin(np.pi / (2 * n)) ** 2
    # The sample at 20 ms, 199 steps after the state.
    mode = np.cos(np.pi * x) * (1 + 1e-4 * rate) ** -199
    expected = np.exp(-19.9 / 50) * (1e-3 + 0.5e-3 * mode)
    assert profile(run, "ca_i")[:, 0] == pytest.approx(expected, rel=1e-6)


def test_rest_counts_what_diffuses():
    # Sodium leaks in at one end and is pumped out along the cell: at rest it flows along.
    near = distance(below=50 * um)
    pool = Sodium(10 * mM, shells=3, diffusion=D)
    cell = Neuron(cylinder(200 * um, 2 * um), PerBranch(4), rest=-65 * mV)
    cell = cell.paint([pool, Potassium(75 * mM, 3.5 * mM, held=True), Leak()])
    cell = cell.paint(SodiumPump(I_max=5 * uA / cm**2)).paint(SodiumLeak(), near)
    rest = ion_rest(cell)
    # What diffuses is one of the currents that balance.
    balance = ion_balance(rest.neuron)
    assert balance.unbalanced == ()
    assert float(np.abs(np.asarray(balance.by_part["na"]["diffused"])).max()) > 1e-4
    start = np.asarray(rest.concentrations["na_i"])
    assert start[0] - start[3] > 0.1
    assert start[0] > np.asarray(rest.concentrations["na_i_3"])[0] > start[1]
    probed = rest.neuron.probe("na_i", everywhere)
    run = simulate(probed, 100 * ms, dt=0.5 * ms, record_dt=100 * ms, engine="numpy")
    assert profile(run)[:, 0] == pytest.approx(start, rel=1e-8)


def test_an_ion_that_nothing_carries_is_at_rest_where_it_is_even():
    cell = Neuron(cylinder(100 * um, 2 * um), PerBranch(2), rest=-65 * mV)
    cell = cell.paint([Sodium(10 * mM), Potassium(75 * mM, 3.5 * mM, held=True), Leak()])
    cell = cell.paint([SodiumPump(I_max=5 * uA / cm**2), SodiumLeak(g=0.01 * mS / cm**2)])
    plain = ion_rest(cell)
    rest = ion_rest(cell.paint(Chloride(7 * mM, diffusion=D)))
    assert float(rest.v[0]) == pytest.approx(float(plain.v[0]), rel=1e-9)
    assert np.asarray(rest.concentrations["cl_i"]) == pytest.approx(7, rel=1e-12)
    uneven = cell.paint(Chloride(diffusion=D), values={"inside": [5, 9] * mM})
    with pytest.raises(ParameterError, match="do not decide where the neuron rests"):
        ion_rest(uneven)


def test_one_table_of_coefficients():
    for ion, coefficient in DIFFUSION.items():
        assert getattr(SpaceAlong(k_o=3 * mM), f"D_{ion}") == coefficient
        assert coefficient == MovingIon(ion, 1 * mM, 2 * mM).D
    parts: tuple[type[Ion], ...] = (Sodium, Potassium, Calcium, Chloride)
    assert [part().D_water for part in parts] == list(DIFFUSION.values())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Sodium(diffusion=-1 * um**2 / ms), "Sodium: diffusion must be at least 0"),
        (lambda: CalciumPool(diffusion=-1 * um**2 / ms), "diffusion must be at least 0"),
        (lambda: Calcium(shells=0, diffusion=D), "shells must be a whole number of at least 1"),
        (lambda: Calcium(shells=2.5, diffusion=D), "shells must be a whole number"),
        (lambda: Calcium(shells=True, diffusion=D), "shells must be a whole number"),
        (lambda: Calcium(shells=[0, 0.1] * um, diffusion=D), "shells must be greater than 0"),
        (lambda: Calcium(shells=[0.1] * ms, diffusion=D), "shells must have the unit of"),
        (lambda: Calcium(shells=4), r"Calcium: shells without diffusion.*0\.71\*um"),
        (lambda: Calcium(shells=4, diffusion=D, held=True), "shells has no effect.*held"),
        (lambda: Calcium(diffusion=D, held=True), "diffusion has no effect.*held"),
        (lambda: Calcium(shells=4, diffusion=D, depth=0.1 * um), "depth .* or shells"),
    ],
)
def test_what_no_pool_can_be_is_refused_by_name(make, told):
    with pytest.raises((ParameterError, UnitError), match=told):
        make()


@pytest.mark.parametrize(
    ("parts", "settings", "told"),
    [
        ([Calcium(shells=[0.5, 0.6] * um, diffusion=D)], {}, r"calcium: shells of 1\.1 um .* 1 um"),
        ([Calcium(shells=[1] * um, diffusion=D)], {}, "not thinner than the radius of 1 um"),
        ([Calcium(depth=2 * um, diffusion=D)], {}, "a shell 2 um deep holds more than the whole"),
        (
            [CalciumPool(depth=2 * um, diffusion=D)],
            {},
            "a shell 2 um deep holds more than the whole",
        ),
        (
            [Sodium(held=True)],
            {"batch": {"sodium.diffusion": [0, 1] * um**2 / ms}},
            "diffusion has no effect where the concentration inside is held",
        ),
        (
            [Sodium(diffusion=D)],
            {"batch": {"sodium.diffusion": [-1, 1] * um**2 / ms}},
            "diffusion must be at least 0",
        ),
        (
            [Sodium(diffusion=D)],
            {"courses": {"sodium.diffusion": Course([0, 1] * ms, [0.1, 1] * um**2 / ms)}},
            "sodium.diffusion cannot follow a course",
        ),
    ],
)
def test_what_a_cell_cannot_have_is_refused_by_name(parts, settings, told):
    cell = Neuron(cylinder(20 * um, 2 * um), PerBranch(2), rest=-65 * mV).paint([Leak(), *parts])
    with pytest.raises(ParameterError, match=told):
        simulate(cell, 1 * ms, engine="numpy", **settings)


def test_regions_with_unlike_shells_are_refused():
    half = distance(below=50 * um)
    cell = Neuron(cylinder(100 * um, 2 * um), PerBranch(2), rest=-65 * mV).paint(Leak())
    cell = cell.paint(Calcium(shells=4, diffusion=D), half)
    cell = cell.paint(Calcium(shells=6, diffusion=D), ~half, label="far")
    with pytest.raises(ParameterError, match="4 shells in one region and 6 in another"):
        simulate(cell, 1 * ms, engine="numpy")


def test_pools_of_two_kinds_of_an_ion_that_diffuses_are_refused():
    half = distance(below=50 * um)
    cell = Neuron(cylinder(100 * um, 2 * um), PerBranch(2), rest=-65 * mV).paint(Leak())
    for other in (0 * D, D):
        mixed = cell.paint(CalciumPool(diffusion=D), half).paint(Calcium(diffusion=other), ~half)
        if other == 0 * D:
            simulate(mixed, 1 * ms, engine="numpy")
            continue
        with pytest.raises(ParameterError, match="nothing would cross"):
            simulate(mixed, 1 * ms, engine="numpy")


def test_shells_start_where_the_outermost_is_told_to():
    cell = Neuron(cylinder(20 * um, 2 * um), PerBranch(1), rest=-65 * mV)
    cell = cell.paint([Calcium(shells=3, diffusion=D), Leak()])
    cell = cell.probe("ca_i", everywhere).probe("ca_i_3", everywhere)
    run = simulate(cell, 1 * ms, initial={"ca_i": 2 * mM}, engine="numpy")
    assert run.traces_si["ca_i_3"][0, -1] == pytest.approx(2, rel=1e-12)
    with pytest.raises(ParameterError, match="ca_i_3 is the concentration of an ion that moves"):
        simulate(cell, 1 * ms, initial={"ca_i_3": 0 * mM}, engine="numpy")


def test_the_table_of_a_part_shows_what_is_there():
    assert "diffusion" not in repr(Sodium())
    assert "shells" not in repr(Sodium())
    assert "shells=4" in repr(Calcium(shells=4, diffusion=D))
    assert Calcium(shells=4, diffusion=D) == Calcium(shells=4, diffusion=D)
    assert Calcium(shells=[0.1] * um, diffusion=D) != Calcium(shells=[0.2] * um, diffusion=D)
    assert hash(Calcium(shells=[0.1] * um, diffusion=D))
