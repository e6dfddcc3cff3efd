"""Source files of our packages, as this process first saw them; found and read without importing anything."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

from tools.errors import ConfigurationError, StaleCodeError

Stat = tuple[int, int, int]
"""Bytes, mtime and ctime in ns: equal stats mean that nothing was written since, whatever mtime somebody set."""


@dataclass(frozen=True)
class SourceFile:
    """One module's file."""

    module: str
    path: Path | None
    """None for a namespace package, which has no file."""
    content: bytes
    is_package: bool = False
    is_binary: bool = False
    """An extension module: its bytes stand for its code."""

    @property
    def package(self) -> str:
        """Return the package against which the module's relative imports are resolved."""
        return self.module if self.is_package else self.module.rpartition(".")[0]


class Sources:
    """A snapshot of source files; it never reads a file twice, so that one key is made from one state of the code."""

    def __init__(self) -> None:
        self._first: dict[Path, Stat] = {}
        self._late: set[Path] = set()
        """Files that were written between the first look and the reading of their content."""
        self._files: dict[str, SourceFile | None] = {}
        self._watched: set[str] = set()

    def watch(self, package: str) -> None:
        """Note the state of every file of a top-level package (or module), before its modules are imported.

        A module that is imported early and read late could otherwise be edited in between, and its old code would run
        under the key of the new one.
        """
        if package in self._watched:
            return
        self._watched.add(package)
        for path in _all_files(package):
            self._first.setdefault(path, _stat(path))

    def file(self, module: str) -> SourceFile | None:
        """Return a module's file by its dotted name; None where there is no such module."""
        if module not in self._files:
            self.watch(module.partition(".")[0])
            self._files[module] = self._read(module)
        return self._files[module]

    def check(self, modules: Iterable[str]) -> None:
        """Raise StaleCodeError where the file of one of these modules was changed after this process first saw it."""
        for module in modules:
            source = self._files.get(module)
            if source and self._changed(source):
                raise StaleCodeError(
                    f"The source of {module} was changed after this process started, so the result would carry a wrong key.",
                    hint="Start again; nothing was stored.",
                )

    def _read(self, module: str) -> SourceFile | None:
        found = _locate(module)
        if found is None:
            return None
        path, is_package = found
        if path is None:
            return SourceFile(module, None, b"", is_package=True)
        try:
            first = self._first.setdefault(path, _stat(path))
            content = path.read_bytes()
            if _stat(path) != first:
                self._late.add(path)
        except OSError as error:
            raise ConfigurationError(f"The source of {module} cannot be read ({error}).", hint="Install the package again.") from error
        return SourceFile(module, path, content, is_package, path.suffix != ".py")

    def _changed(self, source: SourceFile) -> bool:
        """Compare stats, and content only where they differ, since saving a file unchanged does no harm."""
        path = source.path
        if path is None or path in self._late:
            return path is not None
        try:
            return _stat(path) != self._first[path] and path.read_bytes() != source.content
        except FileNotFoundError:
            return True


def _stat(path: Path) -> Stat:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _roots(package: str) -> tuple[Path | None, tuple[Path, ...]]:
    """Return the file of a top-level module, and the folders of its submodules where it is a package."""
    loaded = sys.modules.get(package)
    if loaded is not None and getattr(loaded, "__spec__", None) is None:
        origin = getattr(loaded, "__file__", None)  # `__main__` run as a script has no spec
        return (Path(origin) if origin else None), ()
    spec = find_spec(package)
    if spec is None:
        return None, ()
    origin = Path(spec.origin) if spec.origin and spec.has_location else None
    return origin, tuple(Path(folder) for folder in spec.submodule_search_locations or ())


def _all_files(package: str) -> Iterator[Path]:
    origin, folders = _roots(package)
    if not folders and origin:
        yield origin
    for folder in folders:
        yield from folder.rglob("*.py")


def _locate(module: str) -> tuple[Path | None, bool] | None:
    """Return (file, whether it is a package) of a module; the file of a namespace package is None."""
    top, *rest = module.split(".")
    origin, folders = _roots(top)
    if not rest:
        return (origin, bool(folders)) if origin or folders else None
    for folder in folders:
        base = folder.joinpath(*rest)
        for candidate, is_package in _candidates(base):
            if candidate.is_file():
                return candidate, is_package
        if base.is_dir():
            return None, True
    return None


def _candidates(base: Path) -> Iterator[tuple[Path, bool]]:
    yield base / "__init__.py", True
    for suffix in (*EXTENSION_SUFFIXES, ".py"):
        yield base.with_name(base.name + suffix), False
