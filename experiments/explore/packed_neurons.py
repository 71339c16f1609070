"""The neurons of the explorer, compiled by whoever makes a release, for readers without a compiler.

`python -m experiments.explore.packed_neurons` compiles them and writes them beside the code, where
the next wheel that is built takes them along. They are no part of the repository.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experiments.explore.embedding import safe_json
from experiments.explore.neuron_kernels import neuron_data
from experiments.kit.code_digest import whole_digest
from neurosim.atomic_write import make_folder, write_text

__all__ = ["PACKED", "pack_neurons", "packed_neurons"]

#: Where they stand; `code_digest` leaves folders of this name out.
PACKED = Path(__file__).parent / "packed" / "neurons.json"


def pack_neurons(file: Path = PACKED) -> Path:
    """Compile the neurons of the explorer and write them.

    Parameters
    ----------
    file : path
        Where to.

    Raises
    ------
    EngineError
        The package ``ziglang`` is not installed.
    OutputError
        The file cannot be written.
    """
    text = safe_json({"code": whole_digest(), "neurons": neuron_data()})
    make_folder(file.parent)
    write_text(file, text)
    return file


def packed_neurons(file: Path = PACKED) -> dict[str, Any] | None:
    """Return what the tab Neuron needs as it was packed; None if nothing was, or by other code.

    A neuron that was compiled from other code would not fire as the Python beside it does.

    Parameters
    ----------
    file : path
        Where from.

    Examples
    --------
    >>> packed_neurons(Path("no-such-file")) is None
    True
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if found["code"] != whole_digest():
        return None
    neurons: dict[str, Any] = found["neurons"]
    return neurons


if __name__ == "__main__":
    print(pack_neurons())
