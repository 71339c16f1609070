"""Which variables have a history of their own, and which of them nothing needs."""

from __future__ import annotations

from neurosim.mod.elimination import solve_linear
from neurosim.mod.sameness import solves_for_rest
from neurosim.mod.spelling import Speller
from neurosim.mod.terms import number, symbols

__all__ = ["Historian"]


class Historian(Speller):
    """Refuses what depends on its own past where a current or a concentration needs it.

    Attributes
    ----------
    written_ions : dict of str to (str, str)
        By variable that the file writes of an ion: the ion, and "i", "o" or "current".
    """

    written_ions: dict[str, tuple[str, str]]

    def _solve_starts(self) -> None:
        """Say where states start that LINEAR equations tell."""
        flows = self.flows
        for equations, line in flows.equations:
            if solves_for_rest(flows, self.file, equations):
                continue
            found = solve_linear(flows, self.file, equations)
            if found is None:
                self.fail(line, "LINEAR", "its equations have no one solution that can be written")
            self.notes.append(
                f"{', '.join(found)} start where the LINEAR block of the file puts them, which is "
                "not where their own equations come to rest."
            )
            flows.initial |= found
            flows.steady -= set(found)

    def _needed(self) -> set[str]:
        """Return the names that currents and concentrations depend on, through all steps."""
        flows, found = self.flows, set()
        waiting = [*self.written_ions, *self.file.nonspecific]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            if name.startswith("?"):
                waiting.append(name.split(":", 1)[1])
            for source in (flows.rates, flows.initial, flows.jumps, flows.definitions):
                if name in source and (source is not flows.initial or name in flows.rates):
                    waiting += symbols(source[name])
            if name in self.written_ions or name in self.file.nonspecific:
                waiting += symbols(flows.values.get(name, number("0")))
        return found

    def _drop_broken(self, needed: set[str]) -> None:
        """Refuse variables that equations cannot follow; those that nothing needs are left out."""
        flows = self.flows
        for name, (line, why) in flows.broken.items():
            if name in needed:
                self.fail(line, name, why)
            for table in (flows.rates, flows.initial, flows.jumps, flows.values):
                table.pop(name, None)
            flows.steady.discard(name)
            self._leave_out(name)

    def _leave_out(self, name: str) -> None:
        self.notes.append(f"{name} of the file is left out; no current or concentration needs it.")

    def _check_history(self, needed: set[str]) -> None:
        """Refuse what depends on its own earlier value, and what keeps a value of the start."""
        flows = self.flows
        moving = {*flows.rates, "v", *self.of_ions}
        for name, term in list(flows.definitions.items()):
            if not name.startswith("?") or name.startswith("?initial"):
                continue
            variable = name.split(":", 1)[1]
            if name not in needed:
                if name in flows.depends(term):
                    self._leave_out(variable)
                continue
            if name in flows.depends(term):
                self._refuse_history(variable)
            first = flows.initial.get(variable)
            if first is not None and variable not in flows.values and variable not in flows.rates:
                # Set by INITIAL alone: it must be the same whatever the start is.
                kept = flows.depends(first) & moving
                if kept:
                    self.fail(
                        flows.lines.get(variable, self.file.line),
                        variable,
                        f"INITIAL alone sets it, from {', '.join(sorted(kept))}, so that it "
                        "remembers the start",
                    )
