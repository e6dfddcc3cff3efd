"""Analysed modules, kept beside the store: a process that finds all sources unchanged need not parse any.

An analysis is filed under the digest of the source it was made from and of the code that made it, so that it can be stale in
no way; one that cannot be read is made anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tools.drafts import replace_whole
from tools.memo.key import Json, canonical_json
from tools.memo.modules import Definition, Module, parse_module
from tools.memo.scopes import Target, Use, Uses
from tools.memo.sources import SourceFile
from tools.memo.syntax import Digests

_LOG = logging.getLogger(__name__)


def analysed(source: SourceFile, kept: Path | None) -> Module:
    """Return the analysis of a module's file, from the folder `kept` if it lies there, else made now and put there.

    None keeps nothing. Raises ConfigurationError where the file is not Python.
    """
    if kept is None:
        return parse_module(source)
    path = kept / f"{_name(source)}.json"
    try:
        return _read(json.loads(path.read_bytes()), source)
    except (OSError, ValueError, KeyError, TypeError, IndexError):  # not there, or not written by us
        module = parse_module(source)
    try:
        kept.mkdir(exist_ok=True)
        replace_whole(path, canonical_json(_written(module)))
    except OSError as error:  # a read-only workspace can still be read
        _LOG.info("analysis not kept module=%s: %s", source.module, error)
    return module


def _name(source: SourceFile) -> str:
    """Return what an analysis depends on, as a digest: relative imports need the module's own name."""
    head = f"{_recipe()} {source.module} {source.is_package} {source.is_binary}\n".encode()
    return hashlib.sha256(head + source.content).hexdigest()


@cache
def _recipe() -> str:
    """Return a digest of the code that analyses, so that no edit of it needs a new number."""
    here = Path(__file__).parent
    return hashlib.sha256(
        b"".join((here / name).read_bytes() for name in ("analyses.py", "modules.py", "scopes.py", "syntax.py"))
    ).hexdigest()


def _written(module: Module) -> Json:
    return {
        "definitions": {name: _definition_written(definition) for name, definition in module.definitions.items()},
        "imports": {name: [_target_written(target) for target in targets] for name, targets in module.imports.items()},
        "stars": list(module.stars),
        "loads": sorted(module.loads),
    }


def _definition_written(definition: Definition) -> list[Any]:  # Any: JSON values
    names = [
        [_target_written(use.name) if isinstance(use.name, Target) else use.name, list(use.attributes), use.in_annotation]
        for use in definition.uses.names
    ]
    said, used = definition.digests, definition.uses
    return [definition.kind, said.code, said.interface, names, sorted(used.loads), used.imports_by_value, list(definition.decorators)]


def _target_written(target: Target) -> list[str | None]:
    return [target.module, target.attribute]


def _read(written: Mapping[str, Any], source: SourceFile) -> Module:  # Any: JSON values
    return Module(
        source.module,
        source.is_package,
        {name: _definition_read(*definition) for name, definition in written["definitions"].items()},
        {name: tuple(Target(*target) for target in targets) for name, targets in written["imports"].items()},
        tuple(written["stars"]),
        frozenset(written["loads"]),
    )


def _definition_read(
    kind: Any, code: str, interface: str, names: list[Any], loads: list[str], imports_by_value: bool, decorators: list[str]
) -> Definition:  # Any: JSON values
    found = (Use(Target(*name) if isinstance(name, list) else name, tuple(attributes), typed) for name, attributes, typed in names)
    return Definition(kind, Digests(code, interface), Uses(frozenset(found), frozenset(loads), imports_by_value), tuple(decorators))
