"""Read vector layers of every supported format the same way, and write them as GeoParquet.

Rows keep the order of the file; the index, named `fid`, is the position in the file from 0, also after filtering.
The geometry column is always named `geometry`; features without geometry keep None and their attributes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tools.contract import Source
from tools.errors import DataError, LimitError, MissingCrsError
from tools.geotypes import EVERYTHING, Where
from tools.settings import current_settings
from tools.storage import formats, locating, ogr, tables
from tools.storage.conditions import check_columns, matching
from tools.storage.crs import crs_from_wkt
from tools.storage.frames import check_coordinates, with_plain_columns
from tools.storage.parquet import read_parquet
from tools.storage.parquet_part import read_part
from tools.storage.paths import real_file, source_file

if TYPE_CHECKING:
    import geopandas
    import pandas

Bounds = tuple[float, float, float, float]

HEAD_BYTES = 1 << 16
GEOJSON_TYPE = re.compile(
    rb'"type"\s*:\s*"(?:Feature|FeatureCollection|Point|MultiPoint|LineString|MultiLineString|Polygon|MultiPolygon|GeometryCollection)"'
)


def read_layer(
    source: Source, *, columns: list[str] | None = None, bbox: Bounds | None = None, where: Where = EVERYTHING
) -> geopandas.GeoDataFrame:
    """Read a layer with its CRS; keep the features that satisfy `where` and whose bounds meet `bbox`.

    `columns` keeps only these attributes, in this order; None keeps all. `bbox` is left, bottom, right, top in the
    layer's own CRS; features without geometry never meet it. Text is compared without case, see `matching`.
    Raises MissingCrsError, DataError for a broken file or a table without coordinates, ParameterError for an unknown
    column.
    """
    frame = _features(source, columns, bbox, where)
    if frame.crs is None:
        raise MissingCrsError(
            f"The layer {source.path.name!r} has no coordinate reference system.", hint="Say which it is: terracite add PATH --crs EPSG:…."
        )
    check_columns(columns or [], attribute_columns(frame))
    keep = matching(frame, where)
    if bbox is not None:
        keep &= _meets(frame, bbox)
    frame = frame[keep]
    return frame if columns is None else frame[[*columns, "geometry"]]


def _features(source: Source, columns: list[str] | None, bbox: Bounds | None, where: Where) -> geopandas.GeoDataFrame:
    """Read the features that can be wanted: all, or of a GeoParquet what its footer and its boxes leave."""
    path = source_file(source)
    if path.suffix.lower() not in formats.PARQUET or (columns is None and bbox is None and not where.conditions):
        return read_features(source)
    check_content(path)
    with ogr.readable(path):
        part = read_part(path, columns=columns, bbox=bbox, where=where)
        return read_features(source) if part is None else _fit(part, path, source)


def _meets(frame: geopandas.GeoDataFrame, bbox: Bounds) -> pandas.Series[bool]:
    bounds = frame.geometry.bounds
    left, bottom, right, top = bbox
    meets = (bounds.minx <= right) & (bounds.maxx >= left) & (bounds.miny <= top) & (bounds.maxy >= bottom)
    return meets.to_numpy()


def attribute_columns(frame: pandas.DataFrame) -> list[str]:
    """Return the names of the columns that are not the geometry."""
    return [str(column) for column in frame.columns if column != "geometry"]


def read_features(source: Source) -> geopandas.GeoDataFrame:
    """Read a whole layer; its `crs` is None where the file has none and none is declared.

    Raises DataError for a broken file, or one without coordinates.
    """
    import geopandas

    frame = read_rows(source)
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise DataError(
            f"The table {source.path.name!r} has no coordinates.",
            hint="Declare them: terracite add PATH --x-column NAME --y-column NAME --crs EPSG:…, or --geometry-column NAME for WKT.",
        )
    return frame


def read_rows(source: Source) -> pandas.DataFrame:
    """Read a layer or a table: a GeoDataFrame where it has geometry, else a plain DataFrame.

    Raises LimitError for more rows than the setting `max_features`.
    """
    import geopandas

    path = source_file(source)
    suffix = path.suffix.lower()
    check_content(path)
    with ogr.readable(path):
        if suffix in formats.DELIMITED:
            table = tables.read_table(path)
            located = locating.located(table, source.declared)
            frame = table if located is None else located
        elif suffix in formats.PARQUET:
            frame = read_parquet(path, is_ours=source.producer is not None)
        else:
            frame = with_plain_columns(_read_ogr(path, source.layer))
        _check_count(path, len(frame))
        frame = frame.reset_index(drop=True).rename_axis("fid")
        return _fit(frame, path, source) if isinstance(frame, geopandas.GeoDataFrame) else frame


def _fit(frame: geopandas.GeoDataFrame, path: Path, source: Source) -> geopandas.GeoDataFrame:
    """Name the geometry, let declared CRSs win, and refuse what no layer may be."""
    _check_vertices(path, frame)
    frame = _with_crs(_with_geometry_named(frame), source.declared.crs)
    check_coordinates(frame, path.name)
    return frame


def _check_count(path: Path, rows: int) -> None:
    limit = current_settings().max_features
    if rows > limit:
        raise LimitError(
            f"{path.name!r} holds more than {limit:,} features, the limit.",
            hint="Cut it to the area of interest first, or raise TERRACITE_MAX_FEATURES.",
        )


def _check_vertices(path: Path, frame: geopandas.GeoDataFrame) -> None:
    import shapely

    limit = current_settings().max_vertices
    vertices = int(shapely.get_num_coordinates(frame.geometry.to_numpy()).sum())
    if vertices > limit:
        raise LimitError(
            f"{path.name!r} has {vertices:,} vertices, more than {limit:,}.",
            hint="Cut it to the area of interest or simplify it first, or raise TERRACITE_MAX_VERTICES.",
        )


def _with_crs(frame: geopandas.GeoDataFrame, declared: str | None) -> geopandas.GeoDataFrame:
    if declared is not None:
        return frame.set_crs(declared, allow_override=True)
    return frame if frame.crs is None else frame.set_crs(crs_from_wkt(frame.crs.to_wkt()), allow_override=True)


def layer_names(path: Path) -> tuple[str | None, ...]:
    """Return the layers of a file in its order; (None,) where it has only one.

    Raises DataError for a broken file, and for one without any layer.
    """
    file = real_file(path)
    check_content(file)
    if file.suffix.lower() not in formats.LAYERED:
        return (None,)
    with ogr.readable(file):
        names = ogr.layer_names(ogr.checked(file))
    if not names:
        hint = "Export its tiles as GeoTIFF, if it holds any."
        raise DataError(f"The {formats.DRIVERS[file.suffix.lower()]} file {file.name!r} holds no vector layer.", hint=hint)
    return (None,) if len(names) == 1 else tuple(names)


def check_content(path: Path) -> None:
    """Raise DataError unless the first bytes are those of the format that the suffix names."""
    suffix = path.suffix.lower()
    if suffix not in formats.VECTOR:
        raise DataError(f"The file {path.name!r} is of no supported vector format.", hint=f"Supported: {', '.join(formats.VECTOR)}.")
    if suffix not in formats.JSON:
        formats.check_magic(path, formats.BY_SUFFIX[suffix])
        return
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    magic = formats.BY_SUFFIX[suffix].magic
    # GDAL takes {"type": "gdal_streamed_alg"} for a command to run on other files.
    if b"gdal_streamed_alg" in head or magic is None or not magic.match(head) or not GEOJSON_TYPE.search(head):
        raise _not_geojson(path)


def _not_geojson(path: Path) -> DataError:
    return DataError(
        f"The file {path.name!r} is not GeoJSON: it holds no features, or is cut short.",
        hint="Give a GeoJSON Feature or FeatureCollection.",
    )


def _read_ogr(path: Path, layer: str | None) -> pandas.DataFrame:
    from pyogrio.errors import DataSourceError

    try:
        return ogr.read_layer(ogr.checked(path), layer)
    except DataSourceError as error:
        if path.suffix.lower() in formats.JSON:
            raise _not_geojson(path) from error
        raise


def _with_geometry_named(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Name the active geometry column `geometry`, last of the columns; other geometry columns are dropped."""
    import geopandas

    active = frame.geometry.name
    others = [name for name in frame.columns if name != active and isinstance(frame[name].dtype, geopandas.array.GeometryDtype)]
    frame = frame.drop(columns=others)
    if active != "geometry":
        frame = frame.drop(columns="geometry", errors="ignore").rename_geometry("geometry")
    return frame[[*attribute_columns(frame), "geometry"]]


def write_layer(path: Path, frame: geopandas.GeoDataFrame) -> None:
    """Write a layer as GeoParquet 1.1, without its index; equal input gives equal bytes."""
    frame.to_parquet(path, index=False, compression="zstd", schema_version="1.1.0")


def write_table(path: Path, frame: pandas.DataFrame) -> None:
    """Write a table without geometry as Parquet, without its index; equal input gives equal bytes."""
    frame.to_parquet(path, index=False, compression="zstd")


def file_tags(source: Source) -> dict[str, str]:
    """Return the metadata that a layer carries beside its features; empty for formats that carry none."""
    path = source_file(source)
    if path.suffix.lower() not in (".gpkg", ".fgb"):
        return {}
    with ogr.readable(path):
        return ogr.tags(ogr.checked(path), source.layer)
