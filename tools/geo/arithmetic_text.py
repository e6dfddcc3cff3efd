"""Arithmetic written as text, read by Python's own parser after its characters, size and depth were checked.

What comes back is a small tree that can be walked by recursion; which of its operators and functions mean anything is for
the one who walks it. Attributes, brackets, quotes, comments, assignments and every other character of Python are refused before
the parser sees them, so that its warnings, its caches and its own limits are never met.
"""

from __future__ import annotations

import ast
import re
import unicodedata
import warnings
from math import isinf

from tools.errors import ParameterError

MAX_LENGTH = 2_000
"""Longest expression, in characters."""
MAX_PARTS = 600
"""Most names, numbers, operators, commas and parentheses of an expression."""
MAX_DEPTH = 100
"""Deepest tree of an expression; a sum of n terms is n deep."""
MAX_DIGITS = 40
"""Longest number; a float holds 17 digits."""
SHOWN = 80
"""Most characters of an expression that an error repeats."""

_PART = re.compile(
    r"(?P<name>[^\W\d]\w*)|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)(?![\w.])|[-+*/(),<>=!&|~]|(?P<space>[ \t\r\n]+)"
)


def parse_arithmetic(text: str, grammar: str) -> ast.Expression:
    """Return the tree of an expression; `grammar` is the hint of every ParameterError that it raises."""
    if len(text) > MAX_LENGTH:
        raise ParameterError(f"The expression has {len(text):,} characters; at most {MAX_LENGTH:,} are read.", hint="Split it.")
    _check_parts(text, grammar)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # the parser's advice to programmers, e.g. on `1(2)`
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # how Python's parser refuses text
        raise ParameterError(f"The expression {shown(text)} cannot be read.", hint=grammar) from error
    _check_depth(tree)
    return tree


def shown(text: str) -> str:
    """Return a text as an error repeats it: quoted, and cut where it is long."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def _check_parts(text: str, grammar: str) -> None:
    parts, at = 0, 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or (part["name"] and unicodedata.normalize("NFKC", part["name"]) != part["name"]):
            what = part["name"] if part else text[at]
            raise ParameterError(f"The expression {shown(text)} cannot be read: {what!r} is not allowed.", hint=grammar)
        if part["number"]:
            _check_number(part["number"])
        parts, at = parts + (part["space"] is None), part.end()
    if parts > MAX_PARTS:
        raise ParameterError(f"The expression has {parts:,} parts; at most {MAX_PARTS:,} are read.", hint="Compute it in several calls.")


def _check_number(number: str) -> None:
    """Refuse what a float cannot hold: more than 1e308, or so little that it would become 0."""
    mantissa = number.lower().partition("e")[0]
    if len(number) > MAX_DIGITS or isinf(float(number)) or (float(number) == 0 and mantissa.strip("0.")):
        raise ParameterError(f"The number {shown(number)} in the expression cannot be held.", hint="Write at most 17 digits, e.g. 1.5e-3.")


def _check_depth(tree: ast.Expression) -> None:
    level: list[ast.expr] = [tree.body]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if not level:
            return
    raise ParameterError(f"The expression nests deeper than {MAX_DEPTH} levels.", hint="Compute it in several calls.")
