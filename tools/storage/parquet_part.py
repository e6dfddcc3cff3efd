"""Read a part of a GeoParquet: only row groups and columns that can matter are unpacked, told by the footer and the boxes of rows.

A GeoParquet 1.1 may state the box of every row in columns of its own (its "bbox covering",
https://geoparquet.org/releases/v1.1.0/#bbox-covering-encoding); the footer holds their extremes per row group. Groups that lie beside
the wanted box are never read. In the others, boxes and the columns of the conditions come first, the geometries and all else only
where a row is left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.geotypes import Where
from tools.storage.conditions import check_columns, matching
from tools.storage.crs import crs_from_text
from tools.storage.parquet import checked_footer, in_pieces, unpacked

if TYPE_CHECKING:
    import geopandas
    import numpy as np
    import pyarrow
    import pyarrow.parquet

    Mask = np.ndarray[Any, np.dtype[np.bool_]]
    Positions = np.ndarray[Any, np.dtype[np.int64]]

Bounds = tuple[float, float, float, float]
SIDES = ("xmin", "ymin", "xmax", "ymax")
DEFAULT_CRS = "OGC:CRS84"
"""Of a column that states none."""


@dataclass(frozen=True)
class _Plan:
    """What is read of which file."""

    path: Path
    file: pyarrow.parquet.ParquetFile
    repeating: pyarrow.parquet.ParquetFile
    """The same file, in which a condition is tested once per value that repeats."""
    name: str
    """Of the column of geometry."""
    covering: Mapping[str, str]
    """Side of the box → path of its column; empty where the file has no boxes."""
    bbox: Bounds | None
    where: Where
    kept: Sequence[str]
    """Columns of the result, the geometry among them."""

    @property
    def conditions(self) -> list[str]:
        """The columns of the conditions."""
        return list(dict.fromkeys(condition.column for condition in self.where.conditions))

    def has_gaps(self, group: int) -> bool:
        """Whether a row of a group may have no geometry."""
        metadata = self.file.metadata
        index = next(number for number in range(metadata.num_columns) if metadata.schema.column(number).path == self.covering["xmin"])
        statistics = metadata.row_group(group).column(index).statistics
        return statistics is None or not statistics.has_null_count or statistics.null_count > 0

    def tested(self, group: int, columns: Sequence[str]) -> Iterator[pyarrow.RecordBatch]:
        """Yield the columns by which rows of a group are chosen; text keeps its repetitions."""
        return unpacked(self.path, self.repeating, set(), row_groups=[group], columns=list(columns))

    def taken(self, group: int) -> Iterator[pyarrow.RecordBatch]:
        """Yield the columns of the result. Their repetitions are written out: looking for them costs more than all else.

        That cannot be much: the whole file was unpacked piece by piece when it was added, and was within the limits.
        """
        return unpacked(self.path, self.file, {self.name}, row_groups=[group], columns=list(self.kept))


def read_part(path: Path, *, columns: Sequence[str] | None, bbox: Bounds | None, where: Where) -> geopandas.GeoDataFrame | None:
    """Read the rows of a GeoParquet that satisfy `where` and whose box meets `bbox`; the index is the row's position in the file.

    `columns` and those of the conditions are kept, all where it is None. Boxes may be larger than the geometry: whoever needs them exact
    tests again. None where the file is none of geometry in WKB, so that it must be read as a whole.
    Raises ParameterError for an unknown column, and as `tools.storage.parquet.read_parquet` does.
    """
    import pyarrow.parquet

    with path.open("rb") as stream:
        metadata, geometry = checked_footer(path, stream)
        described = json.loads((metadata.metadata or {}).get(b"geo", b"{}"))
        name = described.get("primary_column")
        if geometry is None or name not in geometry or geometry[name].get("encoding") != "WKB":
            return None
        there = _attributes(pyarrow.parquet.read_schema(stream), geometry)
        conditions = [condition.column for condition in where.conditions]
        check_columns([*conditions, *(columns or ())], there)
        kept = [*(there if columns is None else dict.fromkeys([*columns, *conditions])), name]
        file = pyarrow.parquet.ParquetFile(stream, metadata=metadata)
        plan = _Plan(path, file, in_pieces(stream, metadata), name, _covering(geometry[name], metadata), bbox, where, kept)
        return _as_layer(*_rows(plan), name, geometry[name].get("crs", DEFAULT_CRS))


def _covering(column: Mapping[str, Any], metadata: pyarrow.parquet.FileMetaData) -> dict[str, str]:
    """Return the columns of the boxes by their paths; none where one of them is not in the file."""
    boxes = column.get("covering", {}).get("bbox", {})
    paths = {side: ".".join(boxes[side]) for side in SIDES if side in boxes}
    known = {metadata.schema.column(index).path for index in range(metadata.num_columns)}
    return paths if len(paths) == len(SIDES) and known.issuperset(paths.values()) else {}


def _attributes(schema: pyarrow.Schema, geometry: Mapping[str, Any]) -> list[str]:
    """Return the columns that are neither geometry, nor boxes, nor a pandas index."""
    index = [name for name in json.loads((schema.metadata or {}).get(b"pandas", b"{}")).get("index_columns", ()) if isinstance(name, str)]
    boxes = {column.get("covering", {}).get("bbox", {}).get("xmin", [None])[0] for column in geometry.values()}
    return [name for name in schema.names if name not in geometry and name not in boxes and name not in index]


def _boxes_of_groups(metadata: pyarrow.parquet.FileMetaData, covering: Mapping[str, str]) -> Sequence[Bounds | None]:
    """Return the box around all rows of each row group; None where the footer does not say."""
    if not covering:
        return [None] * metadata.num_row_groups
    index = {metadata.schema.column(number).path: number for number in range(metadata.num_columns)}
    sides = [index[covering[side]] for side in SIDES]
    return [_extremes([metadata.row_group(number).column(side).statistics for side in sides]) for number in range(metadata.num_row_groups)]


def _extremes(sides: Sequence[pyarrow.parquet.Statistics | None]) -> Bounds | None:
    xmin, ymin, xmax, ymax = sides
    if xmin is None or ymin is None or xmax is None or ymax is None or not all(each.has_min_max for each in (xmin, ymin, xmax, ymax)):
        return None
    return xmin.min, ymin.min, xmax.max, ymax.max


def _meet(box: Bounds, other: Bounds) -> bool:
    return box[0] <= other[2] and box[2] >= other[0] and box[1] <= other[3] and box[3] >= other[1]


def _rows(plan: _Plan) -> tuple[pyarrow.Table, Positions]:
    """Return the chosen rows, and their positions in the file."""
    import numpy as np
    import pyarrow

    metadata, empty = plan.file.metadata, plan.file.schema_arrow.empty_table()
    matching(empty.select(plan.conditions).to_pandas(), plan.where)  # an unfit value is told also where no group is near
    tables, positions, start = [empty.select(plan.kept)], [np.empty(0, np.int64)], 0
    for number, box in enumerate(_boxes_of_groups(metadata, plan.covering)):
        count = metadata.row_group(number).num_rows
        if plan.bbox is None or box is None or _meet(box, plan.bbox):
            keep = _chosen(plan, number, count, box)
            positions.append(start + np.flatnonzero(keep))
            tables += _taken(plan, number, keep)
        start += count
    table = pyarrow.concat_tables(tables)
    table.validate(full=True)  # text that is no UTF-8 would be an error only where it is looked at
    return table, np.concatenate(positions)


def _taken(plan: _Plan, number: int, keep: Mask) -> Iterator[pyarrow.Table]:
    """Yield the chosen rows of a group; a group without any is not unpacked."""
    import numpy as np
    import pyarrow

    done = 0
    for batch in plan.taken(number) if keep.any() else ():
        chosen = np.flatnonzero(keep[done : done + batch.num_rows])
        done += batch.num_rows
        yield pyarrow.Table.from_batches([batch.take(pyarrow.array(chosen))])


def _chosen(plan: _Plan, number: int, count: int, box: Bounds | None) -> Mask:
    """Return one boolean per row of a group; `box` is around all of them, so that inside the wanted one no row is tested."""
    import numpy as np
    import pyarrow

    inside = plan.bbox is None or (box is not None and _holds(plan.bbox, box) and not plan.has_gaps(number))
    columns = [*plan.conditions, *(() if inside else plan.covering.values())]
    if not columns:
        return np.ones(count, dtype=bool)
    found = []
    for batch in plan.tested(number, columns):
        table = pyarrow.Table.from_batches([batch])
        keep = matching(table.select(plan.conditions).to_pandas(), plan.where) if plan.conditions else np.ones(len(table), dtype=bool)
        found.append(keep & _near(table, plan) if len(columns) > len(plan.conditions) else keep)
    return np.concatenate(found)


def _holds(box: Bounds, other: Bounds) -> bool:
    return box[0] <= other[0] and box[1] <= other[1] and box[2] >= other[2] and box[3] >= other[3]


def _near(table: pyarrow.Table, plan: _Plan) -> Mask:
    """Return for every row whether its box meets the wanted one."""
    left, bottom, right, top = plan.bbox or (0, 0, 0, 0)
    xmin, ymin, xmax, ymax = (_side(table, plan.covering[side]) for side in SIDES)
    near: Mask = (xmin <= right) & (xmax >= left) & (ymin <= top) & (ymax >= bottom)
    return near


def _side(table: pyarrow.Table, path: str) -> np.ndarray[Any, Any]:
    """Return one side of the boxes; a row without geometry has NaN, which meets nothing."""
    column, *fields = path.split(".")
    values = table.column(column).combine_chunks()
    for field in fields:
        values = values.field(field)
    numbers: np.ndarray[Any, Any] = values.to_numpy(zero_copy_only=False)
    return numbers


def _as_layer(table: pyarrow.Table, positions: Positions, name: str, crs: Any) -> geopandas.GeoDataFrame:  # Any: PROJJSON or text
    import geopandas
    import pandas
    import shapely

    frame = table.drop_columns([name]).to_pandas()
    frame.index = pandas.Index(positions, name="fid")
    shapes = shapely.from_wkb(table.column(name).to_numpy(zero_copy_only=False))
    known = None if crs is None else crs_from_text(crs if isinstance(crs, str) else json.dumps(crs))
    layer = geopandas.GeoDataFrame(frame, geometry=shapes, crs=known)
    layer.attrs = dict(frame.attrs)
    return layer
