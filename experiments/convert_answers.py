"""What a trained model and the neurons in its place answer, and how far the two are apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.errors import ConversionError

if TYPE_CHECKING:
    from ann import Network
    from bridge.certificate import Certificate
    from bridge.spiking import SpikingRun

__all__ = ["Answers", "bound", "compared"]


@dataclass(frozen=True, eq=False)
class Answers:
    """How the outputs of a model are read, whether units or neurons computed them.

    Attributes
    ----------
    network : ann.Network
        The trained network, as it was saved.
    classes : ndarray or None
        Labels of the outputs; None where they are quantities.
    """

    network: Network
    classes: np.ndarray | None

    @classmethod
    def of(cls, trained: Any, card: dict[str, Any]) -> Answers:
        """Find out from what `ann.load` returned and the card of its file.

        A network saved without an estimator has no names for its classes: behind softmax or a
        sigmoid they are numbers, and other outputs are quantities.

        Raises
        ------
        ConversionError
            An input may have several labels.
        """
        network = getattr(trained, "network_", trained)
        if "targets" not in card:
            last = network.layers[-1].activation.name
            numbered = np.arange(max(2, network.sizes[-1]))
            return cls(network, numbered if last in ("softmax", "sigmoid") else None)
        kind = card["targets"]["kind"]
        if kind == "multilabel":
            raise ConversionError(
                "this model gives an input several labels at once, and the command compares one "
                "label an input; use bridge.convert in Python, where an output of run.logits() "
                "above 0 means that its label is given"
            )
        return cls(network, None if kind == "regression" else np.asarray(trained.classes_))

    def of_network(self, X: np.ndarray) -> np.ndarray:
        """Return the label of each input, or a table of quantities with a row an input."""
        if self.classes is None:
            return np.asarray(self.network.output(X), dtype=float)
        return self._labels(np.asarray(self.network.logits(X)))

    def of_neurons(self, run: SpikingRun) -> np.ndarray:
        """Return the same of the neurons, decided on at the end of a run."""
        if self.classes is None:
            return np.asarray(self.network.layers[-1].activation.value(run.logits()), dtype=float)
        return self._labels(run.logits())

    def _labels(self, logits: np.ndarray) -> np.ndarray:
        assert self.classes is not None
        one = logits.shape[1] == 1
        return self.classes[(logits[:, 0] > 0).astype(int) if one else logits.argmax(axis=1)]


def compared(
    answers: Answers, network: np.ndarray, neurons: np.ndarray, y: np.ndarray | None, which: str
) -> tuple[dict[str, Any], list[str]]:
    """Return how network and neurons agree with each other and with y, as numbers and sentences.

    Parameters
    ----------
    answers : Answers
    network, neurons : ndarray
        What they answered: labels, or quantities with a row an input.
    y : ndarray or None
        What is right, in the same form.
    which : str
        Which inputs these are, in words.

    Returns
    -------
    numbers : dict
        Shares lie between 0 and 1.
    sentences : list of str
    """
    if answers.classes is None:
        numbers, told = _distance("neurons from the network", neurons, network)
        sentences = [f"{told} on {which}"]
        for name, found in (("network", network), ("neurons", neurons)):
            if y is not None:
                more, told = _distance(f"{name} from y", found, y)
                numbers |= more
                sentences.append(told)
        return numbers, sentences
    numbers = {"same_label": float(np.mean(neurons == network))}
    sentences = [f"same label as the network: {100 * numbers['same_label']:.2f} % of {which}"]
    for name, found in (("network", network), ("neurons", neurons)):
        if y is not None:
            right = numbers[f"accuracy_{name}"] = float(np.mean(found == y))
            sentences.append(f"accuracy of the {name}: {100 * right:.2f} %")
    return numbers, sentences


def _distance(what: str, found: np.ndarray, wanted: np.ndarray) -> tuple[dict[str, Any], str]:
    """Return root mean square error and R2 (mean over outputs) of quantities."""
    key = what.replace(" the ", " ").replace(" ", "_")
    rms = float(np.sqrt(np.mean((found - wanted) ** 2)))
    spread = np.sum((wanted - wanted.mean(axis=0)) ** 2, axis=0)
    numbers: dict[str, Any] = {f"rms_{key}": rms, f"r2_{key}": None}
    if not np.all(spread > 0):
        return numbers, f"{what}: rms error {rms:.4g} (no R2: they do not vary)"
    left = np.sum((found - wanted) ** 2, axis=0)
    r2 = numbers[f"r2_{key}"] = float(np.mean(1 - left / spread))
    return numbers, f"{what}: rms error {rms:.4g}, R2 {r2:.4f}"


def bound(
    certificate: Certificate, X: np.ndarray, network: np.ndarray, neurons: np.ndarray
) -> tuple[dict[str, Any], str]:
    """Return how many labels stand while errors stay as small as seen, and what the run says to it.

    Parameters
    ----------
    certificate : Certificate
    X : ndarray, shape (n_samples, n_features)
        Inputs that were answered.
    network, neurons : ndarray, shape (n_samples,)
        Labels.
    """
    safe = certificate.safe(X)
    held, changed = int(safe.sum()), int(np.sum(safe & (neurons != network)))
    numbers = {
        "held_by_errors_seen": held,
        "of_these_changed": changed,
        "answered": len(X),
        "certified_on": certificate.inputs,
        "runs": certificate.runs,
    }
    one = "input" if certificate.inputs == 1 else "inputs"
    seen = f"{certificate.inputs} {one} in {certificate.runs} runs"
    if changed:
        return numbers, (
            f"the errors seen on {seen} say too little here: they vouch for the labels of {held} "
            f"of {len(X)} inputs, and {changed} of these changed in the run above, so neurons err "
            "by more on these inputs; calibrate and certify on more inputs, and on such"
        )
    said = (
        f"{held} of {len(X)} inputs ({100 * held / len(X):.0f} %) keep their label while no neuron "
        f"errs by more than the largest error seen on {seen}"
    )
    if held == 0:
        return numbers, said + ": the errors seen vouch for no label here"
    return numbers, said + "; in the run above none of these changed"
