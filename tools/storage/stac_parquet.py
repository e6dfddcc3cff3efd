"""Scenes in a stac-geoparquet file: one row per scene, its properties as columns, its outline as WKB."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tools.errors import DataError

MEMBERS = ("type", "stac_version", "stac_extensions", "id", "geometry", "bbox", "links", "assets", "collection")
"""Columns that stand beside the properties of a scene; every other column is a property."""
NEEDED = {"id", "geometry", "assets", "stac_version"}
"""A table with all of these holds scenes; rustac cannot read files of early versions, so the columns are read as they are."""


def holds_items(path: Path) -> bool:
    """Whether a Parquet file holds scenes."""
    import pyarrow
    import pyarrow.parquet

    try:
        return set(pyarrow.parquet.read_schema(path).names) >= NEEDED
    except (pyarrow.ArrowException, OSError):
        return False


def read_items(path: Path) -> list[object]:
    """Return the scenes as STAC items; raise DataError for a broken file."""
    import pyarrow
    import pyarrow.parquet
    from shapely.errors import ShapelyError

    try:
        return [_item(row) for row in pyarrow.parquet.read_table(path).to_pylist()]
    except (pyarrow.ArrowException, ShapelyError, OSError) as error:
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
