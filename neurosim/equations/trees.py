"""Expressions as trees: names put in, numbers worked out, products in one order."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "Put",
    "calls",
    "divided",
    "has",
    "multiplied",
    "over",
    "parsed",
    "product",
    "simplified",
]

_DO: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def parsed(code: str) -> ast.expr:
    """Return an expression as a tree."""
    return ast.parse(code.strip(), mode="eval").body


class Put(ast.NodeTransformer):
    """Puts trees in the place of names; the names of functions stay."""

    def __init__(self, words: Mapping[str, ast.expr]) -> None:
        self.words = words

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return ast.Call(node.func, [self.visit(arg) for arg in node.args], [])

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.words.get(node.id, node)


def has(tree: ast.AST, name: str) -> bool:
    """Whether a tree uses a name."""
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def number_of(tree: ast.Constant) -> float:
    """Return the number that a tree is."""
    assert isinstance(tree.value, int | float)
    return float(tree.value)


def calls(tree: ast.AST, name: str) -> bool:
    """Whether a tree is a call of a function."""
    return isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == name


def product(tree: ast.expr) -> tuple[list[ast.expr], list[ast.expr]]:
    """Return the factors of a product, and those that it is divided by."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult | ast.Div):
        up, down = product(tree.left)
        more, less = product(tree.right)
        if isinstance(tree.op, ast.Div):
            more, less = less, more
        return [*up, *more], [*down, *less]
    return [tree], []


def multiplied(up: list[ast.expr], down: list[ast.expr]) -> ast.expr:
    """Return the product of factors over that of others.

    The numbers among them are one, which comes first; a division by a number alone stays one.
    """
    numbers = [1.0, 1.0]
    rest: list[list[ast.expr]] = [[], []]
    for side, factors in enumerate((up, down)):
        for factor in factors:
            if isinstance(factor, ast.Constant):
                numbers[side] *= number_of(factor)
            else:
                rest[side].append(factor)
    above, below = rest
    last = numbers[0] == 1 and bool(above) and numbers[1] != 1
    number = 1.0 if last else numbers[0] / numbers[1]
    if number == 0:
        return ast.Constant(0.0)
    tree: ast.expr
    if number == 1 and above:
        tree, above = above[0], above[1:]
    else:
        tree = ast.Constant(number)
    for factor in above:
        tree = ast.BinOp(tree, ast.Mult(), factor)
    for factor in [*below, *([ast.Constant(numbers[1])] if last else [])]:
        tree = ast.BinOp(tree, ast.Div(), factor)
    return tree


def over(above: ast.expr, below: ast.expr) -> ast.expr:
    """Return a quotient."""
    up, down = product(below)
    return multiplied([above, *down], up)


def divided(tree: ast.expr, name: str) -> ast.expr | None:
    """Return a product without a factor, None where it is not one of its factors, once."""
    up, down = product(tree)
    own = [f for f in up if isinstance(f, ast.Name) and f.id == name]
    rest = [f for f in up if f not in own]
    if len(own) != 1 or any(has(f, name) for f in [*rest, *down]):
        return None
    return multiplied(rest, down)


def simplified(tree: ast.expr) -> ast.expr:
    """Return a tree in which what is made of numbers alone is a number, and products in order.

    Examples
    --------
    >>> ast.unparse(simplified(parsed("(v + 40*0.5)/(2*5)*5")))
    '0.5 * (v + 20.0)'
    """
    if isinstance(tree, ast.Constant):
        return ast.Constant(number_of(tree))
    if isinstance(tree, ast.BinOp):
        # A whole power stays whole, for it is computed otherwise.
        whole = isinstance(tree.op, ast.Pow) and isinstance(tree.right, ast.Constant)
        right = tree.right if whole else simplified(tree.right)
        return _operation(tree.op, simplified(tree.left), right)
    if isinstance(tree, ast.UnaryOp):
        inner = simplified(tree.operand)
        if isinstance(inner, ast.Constant) and isinstance(tree.op, ast.USub):
            return ast.Constant(-number_of(inner))
        return ast.UnaryOp(tree.op, inner)
    if isinstance(tree, ast.Call):
        return ast.Call(tree.func, [simplified(arg) for arg in tree.args], [])
    if isinstance(tree, ast.Compare):
        rest = [simplified(one) for one in tree.comparators]
        return ast.Compare(simplified(tree.left), tree.ops, rest)
    if isinstance(tree, ast.BoolOp):
        return ast.BoolOp(tree.op, [simplified(one) for one in tree.values])
    return tree


def _operation(sign: ast.operator, left: ast.expr, right: ast.expr) -> ast.expr:
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant) and type(sign) in _DO:
        return ast.Constant(float(_DO[type(sign)](number_of(left), number_of(right))))
    if isinstance(sign, ast.Mult | ast.Div):
        return multiplied(*product(ast.BinOp(left, sign, right)))
    zero = [isinstance(one, ast.Constant) and one.value == 0 for one in (left, right)]
    if isinstance(sign, ast.Add | ast.Sub) and zero[1]:
        return left
    if isinstance(sign, ast.Add) and zero[0]:
        return right
    return ast.BinOp(left, sign, right)
