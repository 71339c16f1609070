"""Which networks a search tries."""

from __future__ import annotations

from bridge.reduce.architectures import FilterBank, Model, PointUnit, TemporalConvolution, TwoLayer

__all__ = ["ladder"]


def ladder(branches: int, largest: int = 16) -> list[Model]:
    """The networks a search fits, before they are put in order of size.

    Examples
    --------
    >>> [model.name for model in ladder(1, largest=3)]
    ['point unit', 'filter bank of 1', 'filter bank of 2', 'filter bank of 3']
    """
    banks = [size for size in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32) if size <= largest]
    found: list[Model] = [PointUnit()]
    if branches > 1:
        found.append(TwoLayer(branches))
    found += [FilterBank(size) for size in banks]
    found += [TemporalConvolution(size) for size in (4, 8, 16) if size <= largest]
    return found
