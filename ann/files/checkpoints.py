"""Stop today, go on tomorrow, and get the numbers you would have got without stopping.

A checkpoint holds everything a later step depends on: parameters, the optimiser's vectors, both
generators of chance, running averages, the history, and what hooks remember.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ann.errors import ModelFileError, require_number
from ann.files.tensor_file import read_tensors, write_tensors
from ann.training.trainer import Hook, Trainer

__all__ = ["Checkpoint", "load_checkpoint", "save_checkpoint"]

WHAT = "neurosim checkpoint 4"


def save_checkpoint(path: str | Path, trainer: Trainer) -> None:
    """Write all that the next epoch depends on.

    Parameters
    ----------
    path : str or Path
    trainer : Trainer
        Between two epochs.
    """
    tensors = {"parameters": trainer.network.parameters}
    tensors |= {f"state.{name}": vector for name, vector in trainer.plan.state.items()}
    tensors |= {f"running.{i}": x for i, x in enumerate(trainer.network.running_averages())}
    hooks: list[dict[str, Any]] = []
    for i, hook in enumerate(trainer.hooks):
        plain: dict[str, Any] = {}
        for name, value in hook.state().items():
            if isinstance(value, np.ndarray):
                tensors[f"hook.{i}.{name}"] = value
            else:
                plain[name] = value
        hooks.append({"type": type(hook).__name__, "state": plain})
    card = {
        "what": WHAT,
        **_belongs_to(trainer),
        "epoch": trainer.epoch,
        "step": trainer.step,
        "rate_share": trainer.rate_share,
        "history": trainer.history,
        "order": trainer.rng.bit_generator.state,
        "chance": trainer.plan.rng.bit_generator.state,
        "hooks": hooks,
    }
    write_tensors(path, tensors, card)


def _belongs_to(trainer: Trainer) -> dict[str, Any]:
    """What a trainer must have in common with a checkpoint that it goes on from."""
    network = trainer.network
    return {
        "network": {
            "sizes": list(network.sizes),
            "activations": [layer.activation.name for layer in network.layers],
            "parameters": network.parameters.size,
            "dtype": network.dtype.name,
        },
        "optimiser": trainer.plan.optimiser.name,
    }


def load_checkpoint(path: str | Path, trainer: Trainer) -> None:
    """Put a trainer into the state that was saved.

    Parameters
    ----------
    path : str or Path
    trainer : Trainer
        With the same network, optimiser and kinds of hooks as when it was saved.

    Raises
    ------
    ModelFileError
        If the file is damaged, or belongs to another network or optimiser.
    """
    tensors, card = read_tensors(path)
    what = card.get("what") if isinstance(card, dict) else None
    if what != WHAT:
        found = f"; it says {what!r}" if what else ""
        raise ModelFileError(f"{path} is no checkpoint of this version ({WHAT!r}){found}")
    for name, mine in _belongs_to(trainer).items():
        if card[name] != mine:
            raise ModelFileError(f"{path} belongs to {name} {card[name]}, not to {mine}")
    kinds = [type(hook).__name__ for hook in trainer.hooks]
    if [entry["type"] for entry in card["hooks"]] != kinds:
        raise ModelFileError(
            f"{path} was saved with the hooks {[e['type'] for e in card['hooks']]}, not {kinds}"
        )
    trainer.network.parameters[...] = tensors["parameters"]
    for name, vector in trainer.plan.state.items():
        vector[...] = tensors[f"state.{name}"]
    for i, x in enumerate(trainer.network.running_averages()):
        x[...] = tensors[f"running.{i}"]
    for i, (hook, entry) in enumerate(zip(trainer.hooks, card["hooks"], strict=True)):
        prefix = f"hook.{i}."
        arrays = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        hook.load(entry["state"] | arrays)
    trainer.rng.bit_generator.state = card["order"]
    trainer.plan.rng.bit_generator.state = card["chance"]
    trainer.epoch, trainer.step = card["epoch"], card["step"]
    trainer.rate_share = card["rate_share"]
    trainer.history[:] = card["history"]


class Checkpoint(Hook):
    """Saves a checkpoint every few epochs, and goes on from it where there is one.

    Put it last among the hooks: what the others learn from an epoch belongs to its checkpoint.

    Parameters
    ----------
    path : str or Path
        File; replaced as a whole at each saving.
    every : int
        Epochs between savings.
    resume : bool
        Begin from the file if it exists.

    Examples
    --------
    >>> Checkpoint("run.safetensors", every=5).every
    5
    """

    def __init__(self, path: str | Path, every: int = 1, resume: bool = True) -> None:
        require_number("every", every, 1)
        self.path, self.every, self.resume = Path(path), every, resume

    def before_fit(self, trainer: Trainer) -> None:
        if self.resume and self.path.exists():
            load_checkpoint(self.path, trainer)

    def after_epoch(self, trainer: Trainer) -> None:
        if trainer.epoch % self.every == 0 or trainer.stop:
            save_checkpoint(self.path, trainer)
