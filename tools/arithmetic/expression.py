"""Evaluate an expression over named quantities: four operators, seven functions, nothing else."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import reduce

from tools.arithmetic.quantity import Quantity, add, aligned, change, divide, multiply, share, subtract
from tools.errors import ParameterError
from tools.geo.arithmetic_text import parse_arithmetic, shown

GRAMMAR = "Use names with + - * / and parentheses, and abs, min, max, sum, mean, share(part, whole), change(before, after)."


def evaluate(expression: str, quantities: Mapping[str, Quantity]) -> Quantity:
    """Return the value of the expression; every quantity must be used.

    Raises ParameterError for anything outside the grammar (literals above all), unknown and unused names, and units that
    do not fit; DataError for divisions by zero.
    """
    tree = parse_arithmetic(expression, GRAMMAR)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if unused := sorted(set(quantities) - used):
        raise ParameterError(
            f"The expression {shown(expression)} does not use {', '.join(map(repr, unused))}.", hint="Leave out what is not used."
        )
    return _value(tree.body, quantities)


def _value(node: ast.expr, quantities: Mapping[str, Quantity]) -> Quantity:
    match node:
        case ast.Name(id=name):
            return _named(name, quantities)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _value(operand, quantities)
            return Quantity(-inner.value, inner.unit)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            operands = (_value(side, quantities) for side in (left, right))
            return _OPERATORS[type(operator)](*operands)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, tuple(_value(argument, quantities) for argument in arguments))
        case ast.Constant(value=literal):
            raise ParameterError(
                f"The number {literal!r} stands in the expression; every number must come from somewhere.",
                hint="Take it from a fact ('facts'), or, where it stands in the question, name it in 'numbers'.",
            )
    raise ParameterError(f"{shown(ast.unparse(node))} is not allowed in an expression.", hint=GRAMMAR)


def _named(name: str, quantities: Mapping[str, Quantity]) -> Quantity:
    if name not in quantities:
        known = ", ".join(sorted(quantities)) or "none"
        raise ParameterError(f"The expression uses {name!r}, which is not given.", hint=f"Names given in 'facts' and 'numbers': {known}.")
    return quantities[name]


def _call(name: str, arguments: tuple[Quantity, ...]) -> Quantity:
    if name not in _FUNCTIONS:
        raise ParameterError(f"There is no function {name!r}.", hint=GRAMMAR)
    function, fewest, most = _FUNCTIONS[name]
    if not fewest <= len(arguments) <= (most or len(arguments)):
        wanted = str(fewest) if most == fewest else f"{fewest} or more"
        raise ParameterError(f"{name} takes {wanted} values and got {len(arguments)}.", hint=GRAMMAR)
    return function(*arguments)


def _absolute(quantity: Quantity) -> Quantity:
    return Quantity(abs(quantity.value), quantity.unit)


def _smallest(*quantities: Quantity) -> Quantity:
    return reduce(lambda best, other: other if _difference(other, best) < 0 else best, quantities)


def _largest(*quantities: Quantity) -> Quantity:
    return reduce(lambda best, other: other if _difference(other, best) > 0 else best, quantities)


def _difference(first: Quantity, second: Quantity) -> float:
    left, right, _ = aligned(first, second)
    return left - right


def _total(*quantities: Quantity) -> Quantity:
    return reduce(add, quantities)


def _mean(*quantities: Quantity) -> Quantity:
    unit = next((quantity.unit for quantity in quantities if quantity.unit is not None), None)
    leading = Quantity(0, unit)
    return Quantity(sum(aligned(leading, quantity)[1] for quantity in quantities) / len(quantities), unit)


_OPERATORS: dict[type[ast.operator], Callable[[Quantity, Quantity], Quantity]] = {
    ast.Add: add,
    ast.Sub: subtract,
    ast.Mult: multiply,
    ast.Div: divide,
}
_FUNCTIONS: dict[str, tuple[Callable[..., Quantity], int, int | None]] = {
    "abs": (_absolute, 1, 1),
    "min": (_smallest, 1, None),
    "max": (_largest, 1, None),
    "sum": (_total, 1, None),
    "mean": (_mean, 1, None),
    "share": (share, 2, 2),
    "change": (change, 2, 2),
}
"""Name → function, fewest and most arguments (None: any number)."""
