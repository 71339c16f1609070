"""The main job as a terminal tells it."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from experiments.compare.written import true_minus
from experiments.kit.result import Result
from experiments.kit.unit_tables import SIGMOID_COLUMNS

__all__ = ["summary"]


def summary(result: Result, console: Any) -> None:
    """Print the main job in a terminal's width: units, accuracies, verdicts, time."""
    from rich.table import Table

    said = result.numbers["sentences"]
    for title, text in (
        ("1. A neuron", said["neuron"]),
        # The table below has the rest.
        ("2. Its unit", f"{said['units in short']} {said['left out by units']}"),
        (
            "3. A network on spiking neurons",
            " ".join([said["network"], *filter(None, [said.get("measured")])]),
        ),
        ("4. What is kept and what is lost", "\n".join(said["kept and lost"])),
    ):
        console.print(title, style="bold")
        for line in text.splitlines():
            console.print(fill(line, 100, break_on_hyphens=False))
    units = result.tables["units"]
    table = Table(title="Which unit stands for each neuron", title_justify="left")
    titles = ("neuron", "best unit", "weight", "fits", *SIGMOID_COLUMNS)
    for title in titles:
        table.add_column(title, justify="left" if title in ("neuron", "best unit") else "right")
    for row in units[list(titles)].to_dict("records"):
        table.add_row(*(row[t].split(" ")[0] if t == "fits" else row[t] for t in titles))
    console.print(table)
    table = Table(title="The same network on spiking neurons", title_justify="left")
    for title in ("time", "network %", "on neurons % (95 %)", "points lost", "McNemar p", "spikes"):
        table.add_column(title, justify="right")
    for answer in result.tables["accuracy"].to_dict("records"):
        low, high = 100 * answer["low_95"], 100 * answer["high_95"]
        table.add_row(
            f"{answer['time_ms']:g} ms",
            f"{100 * answer['ann_accuracy']:.2f}",
            f"{100 * answer['spiking_accuracy']:.2f} ({low:.1f}-{high:.1f})",
            true_minus(f"{round(answer['points_lost'], 2) + 0.0:.2f}"),
            f"{answer['mcnemar_p']:.2g}",
            f"{answer['spikes_per_decision']:.0f}",
        )
    console.print(table)
    for verdict in result.verdicts:
        console.print(true_minus(str(verdict)), style="green" if verdict.holds else "bold red")
    seconds = result.numbers["seconds"]
    since = "since the command began" if seconds["of_command"] else "in all"
    console.print(
        f"{seconds['total']:.1f} s {since}; {seconds['processor']:.0f} s of processor time"
    )
