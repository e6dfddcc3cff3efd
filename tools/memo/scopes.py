"""Which names outside itself a piece of code refers to, by Python's own rules of scope.

A local variable that happens to be named like a helper is not the helper; an import inside a function is followed like
one at the top of the module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.memo.syntax import INTERFACE_KEYWORDS, IsField, child_nodes

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Scope = dict[str, tuple["Target", ...]]
"""Local name → targets of the imports that bind it; empty for an ordinary variable."""


@dataclass(frozen=True)
class Target:
    """What an import binds a name to."""

    module: str
    """Absolute dotted name."""
    attribute: str | None = None
    """None where the module itself is bound."""


@dataclass(frozen=True)
class Use:
    """One mention of a name from outside, with the attributes taken from it, as in `name.first.second`."""

    name: str | Target
    """A name of the module, or the target of an import inside the function."""
    attributes: tuple[str, ...] = ()
    in_annotation: bool = False


@dataclass(frozen=True)
class Uses:
    """All that a piece of code refers to."""

    names: frozenset[Use]
    loads: frozenset[str]
    """Modules that it imports when it runs."""
    imports_by_value: bool = False
    """Whether it imports a module whose name is made when it runs, which nobody can follow."""


def uses(statements: Iterable[ast.stmt], package: str, is_field: IsField) -> Uses:
    """Return what top-level statements refer to; `package` is that against which relative imports are resolved."""
    finder = _Finder(package, is_field)
    for statement in statements:
        finder.visit(statement)
    return Uses(frozenset(finder.names), frozenset(finder.loads), finder.imports_by_value)


def import_targets(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Target]]:
    """Yield (bound name, target) of an import statement; the name of a star import is `*`."""
    if isinstance(node, ast.ImportFrom):
        module = absolute_module(node, package)
        for alias in node.names:
            yield alias.asname or alias.name, Target(module, alias.name)
        return
    for alias in node.names:
        yield (alias.asname, Target(alias.name)) if alias.asname else (alias.name.partition(".")[0], Target(alias.name.partition(".")[0]))


def absolute_module(node: ast.ImportFrom, package: str) -> str:
    """Return the absolute name of the module from which names are imported."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def loaded_modules(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    """Yield the modules that an import statement may run: `from a import b` may run `a.b`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    module = absolute_module(node, package)
    yield module
    yield from (f"{module}.{alias.name}" for alias in node.names if alias.name != "*")


class _Finder(ast.NodeVisitor):
    """Walks code with the stack of function scopes around it.

    A class body is no scope for the functions in it, so its names are taken for the module's: rather one too many.
    """

    def __init__(self, package: str, is_field: IsField) -> None:
        self._package = package
        self._is_field = is_field
        self._scopes: list[Scope] = []
        self._in_annotation = False
        self._in_class_body = False
        self.names: set[Use] = set()
        self.loads: set[str] = set()
        self.imports_by_value = False

    def visit_Import(self, node: ast.Import) -> None:
        self.loads.update(loaded_modules(node, self._package))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.loads.update(loaded_modules(node, self._package))

    def visit_Name(self, node: ast.Name) -> None:
        self._use(node.id, ())

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            chain.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._use(inner.id, tuple(reversed(chain)))
        else:
            self.visit(inner)

    def visit_Call(self, node: ast.Call) -> None:
        explains = INTERFACE_KEYWORDS if self._is_field(node.func) else ()
        for part in (node.func, *node.args, *(keyword.value for keyword in node.keywords if keyword.arg not in explains)):
            self.visit(part)
        if _is_import_call(node):
            self._import_call(node.args[0] if node.args else None)

    def _import_call(self, name: ast.expr | None) -> None:
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            self.loads.add(name.value)
            self.names.add(Use(Target(name.value)))
        else:
            self.imports_by_value = True

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Visit a field's annotation as code, since it makes the field; other annotations only name types."""
        self._annotation(node.annotation, counts=self._in_class_body)
        for part in (node.target, node.value):
            if part is not None:
                self.visit(part)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.visit(part)
        before, self._in_class_body = self._in_class_body, True
        for statement in node.body:
            self.visit(statement)
        self._in_class_body = before

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node)

    def _function(self, node: FunctionNode) -> None:
        for part in (*getattr(node, "decorator_list", ()), *node.args.defaults, *(default for default in node.args.kw_defaults if default)):
            self.visit(part)
        for annotation in _annotations(node):
            self._annotation(annotation, counts=False)
        before, self._in_class_body = self._in_class_body, False
        self._scopes.append(_bindings(node, self._package))
        for part in [node.body] if isinstance(node, ast.Lambda) else node.body:
            self.visit(part)
        self._scopes.pop()
        self._in_class_body = before

    def _comprehension(self, node: Comprehension) -> None:
        self.visit(node.generators[0].iter)  # evaluated in the scope around
        bound = {_bound_by(inner) for generator in node.generators for inner in ast.walk(generator.target)}
        self._scopes.append({name: () for name in bound if name is not None})
        self.generic_visit(node)
        self._scopes.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def _annotation(self, annotation: ast.expr, *, counts: bool) -> None:
        before, self._in_annotation = self._in_annotation, self._in_annotation or not counts
        self.visit(annotation)
        for text in _quoted(annotation):
            self.visit(text)
        self._in_annotation = before

    def _use(self, name: str, attributes: tuple[str, ...]) -> None:
        for scope in reversed(self._scopes):
            if name in scope:
                self.names.update(Use(target, attributes, self._in_annotation) for target in scope[name])
                return
        self.names.add(Use(name, attributes, self._in_annotation))


def _arguments(node: FunctionNode) -> Iterator[ast.arg]:
    arguments = node.args
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
    yield from (argument for argument in every if argument)


def _annotations(node: FunctionNode) -> Iterator[ast.expr]:
    yield from (argument.annotation for argument in _arguments(node) if argument.annotation)
    if not isinstance(node, ast.Lambda) and node.returns:
        yield node.returns


def _quoted(annotation: ast.expr) -> Iterator[ast.expr]:
    """Yield the expressions of quoted annotations, as in `list["Zone"]`."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                yield ast.parse(node.value, mode="eval").body
            except SyntaxError:  # a text that is no code, as in Literal["a b"]
                continue


def _is_import_call(node: ast.Call) -> bool:
    callee = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    return callee in ("import_module", "__import__")


def _bindings(node: FunctionNode, package: str) -> Scope:
    """Return the names that are local to a function, with the targets of its imports."""
    found: Scope = {argument.arg: () for argument in _arguments(node)}
    outer: set[str] = set()
    for inner in _own_nodes([node.body] if isinstance(node, ast.Lambda) else node.body):
        if isinstance(inner, ast.Global | ast.Nonlocal):
            outer.update(inner.names)
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            for name, target in import_targets(inner, package):
                found[name] = (*found.get(name, ()), target)
        elif (bound := _bound_by(inner)) is not None:
            found.setdefault(bound, ())
    return {name: targets for name, targets in found.items() if name not in outer}


def _bound_by(node: ast.AST) -> str | None:
    """Return the name that a node binds, itself and not through what is in it."""
    if isinstance(node, ast.Name):
        return None if isinstance(node.ctx, ast.Load) else node.id
    if isinstance(node, _NAMED):
        return node.name
    return node.rest if isinstance(node, ast.MatchMapping) else None


_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def _own_nodes(roots: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of a function's own scope, leaving out the insides of functions, classes and comprehensions in it.

    A walrus inside a comprehension binds in the function around it, so comprehensions are searched for those.
    """
    stack = list(roots)
    while stack:
        node = stack.pop()
        if isinstance(node, Comprehension):
            stack.extend(inner.target for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr))
            continue
        yield node
        if not isinstance(node, _SCOPES):
            stack += child_nodes(node)
