"""Typed geospatial tools with a memory: every result is stored under a key of its inputs, its grid and its code.

    import tools

    tools.names()
    tools.describe("zonal_stats")
    result = tools.run("list_datasets", {}, workspace="./.terracite")

Light to import: nothing is loaded before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.contract import Result
    from tools.runner import Runner

__all__ = ["Result", "Runner", "describe", "errors", "names", "run"]


def names() -> tuple[str, ...]:
    """Return the names of all tools."""
    from tools import registry

    return registry.names()


def describe(name: str) -> dict[str, Any]:  # Any: JSON values
    """Return a tool's name, kind, description and JSON schema of its parameters; raise NotFoundError for an unknown one."""
    from tools import registry

    tool = registry.load(name)
    return {"name": tool.name, "kind": tool.kind, "description": tool.description, "parameters": tool.params.model_json_schema()}


def run(name: str, params: Mapping[str, object], *, workspace: str | Path | None = None) -> Result:
    """Call one tool in a workspace (default: TERRACITE_WORKSPACE, else ./.terracite); see `tools.runner.Runner.run`.

    For many calls, make one `Runner` and keep it.
    """
    from tools.catalog.datasets import Datasets
    from tools.execution import executor_of
    from tools.runner import Runner
    from tools.workspace import open_workspace

    opened = open_workspace(root=Path(workspace) if workspace else None)
    executor = executor_of(opened)
    return Runner(opened, Datasets(opened, executor), executor=executor).run(name, params)


def __getattr__(name: str) -> Any:  # Any: the names below are of different kinds
    if name == "Result":
        from tools.contract import Result

        return Result
    if name == "Runner":
        from tools.runner import Runner

        return Runner
    if name == "errors":
        import tools.errors as errors

        return errors
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
