"""Give the rows of a table their place: from WKT or WKB, from longitude and latitude in any common notation, or from x and y."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.contract import Declared
from tools.errors import DataError, ParameterError
from tools.geo.angles import MOST_DEGREES, AxisName, degrees_of, east_letter, letters_of, parse_angle
from tools.storage.axis_columns import AxisColumns, axis_columns, names_geometry, plane_columns
from tools.storage.geometry_texts import geometries, is_geometry

if TYPE_CHECKING:
    import geopandas
    import pandas

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Angles:
    """A column of angles in degrees, NaN where a row has none or one that cannot be read."""

    values: Numbers
    unread: tuple[str, ...] = ()
    """Of the rows that cannot be read: which and why."""


def located(frame: pandas.DataFrame, declared: Declared) -> geopandas.GeoDataFrame | None:
    """Return the table as a layer where it has coordinates: declared columns, else WKT or WKB, else columns named so.

    Longitude and latitude by name are taken as EPSG:4326 where they fit into degrees; any other CRS must be declared. They may be
    decimal, or in degrees, minutes and seconds, in one column or in parts. Rows without coordinates, and rows whose text is no
    angle, keep a null geometry; `how_located` tells. None where there are no coordinates at all.
    Raises ParameterError for declared columns that are not there, DataError for declared coordinates that are no numbers or angles,
    and for text that is no WKT or WKB.
    """
    column = _geometry_column(frame, declared)
    if column is not None:
        return _from_texts(frame, column)
    if declared.x_column is not None or declared.y_column is not None:
        return _from_declared(frame, declared)
    axes = _axes(frame)
    if axes is not None:
        angles = [_angles(frame, columns) for columns in axes]
        if all(np.isfinite(one.values).any() for one in angles):
            return _points(frame, angles[0].values, angles[1].values, degrees=True)
    plane = plane_columns(frame.columns)
    if plane is None or not all(_is_number(frame[name]) for name in plane):
        return None
    return _points(frame, *(_numbers(frame, name) for name in plane), degrees=False)


def how_located(frame: pandas.DataFrame, declared: Declared) -> tuple[str, ...]:
    """Return sentences on what was assumed and converted to place the rows, and on coordinates that cannot be read."""
    axes = _axes(frame) if declared.x_column is None and declared.geometry_column is None else None
    if axes is None:
        return ()
    said = [
        f"The {columns.axis} is converted to decimal degrees from {', '.join(map(repr, columns.names))}."
        for columns in axes
        if columns.minutes is not None or columns.hemisphere is not None or not _is_number(frame[columns.degrees])
    ]
    for columns in axes:
        unread = _angles(frame, columns).unread
        if unread:
            said.append(f"{len(unread)} of {len(frame)} rows have no {columns.axis} that can be read, first {unread[0]}.")
    return tuple(said)


def _axes(frame: pandas.DataFrame) -> tuple[AxisColumns, AxisColumns] | None:
    """Return the columns of longitude and latitude; a text that is no angle anywhere is no coordinate."""
    names = [str(name) for name in frame.columns]
    whole = [name for name in names if _is_number(frame[name]) and not (_numbers(frame, name) % 1 > 0).any()]
    return axis_columns(names, whole)


def _is_number(column: pandas.Series[Any]) -> bool:
    return column.dtype.kind in "if"


def _numbers(frame: pandas.DataFrame, name: str) -> Numbers:
    numbers: Numbers = frame[name].to_numpy(dtype=np.float64)
    return numbers


def _angles(frame: pandas.DataFrame, columns: AxisColumns) -> Angles:
    """Return the angles of one axis in decimal degrees."""
    if len(columns.names) == 1 and _is_number(frame[columns.degrees]):
        return Angles(_numbers(frame, columns.degrees))
    if columns.minutes is None and columns.hemisphere is None:
        return _angles_of_texts(_texts(frame, columns.degrees), columns)
    return _angles_of_parts(frame, columns)


def _angles_of_texts(texts: list[str | None], columns: AxisColumns) -> Angles:
    letter_o = east_letter(letters_of(text for text in texts if text is not None))
    values, unread = np.full(len(texts), np.nan), []
    for row, text in enumerate(texts):
        if text is not None:
            try:
                values[row] = parse_angle(text, columns.axis, letter_o)
            except ValueError as error:
                unread.append(f"row {row}: {text!r} {error}")
    return Angles(values, tuple(unread))


def _angles_of_parts(frame: pandas.DataFrame, columns: AxisColumns) -> Angles:
    """Put parts together; an empty cell of minutes or seconds is none, an empty one of degrees no place."""
    names = (columns.degrees, columns.minutes, columns.seconds)
    cells = [[None] * len(frame) if name is None else _texts(frame, name) for name in names]
    hemispheres = [None] * len(frame) if columns.hemisphere is None else _texts(frame, columns.hemisphere)
    letter_o = east_letter(text for text in hemispheres if text is not None)
    values, unread = np.full(len(frame), np.nan), []
    for row, (degrees, minutes, seconds, hemisphere) in enumerate(zip(*cells, hemispheres, strict=True)):
        if degrees is not None:
            try:
                whole, sixtieths, rest = (float((text or "0").replace(",", ".")) for text in (degrees, minutes, seconds))
                values[row] = degrees_of(whole, sixtieths, rest, hemisphere, axis=columns.axis, letter_o=letter_o)
            except ValueError as error:
                unread.append(f"row {row}: {' '.join(text for text in (degrees, minutes, seconds, hemisphere) if text)!r} {error}")
    return Angles(values, tuple(unread))


def _texts(frame: pandas.DataFrame, name: str) -> list[str | None]:
    """Return the cells as text; of whole numbers that a gap made floats without their fraction."""
    cells = frame[name]
    return [None if gap else str(cell) for cell, gap in zip(cells, cells.isna(), strict=True)]


def _declared_column(frame: pandas.DataFrame, name: str) -> str:
    if name not in frame.columns:
        raise ParameterError(f"The declared column {name!r} is not in the table.", hint=f"Its columns are: {', '.join(frame.columns)}.")
    return name


def _geometry_column(frame: pandas.DataFrame, declared: Declared) -> str | None:
    """Return the column of geometries: the declared one, else one that is called so, else the only one that holds nothing else."""
    if declared.geometry_column is not None:
        return _declared_column(frame, declared.geometry_column)
    if declared.x_column is not None:
        return None
    texts = [str(name) for name in frame.columns if frame[name].dtype.kind not in "iufbM"]
    found = [name for name in texts if _begins_with_geometry(frame[name])]
    called = [name for name in found if names_geometry(name)]
    if called:
        return called[0]
    return found[0] if len(found) == 1 and frame[found[0]].dropna().map(is_geometry).all() else None


def _begins_with_geometry(column: pandas.Series[Any]) -> bool:
    first = column.dropna().head(1)
    return len(first) > 0 and is_geometry(str(first.iloc[0]))


def _from_texts(frame: pandas.DataFrame, column: str) -> geopandas.GeoDataFrame:
    import geopandas

    written = geometries(frame[column].astype(object).where(frame[column].notna(), None).to_list(), column)
    return geopandas.GeoDataFrame(frame.drop(columns=column), geometry=written.geometry, crs=written.crs)


def _from_declared(frame: pandas.DataFrame, declared: Declared) -> geopandas.GeoDataFrame:
    if declared.x_column is None or declared.y_column is None:
        raise ParameterError("Only one coordinate column was declared.", hint="Declare both, with --x-column NAME --y-column NAME.")
    named: dict[AxisName, str] = {"longitude": declared.x_column, "latitude": declared.y_column}
    values = [_declared_values(frame, _declared_column(frame, name), axis) for axis, name in named.items()]
    axes = axis_columns(named.values(), ())
    in_order = axes is not None and (axes[0].degrees, axes[1].degrees) == tuple(named.values())
    return _points(frame, *values, degrees=in_order or not all(_is_number(frame[name]) for name in named.values()))


def _declared_values(frame: pandas.DataFrame, name: str, axis: AxisName) -> Numbers:
    if _is_number(frame[name]):
        return _numbers(frame, name)
    angles = _angles_of_texts(_texts(frame, name), AxisColumns(axis, name))
    if angles.unread:
        raise DataError(
            f"The coordinate column {name!r} holds text that is no number and no angle, first {angles.unread[0]}.",
            hint="Correct the cells, or declare other columns.",
        )
    return angles.values


def _points(frame: pandas.DataFrame, x: Numbers, y: Numbers, *, degrees: bool) -> geopandas.GeoDataFrame:
    """Return the rows as points; only `degrees` that can be some have a CRS."""
    import geopandas

    points = np.array(geopandas.points_from_xy(x, y), dtype=object)
    points[np.isnan(x) | np.isnan(y)] = None
    within = ((x, MOST_DEGREES["longitude"]), (y, MOST_DEGREES["latitude"]))
    fits = all((np.abs(values[np.isfinite(values)]) <= most).all() for values, most in within)
    return geopandas.GeoDataFrame(frame, geometry=points, crs="EPSG:4326" if degrees and fits else None)
