"""One scene of a catalogue: whether its record is whole, when and where it is, and what of it may be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import shapely

from tools.errors import DataError
from tools.geo.footprint import bounds_region, footprint
from tools.storage.stac_links import REMOTE, Json, absolute, links_of, unsigned
from tools.storage.stac_query import norm_instant

LONGEST_NAME = 300


def is_name(value: object) -> bool:
    """Whether a value from outside can stand in a list as the name of something: one line of text, not too long."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()


def problem_of(item: object) -> str | None:
    """Say what makes a record no usable scene, or None."""
    if not isinstance(item, dict):
        return "no object"
    if item.get("type") != "Feature" or not is_name(item.get("id")):
        return "no item with an id that can be written"
    if item.get("collection") is not None and not is_name(item["collection"]):
        return "a collection that cannot be written"
    if not isinstance(item.get("properties"), dict) or not isinstance(item.get("assets"), dict):
        return "no properties or no assets"
    if not all(isinstance(asset, dict) and isinstance(asset.get("href"), str) for asset in item["assets"].values()):
        return "an asset without an address"
    try:
        interval_of(item)
        place_of(item)
    except (ValueError, DataError) as error:
        return error.message if isinstance(error, DataError) else str(error)
    return None


def usable(records: Iterable[object]) -> Iterator[Json]:
    """Yield the records that are whole."""
    return (record for record in records if isinstance(record, dict) and problem_of(record) is None)


def interval_of(item: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return first and last instant: start and end where it has both, else its one time; raise ValueError where it has none."""
    properties = item["properties"]
    start, end, instant = (properties.get(name) for name in ("start_datetime", "end_datetime", "datetime"))
    try:
        if start and end:
            return norm_instant(start), norm_instant(end)
        return norm_instant(instant), norm_instant(instant)
    except (TypeError, ValueError) as error:
        raise ValueError("it has no time that can be read") from error


def is_instant(text: object) -> bool:
    """Whether a value from outside is an instant in ISO 8601 and nothing else."""
    try:
        return isinstance(text, str) and text.isprintable() and bool(norm_instant(text))
    except ValueError:
        return False


def place_of(item: Mapping[str, Any]) -> shapely.Geometry | None:
    """Return where it lies, in degrees within -180 to 180, or None where its record does not say.

    The geometry decides; a bbox counts only where there is no geometry. Raises ValueError or DataError for what is no place.
    """
    geometry, box = item.get("geometry"), item.get("bbox")
    if isinstance(geometry, dict):
        return footprint(geometry)
    if geometry is not None:
        raise ValueError("its geometry is no GeoJSON")
    if box is None:
        return None
    return box_region(box)


def box_region(box: object) -> shapely.Geometry:
    """Return a bbox of 4 or 6 numbers as a shape; raise ValueError for anything else."""
    if not isinstance(box, list) or len(box) not in (4, 6) or not all(isinstance(edge, (int, float)) for edge in box):
        raise ValueError("its bbox is no box")
    return bounds_region(box if len(box) == 4 else [box[0], box[1], box[3], box[4]])


def kept(item: Json, base: str) -> Json:
    """Return a record as it is stored: addresses of assets absolute, nothing signed.

    `base` is the address or the path of the file that it was read from. An asset of a remote record that names a file of
    this machine is left out: no catalogue decides which local files are read.
    """
    from_remote = base.startswith(REMOTE)
    assets = {name: {**asset, "href": absolute(asset["href"], _home(item, base))} for name, asset in item["assets"].items()}
    if from_remote:
        assets = {name: asset for name, asset in assets.items() if "://" in asset["href"] and not asset["href"].startswith("file:")}
    stored: Json = _without_signatures({**item, "assets": assets})
    return stored


def _home(item: Json, base: str) -> str:
    """Return what relative addresses are relative to: the record's own address, where it states a whole one."""
    own = [link["href"] for link in links_of(item, "self") if link["href"].startswith(REMOTE)]
    # The last one: a server that passes on the records of another adds its own links behind the others.
    return own[-1] if own and base.startswith(REMOTE) else base


def _without_signatures(value: Any) -> Any:  # Any: JSON
    if isinstance(value, dict):
        return {name: _without_signatures(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_signatures(part) for part in value]
    return unsigned(value) if isinstance(value, str) else value
