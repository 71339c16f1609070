"""MOD files of NEURON, read and translated into parts of membrane.

`from_mod` reads one file and returns a class that is painted and placed as any other part; what
cannot be said with the meaning it has in NEURON is refused by line. Nothing in a file is run.
"""

from __future__ import annotations

from pathlib import Path

from neurosim.channels.base import Mechanism
from neurosim.errors import ModError, NeurosimError
from neurosim.mod.classes import build_class, write_python
from neurosim.mod.part import Field, Part
from neurosim.mod.reading.parser import read_mod
from neurosim.mod.translate import translate

__all__ = ["Field", "Part", "from_mod", "read_part", "write_python"]


def read_part(path: str | Path, *, include: str | Path | None = None) -> Part:
    """Return what a MOD file describes, before it is a class."""
    try:
        return translate(read_mod(path, include), str(path))
    except (RecursionError, OverflowError):
        raise ModError(
            str(path), 1, "file", "its formulas are too long to be written out"
        ) from None


def from_mod(path: str | Path, *, include: str | Path | None = None) -> type[Mechanism]:
    """Return the mechanism of a MOD file as a class.

    Parameters
    ----------
    path : str or Path
        The file. It is read as text; nothing in it is run.
    include : str or Path, optional
        The folder of the files that it may include; by default no other file is opened.

    Returns
    -------
    type
        A frozen `Channel`, `IonPool` or `Receptor`, with the parameters of the file as fields.

    Raises
    ------
    ModError
        The file is no NMODL, or something in it has no equal here. The error carries the path, the
        line, what is refused and why.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> text = '''
    ... NEURON { SUFFIX kslow  USEION k READ ek WRITE ik  RANGE gbar }
    ... PARAMETER { gbar = 0.001 (S/cm2) : conductance density
    ... }
    ... STATE { n }
    ... ASSIGNED { v (mV) ek (mV) ik (mA/cm2) }
    ... INITIAL { n = 1/(1 + exp(-(v + 35)/10)) }
    ... BREAKPOINT { SOLVE states METHOD cnexp  ik = gbar*n*(v - ek) }
    ... DERIVATIVE states { n' = (1/(1 + exp(-(v + 35)/10)) - n)/20 }
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "kslow.mod"
    ...     _ = path.write_text(text)
    ...     Kslow = from_mod(path)
    >>> print(Kslow.describe().splitlines()[-1])
    gbar = 10. S/(m^2): conductance density
    >>> Kslow().ion, Kslow().followed
    ('k', {'E': 'E_k'})
    """
    made = build_class(read_part(path, include=include))
    try:
        made()
    except (NeurosimError, ArithmeticError, RecursionError) as error:
        raise ModError(str(path), 1, "file", f"its formulas have no value: {error}") from None
    return made
