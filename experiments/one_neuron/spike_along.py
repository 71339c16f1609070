"""One spike on its way from the end of an axon, through the soma, to the tip of a dendrite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brian2.units import mV

from neurosim import Neuron
from neurosim.measure.spikes import measure_spikes
from neurosim.morphology import Compartments, Site, points
from neurosim.morphology.regions import FAMILIES
from neurosim.run.neuron_run import NeuronRecording

__all__ = ["OneSpike", "far_on_dendrite", "show_one_spike", "way_through", "way_through_site"]

# The part of the axon over which velocity is measured: away from the spike's start and the end.
_STRETCH_UM = (200.0, 800.0)
# What is shown before and after the spike.
_AFTER_MS = 6.0
# How long the response to one synapse is looked at.
_ALONE_MS = 40.0


@dataclass(frozen=True, eq=False)
class OneSpike:
    """A run of the driven neuron and the spike of it that is shown.

    Attributes
    ----------
    neuron : Neuron
        What was run.
    time_ms : ndarray, shape (samples,)
        From the crossing of -20 mV at the initial segment; without a spike, from the highest
        potential of the soma.
    along_um : ndarray, shape (places,)
        Places on the way from the end of the axon (negative) over the soma (0) to the tip of the
        dendrite that reaches farthest.
    potential_mV : ndarray, shape (samples, places)
        Membrane potential there.
    traces : dict of str to ndarray, shape (samples,)
        Potential at named places (mV).
    synapse_mV, soma_mV : ndarray
        Response to one far synapse, at the synapse and at the soma, less the rest.
    alone_ms : ndarray
        Its times, from when the synapse was active.
    numbers : dict of str to float
        What is measured of the spike shown; nan where the spike did not get.
    fired : bool
        Whether there was a spike to show.
    row : int
        Which row of the run is shown.
    late : bool
        Whether the neuron fired, but too late for a spike to be shown whole.
    spot_um : dict of str to float
        Where the named places lie on the way (um, as in `along_um`).
    """

    neuron: Neuron
    time_ms: np.ndarray
    along_um: np.ndarray
    potential_mV: np.ndarray
    traces: dict[str, np.ndarray]
    synapse_mV: np.ndarray
    soma_mV: np.ndarray
    alone_ms: np.ndarray
    numbers: dict[str, float]
    fired: bool
    row: int
    late: bool
    spot_um: dict[str, float]


def way_through(cut: Compartments) -> tuple[np.ndarray, np.ndarray]:
    """Return compartments from the end of the axon to the farthest tip of a dendrite, and where.

    Parameters
    ----------
    cut : Compartments
        Of a cell with a soma, an axon and dendrites, by its tags.

    Returns
    -------
    compartments : ndarray of int, shape (places,)
    along_um : ndarray, shape (places,)
        Path distance from the soma in um, negative towards the axon.

    Examples
    --------
    >>> from neurosim.catalogue import textbook_neuron
    >>> cut = textbook_neuron().compartments
    >>> here, along = way_through(cut)
    >>> cut.branch_names[cut.branch[here[-1]]], bool(along[0] < -1000 < 0 < along[-1])
    ('apical', True)
    """
    tags = np.array(cut.tags)[cut.branch]
    distance = 1e6 * np.asarray(cut.distance_m)
    out = _chain(cut, _farthest(tags == "axon", distance))
    up = _chain(cut, _farthest(np.isin(tags, FAMILIES["dendrite"]), distance))
    here = np.concatenate([out[::-1], [_soma(cut)], up])
    along = np.concatenate([-distance[out[::-1]], [0.0], distance[up]])
    return here, along


def way_through_site(cut: Compartments) -> Site:
    """Return the places of `way_through`, for a probe."""
    return points(cut.middle(int(c)) for c in way_through(cut)[0])


def far_on_dendrite(cut: Compartments, position: float = 0.9) -> tuple[str, float]:
    """Return a place on the branch of a dendrite that reaches farthest: its name and the position.

    Examples
    --------
    >>> from neurosim.catalogue import textbook_neuron
    >>> far_on_dendrite(textbook_neuron().compartments)
    ('apical', 0.9)
    """
    return cut.branch_names[cut.branch[way_through(cut)[0][-1]]], position


def _soma(cut: Compartments) -> int:
    return cut.at(cut.branch_names[cut.tags.index("soma")], 0.5)


def _farthest(among: np.ndarray, distance: np.ndarray) -> int:
    return int(np.argmax(np.where(among, distance, -1.0)))


def _chain(cut: Compartments, last: int) -> np.ndarray:
    """Return the compartments on the way from the soma to one of them, in this order."""
    branch, limit, found = int(cut.branch[last]), np.inf, []
    while branch >= 0 and cut.tags[branch] != "soma":
        own = np.arange(cut.first[branch], cut.first[branch + 1])
        # A branch may hang on the middle of its parent: the rest of that one is not on the way.
        own = own[cut.distance_m[own] <= limit]
        found.append(own)
        limit = float(cut.distance_m[cut.first[branch]])
        branch = int(cut.morphology.parents[branch])
    return np.concatenate(found[::-1])


def _crossing(time_ms: np.ndarray, v: np.ndarray, level: float) -> float:
    """Return when a potential first crosses a level upwards (ms), between samples; else nan."""
    up = np.flatnonzero((v[:-1] < level) & (v[1:] >= level))
    if not len(up):
        return float("nan")
    k = up[0]
    return float(time_ms[k] + (time_ms[k + 1] - time_ms[k]) * (level - v[k]) / (v[k + 1] - v[k]))


def _first_spike(recording: NeuronRecording) -> tuple[int, float] | None:
    """Return the first train with a spike that can be shown whole, and when it starts (ms)."""
    end = 1e3 * recording.duration_s - _AFTER_MS
    for row in range(recording.rows - 1):
        soma, segment = (
            np.asarray(recording.spike_times_at(name, row)) * 1e3
            for name in ("soma", "initial_segment")
        )
        if len(soma) and len(segment) and soma[0] < end:
            return row, float(segment[np.abs(segment - soma[0]).argmin()])
    return None


def show_one_spike(recording: NeuronRecording, neuron: Neuron) -> OneSpike:
    """Take the first spike apart, of the first train that has one.

    If no train has one, the highest potential of the soma is shown in its place.

    Parameters
    ----------
    recording : NeuronRecording
        Of the neuron, probed at `way_through_site` (label ``v``) and at ``soma``. In its last row
        nothing is active but one synapse at `far_on_dendrite`, at 2 ms.
    neuron : Neuron
        What was run.
    """
    here, along = way_through(neuron.compartments)
    matrix = recording.matrix("v")
    place = {int(c): k for k, c in enumerate(matrix.compartments)}
    columns = [place[int(c)] for c in here]
    middle = int(np.argmin(np.abs(along)))
    time = np.asarray(recording.trace_time_s) * 1e3
    found = _first_spike(recording)
    late = False
    if found is None:
        late = any(len(recording.spike_times_at("soma", k)) for k in range(recording.rows - 1))
        heights = np.asarray(matrix.values[:-1, :, columns[middle]])
        highest = np.unravel_index(int(np.argmax(heights)), heights.shape)
        found = int(highest[0]), float(time[highest[1]])
        fired = False
    else:
        fired = True
    row, started = found
    near = (time - started > -_AFTER_MS) & (time - started < _AFTER_MS)
    shown = time[near] - started
    v = np.asarray(matrix.values[row])[near][:, columns] * 1e3
    tip = len(along) - 1
    half = (along[tip] + 0.5e6 * float(neuron.compartments.length_m[here[tip]])) / 2
    spot = {
        "dendrite": int(np.argmin(np.abs(along - half))),
        "soma": middle,
        "initial segment": _place_on(neuron.compartments, here, "initial_segment"),
        "end of the axon": 0,
    }
    last = recording.rows - 1
    volts = np.asarray(matrix.values[last])[time < _ALONE_MS] * 1e3
    far = place[neuron.compartments.at(*far_on_dendrite(neuron.compartments))]
    synapse, body = (volts[:, k] - volts[0, k] for k in (far, columns[middle]))
    numbers = {"epsp_at_synapse_mV": float(synapse.max()), "epsp_at_soma_mV": float(body.max())}
    numbers["epsp_left_at_soma"] = numbers["epsp_at_soma_mV"] / numbers["epsp_at_synapse_mV"]
    numbers["spikes_of_one_synapse"] = float(
        np.sum(np.asarray(recording.spike_times_at("soma", last)) * 1e3 < _ALONE_MS)
    )
    numbers["peak_at_soma_mV"] = float(v[:, middle].max())
    numbers["fires_too_late"] = float(late)
    if fired:
        numbers |= _of_the_spike(recording, row, shown, v, along, spot)
    return OneSpike(
        neuron, shown, along, v, {name: v[:, k] for name, k in spot.items()}, synapse, body,
        time[time < _ALONE_MS] - 2, numbers, fired, row, late,
        {name: float(along[k]) for name, k in spot.items()},
    )  # fmt: skip


def _place_on(cut: Compartments, here: np.ndarray, name: str) -> int:
    """Return which place of the way lies two thirds along a branch."""
    return int(np.flatnonzero(here == cut.at(name, 2 / 3))[0])


def _of_the_spike(
    recording: NeuronRecording,
    row: int,
    time_ms: np.ndarray,
    v: np.ndarray,
    along: np.ndarray,
    spot: dict[str, int],
) -> dict[str, float]:
    """Return threshold, times and heights of the spike that is shown."""
    crossed = np.array([_crossing(time_ms, v[:, k], -20.0) for k in range(len(along))])
    low, high = _STRETCH_UM
    stretch = (along < -low) & (along > -high) & np.isfinite(crossed)
    slope = np.nan
    if np.count_nonzero(stretch) > 2:
        slope = float(np.polyfit(-along[stretch], crossed[stretch], 1)[0])
    shape = measure_spikes(recording.trace_time, recording.trace("soma")[row])
    peaks = v.max(axis=0) - v[0]
    soma, segment = spot["soma"], spot["initial segment"]
    found = {
        "threshold_mV": shape.threshold[0] / mV if len(shape) else np.nan,
        "lead_of_initial_segment_ms": crossed[soma] - crossed[segment],
        "delay_to_axon_end_ms": crossed[0] - crossed[segment],
        "velocity_m_per_s": 1e-3 / slope,
        "spike_left_at_dendritic_tip": peaks[-1] / peaks[soma],
    }
    return {name: float(value) for name, value in found.items()}
