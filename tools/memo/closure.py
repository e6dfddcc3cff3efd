"""Everything that a piece of code reaches in our packages: functions, classes, constants, and what imports do.

Followed: names, attributes of imported modules, imports at the top and inside functions, re-exports, star imports,
decorators, defaults, base classes, annotations of fields, and classes that annotations of functions name (their methods
are called on arguments). A module that is passed around whole is reached whole. Where the rules leave a doubt, too much
is reached rather than too little: a result computed once more is harmless, a stale one is not. An import by a name that is
made at run time cannot be followed and is refused. Classes found through `__subclasses__()` alone are not seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ConfigurationError
from tools.memo.analyses import analysed
from tools.memo.modules import BINARY, EFFECTS, Module
from tools.memo.scopes import Target, Use
from tools.memo.sources import Sources
from tools.memo.syntax import Digests

OUR_PACKAGES = frozenset(("tools", "agent", "prompts"))
INFRASTRUCTURE = ("tools.durable", "tools.locks", "tools.memo", "tools.registry", "tools.runner", "tools.settings", "tools.workspace")
"""Modules that decide where and whether something runs, never what comes out; limits in settings only refuse."""

Definition = tuple[str, str]
"""(module, name at its top level)."""


@dataclass(frozen=True)
class Reached:
    """What was reached from some roots."""

    code: dict[str, str]
    """`module:name` → digest of that definition and of what its imported names are bound to."""
    interface: dict[str, str]
    """`module:name` → digest of what it says of itself; definitions that say nothing are left out."""
    modules: frozenset[str]
    """Modules whose files were used."""


class Closures:
    """Follows code through modules, each analysed once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str, kept: Path | None = None) -> Module | None:
        """Return an analysed module; None where there is none of that name."""
        if name not in self._modules:
            source = self._sources.file(name)
            self._modules[name] = analysed(source, kept) if source else None
        return self._modules[name]

    def reach(self, roots: Iterable[Definition], kept: Path | None = None) -> Reached:
        """Return what the roots reach; `kept` is a folder of analyses, see `analysed`.

        Raises ConfigurationError where a root is not at the top level of its module, or code cannot be followed.
        """
        wanted = list(roots)
        walk = _Reach(self, OUR_PACKAGES | {module.partition(".")[0] for module, _ in wanted}, kept)
        for module, name in wanted:
            found = self.module(module, kept)
            if found is None or name not in found.definitions:
                raise ConfigurationError(
                    f"The source of {name!r} in the module {module!r} cannot be found.",
                    hint="Define a tool's functions and models by name at the top level of a module that lies in a file.",
                )
            walk.define(found, name)
        return walk.finish()


class _Reach:
    """One walk: what is still to do, and what was reached."""

    def __init__(self, closures: Closures, packages: frozenset[str], kept: Path | None) -> None:
        self._closures = closures
        self._kept = kept
        self._packages = packages
        self._todo: list[tuple[Module, str]] = []
        self._seen: set[tuple[str, str]] = set()
        self._typed: set[tuple[str, str]] = set()
        """Aliases that were followed for an annotation only."""
        self._resolving: set[tuple[str, tuple[str, ...]]] = set()
        self._found: dict[Definition, Digests] = {}
        self._loaded: set[str] = set()

    def finish(self) -> Reached:
        """Work off what is to do and return all."""
        while self._todo:
            self._follow(*self._todo.pop())
        names = sorted(self._found)
        return Reached(
            {f"{module}:{name}": self._found[module, name].code for module, name in names},
            {f"{module}:{name}": self._found[module, name].interface for module, name in names if self._found[module, name].interface},
            frozenset(self._loaded),
        )

    def define(self, module: Module, name: str) -> None:
        """Note that a definition is reached."""
        if (module.name, name) not in self._seen:
            self._seen.add((module.name, name))
            self._todo.append((module, name))
            self._load(module.name)

    def _follow(self, module: Module, name: str) -> None:
        said, used = module.definitions[name].digests, module.definitions[name].uses
        if used.imports_by_value:
            raise ConfigurationError(
                f"{module.name}:{name} imports a module whose name is made when it runs, so its code cannot be part of a key.",
                hint="Import it by a name that stands in the call.",
            )
        for loaded in used.loads:
            self._load(loaded)
        bindings = sorted({_binding(module, use) for use in used.names if not use.in_annotation} - {""})
        bound = hashlib.sha256(json.dumps([said.code, *bindings]).encode()).hexdigest()[:32] if bindings else said.code
        self._found[module.name, name] = Digests(bound, said.interface)
        for use in used.names:
            self._resolve_use(module, use)

    def _resolve_use(self, module: Module, use: Use) -> None:
        if isinstance(use.name, Target):
            self._resolve_target(use.name, use.attributes, use.in_annotation)
        else:
            self._resolve_name(module, (use.name, *use.attributes), use.in_annotation)

    def _resolve_name(self, module: Module, chain: tuple[str, ...], typed: bool) -> bool:
        """Reach what the first name of a chain means inside a module; return whether it means anything there."""
        name, attributes = chain[0], chain[1:]
        found = False
        if name in module.definitions:
            found = True
            self._reach_definition(module, name, typed)
        for target in module.imports.get(name, ()):
            found = True
            self._resolve_target(target, attributes, typed)
        for star in module.stars if not found else ():
            origin = self._ours(star)
            found = (origin is not None and self._resolve_name(origin, chain, typed)) or found
        return found

    def _resolve_target(self, target: Target, attributes: tuple[str, ...], typed: bool) -> None:
        """Reach what an import and the attributes taken from it mean; other people's packages are not followed."""
        chain = (target.attribute, *attributes) if target.attribute else attributes
        if (target.module, chain) in self._resolving:
            return
        module = self._ours(target.module)
        if module is None:
            return
        self._resolving.add((target.module, chain))
        if not chain:
            self._reach_whole(module, typed)
        elif not self._resolve_name(module, chain, typed):
            submodule = f"{module.name}.{chain[0]}"
            if module.is_package and self._closures.module(submodule, self._kept):
                self._resolve_target(Target(submodule), chain[1:], typed)
            elif "__getattr__" in module.definitions:
                self._reach_definition(module, "__getattr__", typed)
            else:
                self._reach_whole(module, typed)
        self._resolving.discard((target.module, chain))

    def _reach_definition(self, module: Module, name: str, typed: bool) -> None:
        """Reach a definition; through an annotation only classes count, and aliases lead on to the classes in them."""
        kind = module.definitions[name].kind
        if not typed or kind == "class":
            self.define(module, name)
        elif kind == "other" and (module.name, name) not in self._typed:
            self._typed.add((module.name, name))
            for use in module.definitions[name].uses.names:
                self._resolve_use(module, Use(use.name, use.attributes, in_annotation=True))

    def _reach_whole(self, module: Module, typed: bool) -> None:
        self._load(module.name)
        for name in module.definitions:
            self._reach_definition(module, name, typed)

    def _load(self, name: str) -> None:
        """Count what importing a module does: the acting statements of it, of its packages, and of what it imports."""
        todo = [name]
        while todo:
            module = self._ours(todo.pop())
            if module is None or module.name in self._loaded:
                continue
            self._loaded.add(module.name)
            todo.extend((module.name.rpartition(".")[0], *module.loads))
            acting = {EFFECTS, BINARY} & module.definitions.keys()
            for definition in sorted(acting | set(self._registering(module))):
                self.define(module, definition)

    def _registering(self, module: Module) -> Iterator[str]:
        """Yield what is decorated by our own code, which may enter it into a table that is looked up later."""
        for name, definition in module.definitions.items():
            if any(self._is_our_name(module, decorator) for decorator in definition.decorators):
                yield name

    def _is_our_name(self, module: Module, name: str) -> bool:
        return name in module.definitions or any(self._ours(target.module) for target in module.imports.get(name, ()))

    def _ours(self, name: str) -> Module | None:
        if name.partition(".")[0] not in self._packages or any(name == own or name.startswith(f"{own}.") for own in INFRASTRUCTURE):
            return None
        return self._closures.module(name, self._kept)


def _binding(module: Module, use: Use) -> str:
    """Write what an imported name is bound to, since swapping two imports changes what the same text does."""
    if isinstance(use.name, Target) or use.name not in module.imports:
        return ""
    return f"{use.name} = {', '.join(f'{target.module}:{target.attribute or str()}' for target in module.imports[use.name])}"
