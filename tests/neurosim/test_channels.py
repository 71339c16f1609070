"""Every channel against its published formula, written here a second time in mV and ms."""

import json

import numpy as np
import pytest
from brian2 import cm, mM, mS, ms, mV, siemens, uM, um
from brian2.units import amp, meter, metre
from brian2.units.constants import faraday_constant, gas_constant

from neurosim import HodgkinHuxley, TraubMiles, channels
from neurosim.channels import (
    BK,
    SK,
    AType,
    CalciumL,
    CalciumN,
    CalciumPool,
    CalciumT,
    Channel,
    DelayedRectifier,
    FastSodium,
    HCurrent,
    HHPotassium,
    HHSodium,
    IonPool,
    Kir41,
    Leak,
    MCurrent,
    Mechanism,
    MusclePotassium,
    MuscleSodium,
    NodeFastSodium,
    NodePersistentSodium,
    NodeSlowPotassium,
    PersistentSodium,
    TraubMilesPotassium,
    TraubMilesSodium,
    myelin,
    ranvier_node,
    spike_initiation,
    squid_axon,
)

exp = np.exp
# Brian2's own values (CODATA 2014), so that the formulas can be compared to 1e-9.
FARADAY, GAS = float(faraday_constant), float(gas_constant)
CALCIUM_mM = 0.002

ALL = [
    kind
    for kind in (getattr(channels, name) for name in channels.__all__)
    if isinstance(kind, type)
    and issubclass(kind, Mechanism)
    and kind not in (Mechanism, Channel, IonPool)
]
CHANNELS = [kind for kind in ALL if issubclass(kind, Channel)]


def rates(alpha, beta):
    """Steady state and time constant from the two rates."""
    return lambda v: (alpha(v) / (alpha(v) + beta(v)), 1 / (alpha(v) + beta(v)))


def thermal(celsius):
    """RT/F in mV."""
    return 1e3 * GAS * (celsius + 273.15) / FARADAY


def t_type_tau_h(v):
    return exp((v + 467) / 66.6) if v < -80 else 28 + exp(-(v + 22) / 10.5)


def nap_tau_m(v):
    a = 0.182 * (v + 38) / (1 - exp(-(v + 38) / 6))
    b = -0.124 * (v + 38) / (1 - exp((v + 38) / 6))
    return 6 / (a + b)


def nap_tau_h(v):
    a = -2.88e-6 * (v + 17) / (1 - exp((v + 17) / 4.63))
    b = 6.94e-6 * (v + 64.4) / (1 - exp(-(v + 64.4) / 2.63))
    return 1 / (a + b)


def mainen_tau_h(u):
    a = 0.024 * (u + 50) / (1 - exp(-(u + 50) / 5))
    b = 0.0091 * (-u - 75) / (1 - exp(-(-u - 75) / 5))
    return 1 / (a + b)


def bk_rates():
    e = thermal(20)
    return rates(
        lambda v: 0.28 * CALCIUM_mM / (CALCIUM_mM + 0.48 * exp(-2 * 0.84 * v / e)),
        lambda v: 0.48 / (1 + CALCIUM_mM / (0.13e-3 * exp(-2 * v / e))),
    )


# Steady state and time constant (ms) of each gate over the potential (mV), at the temperature of
# the source and with the default parameters.
PUBLISHED = {
    NodeFastSodium: {
        "m": rates(
            lambda v: 1.86 * (v + 21.4) / (1 - exp(-(v + 21.4) / 10.3)),
            lambda v: 0.086 * -(v + 25.7) / (1 - exp((v + 25.7) / 9.16)),
        ),
        "h": rates(
            lambda v: 0.062 * -(v + 114) / (1 - exp((v + 114) / 11)),
            lambda v: 2.3 / (1 + exp(-(v + 31.8) / 13.4)),
        ),
    },
    NodePersistentSodium: {
        "p": rates(
            lambda v: 0.01 * (v + 27) / (1 - exp(-(v + 27) / 10.2)),
            lambda v: 0.00025 * -(v + 34) / (1 - exp((v + 34) / 10)),
        )
    },
    NodeSlowPotassium: {
        "s": rates(
            lambda v: 0.3 / (1 + exp((v + 53) / -5)), lambda v: 0.03 / (1 + exp((v + 90) / -1))
        )
    },
    HHSodium: {
        "m": rates(
            lambda v: 0.1 * (v + 40) / (1 - exp(-(v + 40) / 10)), lambda v: 4 * exp(-(v + 65) / 18)
        ),
        "h": rates(lambda v: 0.07 * exp(-(v + 65) / 20), lambda v: 1 / (exp(-(v + 35) / 10) + 1)),
    },
    HHPotassium: {
        "n": rates(
            lambda v: 0.01 * (v + 55) / (1 - exp(-(v + 55) / 10)),
            lambda v: 0.125 * exp(-(v + 65) / 80),
        )
    },
    TraubMilesSodium: {
        "m": rates(
            lambda v: 0.32 * (13 - (v + 63)) / (exp((13 - (v + 63)) / 4) - 1),
            lambda v: 0.28 * ((v + 63) - 40) / (exp(((v + 63) - 40) / 5) - 1),
        ),
        "h": rates(
            lambda v: 0.128 * exp((17 - (v + 63)) / 18),
            lambda v: 4 / (1 + exp((40 - (v + 63)) / 5)),
        ),
    },
    TraubMilesPotassium: {
        "n": rates(
            lambda v: 0.032 * (15 - (v + 63)) / (exp((15 - (v + 63)) / 5) - 1),
            lambda v: 0.5 * exp((10 - (v + 63)) / 40),
        )
    },
    FastSodium: {
        "m": rates(
            lambda v: 0.182 * (v - 5 + 35) / (1 - exp(-(v - 5 + 35) / 9)),
            lambda v: 0.124 * (-(v - 5) - 35) / (1 - exp(-(-(v - 5) - 35) / 9)),
        ),
        "h": lambda v: (1 / (1 + exp((v - 5 + 65) / 6.2)), mainen_tau_h(v - 5)),
    },
    PersistentSodium: {
        "m": lambda v: (1 / (1 + exp((v + 52.6) / -4.6)), nap_tau_m(v)),
        "h": lambda v: (1 / (1 + exp((v + 48.8) / 10)), nap_tau_h(v)),
    },
    DelayedRectifier: {
        "n": rates(
            lambda v: 0.02 * (v - 25) / (1 - exp(-(v - 25) / 9)),
            lambda v: -0.002 * (v - 25) / (1 - exp((v - 25) / 9)),
        )
    },
    AType: {
        "m": lambda v: (
            1 / (1 + exp(-(v + 10) / 19)),
            0.34 + 0.92 * exp(-(((v + 10 + 71) / 59) ** 2)),
        ),
        "h": lambda v: (
            1 / (1 + exp((v + 10 + 66) / 10)),
            8 + 49 * exp(-(((v + 10 + 73) / 23) ** 2)),
        ),
    },
    MCurrent: {
        "m": rates(
            lambda v: 3.3e-3 * exp(2.5 * 0.04 * (v + 35)),
            lambda v: 3.3e-3 * exp(-2.5 * 0.04 * (v + 35)),
        )
    },
    HCurrent: {
        "m": rates(
            lambda v: 0.001 * 6.43 * (v + 154.9) / (exp((v + 154.9) / 11.9) - 1),
            lambda v: 0.001 * 193 * exp(v / 33.1),
        )
    },
    CalciumL: {
        "m": rates(
            lambda v: 0.055 * (-27 - v) / (exp((-27 - v) / 3.8) - 1),
            lambda v: 0.94 * exp((-75 - v) / 17),
        ),
        "h": rates(
            lambda v: 0.000457 * exp((-13 - v) / 50),
            lambda v: 0.0065 / (exp((-v - 15) / 28) + 1),
        ),
    },
    CalciumT: {
        "m": lambda v: (
            1 / (1 + exp(-(v + 57) / 6.2)),
            0.612 + 1 / (exp(-(v + 132) / 16.7) + exp((v + 16.8) / 18.2)),
        ),
        "h": lambda v: (1 / (1 + exp((v + 81) / 4)), t_type_tau_h(v)),
    },
    CalciumN: {
        "m": rates(
            lambda v: 0.1967 * (19.88 - v) / (exp((19.88 - v) / 10) - 1),
            lambda v: 0.046 * exp(-v / 20.73),
        ),
        "h": rates(lambda v: 1.6e-4 * exp(-v / 48.4), lambda v: 1 / (exp((-v + 39) / 10) + 1)),
    },
    SK: {"z": lambda v: (1 / (1 + (0.00043 / CALCIUM_mM) ** 4.8), 1.0)},
    BK: {"o": bk_rates()},
    MuscleSodium: {
        "m": rates(
            lambda v: 0.288 * (v + 46) / (1 - exp(-(v + 46) / 10)),
            lambda v: 1.38 * exp(-(v + 46) / 18),
        ),
        "h": rates(
            lambda v: 0.0081 * exp(-(v + 45) / 14.7), lambda v: 4.38 / (1 + exp(-(v + 45) / 9))
        ),
    },
    MusclePotassium: {
        "n": rates(
            lambda v: 0.0131 * (v + 40) / (1 - exp(-(v + 40) / 7)),
            lambda v: 0.067 * exp(-(v + 40) / 40),
        )
    },
}
# None of them the zero of a denominator.
POTENTIALS = (
    -117.3,
    -90.2,
    -80.6,
    -71.7,
    -65.0,
    -58.4,
    -51.1,
    -42.6,
    -33.3,
    -21.9,
    -7.7,
    3.1,
    41.0,
)
# Where a rate is 0/0 as published.
SINGULAR = {
    HHSodium: [-40],
    HHPotassium: [-55],
    TraubMilesSodium: [-50, -23],
    TraubMilesPotassium: [-48],
    FastSodium: [-30, -45, -70],
    PersistentSodium: [-38, -17, -64.4],
    DelayedRectifier: [25],
    HCurrent: [-154.9],
    CalciumL: [-27],
    CalciumT: [0],
    CalciumN: [19.88, 0],
    MuscleSodium: [-46],
    MusclePotassium: [-40],
    NodeFastSodium: [-21.4, -25.7, -114],
    NodePersistentSodium: [-27, -34],
}


def reads_of(kind):
    return {"ca_i": CALCIUM_mM * mM} if "ca_i" in kind.reads else {}


def test_no_gate_is_left_untested():
    gated = {kind for kind in CHANNELS if kind().states}
    assert gated == set(PUBLISHED)
    for kind, gates in PUBLISHED.items():
        assert set(gates) == set(kind().states)


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.__name__)
def test_gates_follow_the_published_formula(kind):
    gates = kind().gates(np.array(POTENTIALS) * mV, **reads_of(kind))
    for name, formula in PUBLISHED[kind].items():
        steady, tau = np.array([formula(v) for v in POTENTIALS]).T
        np.testing.assert_allclose(gates[name].steady, steady, rtol=1e-9)
        np.testing.assert_allclose(gates[name].tau / ms, tau, rtol=1e-9)


def test_the_squid_at_rest():
    """The resting gates at -65 mV as every textbook prints them."""
    sodium, potassium = HHSodium().gates(-65 * mV), HHPotassium().gates(-65 * mV)
    assert float(sodium["m"].steady) == pytest.approx(0.05293, abs=5e-6)
    assert float(sodium["h"].steady) == pytest.approx(0.59612, abs=5e-6)
    assert float(potassium["n"].steady) == pytest.approx(0.31768, abs=5e-6)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_everything_is_finite_over_the_whole_range(kind):
    """Also when calcium is gone, which a division would not survive."""
    v = np.arange(-150, 100.01, 0.1) * mV
    for calcium in (0, 1e-4, 1.0):
        given = {"ca_i": calcium * mM} if "ca_i" in kind.reads else {}
        for gate in kind().gates(v, **given).values():
            assert np.all((gate.steady >= 0) & (gate.steady <= 1))
            assert np.all(np.isfinite(gate.tau / ms))
            assert np.all(gate.tau / ms > 0)
        if issubclass(kind, Channel):
            assert np.all(np.isfinite(np.asarray(kind().density(v, **given))))


@pytest.mark.parametrize("kind", SINGULAR, ids=lambda kind: kind.__name__)
def test_removable_singularities_are_removed(kind):
    """The value there is the mean of its close neighbours."""
    for place in SINGULAR[kind]:
        v = np.array([place - 1e-4, place, place + 1e-4]) * mV
        curves = [np.asarray(kind().density(v, **reads_of(kind)))]
        for gate in kind().gates(v, **reads_of(kind)).values():
            curves += [gate.steady, np.asarray(gate.tau)]
        for curve in curves:
            assert np.isfinite(curve[1])
            np.testing.assert_allclose(curve[1], (curve[0] + curve[2]) / 2, rtol=1e-7)


@pytest.mark.parametrize(
    "kind", [kind for kind in CHANNELS if hasattr(kind(), "E")], ids=lambda kind: kind.__name__
)
def test_current_turns_around_at_the_reversal_potential(kind):
    channel = kind()
    open_states = dict.fromkeys(channel.states, 0.5)
    below, at, above = (
        float(channel.density(channel.E + step * mV, **open_states, **reads_of(kind)))
        for step in (-10, 0, 10)
    )
    assert below > 0 > above
    assert at == 0
    if kind is Kir41:
        # An inward rectifier lets more in than out, at the same distance from its reversal.
        assert below > -1.1 * above
    else:
        assert below == pytest.approx(-above)


@pytest.mark.parametrize("kind", [CalciumT, CalciumN])
@pytest.mark.parametrize("celsius", [24, 37])
def test_goldman_currents_turn_around_at_the_nernst_potential(kind, celsius):
    inside = 0.001
    nernst = thermal(celsius) / 2 * np.log(2 / inside)
    channel = kind()
    open_states = dict.fromkeys(channel.states, 0.5)
    v = (nernst + np.array([-1, 0, 1])) * mV
    density = np.asarray(channel.density(v, celsius, ca_i=inside * mM, **open_states))
    assert density[0] > 0 > density[2]
    assert abs(density[1]) < 1e-5 * density[0]


def test_goldman_current_of_the_t_channel():
    """P z^2 F^2 V/(RT) (c_i - c_o e^-u)/(1 - e^-u), outward, with all gates open."""
    for v_mV in (-90.0, -60.0, -20.0, 30.0):
        u = 2 * v_mV / thermal(24)
        outward = 1e-6 * 2 * FARADAY * u * (1e-4 - 2 * exp(-u)) / (1 - exp(-u))
        density = CalciumT().density(v_mV * mV, ca_i=1e-4 * mM, m=1.0, h=1.0)
        assert float(density) == pytest.approx(-outward, rel=1e-5)


def test_driving_force_of_the_n_channel():
    """-f (1 - (ci/co) e^nu) nu/(e^nu - 1) with f = RT/2F, as in the source, times g."""
    for v_mV in (-90.0, -20.0, 30.0):
        f = thermal(30) / 2
        nu = v_mV / f
        force = f * (1 - 0.01 / 2 * exp(nu)) * nu / (exp(nu) - 1)
        density = CalciumN(g=1 * mS / cm**2).density(v_mV * mV, ca_i=0.01 * mM, m=1.0, h=1.0)
        assert float(density) == pytest.approx(1e-2 * force * 0.001 / 0.011, rel=1e-5)


@pytest.mark.parametrize(
    "kind", [k for k in PUBLISHED if hasattr(k(), "q10")], ids=lambda kind: kind.__name__
)
def test_q10_scales_the_time_constants_and_nothing_else(kind):
    channel = kind(q10=2.7)
    v = np.array(POTENTIALS) * mV
    reference = kind.temperature_ref
    cold = channel.gates(v, reference, **reads_of(kind))
    warm = channel.gates(v, reference + 10, **reads_of(kind))
    cool = channel.gates(v, reference - 5, **reads_of(kind))
    for name in channel.states:
        # The potential acts on BK through RT/F, which is a temperature of another kind.
        if kind is BK:
            assert channel.constants(reference + 10)["phi"] == pytest.approx(2.7)
            continue
        np.testing.assert_allclose(warm[name].steady, cold[name].steady, rtol=1e-12)
        np.testing.assert_allclose(cold[name].tau / warm[name].tau, 2.7)
        np.testing.assert_allclose(cold[name].tau / cool[name].tau, 2.7**-0.5)


def test_two_q10s_scale_their_own_gates():
    v = np.array([-90, -60, -30]) * mV
    cold, warm = CalciumT().gates(v, 24), CalciumT().gates(v, 34)
    np.testing.assert_allclose(cold["m"].tau / warm["m"].tau, 5)
    np.testing.assert_allclose(cold["h"].tau / warm["h"].tau, 3)


def test_shift_moves_the_fast_sodium_channel_as_a_whole():
    v = np.linspace(-90, 30, 25)
    soma, segment = FastSodium().gates(v * mV), FastSodium(shift=-3 * mV).gates((v - 8) * mV)
    for name in ("m", "h"):
        np.testing.assert_allclose(segment[name].steady, soma[name].steady, rtol=1e-12)
        np.testing.assert_allclose(segment[name].tau, soma[name].tau, rtol=1e-12)


def test_calcium_pool_fills_and_empties():
    """After a step of current: c(t) = rest + (plateau - rest)(1 - e^(-t/tau))."""
    pool = CalciumPool(depth=0.2 * um, tau=50 * ms)
    inward = 0.02 * amp / metre**2
    plateau = 1e-4 + 0.05 * 0.02 * 0.05 / (2 * FARADAY * 0.2e-6)
    assert float(pool.plateau(inward)) == pytest.approx(plateau, rel=1e-6)
    gate = pool.gates(-65 * mV, i_ca=inward)["ca_i"]
    assert float(gate.steady) == pytest.approx(plateau, rel=1e-6)
    assert float(gate.tau / ms) == pytest.approx(50)
    assert float(pool.gates(-65 * mV)["ca_i"].steady) == pytest.approx(1e-4)


def test_sk_is_half_open_at_its_affinity_and_shut_without_calcium():
    assert float(SK().gates(-65 * mV, ca_i=0.43 * uM)["z"].steady) == pytest.approx(0.5)
    assert float(SK().gates(-65 * mV, ca_i=0 * uM)["z"].steady) == 0


class TestMembranes:
    """Ready membranes hold exactly what the acceptance problems state."""

    def densities(self, parts):
        return {part.name: float(part.g / (siemens / cm**2)) for part in parts}

    def test_ball_and_stick_soma(self, shared_targets):
        soma = json.loads((shared_targets / "ballstick.json").read_text())["params"]["soma"]
        sodium, potassium, leak = squid_axon()
        assert list(self.densities((sodium, potassium, leak)).values()) == pytest.approx(
            [soma["gNa_S_cm2"], soma["gK_S_cm2"], soma["gL_S_cm2"]]
        )
        reversals = [float(part.E / mV) for part in (sodium, potassium, leak)]
        assert reversals == pytest.approx([soma["ENa"], soma["EK"], soma["EL"]])

    def test_node_and_internode(self, shared_targets):
        params = json.loads((shared_targets / "myelin.json").read_text())["params"]
        node = params["node"]
        parts = ranvier_node()
        assert list(self.densities(parts).values()) == pytest.approx(
            [node["gNa_S_cm2"], node["gK_S_cm2"], node["gL_S_cm2"]]
        )
        assert [float(part.E / mV) for part in parts] == pytest.approx(
            [node["ENa"], node["EK"], node["EL"]]
        )
        assert parts[0].constants(18.5)["phi"] == pytest.approx(3 ** ((18.5 - 6.3) / 10))
        (leak,) = myelin()
        assert self.densities([leak])["leak"] == pytest.approx(params["internode"]["g_S_cm2"])
        assert float(leak.E / mV) == params["internode"]["e_mV"]

    def test_zones_of_spike_initiation(self, shared_targets):
        params = json.loads((shared_targets / "ais.json").read_text())["params"]
        for zone, key in (("soma", "soma"), ("initial_segment", "ais"), ("axon", "axon")):
            sodium, potassium, leak = spike_initiation(zone)
            wanted = params[key]
            assert list(self.densities((sodium, potassium, leak)).values()) == pytest.approx(
                [wanted["gna"], wanted["gk"], params["gl"]]
            )
            assert float(sodium.V_T / mV) == wanted["VT"]
            assert float(potassium.V_T / mV) == wanted["VTn"]
            reversals = [float(part.E / mV) for part in (sodium, potassium, leak)]
            assert reversals == pytest.approx([params["ena"], params["ek"], params["el"]])
            at_reference = potassium.gates(-50 * mV)["n"].tau
            w = -50 - wanted["VTn"]
            rate = 0.032 * (15 - w) / (exp((15 - w) / 5) - 1) + 0.5 * exp((10 - w) / 40)
            assert float(at_reference / ms) == pytest.approx(1 / (params["phi"] * rate))
        assert [part.name for part in spike_initiation("dendrite")] == ["leak"]


def test_leak_resistance():
    assert float(Leak(g=0.25 * mS / cm**2).resistance / (metre**2 / siemens)) == pytest.approx(0.4)
    assert float(Leak().density(-80 * mV) / (amp / meter**2)) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("neuron", "parts", "factor"),
    [
        (HodgkinHuxley, (HHSodium, HHPotassium), "phi*"),
        (TraubMiles, (TraubMilesSodium, TraubMilesPotassium), "phi*speed*"),
    ],
)
def test_a_point_neuron_and_its_channels_are_made_of_the_same_rates(neuron, parts, factor):
    of_neuron = set(neuron.equations.splitlines()[1:])
    of_parts = {
        line.replace(factor, "", 1) for part in parts for line in part.equations.split("\n")
    }
    assert of_neuron == of_parts
