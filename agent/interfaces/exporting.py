"""`terracite export`: write a dataset or a result to a file of a common format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.interfaces.shell import JsonOption, WorkspaceOption, open_agent, say, say_json


def export(
    dataset: Annotated[str, typer.Argument(help="Dataset id, or a:KEY of a result.")],
    path: Annotated[Path, typer.Argument(help="The file to write; its suffix names the format.")],
    workspace: WorkspaceOption = None,
    format: Annotated[str | None, typer.Option("--format", help="Where the suffix does not tell: geotiff for a plain GeoTIFF.")] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="Name of the layer in the file. Default: the file's.")] = None,
    crs: Annotated[str | None, typer.Option("--crs", help="CRS of the written layer, e.g. EPSG:32632.")] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Columns to keep, in this order: a,b,c, or renamed: a=x,b=y; default: all.")
    ] = None,
    types: Annotated[str | None, typer.Option("--types", help="Types of columns, e.g. code=text,people=integer.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    add_layer: Annotated[bool, typer.Option("--add-layer", help="Add a layer to the GeoPackage that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a dataset or result to a file; what the format changes is told, and nothing is replaced unasked."""
    from agent.interfaces.options import pairs

    renamed = (
        None if columns is None else {name: new or name for name, _, new in (part.strip().partition("=") for part in columns.split(","))}
    )
    chosen = {"format": format, "layer": layer, "crs": crs}
    exported = open_agent(workspace).export(
        dataset, path, **chosen, columns=renamed, types=pairs(types, "--types", "code=text"), force=force, add_layer=add_layer
    )
    artifact = exported.result.artifact
    if as_json:
        files = [str(file) for file in exported.paths]
        say_json({"files": files, "key": artifact.key, "columns": artifact.data.get("columns", {}), "warnings": list(artifact.warnings)})
        return
    say(artifact.summary)
    for warning in artifact.warnings:
        say(f"Note: {warning}")
    for file in exported.paths:
        say(str(file))
