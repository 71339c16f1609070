"""How finely a morphology is cut: by electrotonic length, by length, or by number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from brian2.units import Hz, Quantity, cm, ohm, uF, um

from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.morphology.geometry import Geometry
from neurosim.quantities import Description, check_whole, quantity

__all__ = ["DLambda", "MaxLength", "PerBranch", "Rule"]


class Rule(Description):
    """Says into how many compartments each branch is cut."""

    most: ClassVar[int] = 5_000_000

    def counts(self, morphology: Geometry) -> np.ndarray:
        """Return the number of compartments of each branch."""
        raise NotImplementedError


def _odd(fraction: np.ndarray, rule: Rule) -> np.ndarray:
    """Return odd counts of pieces no longer than one part in `fraction`."""
    total = float(fraction.sum())
    if total > rule.most:
        raise ParameterError(
            f"{rule!r} would make about {total:.3g} compartments (most: {rule.most}); "
            "take a coarser rule"
        )
    return (np.floor((fraction + 0.9) / 2) * 2 + 1).astype(np.intp)


@dataclass(frozen=True, eq=False, repr=False)
class DLambda(Rule):
    r"""No compartment longer than about a fraction of the AC length constant.

    .. math:: \lambda_f = \frac12 \sqrt{\frac{d}{\pi f R_a C_m}}

    The number is odd, so that a compartment lies at the middle of each branch:
    :math:`2 \lfloor (x + 0.9) / 2 \rfloor + 1` with :math:`x = L / (\text{fraction} \lambda_f)`.
    In a branch that tapers, L is measured in :math:`\lambda_f` from point to point.

    References
    ----------
    Hines and Carnevale (2001), Neuroscientist 7:123.

    Examples
    --------
    >>> from brian2 import um
    >>> from neurosim.morphology import cylinder
    >>> DLambda().counts(cylinder(1000 * um, 2 * um))
    array([25])
    """

    fraction: Quantity = quantity(Quantity(0.1), "longest compartment over lambda_f", above=0)
    frequency: Quantity = quantity(100 * Hz, "frequency at which lambda is taken", above=0 * Hz)
    C_m: Quantity = quantity(1 * uF / cm**2, "specific capacitance", above=0 * uF / cm**2)
    R_a: Quantity = quantity(100 * ohm * cm, "axial resistivity", above=0 * ohm * cm)

    def counts(self, morphology: Geometry) -> np.ndarray:
        """Return the number of compartments of each branch."""
        diameters = morphology.diameters_m
        mean = (diameters + np.concatenate([diameters[1:], diameters[-1:]])) / 2
        constants = float(self.frequency) * float(self.R_a) * float(self.C_m)
        in_lambdas = morphology.segment_length_m * 2 * np.sqrt(np.pi * constants / mean)
        length = np.add.reduceat(in_lambdas, morphology.offsets[:-1])
        return _odd(length / float(self.fraction), self)


@dataclass(frozen=True, eq=False, repr=False)
class MaxLength(Rule):
    """No compartment longer than a length; an odd number in each branch.

    Examples
    --------
    >>> from brian2 import um
    >>> from neurosim.morphology import cylinder
    >>> MaxLength(20 * um).counts(cylinder(90 * um, 2 * um))
    array([5])
    """

    length: Quantity = quantity(20 * um, "longest compartment", above=0 * um)

    def counts(self, morphology: Geometry) -> np.ndarray:
        """Return the number of compartments of each branch."""
        pieces = morphology.lengths_m / float(self.length)
        if float(pieces.sum()) > self.most:
            return _odd(pieces, self)
        # A length that is a whole number of pieces but for rounding is not cut once more.
        whole = np.ceil(pieces * (1 - 1e-12)).astype(np.intp)
        return np.asarray(np.maximum(whole + (whole % 2 == 0), 1))


@dataclass(frozen=True, eq=False, repr=False)
class PerBranch(Rule):
    """A number of compartments for every branch, with other numbers for some.

    An odd number puts a compartment at the middle of the branch.

    Parameters
    ----------
    n : int
        Number for every branch that is not named.
    others : mapping of str to int
        Numbers by branch name. A word that no branch is named counts as a tag.
    tagged : mapping of str to int
        Numbers by tag, for every branch that carries it. A number by name comes before it.

    Raises
    ------
    UnknownNameError
        No branch has that name or tag (when a shape is cut).

    Examples
    --------
    >>> from brian2 import um
    >>> from neurosim.morphology import ball_and_stick, cylinder
    >>> shape = ball_and_stick(20 * um, 500 * um, 2 * um)
    >>> PerBranch(1, {"dendrite": 61}).counts(shape)
    array([ 1, 61])

    A second branch that is tagged "dendrite" and has another name keeps its one compartment:

    >>> more = shape.join(cylinder(90 * um, 1 * um, name="oblique"), "dendrite", at=0.5)
    >>> PerBranch(1, {"dendrite": 61}).counts(more)
    array([ 1, 61,  1])
    >>> PerBranch(1, {"dendrite": 61}, tagged={"dendrite": 9}).counts(more)
    array([ 1, 61,  9])
    """

    n: int = 1
    others: Mapping[str, int] | tuple[tuple[str, int], ...] = ()
    tagged: Mapping[str, int] | tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", check_whole(self.n, "PerBranch: n"))
        for field in ("others", "tagged"):
            object.__setattr__(self, field, _numbers(getattr(self, field), field))
        super().__post_init__()

    def counts(self, morphology: Geometry) -> np.ndarray:
        """Return the number of compartments of each branch."""
        names, tags = set(morphology.names), set(morphology.tags)
        given = dict(self.others)
        by_name = {key: number for key, number in given.items() if key in names}
        by_tag = {key: n for key, n in given.items() if key not in names} | dict(self.tagged)
        for key in by_tag:
            if key not in tags:
                either = key in given
                known = tags | set(morphology.names[:20]) if either else tags
                what = "no branch and no tag is called" if either else "no branch is tagged"
                raise UnknownNameError(f"PerBranch: {what} {key!r}: {suggest(key, known)}")
        counts = np.array(
            [
                by_name.get(name, by_tag.get(tag, self.n))
                for name, tag in zip(morphology.names, morphology.tags, strict=True)
            ],
            dtype=np.intp,
        )
        if counts.sum() > self.most:
            raise ParameterError(
                f"{self!r} would make {counts.sum()} compartments (most: {self.most})"
            )
        return counts

    def __repr__(self) -> str:
        tagged = f", tagged={self.tagged}" if self.tagged else ""
        return f"PerBranch(n={self.n}, others={self.others}{tagged})"


def _numbers(given: Any, field: str) -> tuple[tuple[str, int], ...]:
    """Return numbers of compartments by name, checked."""
    try:
        pairs = dict(given)
    except (TypeError, ValueError):
        raise ParameterError(
            f"PerBranch: {field} must say numbers by name, such as {{'dendrite': 21}}; got "
            f"{given!r}"
        ) from None
    return tuple((str(k), check_whole(v, f"PerBranch: {k}")) for k, v in pairs.items())
