"""Does the verdict keep quiet when there is nothing to say? Targets shuffled, on real tables.

Each table's target is shuffled once a seed, so that whatever a model finds is chance; the verdict
should be ``cannot`` every time. Beside it stands the verdict on the true target, which must not be
refused. Prints a line a table and the totals, as JSON:

    python benchmarks/data_chance.py FOLDER [--seeds 20]

FOLDER holds four tables as found on the web: the Palmer penguins, the Titanic's passengers, heart
disease data of four hospitals and IBM's telco churn.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np

from ann.data import assess, read_table

TABLES = {
    "penguins_raw.csv": "Species",
    "titanic3_CR_newlines.csv": "survived",
    "heart_disease_uci_4sites.csv": "num > 0",
    "telco_churn.csv": "Churn",
}


def main() -> None:
    """Judge the true target of each table once, and its shuffled target once a seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args()
    total: Counter[str] = Counter()
    start = time.process_time()
    for name, target in TABLES.items():
        table = read_table(given.folder / name).frame
        column = target.split(" ")[0]
        levels: Counter[str] = Counter()
        least = 1.0
        for seed in range(given.seeds):
            order = np.random.default_rng([seed, len(table)]).permutation(len(table))
            shuffled = table.assign(**{column: table[column].to_numpy()[order]})
            verdict = assess(shuffled, target, network=None, seed=seed)
            levels[verdict.level] += 1
            least = min(least, verdict.signal.p if verdict.signal else 1.0)
        true = assess(table, target, network=None)
        total += levels
        line = {
            "table": name,
            "rows": len(table),
            "shuffled": dict(levels),
            "smallest p": least,
            "true target": true.level,
        }
        print(json.dumps(line), flush=True)
    seconds = round(time.process_time() - start)
    print(json.dumps({"all shuffled": dict(total), "processor seconds": seconds}))


if __name__ == "__main__":
    main()
