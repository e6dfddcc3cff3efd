"""The fingerprint of a tool's code: what it does, definition by definition, and what it says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.contract import Tool
from tools.errors import ConfigurationError
from tools.memo.closure import Closures, Definition
from tools.memo.sources import Sources


@dataclass(frozen=True)
class CodeFingerprint:
    """What a tool's bytes depend on in our code."""

    definitions: Mapping[str, str]
    """`module:name` → digest; comments, formatting, docstrings and annotations of functions do not count."""
    interface: str
    """Digest of what the parameters say of themselves; never part of a key."""
    modules: frozenset[str]
    """Modules whose files were read; none of them may change while the process runs."""


class Fingerprints:
    """Makes fingerprints from one snapshot of sources; each module is analysed once, each tool followed once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._sources.watch("tools")
        self._closures = Closures(sources)
        self._known: dict[tuple[Definition, ...], CodeFingerprint] = {}
        self._states: dict[tuple[str, ...], str] = {}

    def of(self, tool: Tool, kept: Path | None = None) -> CodeFingerprint:
        """Return the fingerprint of a tool; `kept` is a folder in which analyses of modules outlive the process.

        Raises ConfigurationError where its functions or parameters are not defined at the top level of a file.
        """
        roots = tuple(_roots(tool))
        if roots not in self._known:
            reached = self._closures.reach(roots, kept)
            said = self._closures.reach([_place(tool.params)], kept).interface
            self._known[roots] = CodeFingerprint(reached.code, _digest(said), reached.modules)
        return self._known[roots]

    def check(self, fingerprint: CodeFingerprint) -> None:
        """Raise StaleCodeError where a file behind the fingerprint was changed since this process first saw it."""
        self._sources.check(sorted(fingerprint.modules))

    def state(self, modules: Iterable[str]) -> str:
        """Return a digest of the files of modules, as this process first saw them; raise StaleCodeError where they changed since."""
        listed = tuple(sorted(modules))
        if listed not in self._states:
            digest = hashlib.sha256()
            for module in listed:
                source = self._sources.file(module)
                content = source.content if source else b""
                digest.update(f"{module}\0{len(content)}\0".encode() + content)
            self._states[listed] = digest.hexdigest()
        self._sources.check(listed)
        return self._states[listed]


@cache
def process_fingerprints() -> Fingerprints:
    """Return the fingerprints of this process: one snapshot, because imported modules are one per process as well."""
    return Fingerprints(Sources())


def _roots(tool: Tool) -> Iterator[Definition]:
    yield _place(tool.run)
    yield _place(tool.params)
    if tool.resolve:
        yield _place(tool.resolve)


def _place(thing: object) -> Definition:
    """Return where a function or class is defined; a nested one is part of what it is nested in."""
    name = getattr(thing, "__qualname__", "")
    if not name or "<" in name:
        raise ConfigurationError(
            f"{thing!r} has no name at the top level of a module, so its code cannot be part of a key.",
            hint="Define it with def or class at the top level.",
        )
    return str(getattr(thing, "__module__", "")), str(name.partition(".")[0])


def _digest(mapping: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(mapping, sort_keys=True).encode()).hexdigest()
