"""Write a dataset or a result as a file of a common format, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from tools.contract import Fact, Source, Tool, ToolContext, ToolOutput
from tools.errors import MissingCrsError, ParameterError
from tools.geotypes import AnyRef, CrsText, Params, VectorRef

if TYPE_CHECKING:
    import pandas

ExportFormat = Literal["geojson", "gpkg", "shapefile", "flatgeobuf", "geoparquet", "kml", "csv", "cog", "geotiff"]
ColumnTypeName = Literal["text", "integer", "real", "boolean", "date", "datetime"]
RASTER_FORMATS = ("cog", "geotiff")
DEGREES_ONLY = ("geojson", "kml")
WGS84 = "EPSG:4326"
STEM = "export"
LAYER = "features"


class ExportParams(Params):
    """Write a layer, table or raster as a file for other programs: GeoJSON, GeoPackage, Shapefile, FlatGeobuf, GeoParquet, KML, CSV, COG, GeoTIFF. What a format changes (names, types) is reported."""

    dataset: AnyRef
    format: ExportFormat = Field(description="cog and geotiff for a raster, the others for a layer or table.")
    layer: str | None = Field(default=None, min_length=1, max_length=200, description="Name of the layer in the file (gpkg, kml).")
    crs: CrsText | None = Field(default=None, description="CRS of the written layer; default: the layer's own (geojson, kml: EPSG:4326).")
    columns: dict[str, str] | None = Field(
        default=None, description="Columns to keep, in this order: name → name in the file; default: all as they are."
    )
    types: dict[str, ColumnTypeName] = Field(default_factory=dict, description="Column → type to write it as.")
    into: VectorRef | None = Field(default=None, description="For gpkg: a GeoPackage that is copied and gains the layer.")

    @model_validator(mode="after")
    def _fits_format(self) -> ExportParams:
        if self.format in RASTER_FORMATS and (self.layer or self.crs or self.columns or self.types or self.into):
            raise ValueError(
                f"format {self.format!r} takes no 'layer', 'crs', 'columns', 'types' or 'into'; reproject gives a raster another CRS"
            )
        if self.format in DEGREES_ONLY and self.crs not in (None, WGS84):
            raise ValueError(f"format {self.format!r} is always in {WGS84}: leave 'crs' out")
        if self.into is not None and self.format != "gpkg":
            raise ValueError("'into' goes with gpkg only")
        names = list((self.columns or {}).values())
        if len(set(names)) < len(names):
            raise ValueError("'columns' gives two columns the same name")
        return self


def run(params: ExportParams, context: ToolContext) -> ToolOutput:
    """Write the file; see `ExportParams`.

    Facts: of a layer or table `count` of its rows; of a raster `width` and `height`. `data` maps columns to names in the file.
    Raises ParameterError for a format that does not fit, an unknown column or a value that is not of its type, MissingCrsError.
    """
    source = context.source(params.dataset)
    if source.kind not in ("raster", "vector", "table"):
        raise ParameterError(f"{params.dataset!r} is a {source.kind}, not data.", hint="Export a raster, a layer or a table.")
    if (source.kind == "raster") != (params.format in RASTER_FORMATS):
        what = "raster" if source.kind == "raster" else "layer or table"
        fitting = ", ".join(RASTER_FORMATS) if source.kind == "raster" else "gpkg, geojson, csv and others"
        raise ParameterError(f"The {what} {params.dataset!r} cannot be written as {params.format}.", hint=f"Choose {fitting}.")
    return _raster(params, source, context) if source.kind == "raster" else _rows(params, source, context)


def _raster(params: ExportParams, source: Source, context: ToolContext) -> ToolOutput:
    from tools.storage.raster_copy import copy_raster

    name = f"{STEM}.tif"
    height, width = copy_raster(source, context.folder / name, "COG" if params.format == "cog" else "GTiff").shape
    files = (name, *(extra for extra in (f"{name}.aux.xml", f"{name}.msk") if (context.folder / extra).exists()))
    return ToolOutput(
        summary=f"Wrote the raster of {width} × {height} pixels as {params.format}.",
        facts=(Fact("width", width, "count"), Fact("height", height, "count")),
        files=files,
        kind="raster",
        method={
            "format": params.format,
            "pixels": "as they are stored, with nodata, scale, offset and CRS, also where these were declared",
        },
    )


def _rows(params: ExportParams, source: Source, context: ToolContext) -> ToolOutput:
    from tools.storage.vector_files import copy_geopackage, write_file
    from tools.storage.vectors import attribute_columns, read_rows
    from tools.vector.column_types import retyped

    frame = read_rows(source)
    is_layer = "geometry" in frame.columns
    renaming = params.columns or {name: name for name in attribute_columns(frame)}
    frame = retyped(_chosen(frame, params), params.types).rename(columns=renaming)
    frame, moved = _placed(frame, params, source) if is_layer else (frame, [])
    layer = params.layer or LAYER
    if params.into is not None:
        copy_geopackage(context.source(params.into), context.folder / f"{STEM}.gpkg", layer)
    files, made = write_file(context.folder, STEM, frame, params.format, layer)  # type: ignore[arg-type]  # formats of rasters are gone
    return ToolOutput(
        summary=f"Wrote {len(frame)} {'features' if is_layer else 'rows'} as {params.format}.",
        facts=(Fact("count", len(frame), "count"),),
        files=files,
        kind="vector" if is_layer else "table",
        warnings=tuple(f"{change[:1].upper()}{change[1:]}." for change in made.changes),
        method={"format": params.format, "layer": layer, "transformations": moved, "changes": list(made.changes)},
        data={"columns": {old: made.names.get(new, new) for old, new in renaming.items()}, "files": list(files)},
    )


def _chosen(frame: pandas.DataFrame, params: ExportParams) -> pandas.DataFrame:
    """Keep the named columns in their order, and the geometry."""
    from tools.storage.conditions import check_columns
    from tools.storage.vectors import attribute_columns

    check_columns([*(params.columns or {}), *params.types], attribute_columns(frame))
    if params.columns is None:
        return frame
    return frame[[*params.columns, *(["geometry"] if "geometry" in frame.columns else [])]]


def _placed(frame: Any, params: ExportParams, source: Source) -> tuple[Any, list[dict[str, str]]]:  # Any: a GeoDataFrame
    """Return the layer in the CRS that is asked for, and the record of the transformation."""
    from pyproj import CRS

    from tools.geo.transform import transform, transformation_record

    if frame.crs is None:
        raise MissingCrsError(
            f"The layer {source.path.name!r} has no coordinate reference system.", hint="Say which it is: terracite add PATH --crs EPSG:…."
        )
    wanted = WGS84 if params.format in DEGREES_ONLY else params.crs
    if wanted is None or frame.crs == CRS.from_user_input(wanted) or (wanted == WGS84 and frame.crs.to_authority() == ("OGC", "CRS84")):
        return frame, []
    dst = CRS.from_user_input(wanted)
    moved = frame.set_geometry(transform(frame.geometry.to_numpy(), frame.crs, dst), crs=dst)
    return moved, [transformation_record("layer", frame.crs, dst)]


TOOL = Tool(
    "export",
    ExportParams,
    run,
    "pure",
    libraries=("geopandas", "pandas", "pyogrio", "pyarrow", "shapely", "pyproj", "rasterio"),
)
