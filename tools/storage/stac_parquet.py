"""Scenes in a stac-geoparquet file: one row per scene, its properties as columns, its outline as WKB."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tools.errors import DataError, LimitError
from tools.storage.parquet import check_parquet, column_names

MEMBERS = ("type", "stac_version", "stac_extensions", "id", "geometry", "bbox", "links", "assets", "collection")
"""Columns that stand beside the properties of a scene; every other column is a property."""
NEEDED = {"id", "geometry", "assets", "stac_version"}
"""A table with all of these holds scenes; rustac cannot read files of early versions, so the columns are read as they are."""


def holds_items(path: Path) -> bool:
    """Whether a Parquet file holds scenes."""
    import pyarrow

    try:
        return set(column_names(path)) >= NEEDED
    except (pyarrow.ArrowException, DataError, LimitError, OSError, ValueError):
        return False


def read_items(path: Path) -> list[object]:
    """Return the scenes as STAC items; raise DataError for a broken file."""
    import pyarrow
    import pyarrow.parquet
    from shapely.errors import ShapelyError

    try:
        with path.open("rb") as stream:
            check_parquet(path, stream, wkb=("geometry",))
            return [_item(row) for row in pyarrow.parquet.read_table(stream).to_pylist()]
    except (pyarrow.ArrowException, ShapelyError, OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"The file {path.name!r} holds no scenes ({error}).", hint="Check that it was downloaded whole.") from error


def _item(row: Mapping[str, Any]) -> dict[str, Any]:  # Any: values of a row
    import shapely

    plain = {name: _plain(value) for name, value in row.items() if name != "geometry"}
    outline = row["geometry"]
    geometry = None if outline is None else shapely.geometry.mapping(shapely.from_wkb(outline))
    box = plain.get("bbox")
    if isinstance(box, dict):
        plain["bbox"] = [box[edge] for edge in ("xmin", "ymin", "xmax", "ymax") if edge in box]
    members = {name: plain[name] for name in MEMBERS if plain.get(name) is not None}
    properties = {name: value for name, value in plain.items() if name not in MEMBERS and value is not None}
    return {**members, "type": "Feature", "geometry": geometry, "properties": properties, "links": members.get("links", [])}


def _plain(value: Any) -> Any:  # Any: values of a row
    """Return a value as JSON has it: instants and days as text, no members that a struct only has for other rows."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value
