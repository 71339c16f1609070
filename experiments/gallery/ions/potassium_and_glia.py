"""Potassium that neurons release: an astrocyte takes it up, carries it along and lets it go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from brian2.units import mV, second
from brian2.units.stdunits import mM

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import COLOURS, GREY, drawing
from neurosim.catalogue import buffering_astrocyte
from neurosim.electrodiffusion import Electrodiffused, electrodiffuse
from neurosim.errors import ParameterError
from neurosim.ions import nernst

__all__ = ["PUBLISHED_mM"]

# Halnes et al. (2013): potassium outside at the neurons at 400 s, with and without the astrocyte.
PUBLISHED_mM = {"astrocyte": 10.65, "none": 16.21}
_FROM, _UNTIL = 100.0, 400.0


@dataclass(frozen=True)
class Parameters:
    """Length of the run, and into how many pieces the line is cut."""

    duration_s: float = 600.0
    pieces: int = 100


@experiment(
    "potassium-and-glia",
    "Where neurons release potassium for five minutes, an astrocyte keeps it at 10.6 mM outside "
    "instead of 16.2 mM, and carries most of what it takes up away through its own cytosol.",
    Parameters,
    deterministic=True,
)
def run(parameters: Parameters, context: Context) -> Result:
    if parameters.duration_s < _UNTIL:
        raise ParameterError(
            f"potassium-and-glia: duration_s must be {_UNTIL:g} or more, the time that is compared "
            f"with the paper; got {parameters.duration_s:g}"
        )
    runs = {
        name: electrodiffuse(
            buffering_astrocyte(present=name == "astrocyte"),
            parameters.duration_s * second,
            pieces=parameters.pieces,
            frames=1 + round(parameters.duration_s / 2),
        )
        for name in PUBLISHED_mM
    }
    # The last frame of the release: a moment after its end the potassium outside has fallen.
    end = int(np.flatnonzero(runs["astrocyte"].times_s <= _UNTIL + 1e-6)[-1])
    peak = {name: float(_outside(one)[end, 0]) for name, one in runs.items()}
    where = _fates(runs["astrocyte"], end)
    alone = _fates(runs["none"], end)
    error = max(entry.error for one in runs.values() for entry in one.ledger().values())
    verdicts = [
        Verdict(
            f"potassium with {name} at 400 s, distance from the paper (%)",
            100 * abs(peak[name] / PUBLISHED_mM[name] - 1),
            3.0,
        )
        for name in PUBLISHED_mM
    ]
    # Of what neither stays at the place of release nor is taken up again there.
    inside, beside = where["carried away in the astrocyte"], where["carried away outside"]
    share = inside / (inside + beside)
    verdicts += [
        Verdict("share of the transport along the line inside the astrocyte", share, 0.5, ">="),
        Verdict("error of the ledger, over what moved", error, 1e-9),
    ]
    fates = pd.DataFrame({"with astrocyte": where, "without": alone})
    course = pd.DataFrame(
        {"time_s": runs["none"].times_s}
        | {f"potassium_{name}_mM": _outside(one)[:, 0] for name, one in runs.items()}
        | {"astrocyte_mV": np.asarray(runs["astrocyte"].v)[:, 0] * 1e3}
    )
    return Result(
        numbers={
            "potassium_with_astrocyte_mM": peak["astrocyte"],
            "potassium_without_mM": peak["none"],
            "share_inside_astrocyte": share,
            "ledger_error": error,
        },
        tables={"course": course, "fates": fates.rename_axis("fate").reset_index()},
        figures={"potassium-and-glia": _figure(runs, course, end, fates)},
        verdicts=verdicts,
    )


def _outside(one: Electrodiffused) -> np.ndarray:
    return np.asarray(one.concentration("k", "outside") / mM)


def _fates(one: Electrodiffused, end: int) -> dict[str, float]:
    """Return where the potassium released in the first tenth went, in mmol on a m² of tissue."""
    neurons = one.strip.neurons
    assert neurons is not None
    zone = one.places_m < float(neurons.beside)
    active = float(neurons.flux) * float(one.strip.membrane) * (_UNTIL - _FROM)
    given = active * float(neurons.beside)
    released = one.released("k", zone)[end]
    taken, kept = one.entered("k", zone)[end], one.gained("k", "inside", zone)[end]
    left = one.gained("k", "outside", zone)[end]
    amounts = {
        "taken up again by the neurons": given - released,
        "carried away outside": released - taken - left,
        "carried away in the astrocyte": taken - kept,
        "still there": left + kept,
    }
    return {name: 1e3 * value for name, value in amounts.items()}


def _figure(
    runs: dict[str, Electrodiffused], course: pd.DataFrame, end: int, fates: pd.DataFrame
) -> Any:
    colours = {"astrocyte": COLOURS["blue"], "none": COLOURS["vermilion"]}
    labels = {"astrocyte": "with astrocyte", "none": "without"}
    with drawing(7.4, 5.4, 2, 2) as (figure, axes):
        for name in runs:
            axes[0, 0].plot(
                course.time_s, course[f"potassium_{name}_mM"], color=colours[name],
                label=labels[name],
            )  # fmt: skip
            place = runs[name].places_m * 1e6
            axes[0, 1].plot(place, _outside(runs[name])[end], color=colours[name])
            axes[0, 0].plot(_UNTIL, PUBLISHED_mM[name], "o", color=colours[name], ms=5, mfc="none")
        axes[0, 0].plot([], [], "o", color=GREY, mfc="none", ms=5, label="Halnes et al. (2013)")
        axes[0, 0].axvspan(_FROM, _UNTIL, color=GREY, alpha=0.12, lw=0)
        axes[0, 0].set(xlabel="time (s)", ylabel="potassium outside (mM)", ylim=(0, 20),
                       title="at the active neurons")  # fmt: skip
        axes[0, 0].legend(loc="upper left", ncols=2)
        beside = runs["none"].strip.neurons
        assert beside is not None
        axes[0, 1].axvspan(0, float(beside.beside) * 1e6, color=GREY, alpha=0.12, lw=0)
        axes[0, 1].set(xlabel="along the astrocyte (µm)", ylabel="potassium outside (mM)",
                       ylim=(0, 20), title="at 400 s")  # fmt: skip
        glia = runs["astrocyte"]
        axes[1, 0].plot(glia.places_m * 1e6, np.asarray(glia.v)[end] * 1e3, color=COLOURS["blue"],
                        label="membrane potential")  # fmt: skip
        rest = nernst(
            "k", glia.concentration("k", "inside")[end], glia.concentration("k", "outside")[end],
            glia.strip.celsius,
        )  # fmt: skip
        axes[1, 0].plot(glia.places_m * 1e6, rest / mV, color=GREY, ls="--",
                        label="potassium equilibrium")  # fmt: skip
        axes[1, 0].set(xlabel="along the astrocyte (µm)", ylabel="potential (mV)",
                       title="along the astrocyte at 400 s")  # fmt: skip
        axes[1, 0].legend()
        rows = np.arange(len(fates))
        for shift, column, name in (
            (-0.2, "with astrocyte", "astrocyte"),
            (0.2, "without", "none"),
        ):
            axes[1, 1].barh(rows + shift, fates[column], 0.36, color=colours[name])
        axes[1, 1].set_yticks(rows, [name.replace(" by", "\nby").replace(" in", "\nin")
                                     for name in fates.index])  # fmt: skip
        axes[1, 1].invert_yaxis()
        axes[1, 1].set(xlabel="potassium by 400 s (mmol per m² of tissue)",
                       title="where it went")  # fmt: skip
    return figure
