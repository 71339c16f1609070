"""Expressions in Arbor's dialect of NMODL, which has other functions, and conditions as numbers."""

from __future__ import annotations

import ast
import math

from neurosim.exchange.errors import ExchangeError
from neurosim.exchange.nmodl_words import Printer

__all__ = ["ARBOR_WORDS", "ArborPrinter"]

#: What Arbor's compiler takes for something else than a name, beside the words of NMODL, and what
#: the C++ that it writes calls something of its own.
_WORDS = """
    exprelr safeinv sigmoid relu signum step step_left step_right min max fabs tanh diameter
    time peer WHITE_NOISE VOLTAGE_PROCESS JUNCTION_PROCESS NONSPECIFIC_CURRENT NET_RECEIVE
    POST_EVENT POINT_PROCESS ENDCOMMENT STEADYSTATE sparse cnexp stochastic exprel lambda
    width n_detectors vec_ci vec_di vec_v vec_i vec_g temperature_degC diam_um area_um2
    time_since_spike node_index peer_index multiplicity events mechanism_id random_numbers
    index_constraints_n_contiguous index_constraints_n_constant index_constraints_n_independent
    index_constraints_n_none index_constraints_contiguous index_constraints_constant
    index_constraints_independent index_constraints_none ion_na ion_k ion_ca ion_cl ion_na_index
    ion_k_index ion_ca_index ion_cl_index pp ix ii jj i_ iii_ node_indexi_ current_ conductivity_
    stream_ begin_ end_ n_ simd_width_ min_align_
"""
ARBOR_WORDS = frozenset(_WORDS.split())

_SAME = {name: name for name in ("exp", "log", "sqrt", "sin", "cos", "tanh")}
_SAME |= {"abs": "fabs", "sign": "signum"}


class ArborPrinter(Printer):
    """Prints expressions for Arbor's compiler.

    A condition is a number there only as a step of a difference, which is 1 above zero and 0 below.

    Examples
    --------
    >>> from neurosim.exchange.nmodl_words import write_expression
    >>> known = {"v": "v", "E": "E"}
    >>> write_expression("int(v > E)*exprel(v/mV)", known.get, "m", ArborPrinter)
    '(step_left(v - E))*(1/exprelr(v))'
    """

    def text(self, node: ast.AST, level: int) -> str:
        """Return the text of an expression inside one that binds by `level`."""
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.BoolOp):
            # Each is 0 or 1.
            texts = [self.text(one, 7) for one in node.values]
            if isinstance(node.op, ast.And):
                return f"({'*'.join(texts)})"
            return f"(1 - {'*'.join(f'(1 - {one})' for one in texts)})"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return f"(1 - {self.text(node.operand, 6)})"
        return super().text(node, level)

    def _compared(self, node: ast.Compare) -> str:
        if len(node.ops) != 1:
            raise ExchangeError(f"{self.where}: {ast.unparse(node)} cannot be said in NMODL")
        left, right = self.text(node.left, 5), self.text(node.comparators[0], 6)
        rising = f"{left} - {right}"
        falling = f"{self.text(node.comparators[0], 5)} - {self.text(node.left, 6)}"
        kind = node.ops[0]
        if isinstance(kind, ast.Gt):
            return f"(step_left({rising}))"
        if isinstance(kind, ast.GtE):
            return f"(step_right({rising}))"
        if isinstance(kind, ast.Lt):
            return f"(step_left({falling}))"
        if isinstance(kind, ast.LtE):
            return f"(step_right({falling}))"
        if isinstance(kind, ast.Eq):
            return f"(1 - fabs(signum({rising})))"
        if isinstance(kind, ast.NotEq):
            return f"(fabs(signum({rising})))"
        raise ExchangeError(f"{self.where}: {ast.unparse(node)} cannot be said in NMODL")

    def call(self, function: str, arguments: list[ast.expr]) -> str:
        """Return the text of a call."""
        if function == "int":
            return super().call(function, arguments)
        inside = [self.text(one, 0) for one in arguments]
        if function in _SAME:
            return f"{_SAME[function]}({inside[0]})"
        if function == "exprel":
            return f"(1/exprelr({inside[0]}))"
        if function == "expm1":
            return f"(({inside[0]})/exprelr({inside[0]}))"
        if function == "log10":
            return f"(log({inside[0]})/{math.log(10)!r})"
        if function == "clip":
            return f"min(max({inside[0]}, {inside[1]}), {inside[2]})"
        if function == "tan":
            return f"(sin({inside[0]})/cos({inside[0]}))"
        if function in ("sinh", "cosh"):
            sign = "-" if function == "sinh" else "+"
            return f"((exp({inside[0]}) {sign} exp(-({inside[0]})))/2)"
        raise ExchangeError(
            f"{self.where}: the function {function}() cannot be said in Arbor's NMODL; write it "
            "with exp, log, sqrt, sin, cos, tanh, exprel, clip, abs, sign or int(condition)"
        )
