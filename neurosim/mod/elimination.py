"""Linear equations of INITIAL, solved with symbols: where the states of a scheme start.

Where the equations are those of the rest of the scheme nothing has to be solved: a part starts at
rest anyway. Some published files start elsewhere, by a sign or a name that is not that of the
scheme; they start here where they start in NEURON.
"""

from __future__ import annotations

import numpy as np

from neurosim.mod.formulas import Flows
from neurosim.mod.reading.tree import ModFile
from neurosim.mod.sameness import samples
from neurosim.mod.terms import Term, derivative, negative, number, operate, replaced, symbol

__all__ = ["solve_linear"]

_MOST = 40


def solve_linear(flows: Flows, file: ModFile, equations: list[Term]) -> dict[str, Term] | None:
    """Return what the states are that solve equations, None where there is no one solution.

    Gauss's elimination; what it computes on the way becomes named formulas of `flows`. The order of
    the rows is chosen by numbers drawn around those of the file.
    """
    states = sorted({name for one in equations for name in flows.depends(one)} & set(flows.rates))
    count = len(states)
    if not 0 < count == len(equations) <= _MOST:
        return None
    rows: list[list[Term]] = []
    for one in equations:
        whole, row = one, []
        for state in states:
            whole = flows.written_out(whole, state)
        for state in states:
            slope = derivative(whole, state)
            if slope is None or flows.depends(slope) & set(states):
                return None
            row.append(_named(flows, slope))
        nothing = {state: number("0") for state in states}
        row.append(_named(flows, negative(replaced(whole, nothing))))
        rows.append(row)
    for k in range(count):
        best = max(range(k, count), key=lambda i: _size(flows, file, rows[i][k]))
        if _size(flows, file, rows[best][k]) == 0:
            return None
        rows[k], rows[best] = rows[best], rows[k]
        for i in range(k + 1, count):
            if rows[i][k] == number("0"):
                continue
            factor = _named(flows, operate("/", rows[i][k], rows[k][k]))
            for j in range(k, count + 1):
                less = operate("*", factor, rows[k][j])
                value = number("0") if j == k else operate("-", rows[i][j], less)
                rows[i][j] = _named(flows, value)
    found: dict[str, Term] = {}
    for k in reversed(range(count)):
        total = rows[k][count]
        for j in range(k + 1, count):
            total = operate("-", total, operate("*", rows[k][j], found[states[j]]))
        found[states[k]] = _named(flows, operate("/", total, rows[k][k]))
    return found


def _named(flows: Flows, term: Term) -> Term:
    if not term.args or (term.head == "negative" and not term.args[0].args):
        return term
    label = f"%solved{len(flows.definitions)}"
    flows.definitions[label], flows.bases[label] = term, "start_of"
    return symbol(label)


def _size(flows: Flows, file: ModFile, term: Term) -> float:
    if term == number("0"):
        return 0.0
    values = np.abs(samples(flows, file, term))
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else 0.0
