"""Ions along a line against closed forms, their ledger, and a published astrocyte."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from brian2.units import Quantity, meter, mole, second, um, volt
from brian2.units.stdunits import mM

from neurosim.catalogue import buffering_astrocyte
from neurosim.channels import Channel, HHPotassium, Kir41, Leak, PotassiumLeak, SodiumLeak
from neurosim.channels.base import DIFFUSION
from neurosim.electrodiffusion import Electrodiffusion, MovingIon, NeuronalExchange, electrodiffuse
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.ions import (
    KCC2,
    CalciumPump,
    ElectroneutralExchanger,
    GlialPump,
    MassActionPump,
    Potassium,
)
from neurosim.ions.transporter import VALENCE
from neurosim.outside import SpaceAlong
from neurosim.quantities import quantity

SPEED = meter**2 / second
# Of the tissue, in the published astrocyte.
SHARES = {"inside": 0.4, "outside": 0.2}


def outside_alone(D=1.5e-9, **neurons):
    """Return a strip whose ions all diffuse equally fast, so that no field moves them."""
    ions = (
        MovingIon("k", 100 * mM, 3 * mM, D * SPEED),
        MovingIon("na", 15 * mM, 145 * mM, D * SPEED),
        MovingIon("cl", 5 * mM, 134 * mM, D * SPEED),
    )
    return Electrodiffusion(ions, (), NeuronalExchange(start=0 * second, **neurons))


@pytest.fixture(scope="module")
def buffered():
    """Return the published astrocyte after 400 s, in few pieces."""
    return electrodiffuse(buffering_astrocyte(), 400 * second, pieces=20, frames=41)


def test_diffusion_with_a_source_against_its_series():
    # dc/dt = D c'' + (source on the first tenth - uptake c): a cosine series in closed form.
    strip = outside_alone()
    found = electrodiffuse(strip, 60 * second, pieces=100, frames=31)
    x, L, b = found.places_m, 3e-4, 3e-5
    per, D = 8e6 / 0.2, 1.5e-9 / 1.6**2
    n = np.arange(1, 400)
    kappa = D * (n * np.pi / L) ** 2 + per * 2.9e-8
    source = per * 5.5e-7 * 2 * np.sin(n * np.pi * b / L) / (n * np.pi)
    for time in (6.0, 30.0, 60.0):
        frame = found.frame(time * second)
        mean = per * 5.5e-7 * b / L * -np.expm1(-per * 2.9e-8 * time) / (per * 2.9e-8)
        series = source * -np.expm1(-kappa * time) / kappa
        expected = mean + np.cos(np.outer(x, n) * np.pi / L) @ series
        rise = np.asarray(found.concentration("k", "outside"))[frame] - 3
        assert np.abs(rise - expected).max() < 0.005 * expected.max()


def test_two_ions_that_change_places_have_one_diffusion_coefficient():
    # Where potassium takes the place of sodium and nothing else moves, charge stays balanced only
    # if both go at one speed: (c_k + c_na) D_k D_na / (c_k D_k + c_na D_na).
    D_k, D_na = 1.96e-9, 1.33e-9
    ions = (
        MovingIon("k", 100 * mM, 75 * mM, D_k * SPEED),
        MovingIon("na", 15 * mM, 75 * mM, D_na * SPEED),
    )
    weak = NeuronalExchange(start=0 * second, flux=1e-9 * mole / meter**2 / second)
    found = electrodiffuse(Electrodiffusion(ions, (), weak), 20 * second, pieces=60, frames=11)
    mixed = 150 * D_k * D_na / (75 * D_k + 75 * D_na)
    same = outside_alone(mixed, flux=1e-9 * mole / meter**2 / second)
    alone = electrodiffuse(same, 20 * second, pieces=60, frames=11)
    rise = np.asarray(found.concentration("k", "outside"))[-1] - 75
    expected = np.asarray(alone.concentration("k", "outside"))[-1] - 3
    assert np.abs(rise - expected).max() < 0.005 * expected.max()
    # Without the field, potassium would run away faster: the test can tell.
    free = electrodiffuse(
        outside_alone(D_k, flux=1e-9 * mole / meter**2 / second), 20 * second, pieces=60, frames=2
    )
    without = np.asarray(free.concentration("k", "outside"))[-1] - 3
    assert np.abs(without - expected).max() > 0.05 * expected.max()


def test_particles_and_charge_are_kept(buffered):
    ledger = buffered.ledger()
    assert set(ledger) == {
        (ion, side) for ion in ("k", "na", "cl") for side in ("inside", "outside")
    }
    assert max(entry.error for entry in ledger.values()) < 1e-9
    assert np.abs(buffered.net_charge()).max() < 1e-9
    # What leaves one side enters the other, by the concentrations alone; and neurons give potassium
    # for sodium.
    for ion in ("k", "na", "cl"):
        found = {side: np.asarray(buffered.concentration(ion, side)) for side in SHARES}
        gained = {
            side: share * 3e-4 * (found[side][-1] - found[side][0]).mean()
            for side, share in SHARES.items()
        }
        through = float(ledger[ion, "inside"].membrane)
        given = float(ledger[ion, "outside"].neurons)
        assert through == pytest.approx(gained["inside"], rel=1e-9)
        assert given == pytest.approx(sum(gained.values()), rel=1e-9, abs=1e-9 * abs(through))
    released = float(ledger["k", "outside"].neurons)
    assert released > 0
    assert released == pytest.approx(-float(ledger["na", "outside"].neurons), rel=1e-9)


@pytest.mark.slow
def test_an_astrocyte_carries_potassium_away(buffered):
    # Halnes et al. (2013): 10.65 mM at 400 s with the astrocyte, 16.21 mM without; within 3 %.
    with_it = float(buffered.concentration("k", "outside")[-1, 0] / mM)
    alone = electrodiffuse(buffering_astrocyte(present=False), 400 * second, pieces=50, frames=2)
    without = float(alone.concentration("k", "outside")[-1, 0] / mM)
    assert with_it == pytest.approx(10.65, rel=0.03)
    assert without == pytest.approx(16.21, rel=0.03)
    v = np.asarray(buffered.v)[-1] * 1000
    assert v[0] > -60
    assert v[-1] < -80


@pytest.mark.slow
def test_the_published_astrocyte_in_fine_pieces():
    fine = electrodiffuse(buffering_astrocyte(), 600 * second, pieces=100, frames=7)
    k = np.asarray(fine.concentration("k", "outside"))
    assert k[fine.frame(400 * second), 0] == pytest.approx(10.65, rel=0.002)
    # 200 s after the neurons fell silent it is back within 3 % of the start.
    assert k[-1, 0] == pytest.approx(3.082, rel=0.03)
    assert max(entry.error for entry in fine.ledger().values()) < 1e-9


def test_kir41_against_its_equation():
    v, k_o, e = -0.075, 6.0, -0.072
    out = (1 + np.exp(18.5 / 42.4)) / (1 + np.exp((1e3 * (v - e) + 18.5) / 42.4))
    low = (1 + np.exp(-(118.6 - 89.38) / 44.1)) / (1 + np.exp(-(118.6 + 1e3 * v) / 44.1))
    expected = 16.96 * np.sqrt(k_o / 3.082) * out * low * (e - v)
    part = Kir41(E=e * volt)
    found = part.density(v * volt, k_o=k_o * mM)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_what_a_strip_refuses():
    ions = (MovingIon("k", 100 * mM, 3 * mM), MovingIon("cl", 5 * mM, 130 * mM))
    for parts, error, message in (
        ((HHPotassium(),), ParameterError, r"has gates \(n\)"),
        ((Leak(),), ParameterError, "names no ion that its current carries"),
        ((GlialPump(),), UnknownNameError, "'glial_pump' needs 'na'"),
        ((3,), ParameterError, "takes channels and transporters"),
    ):
        with pytest.raises(error, match=message):
            Electrodiffusion(ions, parts)
    Electrodiffusion(ions, (KCC2(), PotassiumLeak()))
    with pytest.raises(ParameterError, match="'k' is given 2 times"):
        Electrodiffusion((*ions, ions[0]))
    with pytest.raises(UnknownNameError, match="exchange 'na'"):
        Electrodiffusion(ions, (), NeuronalExchange())
    with pytest.raises(UnknownNameError, match="ion 'mg'"):
        MovingIon("mg", 1 * mM, 1 * mM)
    with pytest.raises(ParameterError, match="same valence"):
        NeuronalExchange(take="cl")
    with pytest.raises(ParameterError, match="more than the whole tissue"):
        Electrodiffusion(ions, inside_share=0.9)
    with pytest.raises(ParameterError, match="duration must be"):
        electrodiffuse(Electrodiffusion(ions), 0 * second)


def test_a_concentration_that_falls_to_zero_is_told():
    # Neurons take up more sodium than the space holds.
    greedy = outside_alone(flux=2e-5 * mole / meter**2 / second, beside=300 * um)
    with pytest.raises(ParameterError, match=r"na outside fell to zero at .* s, .* µm from"):
        electrodiffuse(greedy, 300 * second, pieces=10, frames=20)


SALT = (MovingIon("k", 100 * mM, 3 * mM), MovingIon("cl", 5 * mM, 130 * mM))
FOUR = (*SALT, MovingIon("na", 10 * mM, 145 * mM), MovingIon("ca", 1e-4 * mM, 2 * mM))


@pytest.mark.parametrize("part", [CalciumPump(), ElectroneutralExchanger(), MassActionPump()])
def test_charge_on_ions_that_do_not_move_is_refused(part):
    with pytest.raises(ParameterError, match=rf"'{part.name}' moves a charge of \d in a cycle"):
        Electrodiffusion(FOUR, (part,))


def test_a_fixed_reversal_is_refused():
    with pytest.raises(ParameterError, match=r"'potassium_leak' has reversal='fixed'"):
        Electrodiffusion(SALT, (PotassiumLeak(reversal="fixed"),))


@dataclass(frozen=True, eq=False, repr=False)
class Permeable(Channel):
    """Potassium by its permeability, with a field for what is outside."""

    P: Quantity = quantity(1e-8 * meter / second, "permeability", at_least=0 * meter / second)
    k_o: Quantity = quantity(50 * mM, "potassium outside", above=0 * mM)

    current = "P*F*k_o"
    ion = "k"
    strength = "P"


def test_what_moves_outside_takes_the_place_of_a_field():
    found = electrodiffuse(Electrodiffusion(SALT, (Permeable(),)), 1e-3 * second, pieces=2)
    entered = found.entered("k")[-1] / (3e-4 * 8e6 * 1e-3)
    assert entered == pytest.approx(1e-8 * 3, rel=0.01)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ions": SodiumLeak()}, "ions must be a tuple"),
        ({"ions": MovingIon("k", 140 * mM, 3 * mM)}, "ions must be a tuple"),
        ({"ions": SALT, "parts": PotassiumLeak()}, "parts must be a tuple"),
        ({"ions": ("k", "na")}, "ions takes MovingIon"),
        ({"ions": (Potassium(),)}, "ions takes MovingIon"),
        ({"ions": SALT, "neurons": "x"}, "neurons must be a NeuronalExchange"),
    ],
)
def test_what_is_no_ion_part_or_exchange_is_told(given, message):
    with pytest.raises(ParameterError, match=message):
        Electrodiffusion(**given)


def test_names_of_ions_are_told():
    with pytest.raises(UnknownNameError, match=r"MovingIon: ion \['na'\]"):
        MovingIon(["na"], 1 * mM, 1 * mM)
    with pytest.raises(ParameterError, match="strip must be an Electrodiffusion"):
        electrodiffuse(SALT, 1 * second)
    found = electrodiffuse(Electrodiffusion(SALT), 1 * second, pieces=2, frames=3)
    for read in (found.entered, found.released, lambda ion: found.gained(ion, "inside")):
        with pytest.raises(UnknownNameError, match="ion 'ca'"):
            read("ca")
    assert repr(found) == "Electrodiffused(k, cl, 1. s, 3 frames, 2 pieces)"


def test_one_piece_does_what_several_alike_do():
    strip = Electrodiffusion(SALT, (PotassiumLeak(),))
    one, two = (electrodiffuse(strip, 1 * second, pieces=n, frames=3) for n in (1, 2))
    assert np.ptp(np.asarray(one.v)) > 1e-3
    np.testing.assert_allclose(np.asarray(one.v), np.asarray(two.v)[:, :1], atol=1e-8)


def test_concentrations_must_be_given_and_diffusion_is_that_of_the_ion():
    for given, missing in (
        (("k",), r"inside and outside of 'k'.*MovingIon\('k', 140\*mM, 3.5\*mM\)"),
        (("ca", 1e-4 * mM), r"outside of 'ca'.*MovingIon\('ca', 0.0001\*mM, 2\*mM\)"),
        ((), r"ion ''.*na"),
    ):
        with pytest.raises(ParameterError, match=missing):
            MovingIon(*given)
    for ion in VALENCE:
        D = MovingIon(ion, 1 * mM, 1 * mM).D
        assert getattr(SpaceAlong(k_o=3 * mM), f"D_{ion}") == D
        assert DIFFUSION[ion] == D
    assert MovingIon("k", 1 * mM, 1 * mM, 1e-9 * SPEED).D == 1e-9 * SPEED
    assert "inside such as 10. mM" in MovingIon.describe()
    with pytest.raises(
        ParameterError, match=r"Electrodiffusion: ions is empty.*MovingIon\('k', 140"
    ):
        Electrodiffusion(())


def test_a_concentration_that_falls_to_zero_between_frames_is_told():
    # Neurons take sodium for potassium; nothing diffuses, so that dk/dt = per (flux - uptake k).
    ions = (
        MovingIon("k", 100 * mM, 3 * mM, 0 * SPEED),
        MovingIon("na", 15 * mM, 1 * mM, 0 * SPEED),
    )
    strip = Electrodiffusion(ions, (), NeuronalExchange(start=0 * second))
    per, flux, uptake = 8e6 / 0.2, 5.5e-7, 2.9e-8
    expected = -np.log(1 - uptake / flux) / (per * uptake)
    with pytest.raises(ParameterError, match="na outside fell to zero at") as told:
        electrodiffuse(strip, 60 * second, pieces=10, frames=2)
    said = float(str(told.value).split(" zero at ")[1].split(" s,")[0])
    assert said == pytest.approx(expected, rel=1e-3)
