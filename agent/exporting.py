"""Export a dataset or result to a named path: the `export` tool makes the file, memoized like every call, and it is copied there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.catalog.datasets import Datasets
from tools.contract import Result
from tools.errors import ParameterError, error_from_json
from tools.placing import place
from tools.runner import Runner

FORMATS: Mapping[str, str] = {
    ".geojson": "geojson", ".json": "geojson", ".gpkg": "gpkg", ".shp": "shapefile", ".fgb": "flatgeobuf", ".parquet": "geoparquet",
    ".geoparquet": "geoparquet", ".kml": "kml", ".csv": "csv", ".tif": "cog", ".tiff": "cog",
}  # fmt: skip
"""Suffix → format of the `export` tool."""
WITH_LAYERS = ("gpkg", "kml")


@dataclass(frozen=True)
class Exported:
    """What was written where."""

    paths: tuple[Path, ...]
    """The main file first."""
    result: Result
    """The call that made it, with what the format changed as warnings."""


@dataclass(frozen=True)
class Wish:
    """How a file shall be; None leaves it to the path and the data."""

    format: str | None = None
    layer: str | None = None
    crs: str | None = None
    columns: Mapping[str, str] | None = None
    types: Mapping[str, str] | None = None


def export(runner: Runner, datasets: Datasets, dataset: str, path: Path, wish: Wish, *, force: bool, add_layer: bool) -> Exported:
    """Write `dataset` to `path`; see `Agent.export`."""
    form = wish.format or FORMATS.get(path.suffix.lower())
    if form is None or (FORMATS.get(path.suffix.lower()) not in (form, "cog" if form == "geotiff" else form)):
        raise ParameterError(
            f"The name {path.name!r} does not fit {'any format' if form is None else f'the format {form!r}'}.",
            hint=f"End it in one of {', '.join(FORMATS)}.",
        )
    params: dict[str, object] = {"dataset": dataset, "format": form}
    layer = wish.layer or (path.stem if form in WITH_LAYERS else None)
    given = {"layer": layer, "crs": wish.crs, "columns": wish.columns, "types": wish.types}
    params |= {name: value for name, value in given.items() if value}
    if add_layer:
        params["into"] = _container(datasets, path)
    result = runner.run("export", params)
    artifact = result.artifact
    written = [artifact.folder / name for name in artifact.data.get("files", ())] or [artifact.folder / artifact.files[0].path]
    return Exported(place(written, path, overwrite=force or add_layer), result)


def _container(datasets: Datasets, path: Path) -> str:
    """Register a GeoPackage, so that what it holds now enters the key; return an id of one of its layers."""
    report = datasets.add(path)
    if not report.records:
        raise error_from_json(report.refused[0].to_json()) if report.refused else ParameterError(f"{path.name!r} is no GeoPackage.")
    return report.records[0].id
