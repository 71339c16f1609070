"""One neuron as one page: whoever opens the file can try it, without Python or a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from brian2.units import Quantity, ms, nA, pA
from brian2.utils.stringtools import get_identifiers

from experiments.explore.kernel.composing import Asked
from experiments.explore.page_builder import page_part, page_text
from experiments.explore.page_model import Curve, head_of, injecting, tab_of_one
from neurosim.atomic_write import make_folder, write_text
from neurosim.describe.neuron import Neuron
from neurosim.describe.point_neuron import PointNeuron
from neurosim.engine.programs.wasm import wasm_compiler
from neurosim.errors import ParameterError
from neurosim.measure.excitability import rheobase
from neurosim.quantities import check_quantity

__all__ = ["ExportedPage", "export_page"]

_ABOUT = (
    "This neuron runs in this page, by the program that Python compiles for it: its spikes are "
    "those of Python. Move the current, the noise or a property of the neuron, and see its "
    "potential, its spikes and its f-I curve."
)
_UNKNOWN = "\nneuron = ...  # the description that this page was exported from"
Task = Callable[[str], Callable[[float], None] | None]
# A step finer than this makes long runs slow in a page.
_FINE_MS = 0.05
# A cell of so few compartments runs as quickly as a point neuron.
_SMALL = 30


@dataclass(frozen=True)
class ExportedPage:
    """A page of one neuron that was written.

    Attributes
    ----------
    file : Path
        Where it is.
    size : int
        In bytes.
    sliders : tuple of str
        Parameters that the page can move.
    left_out : dict of str to str
        Parameters that it cannot, and why.
    """

    file: Path
    size: int
    sliders: tuple[str, ...]
    left_out: dict[str, str]


def export_page(
    neuron: PointNeuron | Neuron,
    out: str | Path,
    *,
    title: str | None = None,
    most: Quantity | None = None,
    duration: Quantity | None = None,
    sliders: Iterable[str] | None = None,
    ranges: Mapping[str, tuple[Quantity, Quantity]] | None = None,
    source: str = _UNKNOWN,
    progress: Task | None = None,
) -> ExportedPage:
    """Write a neuron as a page that needs no other file, no Python and no network.

    The page shows its potential, its spikes in ten trials with noise and its f-I curve, with
    sliders for the injected current, the noise and the parameters of the neuron. Before a run the
    neuron settles for 200 ms without a current.

    Parameters
    ----------
    neuron : PointNeuron or Neuron
        Of the catalogue, described by hand, or taken over by `from_brian2`.
    out : path
        The file, which appears when it is whole.
    title : str, optional
        What the page calls it (default: the name of its class).
    most : Quantity, optional
        Largest injected current (default: about three times the rheobase, which is measured).
    duration : Quantity, optional
        Of the run that is shown (default: 300 ms, and 100 ms with more than 30 compartments or a
        point neuron's fine time step).
    sliders : iterable of str, optional
        Full names of the parameters to move (default: all that a page can move).
    ranges : mapping of str to (Quantity, Quantity), optional
        Lowest and highest value of parameters by full name; by default half of the value to twice
        it, and 20 mV on either side of a potential, which keeps its sign.
    source : str, optional
        Python lines that make the neuron, by the name ``neuron``, for the lines that the page
        offers to its readers.
    progress : callable, optional
        Given what begins in words; returns None or a function that is given the share of it that
        is done. A cell of many compartments takes minutes.

    Returns
    -------
    ExportedPage

    Raises
    ------
    EngineError
        The package ``ziglang`` is not installed, or the equations call a function that a page
        cannot compute, such as ``sin``.
    ParameterError
        It cannot run in a page, such as a circuit or a neuron under a clamp, or it fires without
        a current and `most` is not given.
    OutputError
        The file cannot be written.

    Examples
    --------
    >>> from neurosim import LIF
    >>> page = export_page(LIF(), "lif.html")  # doctest: +SKIP
    >>> page.sliders  # doctest: +SKIP
    ('E_L', 'V_th', 'V_reset', 'tau_m', 'R_m', 't_ref')
    """
    # Before anything takes time: what cannot run in a page, and a compiler that is not there.
    Asked(neuron, None, 1 * ms, None, None, (), None, 0)
    wasm_compiler()
    begin = progress or (lambda _: None)
    if most is None:
        begin("the current at which it fires")
    most_pA = _most_pA(neuron, most)
    quick = isinstance(neuron, PointNeuron) and neuron.default_dt_ms >= _FINE_MS
    long = quick or (isinstance(neuron, Neuron) and len(neuron.compartments) <= _SMALL)
    given = (300 if long else 100) * ms if duration is None else duration
    checked = float(check_quantity(given, 1 * ms, "export_page: duration", above=0 * ms))
    duration_ms = float(f"{checked / 1e-3:.9g}")
    package = injecting(
        neuron, duration_ms, most_pA, ranges or {}, begin("what each parameter changes")
    )
    meanings = {one.name: one.meaning for one in package.parameters}
    left_out = dict(package.left_out)
    names = [one.name for one in package.parameters[1:]]
    head = head_of(neuron)
    own = [n for n in names if n not in (f"{head}constant.current", f"{head}white_noise.intensity")]
    for name, why in _without_effect(neuron).items():
        if name in own:
            own.remove(name)
            left_out[name] = why
    chosen = tuple(dict.fromkeys(own if sliders is None else sliders))
    for name in chosen:
        if name in left_out:
            raise ParameterError(f"export_page: {name} cannot be a slider: {left_out[name]}")
    label = type(neuron).__name__ if title is None else title
    tab = tab_of_one(
        neuron,
        package,
        label=label,
        source=source,
        duration_ms=duration_ms,
        most_pA=most_pA,
        sliders={name: _words(name, meanings.get(name, "")) for name in chosen},
        curve=Curve() if quick else Curve(currents=11, duration_ms=500),
    )
    tab |= {"worker": page_part("kernel_worker.js"), "about": _ABOUT}
    text = page_text({"neuron": tab}, title=label)
    place = Path(out)
    make_folder(place.parent)
    write_text(place, text)
    return ExportedPage(place, len(text.encode("utf-8")), chosen, left_out)


def _without_effect(neuron: PointNeuron | Neuron) -> dict[str, str]:
    """Return parameters that a slider would not move, and why."""
    found = {"duration": "the page calls the length of a run by this name; give duration=..."}
    if isinstance(neuron, PointNeuron):
        codes = [action.code + action.condition for action in neuron.actions]
        said = [neuron.equations, neuron.threshold, neuron.reset, neuron.refractory, *codes]
        used = get_identifiers("\n".join(map(str, said)))
        for name in {neuron.start, *neuron.starts.values()} - set(used):
            found[name] = "a run starts there, but in a page the neuron has settled before"
    return found


def _words(name: str, meaning: str) -> str:
    # What `from_brian2` says of every parameter.
    return name if meaning in ("", "as given") else f"{name}: {meaning}"


def _most_pA(neuron: PointNeuron | Neuron, most: Quantity | None) -> float:
    """Return the largest current; where none is given, about three times the rheobase."""
    if most is not None:
        return float(check_quantity(most, 1 * nA, "export_page: most", above=0 * pA)) / 1e-12
    try:
        found = 3 * float(rheobase(neuron)) / 1e-12
    except ParameterError as error:
        raise ParameterError(
            f"export_page: no largest current follows from the neuron ({error}); give one, such "
            "as most=500*pA, or --most 500 on the command line"
        ) from None
    return float(f"{found:.1g}")
