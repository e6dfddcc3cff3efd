"""`terracite add` and `terracite datasets`: tell what data there is, and what its files do not say themselves."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from agent.interfaces.shell import JsonOption, WorkspaceOption, open_agent, say, say_json


class KindName(StrEnum):
    """How the values of a raster are to be read."""

    categorical = "categorical"
    continuous = "continuous"


class GeoreferencingName(StrEnum):
    """Where a GeoTIFF lies: as its own tags say, or as the side file beside it."""

    internal = "internal"
    sidecar = "sidecar"


def add(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Files or folders: rasters, vector layers, tables, documents, static catalogues; or the https address of a file or a STAC API."
        ),
    ],
    workspace: WorkspaceOption = None,
    id: Annotated[str | None, typer.Option("--id", help="Id of the dataset.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title, as people call it.")] = None,
    crs: Annotated[
        str | None, typer.Option("--crs", help="Coordinate reference system where the file states none, e.g. EPSG:32632.")
    ] = None,
    bounds: Annotated[
        str | None, typer.Option("--bounds", help="left,bottom,right,top in --crs, for a raster without georeferencing.")
    ] = None,
    bands: Annotated[str | None, typer.Option("--bands", help="Roles of bands, e.g. green=3,swir1=1.")] = None,
    scale: Annotated[float | None, typer.Option("--scale", help="Value = stored × scale + offset.")] = None,
    offset: Annotated[float | None, typer.Option("--offset", help="See --scale.")] = None,
    nodata: Annotated[float | None, typer.Option("--nodata", help="Stored value that means no data.")] = None,
    kind: Annotated[KindName | None, typer.Option("--kind", help="Whether the values are classes or quantities.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="Unit of the values, e.g. m.")] = None,
    classes: Annotated[str | None, typer.Option("--classes", help="Names of class values, e.g. 1=water,2=forest.")] = None,
    x_column: Annotated[str | None, typer.Option("--x-column", help="Column of x or longitude in a table.")] = None,
    y_column: Annotated[str | None, typer.Option("--y-column", help="Column of y or latitude in a table.")] = None,
    geometry_column: Annotated[str | None, typer.Option("--geometry-column", help="Column of WKT geometry in a table.")] = None,
    name_column: Annotated[str | None, typer.Option("--name-column", help="Column that names the features.")] = None,
    georeferencing: Annotated[
        GeoreferencingName | None, typer.Option("--georeferencing", help="Which is right where a GeoTIFF's tags and its .aux.xml disagree.")
    ] = None,
    time: Annotated[str | None, typer.Option("--time", help="Year, month, day or instant, or start/end, ISO 8601.")] = None,
    licence: Annotated[str | None, typer.Option("--licence", help="Licence of the data.")] = None,
    attribution: Annotated[str | None, typer.Option("--attribution", help="Credit line of the data.")] = None,
    checksum: Annotated[str | None, typer.Option("--checksum", help="What the file at an address must be, e.g. sha256:2cf24d…")] = None,
    as_json: JsonOption = False,
) -> None:
    """Register data; what cannot be read is reported one by one, the rest is registered."""
    from agent.interfaces import terminal
    from agent.interfaces.options import declared_from
    from agent.interfaces.shell import fetching
    from tools.errors import exit_code_of

    declared = declared_from(
        crs=crs,
        bounds=bounds,
        bands=bands,
        scale=scale,
        offset=offset,
        nodata=nodata,
        kind=kind.value if kind else None,
        unit=unit,
        classes=classes,
        x_column=x_column,
        y_column=y_column,
        geometry_column=geometry_column,
        name_column=name_column,
        georeferencing=georeferencing.value if georeferencing else None,
    )
    report = open_agent(workspace).add(
        *paths,
        id=id,
        title=title,
        declared=declared,
        time=time,
        licence=licence,
        attribution=attribution,
        checksum=checksum,
        progress=fetching(),
    )
    if as_json:
        shown = {
            "registered": [record.model_dump(mode="json") for record in report.records],
            "refused": [refusal.to_json() for refusal in report.refused],
            "skipped": list(report.skipped),
        }
        say_json(shown)
    else:
        for line in terminal.added_lines(report):
            say(line)
        for line in terminal.refused_lines(report):
            say(line, err=True)
    if report.refused:
        raise typer.Exit(exit_code_of(report.refused[0].code))


def datasets(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the registered datasets."""
    from agent.interfaces import terminal

    records = open_agent(workspace).datasets.record_objects()
    if as_json:
        say_json([record.model_dump(mode="json") for record in records])
        return
    for record in records:
        say(terminal.dataset_line(record))
    if not records:
        say("No data is registered. Add some: terracite add PATH…")
