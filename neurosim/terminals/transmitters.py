"""Which receptors a transmitter opens, and whether a terminal fits where it is placed."""

from __future__ import annotations

from neurosim.channels.base import Mechanism
from neurosim.errors import ParameterError, UnknownNameError, suggest
from neurosim.synapses import (
    AMPA,
    GABAA,
    GABAB,
    NMDA,
    Dopamine,
    KineticAMPA,
    KineticGABAA,
    KineticGABAB,
    KineticNMDA,
    Nicotinic,
    PlasticAMPA,
)
from neurosim.terminals.base import Terminal

__all__ = ["TRANSMITTERS", "check_match", "receptors_of"]

TRANSMITTERS: dict[str, tuple[type[Mechanism], ...]] = {
    "glutamate": (AMPA, NMDA, PlasticAMPA, KineticAMPA, KineticNMDA),
    "gaba": (GABAA, GABAB, KineticGABAA, KineticGABAB),
    "acetylcholine": (Nicotinic,),
    "dopamine": (Dopamine,),
}


def receptors_of(transmitter: str) -> tuple[type[Mechanism], ...]:
    """Return the receptors that a transmitter acts on.

    Raises
    ------
    UnknownNameError
        There is no such transmitter.

    Examples
    --------
    >>> [receptor.__name__ for receptor in receptors_of("acetylcholine")]
    ['Nicotinic']
    """
    if transmitter not in TRANSMITTERS:
        raise UnknownNameError(
            f"no transmitter {transmitter!r}: {suggest(transmitter, TRANSMITTERS)}"
        )
    return TRANSMITTERS[transmitter]


def check_match(terminal: Terminal, receptor: Mechanism) -> None:
    """Refuse a terminal whose transmitter the receptor does not answer to.

    A receptor that names no transmitter of its own (such as a plain `DoubleExponential`) answers
    to any.

    Raises
    ------
    ParameterError
        They do not fit; the message names the receptors that would.
    """
    fitting = receptors_of(terminal.transmitter)
    answers = getattr(receptor, "transmitter", "")
    if answers and answers != terminal.transmitter:
        names = ", ".join(kind.__name__ for kind in fitting)
        raise ParameterError(
            f"{type(terminal).__name__} releases {terminal.transmitter} but "
            f"{type(receptor).__name__} answers to {answers}; "
            f"{terminal.transmitter} acts on {names}"
        )
