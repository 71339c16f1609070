"""Cells of NeuroML 2: what comes in, what is refused, and what a neuron is after going out."""

import re
import time
import warnings

import numpy as np
import pytest
from brian2 import cm, ms, mV, nA, ohm, uF, um
from brian2.units.stdunits import mM

from neurosim import Constant, Neuron, Steps, from_neuroml, simulate
from neurosim.catalogue import textbook_neuron
from neurosim.channels import (
    AType,
    CalciumL,
    CalciumPool,
    FastSodium,
    HCurrent,
    HHPotassium,
    HHSodium,
    Kir41,
    Leak,
    MCurrent,
    NeuroMLChannel,
    TraubMilesSodium,
)
from neurosim.describe.parts import Cable
from neurosim.dynamics import electrotonic
from neurosim.errors import ParameterError
from neurosim.morphology import (
    MaxLength,
    PerBranch,
    at,
    ball_and_stick,
    branch,
    cylinder,
    root_site,
    tagged,
    tree,
)
from neurosim.neuroml.elements import NeuroMLError

HEAD = '<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="file">'
SODIUM = """<ionChannelHH id="nav" species="na" conductance="10pS">
  <gate id="m" instances="3" type="gateHHrates">
    <q10Settings type="q10ExpTemp" q10Factor="3" experimentalTemp="6.3degC"/>
    <forwardRate type="HHExpLinearRate" rate="1per_ms" midpoint="-40mV" scale="10mV"/>
    <reverseRate type="HHExpRate" rate="4per_ms" midpoint="-65mV" scale="-18mV"/></gate>
  <gate id="h" instances="1" type="gateHHrates">
    <q10Settings type="q10ExpTemp" q10Factor="3" experimentalTemp="6.3degC"/>
    <forwardRate type="HHExpRate" rate="0.07per_ms" midpoint="-65mV" scale="-20mV"/>
    <reverseRate type="HHSigmoidRate" rate="1per_ms" midpoint="-35mV" scale="10mV"/></gate>
</ionChannelHH>"""
PASSIVE = '<ionChannelPassive id="pas" conductance="10pS"/>'
SHAPE = """<morphology id="shape">
  <segment id="0" name="Soma"><proximal x="0" y="0" z="0" diameter="20"/>
    <distal x="20" y="0" z="0" diameter="20"/></segment>
  <segment id="1" name="d0"><parent segment="0"/><proximal x="20" y="0" z="0" diameter="3"/>
    <distal x="60" y="0" z="0" diameter="2"/></segment>
  <segment id="2" name="d1"><parent segment="1"/>
    <distal x="100" y="0" z="0" diameter="2"/></segment>
  <segment id="3" name="d2"><parent segment="2"/>
    <distal x="120" y="30" z="0" diameter="1"/></segment>
  <segment id="4" name="d3"><parent segment="2"/>
    <distal x="120" y="-9" z="0" diameter="1"/></segment>
  <segment id="5" name="a0"><parent segment="0" fractionAlong="0.5"/>
    <proximal x="10" y="-10" z="0" diameter="1"/>
    <distal x="10" y="-99" z="0" diameter="1"/></segment>
  <segmentGroup id="soma_group" neuroLexId="GO:0043025"><member segment="0"/></segmentGroup>
  <segmentGroup id="dendrite_group" neuroLexId="GO:0030425"><member segment="1"/>
    <member segment="2"/><member segment="3"/><member segment="4"/></segmentGroup>
  <segmentGroup id="axon_group" neuroLexId="GO:0030424"><member segment="5"/></segmentGroup>
  <segmentGroup id="thin"><include segmentGroup="axon_group"/><member segment="3"/></segmentGroup>
</morphology>"""
MEMBRANE = """<biophysicalProperties id="b"><membraneProperties>
  <channelDensity id="nav_soma" ionChannel="nav" condDensity="120 mS_per_cm2" erev="50mV"
    segmentGroup="soma_group" ion="na"/>
  <channelDensity id="leak_all" ionChannel="pas" condDensity="1 S_per_m2" erev="-0.07V" ion="any"/>
  <spikeThresh value="-10mV"/>
  <specificCapacitance value="1 uF_per_cm2"/>
  <specificCapacitance value="2 uF_per_cm2" segmentGroup="thin"/>
  <initMembPotential value="-65mV"/>
  </membraneProperties><intracellularProperties><resistivity value="0.15 kohm_cm"/>
  </intracellularProperties></biophysicalProperties>"""


def file_of(folder, *parts, name="cell.nml"):
    path = folder / name
    path.write_text("\n".join([HEAD, *parts, "</neuroml>"]))
    return path


def cell_of(*parts):
    return "\n".join(['<cell id="c">', *parts, "</cell>"])


def read(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return from_neuroml(path, **options)


@pytest.fixture
def cell(tmp_path):
    return read(file_of(tmp_path, SODIUM, PASSIVE, cell_of(SHAPE, MEMBRANE)), celsius=6.3)


def test_segments_become_branches(cell):
    shape = cell.morphology
    assert dict(zip(shape.names, shape.tags, strict=True)) == {
        "soma": "soma", "dendrite[0]": "dendrite", "dendrite[1]": "dendrite",
        "dendrite[2]": "dendrite", "axon[0]": "axon",
    }  # fmt: skip
    assert (shape["dendrite[0]"].diameters_m * 1e6).tolist() == pytest.approx([3, 2, 2])
    # A segment without a proximal point begins where its parent ends.
    assert (shape["dendrite[1]"].points_m[0] * 1e6).tolist() == pytest.approx([100, 0, 0])
    assert shape["axon[0]"].attach == 0.5
    frusta = np.pi * (400 + 2.5 * np.hypot(40, 0.5) + 2 * 40)
    frusta += np.pi * (1.5 * np.hypot(np.hypot(20, 30), 0.5) + 1.5 * np.hypot(np.hypot(20, 9), 0.5))
    assert float(shape.total_area) * 1e12 == pytest.approx(frusta + np.pi * 89)


def test_what_covers_the_cell_is_painted(cell):
    assert float(cell.cable.C_m / (uF / cm**2)) == pytest.approx(1)
    assert float(cell.cable.R_a / (ohm * cm)) == pytest.approx(150)
    assert float(cell.rest / mV) == pytest.approx(-65)
    assert cell.detectors[0].threshold == pytest.approx(-0.01)
    by_label = {painted.label: painted for painted in cell.painted}
    assert repr(by_label["nav_soma"].region) == "tagged('soma')"
    assert repr(by_label["leak_all"].region) == "everywhere"
    assert repr(by_label["cable"].region) == "branch('dendrite[1]', 'axon[0]')"
    assert by_label["cable"].part.C_m / (uF / cm**2) == pytest.approx(2)


def test_gates_are_those_of_hodgkin_and_huxley(cell):
    part = next(p.part for p in cell.painted if p.label == "nav_soma")
    assert isinstance(part, NeuroMLChannel)
    own = HHSodium()
    v = np.linspace(-100, 50, 31) * mV
    for celsius in (6.3, 20.0):
        theirs, ours = part.gates(v, celsius), own.gates(v, celsius)
        for gate in "mh":
            assert np.allclose(theirs[gate].steady, ours[gate].steady, rtol=1e-12)
            assert np.allclose(theirs[gate].tau / ms, ours[gate].tau / ms, rtol=1e-12)
        assert np.allclose(
            np.asarray(part.density(v, celsius)), np.asarray(own.density(v, celsius))
        )


def test_an_imported_cell_fires_as_the_same_cell_of_our_parts(tmp_path):
    shape = ball_and_stick(20 * um, 300 * um, 2 * um)
    cell = Neuron(shape, PerBranch(5), celsius=6.3, rest=-65 * mV)
    cell = cell.paint(HHSodium()).paint(HHPotassium()).paint(Leak(E=-54.4 * mV))
    cell.to_neuroml(tmp_path / "cell.nml")
    # Without our notes nothing but NeuroML is left.
    bare = re.sub(r"<property [^>]*neurosim.part[^>]*/>", "", (tmp_path / "cell.nml").read_text())
    (tmp_path / "bare.nml").write_text(bare)
    found = read(tmp_path / "bare.nml")
    assert {type(p.part) for p in found.painted} == {NeuroMLChannel}
    runs = [
        simulate(
            one.probe("v", at("soma", 0.5)), 40 * ms,
            stimulus=Steps(amplitude=0.3 * nA, onset=5 * ms, duration=30 * ms), dt=0.02 * ms,
        )
        for one in (cell, found)
    ]  # fmt: skip
    assert runs[0].counts()[0] > 0
    assert np.allclose(*(np.asarray(run.trace("v")) for run in runs), rtol=0, atol=1e-9)


# ---- forms of gates ----------------------------------------------------------------------------


def channel(folder, inside, *more, species='species="k"'):
    text = (
        f'<ionChannel id="x" type="ionChannelHH" conductance="1pS" {species}>{inside}</ionChannel>'
    )
    membrane = MEMBRANE.replace('"nav"', '"x"')
    path = file_of(folder, text, PASSIVE, *more, cell_of(SHAPE, membrane))
    found = read(path, celsius=20)
    return next(p.part for p in found.painted if p.label == "nav_soma")


def test_time_constants_and_steady_states(tmp_path):
    part = channel(
        tmp_path,
        '<gateHHtauInf id="n" instances="2"><q10Settings type="q10Fixed" fixedQ10="2"/>'
        '<timeCourse type="fixedTimeCourse" tau="6 ms"/>'
        '<steadyState type="HHSigmoidVariable" rate="1" midpoint="-20mV" scale="5mV"/>'
        "</gateHHtauInf>",
    )
    gate = part.gates([-30, -20] * mV)["n"]
    assert gate.steady.tolist() == pytest.approx([1 / (1 + np.exp(2)), 0.5])
    assert float(gate.tau[0] / ms) == pytest.approx(3)


def test_a_gate_without_delay(tmp_path):
    part = channel(
        tmp_path,
        '<gateHHInstantaneous id="p" instances="1">'
        '<steadyState type="HHExpVariable" rate="0.5" midpoint="-20mV" scale="10mV"/>'
        "</gateHHInstantaneous>",
    )
    # g 120 mS/cm2, E 50 mV: at -20 mV the gate is at 0.5.
    assert float(part.density(-20 * mV)) == pytest.approx(1200 * 0.5 * 0.07)


CUSTOM = """<ComponentType name="mine" extends="baseVoltageDepRate">
  <Constant name="S" dimension="time" value="1 ms"/><Constant name="U" dimension="voltage"
    value="1 mV"/>
  <Dynamics><DerivedVariable name="V" dimension="none" value="v / U"/>
  <ConditionalDerivedVariable name="r" exposure="r" dimension="per_time">
    <Case condition="V .eq. (-40)" value="0.3 / S"/>
    <Case condition="V .gt. 0 .and. V .lt. 20" value="V^2 / S"/>
    <Case value="0.1 * (V + 40) / (1 - exp(-(V + 40) / 3)) / S"/>
  </ConditionalDerivedVariable></Dynamics></ComponentType>"""
RATES = (
    '<gate id="n" instances="1" type="gateHHrates"><forwardRate type="{}"/>'
    '<reverseRate type="HHExpRate" rate="1per_ms" midpoint="0mV" scale="-1V"/></gate>'
)


def test_component_types_of_the_file(tmp_path):
    part = channel(tmp_path, RATES.format("mine"), CUSTOM)
    v = np.array([-40, -50, 10, 30])
    alpha = [0.3, 0.1 * -10 / (1 - np.exp(10 / 3)), 100, 7 / (1 - np.exp(-70 / 3))]
    beta = np.exp(-v / 1000)
    gate = part.gates(v * mV)["n"]
    assert gate.steady == pytest.approx(alpha / (alpha + beta))
    assert np.asarray(gate.tau / ms) == pytest.approx(1 / (alpha + beta))


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("__import__('os').system('x')", "uses what is not known"),
        ("v.__class__", "uses what is not known"),
        ("(lambda: 0)()", "uses what is not known"),
        ("open(v)", "uses what is not known"),
        ("w / S", "w is not known here"),
        ("(" * 3000, "is no expression"),
        ("v +", "is no expression"),
    ],
)
def test_expressions_are_sums_and_functions_only(tmp_path, expression, reason):
    text = re.sub(r"V\^2 / S", expression, CUSTOM)
    with pytest.raises(NeuroMLError, match=reason):
        channel(tmp_path, RATES.format("mine"), text)


CALCIUM = """<species id="ca" ion="ca" concentrationModel="pool" initialConcentration="1e-4 mM"
  initialExtConcentration="2 mM" segmentGroup="soma_group"/></intracellularProperties>"""


def with_calcium(folder, model, density=""):
    membrane = MEMBRANE.replace("</intracellularProperties>", CALCIUM).replace(
        "<spikeThresh", density + "<spikeThresh"
    )
    slow = SODIUM.replace('"nav"', '"cav"').replace('species="na"', 'species="ca"')
    return read(file_of(folder, SODIUM, slow, PASSIVE, model, cell_of(SHAPE, membrane)), celsius=20)


def test_a_pool_has_the_shell_of_a_sphere_of_the_compartment(tmp_path):
    cell = with_calcium(
        tmp_path,
        '<decayingPoolConcentrationModel id="pool" ion="ca" restingConc="1e-4 mM" '
        'decayConstant="20 ms" shellThickness="0.5 um"/>',
    )
    pool = cell.painted[-1].part
    outer = np.sqrt(400 / 4)
    depth = 4 / 3 * np.pi * (outer**3 - (outer - 0.5) ** 3) / (400 * np.pi)
    assert float(pool.depth / um) == pytest.approx(depth)
    assert float(pool.tau / ms) == pytest.approx(20)


def test_a_channel_follows_nernst(tmp_path):
    cell = with_calcium(
        tmp_path,
        '<fixedFactorConcentrationModel id="pool" ion="ca" restingConc="1e-4 mM" '
        'decayConstant="20 ms" rho="50 mol_per_m_per_A_per_s"/>',
        '<channelDensityNernst id="ca_soma" ionChannel="cav" condDensity="1 S_per_m2" '
        'segmentGroup="soma_group" ion="ca"/>',
    )
    part = next(p.part for p in cell.painted if p.label == "ca_soma")
    E = 8.314462618 * 293.15 / (2 * 96485.33212) * np.log(2 / 1e-3)
    found = part.density(-30 * mV, 20.0, ca_i=1e-3 * mM, m=1.0, h=1.0)
    assert float(found) == pytest.approx(E + 0.03)
    assert part.ion == "ca"


# ---- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('name="d2"><parent segment="2"', 'name="d2"><parent segment="9"', "9 does not"),
        ('<segment id="4"', '<segment id="3"', "line .*segment 3: the id was already given"),
        ('id="1" name="d0"><parent segment="0"/>', 'id="1"><parent segment="3"/>', "form a loop"),
        ('diameter="1"/></segment>', 'diameter="0"/></segment>', "diameters greater than 0"),
        ('diameter="1"/></segment>', 'diameter="x"/></segment>', "must be numbers"),
        ('ionChannel="nav"', 'ionChannel="gone"', "there is no ion channel 'gone'"),
        ('segmentGroup="thin"', 'segmentGroup="gone"', "no segment group 'gone'"),
        ('<member segment="5"/>', '<include segmentGroup="thin"/>', "include each other in a loop"),
        ("120 mS_per_cm2", "120 mV", "no value in a unit like"),
        ("120 mS_per_cm2", "twelve", "no value in a unit like"),
        ("<spikeThresh", '<channelPopulation id="p"/><spikeThresh', "channelPopulation 'p'"),
        ('type="HHSigmoidRate"', 'type="mine"', "'?mine'? is neither known nor in the file|mine"),
        ('type="gateHHrates"', 'type="gateKS"', "gates of the kind gateKS are not known"),
        ("ionChannelHH id", "ionChannelKS id", "ionChannelKS|there is no ion channel"),
        ('<resistivity value="0.15 kohm_cm"/>', "", "is given no resistivity"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(tmp_path, old, new, reason):
    text = "\n".join([SODIUM, PASSIVE, cell_of(SHAPE, MEMBRANE)])
    assert old in text
    text = text.replace(old, new).replace("</ionChannelHH>", "</ionChannelKS>" * (
        "ionChannelKS id" in new) or "</ionChannelHH>")  # fmt: skip
    with pytest.raises(NeuroMLError, match=reason):
        read(file_of(tmp_path, text), celsius=20)


def test_a_temperature_is_asked_for_where_it_matters(tmp_path):
    parts = (SODIUM, PASSIVE, cell_of(SHAPE, MEMBRANE))
    with pytest.raises(NeuroMLError, match="'nav' depends on the temperature"):
        read(file_of(tmp_path, *parts))
    network = '<network id="n" type="networkWithTemperature" temperature="32 degC"/>'
    assert read(file_of(tmp_path, *parts, network)).celsius == 32


def test_what_is_no_cell_with_a_shape_is_named(tmp_path):
    with pytest.raises(NeuroMLError, match="it holds 1 iafCell, 1 network"):
        read(file_of(tmp_path, '<iafCell id="i"/><network id="n"/>'))
    two = cell_of(SHAPE) + cell_of(SHAPE).replace('id="c"', 'id="d"')
    with pytest.raises(ParameterError, match="2 cells; choose one"):
        read(file_of(tmp_path, two))
    assert len(read(file_of(tmp_path, two), cell="d").morphology) == 5
    with pytest.warns(UserWarning, match="not read.* 1 network"):
        from_neuroml(file_of(tmp_path, cell_of(SHAPE), '<network id="n"/>'))


# ---- hostile files -----------------------------------------------------------------------------

BOMB = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {b} "{10 * f"&{a};"}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)


@pytest.mark.parametrize(
    ("front", "inside"),
    [
        (BOMB, "<notes>&i;</notes>"),
        ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>', "<notes>&e;</notes>"),
        ('<!DOCTYPE x SYSTEM "http://example.invalid/x.dtd">', ""),
    ],
)
def test_entities_are_refused(tmp_path, front, inside):
    path = tmp_path / "cell.nml"
    path.write_text(f'<?xml version="1.0"?>{front}<neuroml id="n">{inside}</neuroml>')
    with pytest.raises(NeuroMLError, match="document type or entities"):
        read(path)


@pytest.mark.parametrize(
    "text",
    ["", "no", "<neuroml", "<a><b></a>", "<neuroml>" + "<cell>" * 200, "<lems/>", "\0\1"],
)
def test_broken_xml_is_refused_in_a_sentence(tmp_path, text):
    path = tmp_path / "cell.nml"
    path.write_text(text)
    with pytest.raises(NeuroMLError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "href",
    ["../other.nml", "/etc/passwd.nml", "http://example.invalid/x.nml", "secret.txt", "no.nml"],
)
def test_includes_stay_in_their_folder(tmp_path, href):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "other.nml").write_text(HEAD + SODIUM + "</neuroml>")
    (inner / "secret.txt").write_text("no")
    path = file_of(inner, f'<include href="{href}"/>', cell_of(SHAPE))
    with pytest.raises(NeuroMLError, match="include"):
        read(path)
    if href.startswith(".."):
        assert len(read(path, folder=tmp_path).morphology) == 5


def test_files_that_include_each_other_are_read_once(tmp_path):
    file_of(tmp_path, '<include href="cell.nml"/>', SODIUM, PASSIVE, name="more.nml")
    path = file_of(tmp_path, '<include href="more.nml"/>', cell_of(SHAPE, MEMBRANE))
    assert len(read(path, celsius=20).painted) == 3


def test_many_segments_are_read_in_seconds(tmp_path):
    count = 50_000
    rows = [
        f'<segment id="{k}" name="s"><parent segment="{k - 1}"/>'
        f'<distal x="{k * 0.1:.1f}" y="0" z="0" diameter="1"/></segment>'
        for k in range(1, count)
    ]
    first = '<segment id="0"><proximal x="-1" y="0" z="0" diameter="1"/>'
    first += '<distal x="0" y="0" z="0" diameter="1"/></segment>'
    path = file_of(tmp_path, cell_of(f'<morphology id="m">{first}{"".join(rows)}</morphology>'))
    began = time.process_time()
    shape = read(path).morphology
    assert time.process_time() - began < 10
    assert len(shape) == 1
    assert shape.points_m.shape == (count + 1, 3)


# ---- out and in again --------------------------------------------------------------------------


def branched():
    shape = ball_and_stick(20 * um, 317.3 * um, 2 * um, at=0.5)
    shape = shape.join(tree(3, 77.7 * um, 3.1 * um, tag="apical"), "soma", at=0)
    return shape.join(cylinder(100 * um, 1 * um, tag="axon"), "dendrite", at=0.3)


def cells():
    bare = Neuron(branched(), PerBranch(3), celsius=30, rest=-68 * mV)
    thick = Cable(C_m=1.7 * uF / cm**2, R_a=120 * ohm * cm)
    yield "passive", bare.paint(Leak())
    yield (
        "cables",
        bare.replace(rule=MaxLength(30 * um)).paint(thick, tagged("apical")).paint(Leak()),
    )
    own = [
        HHSodium(),
        HHPotassium(),
        AType(),
        FastSodium(),
        HCurrent(),
        MCurrent(),
        Leak(q10_g=1.3),
    ]
    yield "channels", bare.paint(own)
    yield "named", bare.paint(TraubMilesSodium(name="nav"), tagged("soma", "axon"), label="na_1")
    yield "dendrites", bare.paint(Leak(), tagged("dendrite"))
    yield "calcium", bare.paint(CalciumL()).paint(CalciumPool(), tagged("soma"))
    yield "threshold", bare.paint(Leak()).detect(root_site, -5 * mV)


@pytest.mark.parametrize(
    ("name", "neuron"), cells(), ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_neuron_comes_back_the_same(tmp_path, name, neuron):
    path = tmp_path / f"{name}.nml"
    losses = neuron.to_neuroml(path)
    back = from_neuroml(path)
    assert losses == ()
    assert back.to_dict() == neuron.to_dict()
    if name == "passive":
        there, here = (electrotonic(one).input_resistance for one in (back, neuron))
        assert np.allclose(np.asarray(there), np.asarray(here), rtol=1e-4)


def test_what_is_lost_is_named(tmp_path):
    cell = textbook_neuron()
    with pytest.warns(UserWarning, match="probes are not written"):
        losses = cell.to_neuroml(tmp_path / "cell.nml")
    back = read(tmp_path / "cell.nml")
    assert {word for word in ("'soma'", "initial_segment", "axon", "m_current")
            if any(word in loss for loss in losses)} == {"'soma'", "initial_segment", "axon",
                                                          "m_current"}  # fmt: skip
    ours, theirs = cell.to_dict(), back.to_dict()
    assert ours.keys() == theirs.keys()
    changed = {key for key in ours if ours[key] != theirs[key]}
    assert changed == {"painted", "detectors"}
    for one, other in zip(ours["painted"], theirs["painted"], strict=True):
        assert one | {"region": ""} == other | {"region": ""}


def test_electrodes_and_scales_are_named(tmp_path):
    cell = Neuron(ball_and_stick(), PerBranch(1)).place(Constant(1 * nA), at("soma"))
    cell = cell.paint(Leak(), scale=lambda d: 1 + d / 100, label="uneven")
    with pytest.warns(UserWarning, match="is written as 2 densities"):
        losses = cell.to_neuroml(tmp_path / "cell.nml")
    assert any("1 electrodes and receptors (constant)" in loss for loss in losses)
    assert any("the scale of 'uneven' is written as 2 densities" in loss for loss in losses)
    back = from_neuroml(tmp_path / "cell.nml")
    g = sorted(float(painted.part.g) for painted in back.painted)
    assert g == pytest.approx([1, 1 * (1 + float(cell.compartments.distance_m[1]) * 1e4)])


@pytest.mark.parametrize(
    ("part", "reason"),
    [(Kir41(), "'kir41' .* cannot be said"), (CalciumPool(diffusion=0.1 * um**2 / ms), "diffuses")],
)
def test_parts_without_a_word_in_neuroml_are_refused(tmp_path, part, reason):
    with pytest.raises(ParameterError, match=reason):
        Neuron(ball_and_stick()).paint(part).to_neuroml(tmp_path / "cell.nml")


def test_part_of_a_branch_is_refused(tmp_path):
    from neurosim.morphology import distance

    cell = Neuron(ball_and_stick()).paint(Leak(), distance(at_least=200 * um))
    with pytest.raises(ParameterError, match="covers part of a branch"):
        cell.to_neuroml(tmp_path / "cell.nml")
    with pytest.raises(ParameterError, match=r"end with \.nml"):
        cell.to_neuroml(tmp_path / "cell.txt")


def test_a_note_that_the_file_no_longer_bears_out_is_not_believed(tmp_path):
    path = tmp_path / "cell.nml"
    Neuron(ball_and_stick(), celsius=6.3).paint(HHSodium()).to_neuroml(path)
    text = path.read_text()
    assert 'rate="4000.0per_s"' in text
    path.write_text(text.replace('rate="4000.0per_s"', 'rate="5000.0per_s"'))
    part = from_neuroml(path).painted[0].part
    assert isinstance(part, NeuroMLChannel)
    beta = part.gates(-65 * mV, 6.3)["m"]
    assert float((1 - beta.steady) / beta.tau * ms) == pytest.approx(5)


@pytest.mark.parametrize(
    "note",
    [
        "[1",
        '{"kind": "os", "values": {}}',
        '{"kind": "Leak", "values": 3}',
        '{"kind": "HHSodium", "values": {"g": "x", "name": "a b"}}',
    ],
)
def test_broken_notes_are_passed_over(tmp_path, note):
    path = tmp_path / "cell.nml"
    Neuron(ball_and_stick(), celsius=6.3).paint(HHSodium()).to_neuroml(path)
    quoted = note.replace('"', "&quot;")
    pattern = r"(neurosim.part. value=)'[^']*'"
    text = re.sub(pattern, rf'\1"{quoted}"', path.read_text())
    assert quoted in text
    path.write_text(text)
    assert isinstance(from_neuroml(path).painted[0].part, NeuroMLChannel)


def test_component_types_come_back_with_the_same_values(tmp_path):
    head = '<ionChannel id="x" type="ionChannelHH" conductance="1pS">'
    text = f"{head}{RATES.format('mine')}</ionChannel>"
    membrane = MEMBRANE.replace('"nav"', '"x"')
    first = read(file_of(tmp_path, text, PASSIVE, CUSTOM, cell_of(SHAPE, membrane)), celsius=20)
    with pytest.warns(UserWarning, match="in other words with the same values"):
        first.to_neuroml(tmp_path / "again.nml")
    again = read(tmp_path / "again.nml")
    v = np.array([-41, -50, 10, 30]) * mV
    parts = [next(p.part for p in one.painted if p.label == "nav_soma") for one in (first, again)]
    one, other = (part.gates(v)["n"] for part in parts)
    assert np.allclose(one.steady, other.steady, rtol=1e-12)
    assert np.allclose(one.tau / ms, other.tau / ms, rtol=1e-12)


def test_the_schema_is_followed(tmp_path, capsys):
    """libNeuroML says of each file that it is valid, and refuses one with a part taken out."""
    utils = pytest.importorskip("neuroml.utils")
    branchy = Neuron(branched()).paint(Leak(), branch("dendrite"))
    written = [*cells(), ("branch", branchy)]
    for name, neuron in written:
        neuron.to_neuroml(tmp_path / f"{name}.nml", validate=True)
    assert capsys.readouterr().out.lower().count("valid") == len(written)
    text = (tmp_path / "branch.nml").read_text(encoding="utf-8")
    assert text.count('<segment id="0"') == 1
    broken = tmp_path / "broken.nml"
    broken.write_text(text.replace('<segment id="0"', "<segment"), encoding="utf-8")
    with pytest.raises(Exception, match="id"):
        utils.validate_neuroml2(str(broken))
