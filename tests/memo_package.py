"""A tiny package of tools in a temporary folder, a catalog of plain files, and a runner over both: what memo's tests stand on."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tools.contract import Declared, Source, Tool
from tools.errors import NotFoundError
from tools.memo.fingerprint import Fingerprints
from tools.memo.sources import Sources
from tools.runner import Runner
from tools.workspace import Workspace

PACKAGE = "tinytools"

MEASURE = '''
"""A tool that counts the bytes of a file, times a factor."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tools.contract import Fact, Tool, ToolContext, ToolOutput
from tools.geotypes import AnyRef, FactRef, Params


class MeasureParams(Params):
    """Count the bytes of a file."""

    source: AnyRef
    factor: float = Field(default=1, description="Multiplies the count.")
    rows: int = Field(default=1, ge=0, description="How many facts to return.")


def run(params: MeasureParams, context: ToolContext) -> ToolOutput:
    """Count."""
    from tinytools.helper import scaled

    content = context.source(params.source).path.read_bytes()
    (context.folder / "copy.txt").write_bytes(content)
    facts = tuple(Fact("count", scaled(len(content), params.factor) + row, "count", {"row": str(row)}) for row in range(params.rows))
    return ToolOutput("Counted.", facts, files=("copy.txt",), kind="text", data={"nested": [1, 2.5, None]}, bbox=(0.0, 1.0, 2.0, 3.0))


TOOL = Tool("measure", MeasureParams, run, "pure", libraries=("pydantic",))
'''

HELPER = '''
"""What `measure` reaches, and what it does not."""


def scaled(count, factor):
    """Scale."""
    return count * factor


def unreached():
    return 1
'''

ADD = """
from tools.contract import Fact, Tool, ToolContext, ToolOutput
from tools.geotypes import FactRef, Params


class AddParams(Params):
    facts: dict[str, FactRef]


def run(params: AddParams, context: ToolContext) -> ToolOutput:
    return ToolOutput("Added.", (Fact("sum", sum(context.facts[ref].value for ref in params.facts.values()), "count"),))


TOOL = Tool("add", AddParams, run, "pure")
"""

LOOK = """
from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import Params


class LookParams(Params):
    pass


def run(params: LookParams, context: ToolContext) -> ToolOutput:
    assert context.catalog is not None
    return ToolOutput("Looked.", data={"names": [record["id"] for record in context.catalog.records()]})


TOOL = Tool("look", LookParams, run, "observation")
"""

FILES = {"__init__.py": "", "measure.py": MEASURE, "helper.py": HELPER, "add.py": ADD, "look.py": LOOK}


@dataclass
class PlainCatalog:
    """Files by name; their identity is the digest of their bytes at the moment of asking."""

    files: dict[str, Path] = field(default_factory=dict)
    kinds: dict[str, Any] = field(default_factory=dict)
    declared: dict[str, Declared] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)

    def records(self) -> tuple[Mapping[str, Any], ...]:
        return tuple({"id": name} for name in sorted(self.files))

    def resolve(self, ref: str) -> Source:
        if ref not in self.files:
            raise NotFoundError(f"There is no dataset {ref!r}.", hint="Add it.")
        path = self.files[ref]
        digest = f"plain:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        return Source(ref, self.kinds.get(ref, "vector"), path, digest, self.layers.get(ref), self.declared.get(ref, Declared()))


class TinyPackage:
    """Writes the package and loads its tools; `edit` acts like an edit between two processes."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.folder = root / PACKAGE
        self.folder.mkdir()
        for name, text in FILES.items():
            (self.folder / name).write_text(text)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        monkeypatch.syspath_prepend(root)
        self.forget()

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text in a file, which must stand in it, and forget what was imported."""
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.forget()

    def forget(self) -> None:
        """Forget what was imported, as a new process would not know it."""
        for module in [module for module in sys.modules if module.partition(".")[0] == PACKAGE]:
            self._monkeypatch.delitem(sys.modules, module)
        importlib.invalidate_caches()

    @staticmethod
    def load(name: str) -> Tool:
        """Load a tool of the package."""
        tool: Tool = importlib.import_module(f"{PACKAGE}.{name}").TOOL
        return tool

    def runner(self, workspace: Workspace, catalog: PlainCatalog) -> Runner:
        """Return a runner as a new process would make it."""
        return Runner(workspace, catalog, load=self.load, fingerprints=Fingerprints(Sources()))
