"""The shape of the layer-5 pyramidal cell with moving sodium: a cylinder a branch."""

from __future__ import annotations

from dataclasses import dataclass

from brian2.units import um

from neurosim.morphology import Morphology, PerBranch, cylinder

__all__ = ["SOMA_UM", "rule", "shape"]

SOMA_UM = (23.2, 15.54)
_AXON_UM = (60.0, 1.0)
# Longest compartment of a dendrite that is not listed with a number of its own.
_LONGEST_UM = 60.0


@dataclass(frozen=True)
class _Section:
    """A branch: where it hangs, length and diameter in um, and its number of compartments."""

    onto: str
    length: float
    diameter: float
    n: int


# The first branch (a cone in the source) in two cylinders, and the three that lie in the hot zone:
# "hot" parts have calcium channels of low threshold at full density. The synapse is on "hot1b",
# whose compartments are 7 um long, as in the source, since its sodium hardly diffuses.
_OWN = {
    "root": _Section("soma", 15.4, 7.38, 1),
    "apical0": _Section("root", 30.7, 3.87, 2),
    "tuft1": _Section("apical36", 63.8, 1.80, 9),
    "hot1a": _Section("tuft1", 64.1, 1.80, 9),
    "hot1b": _Section("hot1a", 127.2, 1.29, 18),
    "end1": _Section("hot1b", 21.3, 1.33, 3),
    "tuft2": _Section("apical50", 19.6, 1.54, 1),
    "hot2": _Section("tuft2", 176.3, 1.32, 9),
    "end2": _Section("hot2", 19.6, 1.29, 1),
    "tuft3": _Section("apical50", 21.2, 1.03, 1),
    "hot3": _Section("tuft3", 190.7, 1.03, 9),
    "end3": _Section("hot3", 21.2, 1.03, 1),
}

# The other apical branches: number, what it hangs on, length and mean diameter in um.
_APICAL: tuple[tuple[int, int | str, float, float], ...] = (
    (1, 0, 65.1, 3.15), (2, 1, 28.9, 3.09), (3, 2, 41.3, 3.09),
    (4, 3, 7.4, 3.09), (5, 4, 9.9, 1.1), (6, 5, 15.2, 0.88),
    (7, 6, 29.5, 0.88), (8, 7, 41.0, 0.553), (9, 7, 158.6, 0.59),
    (10, 6, 82.1, 0.778), (11, 5, 3.5, 0.88), (12, 11, 118.4, 0.666),
    (13, 11, 154.3, 0.729), (14, 4, 64.6, 2.58), (15, 14, 16.0, 1.35),
    (16, 15, 14.4, 0.88), (17, 16, 175.8, 0.492), (18, 16, 109.9, 0.486),
    (19, 15, 166.0, 0.685), (20, 14, 46.0, 2.57), (21, 20, 26.5, 0.88),
    (22, 21, 33.5, 0.88), (23, 22, 24.9, 0.88), (24, 22, 25.0, 0.88),
    (25, 21, 37.7, 0.88), (26, 20, 15.2, 3.09), (27, 26, 2.1, 0.59),
    (28, 27, 19.0, 0.59), (29, 28, 78.8, 0.59), (30, 28, 74.9, 0.59),
    (31, 30, 11.4, 0.59), (32, 30, 7.0, 0.59), (33, 27, 125.9, 0.59),
    (34, 26, 66.9, 2.71), (35, 34, 107.9, 0.717), (36, 34, 245.3, 2.64),
    (38, "end1", 87.0, 1.03), (39, 38, 48.9, 0.51), (40, 38, 205.4, 0.77),
    (41, 40, 6.7, 0.77), (42, 41, 44.8, 0.51), (43, 41, 24.4, 0.402),
    (44, 40, 84.2, 0.26), (45, "end1", 76.2, 0.886), (46, 45, 20.4, 0.423),
    (47, 46, 6.2, 0.26), (48, 46, 11.6, 0.26), (49, 45, 123.0, 0.691),
    (50, 36, 61.9, 1.8), (52, "end2", 113.9, 0.404), (53, "end2", 190.3, 0.929),
    (54, 53, 9.1, 0.545), (55, 54, 7.2, 0.51), (56, 54, 13.5, 0.26),
    (57, 53, 15.3, 0.51), (58, 57, 11.3, 0.26), (59, 57, 8.3, 0.26),
    (61, "end3", 173.5, 0.77), (62, 61, 39.7, 0.663), (63, 62, 165.5, 0.51),
    (64, 62, 101.3, 0.51), (65, 64, 16.4, 0.51), (66, 64, 26.1, 0.356),
    (67, 61, 192.8, 0.366), (68, "end3", 98.0, 0.77), (69, 68, 142.4, 0.608),
    (70, 69, 47.7, 0.26), (71, 69, 57.7, 0.686), (72, 71, 35.4, 0.26),
    (73, 71, 69.2, 0.481), (74, 68, 38.8, 0.534), (75, 74, 71.5, 0.51),
    (76, 75, 136.9, 0.359), (77, 75, 140.4, 0.29), (78, 74, 119.6, 0.29),
    (79, 3, 77.9, 0.88), (80, 2, 21.5, 1.17), (81, 80, 12.9, 1.17),
    (82, 81, 34.1, 0.958), (83, 82, 75.6, 0.88), (84, 83, 48.6, 0.29),
    (85, 83, 81.2, 0.29), (86, 82, 85.4, 0.29), (87, 81, 151.8, 0.803),
    (88, 80, 6.1, 1.17), (89, 88, 49.6, 0.7), (90, 89, 7.5, 0.29),
    (91, 89, 11.1, 0.29), (92, 88, 20.7, 0.88), (93, 92, 105.0, 0.814),
    (94, 92, 20.3, 0.88), (95, 94, 52.5, 0.58), (96, 94, 33.3, 0.58),
    (97, 96, 10.5, 0.58), (98, 96, 5.8, 0.58), (99, 1, 32.6, 1.17),
    (100, 99, 5.6, 1.17), (101, 100, 159.4, 0.697), (102, 100, 179.5, 0.727),
    (103, 99, 83.4, 0.822), (104, 0, 23.3, 1.16), (105, 104, 93.7, 0.607),
    (106, 104, 22.1, 0.58), (107, 106, 36.1, 0.58), (108, 106, 30.1, 0.58),
)  # fmt: skip

# The basal branches, likewise.
_BASAL: tuple[tuple[int, int | str, float, float], ...] = (
    (0, "soma", 24.2, 1.15), (1, 0, 15.2, 0.88), (2, 1, 151.7, 0.53),
    (3, 1, 7.5, 0.88), (4, 3, 92.6, 0.563), (5, 3, 193.1, 0.437),
    (6, 0, 133.3, 0.431), (7, "soma", 27.1, 1.19), (8, 7, 16.5, 0.58),
    (9, 8, 15.9, 0.29), (10, 8, 70.4, 0.342), (11, 7, 8.1, 0.88),
    (12, 11, 27.9, 0.88), (13, 12, 147.5, 0.307), (14, 12, 131.9, 0.496),
    (15, 11, 44.4, 0.433), (16, "soma", 10.8, 1.46), (17, 16, 7.1, 1.17),
    (18, 17, 39.9, 0.959), (19, 18, 29.3, 0.58), (20, 18, 1.7, 0.58),
    (21, 20, 24.3, 0.324), (22, 20, 45.0, 0.319), (23, 22, 4.8, 0.29),
    (24, 22, 14.4, 0.29), (25, 17, 28.1, 1.17), (26, 25, 32.4, 0.88),
    (27, 26, 68.6, 0.625), (28, 26, 175.3, 0.59), (29, 25, 22.7, 0.88),
    (30, 29, 24.1, 0.598), (31, 30, 93.4, 0.29), (32, 30, 97.0, 0.572),
    (33, 29, 80.1, 0.5), (34, 16, 18.2, 0.88), (35, 34, 159.9, 0.468),
    (36, 34, 51.0, 0.58), (37, 36, 79.8, 0.29), (38, 36, 67.0, 0.459),
    (39, "soma", 96.1, 0.88), (40, 39, 92.5, 0.83), (41, 39, 38.0, 0.554),
    (42, "soma", 15.1, 1.59), (43, 42, 25.1, 1.14), (44, 43, 85.7, 0.378),
    (45, 43, 147.1, 0.566), (46, 42, 9.9, 1.17), (47, 46, 7.9, 0.88),
    (48, 47, 51.8, 0.345), (49, 48, 17.4, 0.29), (50, 48, 8.4, 0.29),
    (51, 47, 59.7, 0.29), (52, 46, 3.4, 1.17), (53, 52, 21.0, 1.17),
    (54, 53, 106.9, 0.492), (55, 53, 3.1, 0.88), (56, 55, 54.2, 0.29),
    (57, 55, 16.9, 1.05), (58, 57, 124.9, 0.58), (59, 57, 153.5, 0.799),
    (60, 52, 81.3, 0.88), (61, 60, 88.8, 0.58), (62, 60, 102.6, 0.416),
    (63, "soma", 20.8, 1.85), (64, 63, 22.8, 0.88), (65, 64, 25.7, 0.58),
    (66, 65, 137.7, 0.51), (67, 65, 107.2, 0.557), (68, 64, 59.9, 0.58),
    (69, 68, 103.3, 0.29), (70, 68, 178.7, 0.584), (71, 63, 22.0, 0.88),
    (72, 71, 199.8, 0.373), (73, 71, 13.4, 0.88), (74, 73, 110.5, 0.422),
    (75, 73, 25.0, 0.58), (76, 75, 63.6, 0.29), (77, 75, 48.3, 0.326),
    (78, "soma", 40.3, 0.921), (79, "soma", 15.8, 1.15), (80, 79, 66.6, 0.322),
    (81, 79, 26.2, 0.964), (82, 81, 135.6, 0.29), (83, 81, 17.3, 0.88),
)  # fmt: skip


def _sections() -> dict[str, tuple[str, _Section]]:
    """Return tag and section of every dendrite, by name."""
    found = {name: ("apical", one) for name, one in _OWN.items()}
    for tag, table in (("apical", _APICAL), ("basal", _BASAL)):
        for number, onto, length, diameter in table:
            parent = onto if isinstance(onto, str) else f"{tag}{onto}"
            pieces = 1 + 2 * int(length / _LONGEST_UM)
            found[f"{tag}{number}"] = (tag, _Section(parent, length, diameter, pieces))
    return found


def shape() -> Morphology:
    """Return soma, axon and dendrites; all that hangs on the soma does at its middle."""
    whole = cylinder(SOMA_UM[0] * um, SOMA_UM[1] * um, name="soma", tag="soma")
    waiting = _sections()
    while waiting:
        ready = [name for name, (_, one) in waiting.items() if one.onto in whole.names]
        for name in ready:
            tag, one = waiting.pop(name)
            piece = cylinder(one.length * um, one.diameter * um, name=name, tag=tag)
            whole = whole.join(piece, one.onto, at=0.5 if one.onto == "soma" else 1)
    axon = cylinder(_AXON_UM[0] * um, _AXON_UM[1] * um, name="axon", tag="axon")
    return whole.join(axon, "soma", at=0.5)


def rule() -> PerBranch:
    """Return the number of compartments of every branch."""
    counts = {name: one.n for name, (_, one) in _sections().items()}
    return PerBranch(1, counts | {"axon": 5})
