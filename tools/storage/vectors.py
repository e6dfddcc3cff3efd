"""Read vector layers of every supported format the same way, and write them as GeoParquet.

Rows keep the order of the file; the index, named `fid`, is the position in the file from 0, also after filtering.
The geometry column is always named `geometry`; features without geometry keep None and their attributes.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tools.contract import Source
from tools.errors import DataError, LimitError, MissingCrsError, TerraciteError
from tools.geotypes import EVERYTHING, Where
from tools.settings import ToolSettings
from tools.storage import formats, tables
from tools.storage.bootstrap import bootstrap
from tools.storage.conditions import check_columns, matching
from tools.storage.crs import crs_from_wkt
from tools.storage.paths import real_file, source_file

if TYPE_CHECKING:
    import geopandas
    import pandas

Bounds = tuple[float, float, float, float]

MAGIC: dict[str, bytes] = {
    ".gpkg": b"SQLite format 3\0",
    ".shp": b"\x00\x00\x27\x0a",
    ".fgb": b"fgb",
    ".parquet": b"PAR1",
    ".geoparquet": b"PAR1",
}
"""First bytes of each binary format, so that a file is what its name says before any driver tries it."""
HEAD_BYTES = 1 << 16
LONGEST_REASON = 200
"""Characters of a reader's own words; some of them quote the file."""
GEOJSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*\x1e?\{")
"""An object, also as the first of a sequence; a list of features is no GeoJSON."""
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
    frame = read_features(source)
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
    with _readable(path):
        if suffix in formats.DELIMITED:
            table = tables.read_table(path)
            located = tables.located(table, source.declared)
            frame = table if located is None else located
        elif suffix in formats.PARQUET:
            frame = _read_parquet(path)
        else:
            frame = _read_ogr(path, source.layer)
        _check_count(path, len(frame))
        frame = frame.reset_index(drop=True).rename_axis("fid")
        if isinstance(frame, geopandas.GeoDataFrame):
            frame = _with_crs(_with_geometry_named(frame), source.declared.crs)
    return frame


def _check_count(path: Path, rows: int) -> None:
    limit = ToolSettings().max_features
    if rows > limit:
        raise LimitError(
            f"{path.name!r} holds more than {limit:,} features, the limit.",
            hint="Cut it to the area of interest first, or raise TERRACITE_MAX_FEATURES.",
        )


def _with_crs(frame: geopandas.GeoDataFrame, declared: str | None) -> geopandas.GeoDataFrame:
    if declared is not None:
        return frame.set_crs(declared, allow_override=True)
    return frame if frame.crs is None else frame.set_crs(crs_from_wkt(frame.crs.to_wkt()), allow_override=True)


def layer_names(path: Path) -> tuple[str | None, ...]:
    """Return the layers of a GeoPackage, in its order; (None,) for formats that hold one layer.

    Raises DataError for a broken file.
    """
    file = real_file(path)
    check_content(file)
    if file.suffix.lower() != ".gpkg":
        return (None,)
    bootstrap()
    import pyogrio

    with _readable(file):
        names = [str(name) for name, _ in pyogrio.list_layers(file)]
    if not names:
        raise DataError(f"The GeoPackage {file.name!r} holds no vector layer.", hint="Export its tiles as GeoTIFF, if it holds any.")
    return (None,) if len(names) == 1 else tuple(names)


def check_content(path: Path) -> None:
    """Raise DataError unless the first bytes are those of the format that the suffix names."""
    suffix = path.suffix.lower()
    if suffix not in formats.VECTOR:
        raise DataError(f"The file {path.name!r} is of no supported vector format.", hint=f"Supported: {', '.join(formats.VECTOR)}.")
    if "!" in str(path):
        raise DataError(
            f"The path {str(path)!r} contains '!', which the readers take for the inside of an archive.", hint="Rename the file or folder."
        )
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if suffix in MAGIC and not head.startswith(MAGIC[suffix]):
        raise DataError(
            f"The file {path.name!r} is not what its name says: its first bytes are not those of {suffix}.",
            hint="Fetch or export it again.",
        )
    if suffix == ".shp" and path.stat().st_size < 2 * int.from_bytes(head[24:28], "big"):  # its header states its length in 16-bit words
        raise DataError(f"The Shapefile {path.name!r} is cut short.", hint="Fetch or export it again.")
    # GDAL takes {"type": "gdal_streamed_alg"} for a command to run on other files.
    if suffix in formats.JSON and (b"gdal_streamed_alg" in head or not GEOJSON_START.match(head) or not GEOJSON_TYPE.search(head)):
        raise _not_geojson(path)


def _not_geojson(path: Path) -> DataError:
    return DataError(
        f"The file {path.name!r} is not GeoJSON: it holds no features, or is cut short.",
        hint="Give a GeoJSON Feature or FeatureCollection.",
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the readers raise for a broken file into DataError; their warnings concern storage, not values."""
    bootstrap()
    import pyarrow
    from pyogrio.errors import DataLayerError, DataSourceError, GeometryError
    from shapely.errors import ShapelyError

    named = (DataSourceError, DataLayerError, GeometryError, ShapelyError, pyarrow.ArrowException)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except TerraciteError:
        raise
    # The plain ones come from geopandas, pandas, pyogrio and pyarrow, which trust a file's metadata: `geo` that is a list, a
    # footer of no layers, a year of 40000.
    except (*named, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        reason = str(error).partition(";")[0].replace(f"'{path}'", "it is").replace(str(path), path.name).strip().removesuffix(".")
        raise DataError(
            f"The file {path.name!r} cannot be read ({reason[:LONGEST_REASON]}).",
            hint="It may be damaged or incomplete; fetch or export it again.",
        ) from error


def _read_ogr(path: Path, layer: str | None) -> pandas.DataFrame:
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        # One more than allowed, so that what is too much is noticed without reading all of it.
        return pyogrio.read_dataframe(path, layer=layer, max_features=ToolSettings().max_features + 1)
    except DataSourceError as error:
        if path.suffix.lower() in formats.JSON:
            raise _not_geojson(path) from error
        raise


def _read_parquet(path: Path) -> pandas.DataFrame:
    """Read GeoParquet, or a plain Parquet table."""
    import geopandas
    import pandas
    import pyarrow.parquet

    file = pyarrow.parquet.read_metadata(path)
    _check_count(path, file.num_rows)
    metadata = file.metadata or {}
    return geopandas.read_parquet(path) if b"geo" in metadata else pandas.read_parquet(path)


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


def file_tags(source: Source) -> dict[str, str]:
    """Return the metadata that a layer carries beside its features; empty for formats that carry none."""
    path = source_file(source)
    if path.suffix.lower() not in (".gpkg", ".fgb"):
        return {}
    bootstrap()
    import pyogrio

    with _readable(path):
        info = pyogrio.read_info(path, layer=source.layer)
    return {**(info.get("dataset_metadata") or {}), **(info.get("layer_metadata") or {})}
