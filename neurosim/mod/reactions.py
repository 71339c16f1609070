"""Reaction schemes: what the statements of a KINETIC block add to the rates of states."""

from __future__ import annotations

from neurosim.mod.execution import Runner
from neurosim.mod.flow import Flow
from neurosim.mod.reading.tree import Block, Compartment, Conserve, Equation, ModFile, Reaction
from neurosim.mod.terms import Term, negative, number, operate

__all__ = ["Machine"]


class Machine(Runner):
    """Runs blocks of one file, those of reaction schemes too.

    Attributes
    ----------
    volumes : dict of str to Term
        By state, what COMPARTMENT says its amount is divided by.
    """

    def __init__(self, file: ModFile, path: str) -> None:
        super().__init__(file, path)
        self.volumes: dict[str, Term] = {}
        self.kind = ""

    def run(self, flow: Flow, block: Block) -> None:
        """Run the statements of a block."""
        self.volumes, before, self.kind = {}, set(flow.rates), block.kind
        super().run(flow, block)
        for state in set(flow.rates) - before:
            if state in self.volumes:
                flow.rates[state] = operate("/", flow.rates[state], self.volumes[state])

    def _react(self, one: Reaction | Conserve | Compartment | Equation) -> None:
        if isinstance(one, Equation):
            if self.kind != "LINEAR" or self.under:
                self.fail(one.line, "~", "an equation outside a LINEAR block, or under a condition")
            left, right = self.value(one.left), self.value(one.right)
            self.flow.equations.append(operate("-", left, right))
        elif isinstance(one, Reaction):
            self._reaction(one)
        elif isinstance(one, Compartment):
            self._compartment(one)
        else:
            terms = {self._element(place): count for count, place in one.terms}
            self.flow.totals.append((terms, self.value(one.total), one.line))

    def _compartment(self, one: Compartment) -> None:
        for state in one.states:
            declared = self.file.states.get(state)
            length = declared.length if declared is not None else 0
            if not length:
                self.volumes[state] = self.value(one.volume)
                continue
            for k in range(length):
                self.scopes.append(dict(self.scopes[-1]) | {one.index: number(k)})
                self.volumes[f"{state}[{k}]"] = self.value(one.volume)
                self.scopes.pop()

    def _reaction(self, one: Reaction) -> None:
        if self.under:
            self.fail(one.line, "~", "a reaction under a condition")
        rates = [self.value(rate) for rate in one.rates]
        if one.sign == "<<":
            if len(one.left) != 1 or one.left[0][0] != 1:
                self.fail(one.line, "<<", "it takes one state")
            self._flow_into(self._element(one.left[0][1]), rates[0])
            return
        forward, backward = rates[0], rates[1] if len(rates) == 2 else number("0")
        for side, rate in ((one.left, forward), (one.right, backward)):
            for count, place in side:
                amount = self._read(self._element(place), one.line)
                power = operate("^", amount, number(count))
                rate = operate("*", rate, power)
            if side is one.left:
                forward = rate
            else:
                backward = rate
        self.fluxes = {"f_flux": forward, "b_flux": backward}
        for side, sign in ((one.left, -1.0), (one.right, 1.0)):
            for count, place in side:
                state = self._element(place)
                if not self._is_state(state):
                    continue
                for amount, way in ((forward, sign), (backward, -sign)):
                    term = operate("*", number(count), amount) if count != 1 else amount
                    self._flow_into(state, term if way > 0 else negative(term))

    def _flow_into(self, state: str, term: Term) -> None:
        if not self._is_state(state):
            return
        known = self.flow.rates.get(state, number("0"))
        if term.head == "negative":
            self.flow.rates[state] = operate("-", known, term.args[0])
        else:
            self.flow.rates[state] = operate("+", known, term)

    def _is_state(self, name: str) -> bool:
        return name.split("[")[0] in self.file.states
