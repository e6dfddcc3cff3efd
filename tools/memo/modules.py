"""What a module defines at its top level, name by name, and what it does when it is imported."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

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


@dataclass
class Module:
    """A parsed module; its definitions are analysed when they are first reached."""

    source: SourceFile
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    """Name → the statements that bind or extend it; `EFFECTS` → those that bind none."""
    imports: dict[str, list[Target]] = field(default_factory=dict)
    """Name → what the module's imports bind it to."""
    stars: list[str] = field(default_factory=list)
    """Modules whose every name is imported, in order."""
    loads: set[str] = field(default_factory=set)
    """Modules that are imported when this one is."""
    _analysed: dict[str, tuple[Digests, Uses]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the dotted name."""
        return self.source.module

    def analyse(self, name: str) -> tuple[Digests, Uses]:
        """Return the digests of a definition and what it refers to."""
        if name not in self._analysed:
            if self.source.is_binary:
                self._analysed[name] = Digests(hashlib.sha256(self.source.content).hexdigest()[:32], ""), Uses(frozenset(), frozenset())
            else:
                statements = self.definitions[name]
                self._analysed[name] = digests(statements, self.is_field), uses(statements, self.source.package, self.is_field)
        return self._analysed[name]

    def is_class(self, name: str) -> bool:
        """Whether a name is defined by a class statement."""
        return any(isinstance(statement, ast.ClassDef) for statement in self.definitions.get(name, ()))

    def is_function(self, name: str) -> bool:
        """Whether a name is defined by a function statement."""
        return any(isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) for statement in self.definitions.get(name, ()))

    def decorated(self) -> Iterator[tuple[str, str]]:
        """Yield (name, first name of a decorator) of every decorated function and class."""
        for name, statements in self.definitions.items():
            for statement in statements:
                for decorator in getattr(statement, "decorator_list", ()):
                    root = next((node.id for node in ast.walk(decorator) if isinstance(node, ast.Name)), "")
                    yield name, root

    def is_field(self, callee: ast.expr) -> bool:
        """Whether the callee of a call is pydantic's `Field`, under whatever name it was imported."""
        if isinstance(callee, ast.Name):
            return not FIELD_TARGETS.isdisjoint(self.imports.get(callee.id, ()))
        if isinstance(callee, ast.Attribute) and isinstance(callee.value, ast.Name):
            return any(Target(target.module, callee.attr) in FIELD_TARGETS for target in self.imports.get(callee.value.id, ()))
        return False


def parse_module(source: SourceFile) -> Module:
    """Parse a module's file; raise ConfigurationError where it is not Python."""
    if source.is_binary:
        return Module(source, definitions={BINARY: []})
    try:
        tree = ast.parse(source.content, str(source.path))
    except (SyntaxError, ValueError) as error:
        raise ConfigurationError(
            f"The source of {source.module} cannot be parsed ({error}).", hint="Correct it and start again."
        ) from error
    module = Module(source)
    for statement in tree.body:
        _enter(module, statement)
    return module


def _enter(module: Module, statement: ast.stmt) -> None:
    """Sort one top-level statement into the module."""
    if is_docstring(statement) or _is_main_guard(statement):
        return
    if isinstance(statement, ast.If) and _names_type_checking(statement.test):
        for inner in statement.body:
            _enter_imports(module, inner, loads=False)
        return
    _enter_imports(module, statement, loads=True)
    if isinstance(statement, Import):
        return
    names = set(_bound_names(statement))
    for name in names:
        module.definitions.setdefault(name, []).append(statement)
    if not names or _acts(statement):
        module.definitions.setdefault(EFFECTS, []).append(statement)


def _enter_imports(module: Module, statement: ast.stmt, *, loads: bool) -> None:
    package = module.source.package
    for node in _own_nodes(statement):
        if not isinstance(node, Import):
            continue
        if loads:
            module.loads.update(loaded_modules(node, package))
        for name, target in import_targets(node, package):
            if name == "*" and isinstance(node, ast.ImportFrom):
                module.stars.append(absolute_module(node, package))
            else:
                module.imports.setdefault(name, []).append(target)


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
