"""Layers and tables as the views of a query: their columns typed, geometries repaired, measured and in one CRS."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pandas
import pyarrow
import pyarrow.compute
import shapely

from tools.contract import Unit
from tools.errors import DataError, MissingCrsError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.geometry import repair
from tools.geo.measure import geodesic_area, geodesic_length, geodesic_perimeter
from tools.geo.transform import transform, transformation_record
from tools.sql.names import GEOMETRY, MEASURES
from tools.storage.sql_engine import GEOMETRY as GEOMETRY_FIELD

if TYPE_CHECKING:
    from pyproj import CRS

    from tools.geo.rings import Geometries
    from tools.geo.vicinity import Bounds

UNITS: Mapping[str, Unit] = dict(zip(MEASURES, ("m2", "m", "m"), strict=True))
LARGEST_SUMMED = 2**63 // 50_000_000
"""Whole numbers up to this can be summed over all rows that a query may make without wrapping around."""


@dataclass(frozen=True)
class View:
    """One view of a query."""

    name: str
    frame: pandas.DataFrame
    measures: tuple[str, ...] = ()
    """Computed columns that the query names."""
    warnings: tuple[str, ...] = ()
    geometries: Geometries | None = field(default=None, repr=False)
    """Repaired, within -180 to 180 degrees; None until the query needs them."""

    @property
    def is_layer(self) -> bool:
        """Whether it has geometry."""
        return isinstance(self.frame, geopandas.GeoDataFrame)

    @property
    def crs(self) -> CRS | None:
        """The CRS of the geometries; None where the file has none."""
        return self.frame.crs if self.is_layer else None

    @property
    def bounds(self) -> Bounds | None:
        """Left, bottom, right, top in `crs` of the geometries that the query uses; None where it uses none."""
        if self.geometries is None or shapely.is_missing(self.geometries).all():
            return None
        left, bottom, right, top = (float(value) for value in shapely.total_bounds(self.geometries))
        return left, bottom, right, top

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file that SQL can hold, geometry last."""
        own = [str(name) for name in self.frame.columns if name != GEOMETRY and _holds(self.frame[name])]
        return (*own, GEOMETRY) if self.is_layer else tuple(own)

    def most(self, columns: tuple[str, ...]) -> int:
        """Return how often the commonest values of these columns stand together."""
        known = [name for name in columns if name in self.frame.columns and name != GEOMETRY]
        if len(known) < len(columns) or not len(self.frame):
            return len(self.frame)
        present = self.frame[known].dropna()  # a null equals nothing, not even a null
        return int(present.groupby(known, observed=True).size().max()) if len(present) else 0


def view_of(name: str, frame: pandas.DataFrame, wanted: Collection[str]) -> View:
    """Return a view over a layer or table as it was read; `wanted` are the measures that the query names.

    A column of the file that has the name of a measure stays what it is.
    """
    measures = [each for each in wanted if each not in frame.columns] if isinstance(frame, geopandas.GeoDataFrame) else []
    own = [each for each in wanted if each in frame.columns]
    said = tuple(f"{name}.{each} is a column of the file, whatever it holds; it was not measured here" for each in own)
    return View(name, frame, tuple(measures), said)


def fit(view: View) -> View:
    """Return the view with geometries that can be measured and compared; raise MissingCrsError without a CRS."""
    if view.crs is None:
        raise MissingCrsError(
            f"The view {view.name!r} has no coordinate reference system.", hint="Say which it is: terracite add PATH --crs EPSG:…."
        )
    geometries, report = repair(view.frame.geometry.to_numpy(), view.crs)
    geometries, beyond = wrap_longitudes(geometries, view.crs)
    said = [f"in {view.name}, {warning}" for warning in report.warnings("rows")]
    if beyond:
        said.append(f"in {view.name}, {beyond} features reach beyond the antimeridian and were split there")
    return View(view.name, view.frame, view.measures, (*view.warnings, *said), geometries)


def arrow_table(view: View, columns: Sequence[str], crs: CRS | None) -> pyarrow.Table:
    """Return these columns of a view for the engine; the geometry in `crs`. Needs `fit` before where geometry is used."""
    arrays: dict[str, pyarrow.Array] = {}
    fields: list[pyarrow.Field] = []
    for name in columns or (EMPTY,):
        arrays[name] = _array(view, name, crs)
        fields.append(pyarrow.field(name, arrays[name].type, metadata=GEOMETRY_FIELD if name == GEOMETRY else None))
    return pyarrow.table(arrays, schema=pyarrow.schema(fields))


EMPTY = "@rows"
"""The column of a view of which no column is named, as in COUNT(*)."""


def transformations(views: Sequence[View], crs: CRS) -> list[dict[str, str]]:
    """Return, JSON-safe, which views are taken to another CRS and how."""
    return [
        transformation_record(f"view {view.name}", view.crs, crs, view.frame.geometry.to_numpy())
        for view in views
        if view.crs is not None and view.crs != crs
    ]


def _array(view: View, name: str, crs: CRS | None) -> pyarrow.Array:
    if name == EMPTY:
        return pyarrow.array(np.zeros(len(view.frame), dtype="int8"))
    if name in view.measures or name == GEOMETRY:
        if view.geometries is None or view.crs is None:
            raise TypeError("the geometries of a view are made fit before they are used")
        if name == GEOMETRY:
            moved = view.geometries if crs is None else transform(view.geometries, view.crs, crs)
            return pyarrow.array(shapely.to_wkb(moved), type=pyarrow.binary())
        measure = dict(zip(MEASURES, (geodesic_area, geodesic_length, geodesic_perimeter), strict=True))[name]
        return pyarrow.array(measure(view.geometries, view.crs), mask=shapely.is_missing(view.geometries))
    return _typed(view.frame[name], f"{view.name}.{name}")


def _holds(column: pandas.Series[Any]) -> bool:
    """Whether SQL can hold a column: no lists, structures or bytes."""
    if column.dtype.kind in "biufM" or isinstance(column.dtype, (pandas.StringDtype, pandas.CategoricalDtype, pandas.BooleanDtype)):
        return True
    if column.dtype.kind != "O":
        return isinstance(column.dtype, pandas.DatetimeTZDtype)
    return not column.map(lambda value: isinstance(value, (list, tuple, dict, bytes, np.ndarray))).any()


def _typed(column: pandas.Series[Any], name: str) -> pyarrow.Array:
    """Return a column with nulls for NaN; whole numbers that a sum could wrap around become decimals."""
    if isinstance(column.dtype, pandas.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    try:
        array = pyarrow.Array.from_pandas(column)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):  # values of several types in one column
        array = pyarrow.Array.from_pandas(column.map(str, na_action="ignore"))
    if isinstance(array, pyarrow.ChunkedArray):
        array = array.combine_chunks()
    try:
        if pyarrow.types.is_integer(array.type) and len(array) > array.null_count:
            smallest, largest = (pyarrow.compute.min_max(array)[key].as_py() for key in ("min", "max"))
            wide = max(abs(smallest), abs(largest)) > LARGEST_SUMMED
            return array.cast(pyarrow.decimal128(20, 0) if wide else pyarrow.int64())
        return array.cast(pyarrow.float64()) if pyarrow.types.is_floating(array.type) else array
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"The column {name} cannot be read as numbers ({error}).", hint="Export it as text.") from error
