"""What a trained model and the neurons in its place answer, and how far the two are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.errors import ConversionError
from bridge.spiking.energy import ATTWELL_LAUGHLIN, HOWARTH, cost

if TYPE_CHECKING:
    from bridge.certificate.certificate import Certificate
    from bridge.spiking.spiking_network import SpikingRun
    from experiments.command.converting.convert_files import Task

# What the sources leave of an error is named if it is more than this share of it.
_LEFT_OVER = 0.1

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
    certificate: Certificate,
    X: np.ndarray,
    network: np.ndarray,
    neurons: np.ndarray,
    calibrated: np.ndarray | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Return how many labels stand while errors stay as small as seen, and what the run says to it.

    Parameters
    ----------
    certificate : Certificate
    X : ndarray, shape (n_samples, n_features)
        Inputs that were answered.
    network, neurons : ndarray
        Labels, or rows of labels.
    calibrated : ndarray, shape (n, n_features), optional
        Inputs that the neurons were calibrated on, those of the certificate first.

    Returns
    -------
    numbers : dict
    sentences : list of str
        Two, or the one reason why nothing is certified.
    """
    numbers: dict[str, Any] = {
        "answered": len(X),
        "certified_on": certificate.inputs,
        "runs": certificate.runs,
    }
    try:
        safe = certificate.safe(X)
    except ConversionError as error:
        return numbers, [f"No label is certified: {error}."]
    differ = (neurons != network).reshape(len(X), -1).any(axis=1)
    held, changed = int(safe.sum()), int(np.sum(safe & differ))
    numbers |= {"held_by_errors_seen": held, "of_these_changed": changed}
    seen = f"the most seen on {certificate.inputs} inputs, {certificate.runs} times each"
    if changed:
        return numbers, [
            f"No label is certified: {changed} of the {held} inputs whose label should stand, if "
            f"no neuron errs by more than {seen}, changed in the run above. On these inputs the "
            "neurons err by more; calibrate and certify on more inputs, and on such."
        ]
    one, any_of_all = certificate.exceeded
    numbers |= {"exceeded_by_one_neuron": one, "exceeded_by_any": any_of_all}
    if held == 0:
        first = f"No input is certified: if every neuron erred by {seen}, any label could change."
    else:
        first = (
            f"{100 * held / len(X):.0f} % of the inputs ({held} of {len(X)}) keep their label even "
            f"if every neuron errs by {seen}; in the run above none of these changed"
        )
        known = np.empty((0, X.shape[1])) if calibrated is None else calibrated
        of_certificate = int(_among(X[safe], known[: certificate.inputs]).sum())
        of_calibration = int(_among(X[safe], known).sum()) - of_certificate
        numbers |= {
            "held_of_certificate": of_certificate,
            "held_of_calibration_only": of_calibration,
        }
        first += _not_new(of_certificate, of_calibration) + "."
    return numbers, [
        first,
        f"On a new input of the same kind, one neuron errs by more with a chance of up to "
        f"{100 * one:.2g} %, and at least one of all {len(certificate.worst)} with a chance of up "
        f"to {100 * any_of_all:.2g} %.",
    ]


def _among(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return which rows are some of the known ones, number by number."""
    # A zero may have a sign.
    found = {row.tobytes() for row in np.asarray(known, dtype=float) + 0.0}
    return np.array([row.tobytes() in found for row in np.asarray(rows, dtype=float) + 0.0], bool)


def _not_new(of_certificate: int, of_calibration: int) -> str:
    """Say of how many inputs it is no wonder that they kept their label.

    Examples
    --------
    >>> _not_new(0, 0), _not_new(3, 0)
    ('', ', 3 of which are among the inputs of the certificate')
    >>> _not_new(3, 2)
    ', 3 of which are among the inputs of the certificate, and 2 among those of the calibration'
    """
    kinds = (
        (of_certificate, "the inputs of the certificate"),
        (of_calibration, "those of the calibration"),
    )
    told = [f"{count} {{}}among {what}" for count, what in kinds if count]
    if not told:
        return ""
    count = of_certificate or of_calibration
    return ", " + ", and ".join(told).format(f"of which {'is' if count == 1 else 'are'} ", "")


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
) -> tuple[dict[str, Any], list[str], tuple[list[str], list[list[str]]]]:
    """Return what a certificate says of the labels and the layers.

    Parameters
    ----------
    certificate : Certificate
        Of some of the inputs that the model was calibrated on.
    given : Task
        What was answered.
    neurons : ndarray
        What the neurons answered.

    Returns
    -------
    numbers : dict
    sentences : list of str
        Three where labels are certified.
    table : (list of str, list of list of str)
        Head and rows: a row a hidden layer, its error and which source makes how much of it.
    """
    rows, count = certificate.rows(), certificate.inputs
    numbers: dict[str, Any] = {"certificate": rows}
    sentences: list[str] = []
    if given.labels:
        numbers["labels"], sentences = bound(
            certificate, given.X_test, given.from_network, neurons, given.X[given.order]
        )
    else:
        for row in rows:
            # Agreement of labels, of which there are none.
            row.pop("agreement", None)
    every = count == len(given.X)
    drawn = f"all {count} inputs" if every else f"{count} of {len(given.X)} inputs, drawn at random"
    sentences.append(
        f"The error was taken apart on {drawn}, each in {certificate.runs} runs: "
        f"{_largest_source(certificate)}."
    )
    return numbers, sentences, _layers(rows)


def _largest_source(certificate: Certificate) -> str:
    """Say which source makes most of the error, and where; nothing of few inputs."""
    from bridge.certificate.certificate import FEWEST_INPUTS

    if certificate.inputs < FEWEST_INPUTS:
        return f"too few to say which source is the largest (that takes {FEWEST_INPUTS} inputs)"
    where = max(certificate.layers, key=lambda found: found.logit_rms)
    share = f"{where.largest} makes {100 * where.shares[where.largest]:.0f} % of"
    said = (
        f"hidden layer {where.layer} adds most to the outputs, and there {share} it"
        if len(certificate.layers) > 1
        else f"{share} the error of the hidden layer"
    )
    # Sources that do not add up to the error of other runs do not explain it.
    if where.closing > _LEFT_OVER:
        said += f", and {100 * where.closing:.0f} % is left over"
    return said


def _layers(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Return the table of hidden layers: head and rows."""
    parts = [key for key in rows[0] if key.endswith(" (%)")]
    named = ["left over (%)" if key == "closing (%)" else key for key in parts]
    head = ["hidden layer", "rms error", *named]
    return head, [
        # A share of -0.3 % is printed as 0, not as -0.
        [str(row["layer"]), f"{row['rms_error']:.3g}", *(f"{row[key]:z.0f}" for key in parts)]
        for row in rows
    ]
