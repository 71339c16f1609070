"""Things a user may name: activations, losses, optimisers. How one is described and made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from ann.errors import unknown_name

__all__ = ["Named", "make"]

Kind = TypeVar("Kind")


class Named:
    """A frozen description with a name and parameters."""

    #: As written in a description or a model file.
    name: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """Name and parameters as plain values, for a model file."""
        return {"name": self.name, **vars(self)}


def make(
    what: str, given: Any, table: Mapping[str, type[Kind]], *also: str, **settings: Any
) -> Kind:
    """Make what a name or a description of `Named.to_dict` stands for.

    Parameters
    ----------
    what : str
        For the error, such as ``"loss"``.
    given : str or dict
    table : mapping of str to class
    *also : str
        Names that the error lists besides those of the table.
    **settings
        Parameters that go before the given ones.

    Raises
    ------
    UnknownNameError
        If the table has no such name.

    Examples
    --------
    >>> make("number", {"name": "complex", "real": 1.0}, {"complex": complex}, imag=2.0)
    (1+2j)
    """
    arguments = dict(given) if isinstance(given, dict) else {"name": given}
    name = arguments.pop("name", None)
    if name not in table:
        raise unknown_name(what, name, [*table, *also])
    return table[name](**{**arguments, **settings})
