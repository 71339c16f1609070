"""Between two currents the squid axon has no stable rest: it begins and ends where published."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from brian2.units import cm, hertz, mV, uA

from experiments.kit.registry import Context, experiment
from experiments.kit.result import Result, Verdict
from experiments.kit.style import drawing
from neurosim import HodgkinHuxley
from neurosim.dynamics import bifurcation_diagram

__all__ = ["PUBLISHED_uA_cm2"]

CLAIM = (
    "The rest of the Hodgkin-Huxley axon (6.3 °C) loses its stability at 9.77 µA/cm² and gains it "
    "again at 154.5 µA/cm², as Hassard (1978) and Rinzel and Miller (1980) computed."
)

# Hassard (1978), J Theor Biol 71:401; Rinzel and Miller (1980), Math Biosci 49:27.
PUBLISHED_uA_cm2 = {"loses": 9.77, "gains": 154.5}


@dataclass(frozen=True)
class Parameters:
    """Range of currents that is searched."""

    lowest_uA_cm2: float = 0.0
    highest_uA_cm2: float = 200.0


@experiment("squid-oscillation", CLAIM, Parameters, deterministic=True)
def run(parameters: Parameters, context: Context) -> Result:
    squid = HodgkinHuxley()
    unit = squid.current(1 * uA / cm**2)
    between = (parameters.lowest_uA_cm2 * unit, parameters.highest_uA_cm2 * unit)
    found = bifurcation_diagram(squid, between=between)
    table = pd.DataFrame(
        [
            {
                "kind": point.kind,
                "current_uA_cm2": float(point.parameter / unit),
                "potential_mV": float(point.v / mV),
                "frequency_Hz": float(point.frequency / hertz),
            }
            for point in found.points
        ]
    )
    at = [row["current_uA_cm2"] for row in table.to_dict("records") if row["kind"] == "hopf"]
    names = dict(zip(PUBLISHED_uA_cm2, [*at, float("nan"), float("nan")], strict=False))
    with drawing(5.5, 3.6) as (figure, axes):
        found.plot(axes)
        axes.set_title("Rest of the squid axon over the injected current")
    return Result(
        numbers={f"{name}_uA_cm2": value for name, value in names.items()},
        tables={"bifurcations": table},
        figures={"squid-oscillation": figure},
        verdicts=[
            Verdict(
                f"rest {name} its stability, distance from the published current (%)",
                100 * abs(names[name] / published - 1),
                0.1,
            )
            for name, published in PUBLISHED_uA_cm2.items()
        ],
    )
