"""Read delimited text: separator, encoding and column types found from the content, coordinates from the column names."""

from __future__ import annotations

import csv
import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.contract import Declared
from tools.errors import DataError, LimitError, ParameterError
from tools.geo.wkt import from_wkt
from tools.settings import current_settings
from tools.storage.json_text import check_text_size
from tools.storage.paths import real_file

if TYPE_CHECKING:
    import geopandas
    import pandas

SEPARATORS = (",", ";", "\t", "|")
NULLS = ["", "NaN", "nan", "NULL", "null"]
"""Cells that hold nothing. `NA` is not among them: it is Namibia's code."""
LONGITUDE_NAMES = ("longitude", "lon", "lng", "long")
LATITUDE_NAMES = ("latitude", "lat")
EAST_NAMES = ("easting", "x", "coord_x", "x_coord")
NORTH_NAMES = ("northing", "y", "coord_y", "y_coord")
WKT_NAMES = ("wkt", "geometry", "geom", "the_geom")

NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?")
"""A number without leading zeros: `007` is a code and stays text."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
MOST_HEADER = 1 << 20
"""Characters in which the first row must end."""
CELL_BYTES = 8
"""What a cell takes in memory at least."""
WKT = re.compile(r"\s*(?:POINT|LINESTRING|POLYGON|MULTI|GEOMETRYCOLLECTION)", re.IGNORECASE)


def read_table(path: Path) -> pandas.DataFrame:
    """Read a delimited text file with typed columns; rows keep their order.

    Integers, reals, booleans and ISO dates are recognised where every cell of a column fits; all else is text.
    Raises DataError where it is no table.
    """
    import pandas

    file = real_file(path)
    check_text_size(file)
    text = _decoded(file)
    separator = _separator(text, file.suffix.lower())
    _check_size(file, text, separator)
    try:
        with warnings.catch_warnings():
            # Rows longer than the header: pandas would take the first column for an index, or drop the last.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            frame = pandas.read_csv(
                io.StringIO(text), sep=separator, dtype=str, index_col=False, keep_default_na=False, na_values=NULLS, skipinitialspace=True,
                nrows=current_settings().max_features + 1,
            )  # fmt: skip
    except (pandas.errors.ParserError, pandas.errors.ParserWarning, pandas.errors.EmptyDataError) as error:
        raise DataError(
            f"The table {file.name!r} cannot be read ({str(error).strip()}).", hint="Every row needs as many cells as the header."
        ) from error
    frame.columns = [str(name).strip() for name in frame.columns]
    comma = separator == ";" and _has_decimal_commas(frame)
    return frame.apply(lambda column: _typed(column.str.strip(), comma))


def _check_size(file: Path, text: str, separator: str) -> None:
    """Compare the columns of the header, and the cells of all rows, with the limits: a short row takes as many cells as a long one."""
    settings = current_settings()
    try:
        # A header whose quotes do not end would be the whole file; no list of names is longer than this.
        header = next(csv.reader(io.StringIO(text[:MOST_HEADER], newline=None), delimiter=separator, skipinitialspace=True), [])
    except csv.Error as error:
        raise DataError(f"The table {file.name!r} has a broken header ({error}).", hint="The first row names the columns.") from error
    if len(header) > settings.max_columns:
        raise LimitError(
            f"The table {file.name!r} has more than {settings.max_columns:,} columns, the limit.",
            hint="Export the columns that are needed, or raise TERRACITE_MAX_COLUMNS.",
        )
    rows = min(text.count("\n") + text.count("\r") + 1, settings.max_features + 1)
    if rows * len(header) * CELL_BYTES > settings.max_unpacked_bytes:
        raise LimitError(
            f"The table {file.name!r} has more than {settings.max_unpacked_bytes:,} bytes of cells ({rows:,} rows of {len(header):,} columns).",
            hint="Export the columns that are needed, or raise TERRACITE_MAX_UNPACKED_BYTES.",
        )


def _decoded(file: Path) -> str:
    """Decode as UTF-8, else as Windows-1252, the common encoding of spreadsheets in western languages."""
    content = file.read_bytes()
    if b"\0" in content:
        raise DataError(f"The file {file.name!r} is not text.", hint="Export the table again as CSV in UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _separator(text: str, suffix: str) -> str:
    """Return the separator that occurs most often in the header; the first of SEPARATORS on a draw."""
    header = text.partition("\n")[0]
    return "\t" if suffix == ".tsv" else max(SEPARATORS, key=header.count)


def _has_decimal_commas(frame: pandas.DataFrame) -> bool:
    pattern = r"[+-]?\d+,\d+"
    cells = frame.stack()
    return bool(cells.str.fullmatch(pattern).any()) and not bool(cells.str.fullmatch(r"[+-]?\d+\.\d+").any())


def _typed(column: pandas.Series[Any], comma: bool) -> pandas.Series[Any]:
    import pandas

    filled = column.dropna()
    if filled.empty:
        return column
    plain = filled.str.replace(",", ".") if comma else filled
    if plain.str.fullmatch(NUMBER).all():
        return pandas.to_numeric(column.str.replace(",", ".") if comma else column)
    if filled.str.lower().isin(["true", "false"]).all() and len(filled) == len(column):
        return column.str.lower() == "true"
    if filled.str.fullmatch(DATE).all():
        mixed = filled.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True) & filled.str.contains(":")
        return pandas.to_datetime(column, format="ISO8601", utc=True if mixed.any() else None)
    return column


def located(frame: pandas.DataFrame, declared: Declared) -> geopandas.GeoDataFrame | None:
    """Return the table as a layer where it has coordinates: declared columns, else WKT, else known pairs of names.

    Longitude and latitude by name are taken as EPSG:4326 where they fit into degrees; any other CRS must be declared.
    Rows without coordinates keep a null geometry. None where there are no coordinates at all.
    Raises ParameterError for declared columns that are not there, DataError for coordinates that are no numbers or WKT.
    """
    wkt = _wkt_column(frame, declared)
    if wkt is not None:
        return _from_wkt(frame, wkt)
    pair = _coordinate_columns(frame, declared)
    return None if pair is None else _from_coordinates(frame, *pair)


def _named(frame: pandas.DataFrame, names: tuple[str, ...]) -> str | None:
    folded = {str(column).casefold(): str(column) for column in reversed(frame.columns)}
    return next((folded[name] for name in names if name in folded), None)


def _declared_column(frame: pandas.DataFrame, name: str) -> str:
    if name not in frame.columns:
        raise ParameterError(f"The declared column {name!r} is not in the table.", hint=f"Its columns are: {', '.join(frame.columns)}.")
    return name


def _wkt_column(frame: pandas.DataFrame, declared: Declared) -> str | None:
    if declared.geometry_column is not None:
        return _declared_column(frame, declared.geometry_column)
    name = _named(frame, WKT_NAMES)
    if name is None or declared.x_column is not None:
        return None
    cells = frame[name].dropna()
    return name if len(cells) and WKT.match(str(cells.iloc[0])) else None


def _coordinate_columns(frame: pandas.DataFrame, declared: Declared) -> tuple[str, str] | None:
    if (declared.x_column is None) != (declared.y_column is None):
        raise ParameterError("Only one coordinate column was declared.", hint="Declare both, with --x-column NAME --y-column NAME.")
    if declared.x_column is not None and declared.y_column is not None:
        return _declared_column(frame, declared.x_column), _declared_column(frame, declared.y_column)
    for x_names, y_names in ((LONGITUDE_NAMES, LATITUDE_NAMES), (EAST_NAMES, NORTH_NAMES)):
        x, y = _named(frame, x_names), _named(frame, y_names)
        if x is not None and y is not None and all(frame[name].dtype.kind in "if" for name in (x, y)):
            return x, y
    return None


def _from_wkt(frame: pandas.DataFrame, column: str) -> geopandas.GeoDataFrame:
    import geopandas
    import shapely

    try:
        geometry = from_wkt(frame[column].astype(object).where(frame[column].notna(), None).to_list())
    except (shapely.errors.ShapelyError, TypeError) as error:
        raise DataError(
            f"The column {column!r} holds text that is not WKT ({error}).", hint="Correct the cell, or declare another column."
        ) from error
    return geopandas.GeoDataFrame(frame.drop(columns=column), geometry=geometry)


def _from_coordinates(frame: pandas.DataFrame, x: str, y: str) -> geopandas.GeoDataFrame:
    import geopandas
    import numpy as np

    for name in (x, y):
        if frame[name].dtype.kind not in "if":
            raise DataError(
                f"The coordinate column {name!r} holds text that is no number.", hint="Correct the cells, or declare other columns."
            )
    points = np.array(geopandas.points_from_xy(frame[x], frame[y]), dtype=object)
    points[(frame[x].isna() | frame[y].isna()).to_numpy()] = None
    degrees = x.casefold() in LONGITUDE_NAMES and y.casefold() in LATITUDE_NAMES
    fits = bool((frame[x].abs().max() <= 360) and (frame[y].abs().max() <= 90))
    return geopandas.GeoDataFrame(frame, geometry=points, crs="EPSG:4326" if degrees and fits else None)
