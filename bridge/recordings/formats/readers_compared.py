"""What two readers of one file say, and in what they differ."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.recordings.formats.sweeps import READERS_DIFFER
from neurosim.display import html_table

__all__ = ["ReaderDifference", "ReadersCompared"]


@dataclass(frozen=True)
class ReaderDifference:
    """One thing that two readers of a file say differently.

    Parameters
    ----------
    what : str
        Which: ``"sampling rate"``, ``"channel names"``, ``"units"``, ``"sweeps"``, ``"starts of
        sweeps"``, ``"samples"``, ``"command"``, ``"tags"``; ``"file"`` if Neo cannot read it at
        all.
    pyabf, neo : str
        What each says.
    used : str
        What `bridge.recordings.read` goes by, and why.

    Examples
    --------
    >>> print(ReaderDifference("tags", "180.4 s", "721.5 s", "neither is used"))
    tags: pyABF says 180.4 s, Neo 721.5 s; neither is used
    """

    what: str
    pyabf: str
    neo: str
    used: str

    def __str__(self) -> str:
        return f"{self.what}: pyABF says {self.pyabf}, Neo {self.neo}; {self.used}"


@dataclass(frozen=True, repr=False)
class ReadersCompared:
    """What pyABF and Neo say of one ABF file.

    Parameters
    ----------
    file : str
        Name of the file.
    differences : tuple of ReaderDifference
        Empty where both say the same.
    not_compared : tuple of str
        What only one of them reads, and why.

    Examples
    --------
    >>> ReadersCompared("cell.abf")
    cell.abf: pyABF and Neo agree
    >>> ReadersCompared("cell.abf", (ReaderDifference("units", "'?'", "''", "a guess"),)).agree
    False
    """

    file: str
    differences: tuple[ReaderDifference, ...] = ()
    not_compared: tuple[str, ...] = ()

    @property
    def agree(self) -> bool:
        """Whether everything that both read is the same."""
        return not self.differences

    @property
    def said(self) -> str:
        """The comparison in a few words, for tables and provenance."""
        if self.agree:
            return "pyABF and Neo agree"
        return f"{READERS_DIFFER}: " + "; ".join(map(str, self.differences))

    def __repr__(self) -> str:
        return "\n  ".join([f"{self.file}: {self.said}", *self.not_compared])

    def _repr_html_(self) -> str:
        rows = [(d.what, f"pyABF {d.pyabf}, Neo {d.neo}; {d.used}") for d in self.differences]
        rows += [("not compared", why) for why in self.not_compared]
        return html_table(f"Readers of {self.file}", rows or [("all", "pyABF and Neo agree")])
