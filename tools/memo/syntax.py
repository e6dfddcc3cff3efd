"""Digests of Python syntax trees that comments, formatting, docstrings and annotations do not change.

`ast.dump` changes with every minor version of Python; this walk names every field that it writes, leaves out what is
empty, and brings f-strings, whose trees differ between versions, into one form.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

INTERFACE_KEYWORDS = frozenset(("description", "title", "examples"))
"""Arguments of pydantic's `Field` that only explain; they belong to the interface, not to the code."""
LEFT_OUT = frozenset(("ctx", "type_comment", "kind", "simple", "returns", "type_ignores"))
"""Fields that say nothing of what the code does: contexts and annotations, and the prefix of u-strings."""

IsField = Callable[[ast.expr], bool]
"""Whether the callee of a call is pydantic's `Field`."""


@dataclass(frozen=True)
class Digests:
    """What a piece of code does, and what it says of itself."""

    code: str
    interface: str
    """Over docstrings of classes and explanations of fields; empty where there are none."""


def digests(statements: Iterable[ast.stmt], is_field: IsField) -> Digests:
    """Return the digests of a definition, which may take several statements (overloads, both arms of an `if`)."""
    walk = _Walk(is_field)
    for statement in statements:
        walk.node(statement)
    return Digests(_digest(walk.code), _digest(walk.said) if walk.said else "")


def is_docstring(node: ast.AST) -> bool:
    """Whether a statement is a bare string: a docstring of a module, class, function or field."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def child_nodes(node: ast.AST) -> list[ast.AST]:
    """Return the nodes directly inside a node, without annotations; `ast.iter_child_nodes` takes three times as long."""
    found: list[ast.AST] = []
    for name in _counting_fields(node._fields):
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST) and name != "annotation":
            found.append(value)
    return found


class _Walk:
    """Writes nodes as text in which every part is tagged and every constant carries its length.

    It appends to one list, since it passes a hundred thousand nodes before a first answer: generators took twice as long.
    """

    def __init__(self, is_field: IsField) -> None:
        self._is_field = is_field
        self.code: list[str] = []
        self.said: list[str] = []

    def node(self, node: ast.AST, *, in_class: bool = False) -> None:
        """Write one node; `in_class` says that it stands directly in the body of a class."""
        kind = type(node)
        if isinstance(node, ast.Constant):
            self.code.append(_constant(node.value))
            return
        if isinstance(node, ast.ClassDef):
            self._hear_docstring(node)
        self.code.append(f"({kind.__name__}")
        for name, value in self._fields(node, in_class):
            self.code.append(f" {name}=")
            self._value(value, in_class=name == "body" and kind is ast.ClassDef)
        self.code.append(")")

    def _value(self, value: object, *, in_class: bool) -> None:
        if isinstance(value, ast.AST):
            self.node(value, in_class=in_class)
        elif isinstance(value, list):
            self.code.append("[")
            for item in value:
                if not is_docstring(item):
                    self._value(item, in_class=in_class)
            self.code.append("]")
        else:
            self.code.append(_constant(value))

    def _fields(self, node: ast.AST, in_class: bool) -> Iterator[tuple[str, object]]:
        """Yield the fields that count, by name; empty ones never count, so that new optional fields change nothing."""
        if isinstance(node, ast.JoinedStr):
            yield "values", _joined(node)
            return
        for name in _counting_fields(node._fields):
            value = getattr(node, name, None)
            if name == "annotation" and not (in_class and isinstance(node, ast.AnnAssign)):
                continue
            if name == "format_spec" and isinstance(value, ast.JoinedStr) and not _joined(value):
                continue
            if name == "keywords" and isinstance(node, ast.Call) and self._is_field(node.func):
                value = self._counting_keywords(node)
            if value is not None and value != []:
                yield name, value

    def _counting_keywords(self, call: ast.Call) -> list[ast.keyword]:
        explaining = _Walk(self._is_field)
        for keyword in call.keywords:
            if keyword.arg in INTERFACE_KEYWORDS:
                explaining.node(keyword)
        self.said += explaining.code
        return [keyword for keyword in call.keywords if keyword.arg not in INTERFACE_KEYWORDS]

    def _hear_docstring(self, node: ast.ClassDef) -> None:
        text = ast.get_docstring(node)
        if text:
            self.said.append(f"doc {node.name}={_constant(text)}")


@cache
def _counting_fields(fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(name for name in fields if name not in LEFT_OUT))


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _joined(node: ast.JoinedStr) -> list[ast.expr]:
    """Return the parts of an f-string with neighbouring texts joined and empty ones gone."""
    parts: list[ast.expr] = []
    for part in node.values:
        last = parts[-1] if parts else None
        if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
            parts.append(part)
        elif isinstance(last, ast.Constant) and isinstance(last.value, str):
            parts[-1] = ast.Constant(last.value + part.value)
        elif part.value:
            parts.append(part)
    return parts


def _constant(value: object) -> str:
    """Write a constant with its type and length; whole numbers in hexadecimal, which has no limit of digits."""
    text = hex(value) if type(value) is int else value if isinstance(value, str) else repr(value)
    return f"<{type(value).__name__} {len(text)}:{text}>"
