"""Arithmetic over bands from an expression in text: an allow-list of operators and functions, and nothing else of Python.

Every value is an array with a mask of its own: a pixel is nodata where anything that its value depends on is nodata, or where
the arithmetic has no finite result there (a division by zero, the root of a negative number). `where` depends only on the
branch that it chooses. Numbers are float64 throughout, so that bytes do not overflow; conditions are no numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.errors import ParameterError
from tools.geo.arithmetic_text import parse_arithmetic, shown

GRAMMAR = (
    "Use names and numbers with + - * / **, comparisons, & | ~ (or and, or, not) with every condition in parentheses, "
    "and where(condition, a, b), abs, sqrt, log, log10, exp, minimum, maximum, clip(x, low, high)."
)

MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype of a raster


@dataclass(frozen=True)
class _Part:
    """Value of a part of an expression; both arrays broadcast to the pixels."""

    values: NDArray[Any]  # float64, or bool for a condition
    bad: NDArray[np.bool_]

    @property
    def is_condition(self) -> bool:
        return bool(self.values.dtype == np.bool_)


@dataclass(frozen=True)
class Calculated:
    """What an expression gave."""

    values: MaskedArray
    """float64, or bool where the expression is a condition; True in the mask is nodata."""
    undefined: int
    """Pixels that are nodata although no band that the expression names is: the arithmetic has no result there."""


def names_in(expression: str) -> frozenset[str]:
    """Return the names that an expression uses as bands; raise ParameterError where it cannot be read."""
    tree = parse_arithmetic(expression, GRAMMAR)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called)


def is_condition(expression: str) -> bool:
    """Tell whether an expression says yes or no of every pixel, rather than a number.

    Raises ParameterError for anything outside the grammar, and where numbers and conditions are mixed up.
    """
    one = np.ma.MaskedArray(np.ones(1))
    return calculate(expression, dict.fromkeys(names_in(expression), one)).values.dtype == np.bool_


def calculate(expression: str, bands: Mapping[str, MaskedArray]) -> Calculated:
    """Return the value of an expression at every pixel; `bands` are arrays of one shape, True in the mask is nodata.

    Raises ParameterError for anything outside the grammar, and for a name that is no band.
    """
    tree = parse_arithmetic(expression, GRAMMAR)
    parts = {name: _Part(np.asarray(band.data, float), np.ma.getmaskarray(band)) for name, band in bands.items()}
    with np.errstate(all="ignore"):  # what is not finite is masked below
        part = _value(tree.body, parts)
    used = [parts[name].bad for name in names_in(expression)]
    if not used:
        raise ParameterError(f"The expression {shown(expression)} names no band.", hint=f"Name a raster in it. {GRAMMAR}")
    hidden = reduce(np.logical_or, used)
    values, bad = (np.broadcast_to(array, hidden.shape) for array in (part.values, part.bad))
    return Calculated(np.ma.MaskedArray(values, mask=bad), int((bad & ~hidden).sum()))


def _value(node: ast.expr, parts: Mapping[str, _Part]) -> _Part:
    match node:
        case ast.Name(id=name):
            return _named(name, parts)
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):  # True is a number in Python
            return _number(number)
        case ast.UnaryOp(op=operator, operand=operand) if type(operator) in _SIGNS:
            return _apply(_SIGNS[type(operator)], (_numeric(operand, parts),))
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            return _apply(np.logical_not, (_condition(operand, parts),))
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            return _apply(_OPERATORS[type(operator)], (_numeric(left, parts), _numeric(right, parts)))
        case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as joint, right=right):
            return _joined(isinstance(joint, ast.BitAnd), (left, right), parts)
        case ast.BoolOp(op=joint, values=operands):
            return _joined(isinstance(joint, ast.And), operands, parts)
        case ast.Compare(left=first, ops=comparisons, comparators=others) if all(type(each) in _COMPARISONS for each in comparisons):
            return _compared(first, comparisons, others, parts)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _called(name, arguments, parts)
    raise ParameterError(f"{shown(ast.unparse(node))} is not allowed in an expression.", hint=GRAMMAR)


def _named(name: str, parts: Mapping[str, _Part]) -> _Part:
    if name not in parts:
        there = ", ".join(sorted(parts)) or "none"
        raise ParameterError(f"The expression names {name!r}, which is no band.", hint=f"The names are: {there}. {GRAMMAR}")
    return parts[name]


def _number(number: float) -> _Part:
    return _Part(np.asarray(float(number)), np.asarray(False))


def _numeric(node: ast.expr, parts: Mapping[str, _Part]) -> _Part:
    part = _value(node, parts)
    if part.is_condition:
        raise ParameterError(
            f"{shown(ast.unparse(node))} is a condition, but a number must stand there.", hint="Use where(condition, 1, 0)."
        )
    return part


def _condition(node: ast.expr, parts: Mapping[str, _Part]) -> _Part:
    part = _value(node, parts)
    if not part.is_condition:
        raise ParameterError(
            f"{shown(ast.unparse(node))} is a number, but a condition must stand there.",
            hint="Compare it, e.g. (x > 0), and put parentheses around every condition that & or | joins.",
        )
    return part


def _apply(function: Callable[..., Any], operands: Sequence[_Part]) -> _Part:  # Any: numpy's ufuncs have no precise type
    values = np.asarray(function(*(operand.values for operand in operands)))
    bad = reduce(np.logical_or, (operand.bad for operand in operands))
    return _Part(values, bad if values.dtype == np.bool_ else bad | ~np.isfinite(values))


def _joined(all_of: bool, operands: Sequence[ast.expr], parts: Mapping[str, _Part]) -> _Part:
    function = np.logical_and if all_of else np.logical_or
    return reduce(lambda one, other: _apply(function, (one, other)), (_condition(operand, parts) for operand in operands))


def _compared(first: ast.expr, comparisons: Sequence[ast.cmpop], others: Sequence[ast.expr], parts: Mapping[str, _Part]) -> _Part:
    """A chain such as 0 < x < 1 holds where every link does."""
    values = [_numeric(node, parts) for node in (first, *others)]
    links = [_apply(_COMPARISONS[type(op)], pair) for op, pair in zip(comparisons, pairwise(values), strict=True)]
    return reduce(lambda one, other: _apply(np.logical_and, (one, other)), links)


def _called(name: str, arguments: Sequence[ast.expr], parts: Mapping[str, _Part]) -> _Part:
    if name == "where" and len(arguments) == 3:
        condition, *branches = (_condition(arguments[0], parts), *(_numeric(each, parts) for each in arguments[1:]))
        chosen, otherwise = branches
        values = np.where(condition.values, chosen.values, otherwise.values)
        return _Part(values, condition.bad | np.where(condition.values, chosen.bad, otherwise.bad))
    function, least, most = _FUNCTIONS.get(name, (None, 0, 0))
    if function is None or not least <= len(arguments) <= most:
        raise ParameterError(f"{name}() with {len(arguments)} arguments is not a function here.", hint=GRAMMAR)
    operands = [_numeric(argument, parts) for argument in arguments]
    if name in ("minimum", "maximum"):
        return reduce(lambda one, other: _apply(function, (one, other)), operands)
    return _apply(function, operands)


_SIGNS: dict[type[ast.unaryop], Callable[..., Any]] = {ast.USub: np.negative, ast.UAdd: np.positive}
_OPERATORS: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: np.power,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal, ast.Eq: np.equal, ast.NotEq: np.not_equal,
}  # fmt: skip
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "abs": (np.abs, 1, 1), "sqrt": (np.sqrt, 1, 1), "log": (np.log, 1, 1), "log10": (np.log10, 1, 1), "exp": (np.exp, 1, 1),
    "minimum": (np.minimum, 2, 20), "maximum": (np.maximum, 2, 20), "clip": (np.clip, 3, 3),
}  # fmt: skip
"""Name → function, fewest and most arguments; `where` stands in `_called`."""
