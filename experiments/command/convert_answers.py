"""What a trained model and the neurons in its place answer, and how far the two are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.errors import ConversionError
from bridge.spiking.energy import ATTWELL_LAUGHLIN, HOWARTH, cost

if TYPE_CHECKING:
    from bridge.certificate.certificate import Certificate
    from bridge.spiking.spiking_network import SpikingRun
    from experiments.command.convert_files import Task

__all__ = ["bound", "certificate_said", "compared", "cost_said"]


def compared(
    labels: bool,
    network: np.ndarray,
    neurons: np.ndarray,
    y: np.ndarray | None,
    which: str,
    known: np.ndarray | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Return how network and neurons agree with each other and with y, as numbers and sentences.

    Parameters
    ----------
    labels : bool
        Whether the answers are labels; else they are quantities.
    network, neurons : ndarray
        What they answered. Where an input has a row of labels, the whole row must be right.
    y : ndarray or None
        What is right, in the same form.
    which : str
        Which inputs these are, in words.
    known : ndarray of bool, optional
        For which of them y says what is right; by default all.

    Returns
    -------
    numbers : dict
        Shares lie between 0 and 1.
    sentences : list of str
    """
    told_of = slice(None) if known is None else known
    if not labels:
        numbers, told = _distance("neurons from the network", neurons, network)
        sentences = [f"{told} on {which}"]
        for name, found in (("network", network), ("neurons", neurons)):
            if y is not None:
                more, told = _distance(f"{name} from y", found[told_of], y)
                numbers |= more
                sentences.append(told)
        return numbers, sentences
    differ = int((neurons != network).reshape(len(network), -1).any(axis=1).sum())
    numbers = {"same_label": _alike(neurons, network), "different_labels": differ}
    sentences = [
        f"same label as the network: {100 * numbers['same_label']:.2f} % of {which} "
        f"(neurons decide otherwise in {differ})"
    ]
    for name, found in (("network", network), ("neurons", neurons)):
        if y is not None:
            right = numbers[f"accuracy_{name}"] = _alike(found[told_of], y)
            sentences.append(f"accuracy of the {name}: {100 * right:.2f} %")
    return numbers, sentences


def _alike(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the share of inputs with the same label, or the same labels."""
    same = (found == wanted).reshape(len(found), -1)
    return float(same.all(axis=1).mean())


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
    network, neurons : ndarray
        Labels, or rows of labels.
    """
    numbers: dict[str, Any] = {
        "answered": len(X),
        "certified_on": certificate.inputs,
        "runs": certificate.runs,
    }
    try:
        safe = certificate.safe(X)
    except ConversionError as error:
        return numbers, f"no label is vouched for: {error}"
    differ = (neurons != network).reshape(len(X), -1).any(axis=1)
    held, changed = int(safe.sum()), int(np.sum(safe & differ))
    numbers |= {"held_by_errors_seen": held, "of_these_changed": changed}
    seen = f"{certificate.inputs} inputs in {certificate.runs} runs"
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
    one, any_of_all = certificate.exceeded
    numbers |= {"exceeded_by_one_neuron": one, "exceeded_by_any": any_of_all}
    said += (
        f" (an input drawn as these were takes one neuron beyond it with a probability of up to "
        f"{100 * one:.2g} %, any of all {len(certificate.worst)} with up to {100 * any_of_all:.2g} "
        "%)"
    )
    if held == 0:
        return numbers, said + ": the errors seen vouch for no label here"
    return numbers, said + "; in the run above none of these changed"


def cost_said(run: SpikingRun) -> tuple[dict[str, Any], list[str]]:
    """Return what a decision costs, by each price list, as numbers and sentences."""
    numbers, sentences = {}, []
    for prices in (HOWARTH, ATTWELL_LAUGHLIN):
        spent = cost(run, model=prices)
        numbers[f"cost, {prices.name}"] = spent.to_dict()
        shares = ", ".join(f"{k} {100 * v / spent.atp_total:.0f} %" for k, v in spent.atp.items())
        sentences.append(f"{spent.atp_total:.3g} ATP a decision ({prices.name}: {shares})")
    sentences.append(
        f"{spent.spikes:.0f} spikes and {spent.synaptic_operations:.0f} synaptic operations a "
        f"decision; the network makes {spent.ann_operations} multiplications"
    )
    return numbers, sentences


def certificate_said(
    certificate: Certificate, given: Task, neurons: np.ndarray
) -> tuple[dict[str, Any], list[str]]:
    """Return what a certificate says of the layers and the labels, as numbers and sentences.

    Parameters
    ----------
    certificate : Certificate
        Of some of the inputs that the model was calibrated on.
    given : Task
        What was answered.
    neurons : ndarray
        What the neurons answered.
    """
    rows, count = certificate.rows(), certificate.inputs
    every = count == len(given.X)
    drawn = f"all {count} inputs" if every else f"{count} of {len(given.X)} inputs, drawn at random"
    sentences = [f"certificate: on {drawn}, in {certificate.runs} runs"]
    for row in rows:
        parts = ", ".join(
            f"{key[:-4]} {value:.0f} %" for key, value in row.items() if key.endswith("(%)")
        )
        sentences.append(f"hidden layer {row['layer']}: rms error {row['rms_error']:.3g} ({parts})")
    sentences.append(certificate.why())
    numbers: dict[str, Any] = {"certificate": rows}
    if given.labels:
        numbers["labels"], told = bound(certificate, given.X_test, given.from_network, neurons)
        sentences.append(told)
    else:
        for row in rows:
            # Agreement of labels, of which there are none.
            row.pop("agreement", None)
    return numbers, sentences
