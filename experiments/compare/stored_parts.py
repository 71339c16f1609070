"""Parts of the main job that are taken from the store where they were computed before."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from experiments.kit.store import Kept, Store, key_of

__all__ = ["Parts", "Taken"]

T = TypeVar("T")


@dataclass(frozen=True)
class Taken:
    """A part that was not computed in this run.

    Attributes
    ----------
    what : str
        Which part.
    made : str
        When it was computed (UTC).
    seconds : float
        How long that took.
    """

    what: str
    made: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Parts:
    """Compute parts, or take them from a store.

    They are kept as Python pickles, which only the very code that wrote them reads: the digest of
    the code is in the key, and the checksum is compared before. Whoever can write into the store
    can run code as its user, as whoever can write into the cache of compiled models can.

    Parameters
    ----------
    store : Store
    asked : dict
        What decides every part, such as the engine.

    Attributes
    ----------
    taken : list of Taken
        Parts that came from the store.
    """

    store: Store
    asked: dict[str, Any] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)

    def of(self, what: str, compute: Callable[[], T], *, own: bool = False, **asked: Any) -> T:
        """Return a part.

        Parameters
        ----------
        what : str
            What the page calls it.
        compute : callable
            Computes it, if the store does not have it.
        own : bool
            Whether it rests on a file of the user. Of those nothing is kept.
        **asked
            What decides it beside code and versions.
        """
        if own or self.store.folder is None:
            return compute()
        made: list[T] = []

        def packed() -> dict[str, Any]:
            made.append(compute())
            return {"pickle": pickle.dumps(made[0])}

        kept: Kept = self.store.obtain(key_of(f"compare: {what}", **self.asked, **asked), packed)
        if kept.fresh:
            return made[0]
        self.taken.append(Taken(what, kept.made, kept.seconds))
        found: T = pickle.loads(kept.values["pickle"])
        return found
