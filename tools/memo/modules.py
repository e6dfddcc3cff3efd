"""What a module defines at its top level, name by name, and what it does when it is imported."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tools.errors import ConfigurationError
from tools.memo.scopes import Target, Uses, absolute_module, import_targets, loaded_modules, uses
from tools.memo.sources import SourceFile
from tools.memo.syntax import Digests, child_nodes, digests, is_docstring

EFFECTS = "<module>"
"""Stands for the statements of a module that define no name but act when it is imported."""
BINARY = "<binary>"
"""Stands for the whole of an extension module."""
FIELD_TARGETS = frozenset((Target("pydantic", "Field"), Target("pydantic.fields", "Field")))

Compound = ast.If | ast.For | ast.While | ast.With | ast.Try | ast.TryStar | ast.Match
Import = ast.Import | ast.ImportFrom
Kind = Literal["class", "function", "other"]


@dataclass(frozen=True)
class Definition:
    """A name at the top level: the statements that bind or extend it, taken together."""

    kind: Kind
    digests: Digests
    uses: Uses
    decorators: tuple[str, ...] = ()
    """First name of every decorator."""


@dataclass(frozen=True)
class Module:
    """A module, without its syntax trees: what follows code needs no more than this."""

    name: str
    is_package: bool
    definitions: Mapping[str, Definition]
    """Name → definition; `EFFECTS` where the module acts."""
    imports: Mapping[str, tuple[Target, ...]] = field(default_factory=dict)
    """Name → what the module's imports bind it to."""
    stars: tuple[str, ...] = ()
    """Modules whose every name is imported, in order."""
    loads: frozenset[str] = frozenset()
    """Modules that are imported when this one is."""


def parse_module(source: SourceFile) -> Module:
    """Parse and analyse a module's file; raise ConfigurationError where it is not Python."""
    if source.is_binary:
        known = Digests(hashlib.sha256(source.content).hexdigest()[:32], "")
        return Module(source.module, False, {BINARY: Definition("other", known, Uses(frozenset(), frozenset()))})
    try:
        tree = ast.parse(source.content, str(source.path))
    except (SyntaxError, ValueError) as error:
        raise ConfigurationError(
            f"The source of {source.module} cannot be parsed ({error}).", hint="Correct it and start again."
        ) from error
    reading = _Reading(source.package)
    for statement in tree.body:
        reading.enter(statement)
    return Module(
        source.module,
        source.is_package,
        {name: reading.definition(statements) for name, statements in reading.statements.items()},
        {name: tuple(targets) for name, targets in reading.imports.items()},
        tuple(reading.stars),
        frozenset(reading.loads),
    )


class _Reading:
    """Sorts the top-level statements of one module."""

    def __init__(self, package: str) -> None:
        self._package = package
        self.statements: dict[str, list[ast.stmt]] = {}
        self.imports: dict[str, list[Target]] = {}
        self.stars: list[str] = []
        self.loads: set[str] = set()

    def enter(self, statement: ast.stmt) -> None:
        """Sort one statement in."""
        if is_docstring(statement) or _is_main_guard(statement):
            return
        if isinstance(statement, ast.If) and _names_type_checking(statement.test):
            for inner in statement.body:
                self._enter_imports(inner, loads=False)
            return
        self._enter_imports(statement, loads=True)
        if isinstance(statement, Import):
            return
        names = set(_bound_names(statement))
        for name in sorted(names | ({EFFECTS} if not names or _acts(statement) else set())):
            self.statements.setdefault(name, []).append(statement)

    def definition(self, statements: list[ast.stmt]) -> Definition:
        """Analyse the statements of one name, after all were sorted in."""
        kind: Kind = "other"
        if any(isinstance(statement, ast.ClassDef) for statement in statements):
            kind = "class"
        elif any(isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) for statement in statements):
            kind = "function"
        return Definition(
            kind, digests(statements, self._is_field), uses(statements, self._package, self._is_field), tuple(_decorators(statements))
        )

    def _enter_imports(self, statement: ast.stmt, *, loads: bool) -> None:
        for node in _own_nodes(statement):
            if not isinstance(node, Import):
                continue
            if loads:
                self.loads.update(loaded_modules(node, self._package))
            for name, target in import_targets(node, self._package):
                if name == "*" and isinstance(node, ast.ImportFrom):
                    self.stars.append(absolute_module(node, self._package))
                else:
                    self.imports.setdefault(name, []).append(target)

    def _is_field(self, callee: ast.expr) -> bool:
        """Whether the callee of a call is pydantic's `Field`, under whatever name it was imported."""
        if isinstance(callee, ast.Name):
            return not FIELD_TARGETS.isdisjoint(self.imports.get(callee.id, ()))
        if isinstance(callee, ast.Attribute) and isinstance(callee.value, ast.Name):
            return any(Target(target.module, callee.attr) in FIELD_TARGETS for target in self.imports.get(callee.value.id, ()))
        return False


def _decorators(statements: list[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        for decorator in getattr(statement, "decorator_list", ()):
            yield next((node.id for node in ast.walk(decorator) if isinstance(node, ast.Name)), "")


def _bound_names(statement: ast.stmt) -> Iterator[str]:
    for node in _own_nodes(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes of a statement that belong to the module's own scope."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack += child_nodes(node)


def _is_main_guard(statement: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == …`, which never runs on import."""
    test = statement.test if isinstance(statement, ast.If) else None
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _names_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING")


def _acts(statement: ast.stmt) -> bool:
    """Whether a statement that binds names does more: it writes into an object, chooses among imports, or calls."""
    nodes = tuple(_own_nodes(statement))
    if any(isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del) for node in nodes):
        return True
    quiet = (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass, Compound)
    return isinstance(statement, Compound) and not all(isinstance(node, quiet) for node in nodes if isinstance(node, ast.stmt))
