"""Which stimulus, and which recorded current, belong to a response of an NWB file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bridge.recordings.errors import RecordingError
from neurosim.errors import suggest

__all__ = ["Pair", "Part", "paired", "paired_by_hand"]


class Part(NamedTuple):
    """Some samples of a series, all of them where `length` is negative."""

    series: Any
    first: int = 0
    length: int = -1


class Pair(NamedTuple):
    """A response with its currents.

    Attributes
    ----------
    heard : Part
        The response.
    command, measured : Part or None
        What the amplifier was told, and what a channel recorded of it.
    """

    heard: Part
    command: Part | None
    measured: Part | None


def paired(
    content: Any, cells: Sequence[Any], commands: Sequence[Any], measured: Sequence[Any]
) -> list[Pair]:
    """Return the sweeps of a cell: each response, or range of it, with its currents.

    Parameters
    ----------
    content : NWBFile
        With the table of intracellular recordings, if there is one. The table goes before the
        numbers and names of the series.
    cells : sequence of series
        The responses of one electrode.
    commands, measured : sequence of series
        Stimuli, and recorded currents.

    Returns
    -------
    list of Pair

    Raises
    ------
    RecordingError
        Several stimuli belong to one response, and they differ.
    """
    told = _told(content)
    others = _acquired(content)
    pairs = []
    for response in cells:
        match = _Match(response, cells, others)
        seen = match.only(measured, needed=not commands)
        if response.object_id not in told:
            command = match.only(commands, needed=True)
            pairs.append(Pair(Part(response), _whole(command), _whole(seen)))
            continue
        for heard, given in told[response.object_id]:
            alike = _same_range(seen, heard)
            if given is not None and any(given.series is s for s in measured):
                pairs.append(Pair(heard, None, given))
            elif given is not None and any(given.series is s for s in commands):
                pairs.append(Pair(heard, given, alike))
            else:
                # A row without stimulus is none; one whose command was not asked for has another.
                pairs.append(Pair(heard, None, None if given is None else alike))
    return pairs


def paired_by_hand(
    given: Mapping[str, str],
    content: Any,
    cells: Sequence[Any],
    commands: Sequence[Any],
    measured: Sequence[Any],
) -> list[Pair]:
    """Return the sweeps of a cell whose currents were said by name.

    Parameters
    ----------
    given : mapping of str to str
        By the name of a response, that of its stimulus or recorded current.
    content, cells, commands, measured
        As for `paired`. A recorded current that belongs to a response is kept beside the stimulus
        that was named, to be compared with it.

    Returns
    -------
    list of Pair
        In the order of `given`; then every response that it does not name, without a current.

    Raises
    ------
    RecordingError
        A name is none of the file's.
    """
    responses = {s.name: s for s in cells}
    others = _acquired(content)
    # A stimulus and a response may have one name; what is a current is told by where it stands.
    told_of = {s.name: s for s in commands}
    seen_of = {s.name: s for s in measured}
    currents = seen_of | told_of
    pairs = []
    for heard, told in given.items():
        for name, known, what in ((heard, responses, "response"), (told, currents, "current")):
            if name not in known:
                raise RecordingError(
                    "choice",
                    f"no {what} of this cell is called {name!r}",
                    f"pair {what}s by the names in the file: {suggest(name, known)}",
                )
        response, command, seen = responses[heard], told_of.get(told), seen_of.get(told)
        if command is not None:
            seen = _Match(response, cells, others).only(measured, needed=False)
        pairs.append(Pair(Part(response), _whole(command), _whole(seen)))
    return pairs + [Pair(Part(s), None, None) for s in cells if s.name not in given]


def _acquired(content: Any) -> list[Any]:
    return [s for s in content.acquisition.values() if hasattr(s, "data")]


def _whole(series: Any) -> Part | None:
    return None if series is None else Part(series)


def _same_range(seen: Any, heard: Part) -> Part | None:
    """Return the samples of a recorded current that lie beside those of a response."""
    if seen is None or (heard.length >= 0 and len(seen.data) != len(heard.series.data)):
        return None
    return Part(seen, heard.first, heard.length)


def _told(content: Any) -> dict[str, list[tuple[Part, Part | None]]]:
    """Return, by response, which of its samples belong to which of a stimulus.

    One long series may hold many sweeps, each a row of the table with its range of samples. A row
    may have no stimulus.
    """
    table = getattr(content, "intracellular_recordings", None)
    pairs: dict[str, list[tuple[Part, Part | None]]] = {}
    if table is None:
        return pairs
    for row in range(len(table)):
        entry = table[row]
        response = _part(entry[("responses", "response")].iloc[0])
        stimulus = _part(entry[("stimuli", "stimulus")].iloc[0])
        if response is not None:
            pairs.setdefault(response.series.object_id, []).append((response, stimulus))
    return pairs


def _part(found: Any) -> Part | None:
    """Return what a cell of the table refers to; None where it refers to nothing."""
    if found.timeseries is None or found.idx_start is None or found.count is None:
        return None
    return Part(found.timeseries, int(found.idx_start), int(found.count)) if found.count else None


class _Match:
    """Looks for the series that belong to a response: by number, by name, by start.

    The order in which a file stores its series says nothing: HDF5 sorts them by name.
    """

    def __init__(self, response: Any, cells: Sequence[Any], others: Sequence[Any]) -> None:
        self.response, self.cells = response, cells
        self.number = getattr(response, "sweep_number", None)
        self.electrode = getattr(response, "electrode", None)
        alike = [s for s in cells if getattr(s, "sweep_number", None) == self.number]
        self.number_is_unique = len(alike) < 2
        # Wires of other cells, whose stimuli this one did not receive.
        wires = [getattr(s, "electrode", None) for s in others]
        self.elsewhere = [w for w in wires if w is not None and w is not self.electrode]

    def only(self, pool: Sequence[Any], *, needed: bool) -> Any:
        """Return the one that belongs to the response, None if there is none."""
        found = self._candidates(pool)
        if len(found) < 2:
            return found[0] if found else None
        if all(_equal(found[0], other) for other in found[1:]):
            return found[0]
        if not needed:
            return None
        raise RecordingError(
            "contradiction",
            f"{len(found)} different currents belong to {self.response.name!r}: "
            f"{', '.join(repr(s.name) for s in found)}",
            f'say which one the cell received, pairs={{"{self.response.name}": "..."}} '
            f"(--pair {self.response.name}=...), list it in the table of intracellular recordings, "
            "or give the others another sweep_number",
        )

    def _candidates(self, pool: Sequence[Any]) -> list[Any]:
        wires = [(s, getattr(s, "electrode", None)) for s in pool]
        same = [s for s, w in wires if w is self.electrode]
        same = same or [s for s, w in wires if not any(w is other for other in self.elsewhere)]
        if self.number is not None:
            found = [s for s in same if getattr(s, "sweep_number", None) == self.number]
            if found and self.number_is_unique:
                return found
            same = found or same
        digits = _digits(self.response)
        named = [s for s in same if digits and _digits(s) == digits]
        if named and _count_differently(self.cells, same):
            named = []
        if len(named) == 1:
            return named
        start = self.response.starting_time
        # PyNWB puts 0 where nothing is said; a start that several responses share tells nothing.
        shared = sum(s.starting_time == start for s in self.cells) > 1
        told = start is not None and (bool(named) or not shared)
        together = [s for s in named or same if told and s.starting_time == start]
        if len(together) == 1 or (named and together):
            return together
        if len(self.cells) == len(same) == 1 and self.number is None and not digits:
            return same
        return []


def _digits(series: Any) -> list[str]:
    return re.findall(r"\d+", series.name)


def _count_differently(cells: Sequence[Any], pool: Sequence[Any]) -> bool:
    """Whether numbers in names leave over responses and currents alike.

    They do where one is counted from 0 and the other from 1, so that equal numbers do not belong
    together.
    """
    heard, given = ([_digits(s) for s in some] for some in (cells, pool))
    return any(d not in given for d in heard) and any(d not in heard for d in given)


def _equal(one: Any, other: Any) -> bool:
    """Whether two series say the same current."""
    said = [(str(s.unit), s.conversion, s.rate, s.starting_time) for s in (one, other)]
    return said[0] == said[1] and np.array_equal(
        np.asarray(one.data[()]), np.asarray(other.data[()])
    )
