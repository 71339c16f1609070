"""The acceptance problems: for each, our result, the reference, the error and the verdict.

Each problem is posed with exact parameters, and each reference is a closed form, an exact solution
or another simulator (NEURON 9.0.2, CVODE or second order, Hodgkin-Huxley rate tables off; Arbor
0.12.2), named with the number. `neurosim validate` runs them and prints the table.
"""

from __future__ import annotations

from experiments.validation.checklist import Check, Problem, all_problems

__all__ = ["Check", "Problem", "all_problems"]
