"""Call a vector tool on files, as the runner does, without store and key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.contract import Declared, Fact, Source, ToolContext, ToolOutput
from tools.registry import load


def call(
    name: str, folder: Path, files: Mapping[str, Path], *, declared: Mapping[str, Declared] | None = None, **params: Any
) -> ToolOutput:
    """Run a tool; its references are the keys of `files`, its files land in a new folder inside `folder`."""
    tool = load(name)
    out = folder / f"call-{len(list(folder.glob('call-*')))}"
    out.mkdir()
    known = declared or {}
    sources = {ref: Source(ref, "vector", path, "xxh3:0", declared=known.get(ref, Declared())) for ref, path in files.items()}
    return tool.run(tool.params(**params), ToolContext(out, sources))


def fact(output: ToolOutput, name: str, **subject: str) -> Fact:
    """Return the only fact of a name and subject."""
    found = [one for one in output.facts if one.name == name and dict(one.subject) == subject]
    assert len(found) == 1, [(one.name, dict(one.subject), one.value) for one in output.facts]
    return found[0]


def value(output: ToolOutput, name: str, **subject: str) -> float | int:
    """Return the value of the only fact of a name and subject."""
    return fact(output, name, **subject).value


def values(output: ToolOutput, name: str, key: str) -> dict[str, float | int]:
    """Return the values of all facts of a name by one key of their subject, in order."""
    return {one.subject[key]: one.value for one in output.facts if one.name == name and key in one.subject}


def where(column: str, op: str, operand: object = None) -> dict[str, object]:
    """Return a filter of one condition."""
    return {"conditions": [{"column": column, "op": op, "value": operand}]}


def measures(*names: str) -> list[dict[str, str]]:
    """Return measures from names such as `count` and `sum of people`."""
    split = [name.partition(" of ") for name in names]
    return [{"aggregate": aggregate, "column": column} if of else {"aggregate": aggregate} for aggregate, of, column in split]
