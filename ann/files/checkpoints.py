"""Stop today, go on tomorrow, and get the numbers you would have got without stopping.

A checkpoint holds everything a later step depends on: parameters, the optimiser's vectors, both
generators of chance, running averages, the history, and what hooks remember.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ann.errors import ModelFileError, OutputError, require_whole
from ann.files.tensor_file import TensorFile, write_tensors
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
    file = TensorFile(path)
    card = file.card
    what = card.get("what") if isinstance(card, dict) else None
    if what != WHAT:
        found = f"; it says {what!r}" if what else ""
        raise ModelFileError(f"{path} is no checkpoint of this version ({WHAT!r}){found}")
    try:
        _put_back(file, trainer)
    except ModelFileError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{path} does not describe a training: {error!r}") from error


def _put_back(file: TensorFile, trainer: Trainer) -> None:
    card, path = file.card, file.path
    for name, mine in _belongs_to(trainer).items():
        if card[name] != mine:
            raise ModelFileError(f"{path} belongs to {name} {card[name]}, not to {mine}")
    kinds = [type(hook).__name__ for hook in trainer.hooks]
    if [entry["type"] for entry in card["hooks"]] != kinds:
        raise ModelFileError(
            f"{path} was saved with the hooks {[e['type'] for e in card['hooks']]}, not {kinds}"
        )
    vectors = {"parameters": trainer.network.parameters}
    vectors |= {f"state.{name}": vector for name, vector in trainer.plan.state.items()}
    vectors |= {f"running.{i}": x for i, x in enumerate(trainer.network.running_averages())}
    saved = {name: file.take(name, x.shape, x.dtype) for name, x in vectors.items()}
    states = []
    for i, entry in enumerate(card["hooks"]):
        prefix = f"hook.{i}."
        names = [name for name in file.names() if name.startswith(prefix)]
        states.append(
            entry["state"] | {name.removeprefix(prefix): file.take(name) for name in names}
        )
    file.finish()
    epoch, step, share, history = (card[k] for k in ("epoch", "step", "rate_share", "history"))
    counts = all(type(number) is int and number >= 0 for number in (epoch, step))
    if not counts or type(share) not in (int, float) or not isinstance(history, list):
        raise ValueError(f"epoch {epoch!r}, step {step!r}, rate_share {share!r}")
    # Nothing of the trainer is changed before all of the file was found right.
    chances = [(trainer.rng, card["order"]), (trainer.plan.rng, card["chance"])]
    for generator, state in chances:
        type(generator.bit_generator)().state = state
    before = [dict(vars(hook)) for hook in trainer.hooks]
    try:
        for hook, state in zip(trainer.hooks, states, strict=True):
            hook.load(state)
    except Exception:
        for hook, values in zip(trainer.hooks, before, strict=True):
            vars(hook).update(values)
        raise
    for name, vector in vectors.items():
        vector[...] = saved[name]
    for generator, state in chances:
        generator.bit_generator.state = state
    trainer.epoch, trainer.step, trainer.rate_share = epoch, step, share
    trainer.history[:] = history


class Checkpoint(Hook):
    """Saves a checkpoint every few epochs, and goes on from it where there is one.

    A checkpoint that cannot be written, such as on a full disk, is a warning: the training goes on.

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
        self.path, self.every = Path(path), require_whole("every", every, 1)
        self.resume = resume

    def before_fit(self, trainer: Trainer) -> None:
        if self.resume and self.path.exists():
            load_checkpoint(self.path, trainer)

    def after_epoch(self, trainer: Trainer) -> None:
        if trainer.epoch % self.every == 0 or trainer.stop:
            try:
                save_checkpoint(self.path, trainer)
            except OutputError as error:
                # Hours of training are worth more than a file that can be written later.
                warnings.warn(
                    f"no checkpoint of epoch {trainer.epoch}: {error}; training goes on, and the "
                    "next one is tried as planned",
                    stacklevel=2,
                )
