"""One scene of a catalogue: whether its record is whole, when and where it is, and what of it may be kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import shapely

from tools.errors import DataError
from tools.geo.footprint import bounds_region, footprint
from tools.storage.stac_query import Json, norm_instant

REMOTE = ("http://", "https://")
SIGNATURE = re.compile(
    r"sv|ss|srt|sp|se|st|spr|sig|sr|sip|sdd|skoid|sktid|skt|ske|sks|skv|saoid|suoid|scid"  # Azure: shared access signature
    r"|x-(?:amz|goog|oss|obs)-.*|awsaccesskeyid|googleaccessid|ossaccesskeyid|expires|signature|policy|key-pair-id"
    r"|(?:access_|auth_|id_|sas_|security-)?token|(?:access|api|subscription)[_-]?key|key|apikey|password|secret|credential|sessionid",
    re.IGNORECASE,
)
"""Names of query parameters that sign or authorise."""


def problem_of(item: object) -> str | None:
    """Say what makes a record no usable scene, or None."""
    if not isinstance(item, dict):
        return "no object"
    if item.get("type") != "Feature" or not isinstance(item.get("id"), str) or not item["id"]:
        return "no item with an id"
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


def absolute(href: str, base: str) -> str:
    """Return an address, or a path, that stands in a document at `base`."""
    if "://" in href:
        return href.removeprefix("file://") if href.startswith("file:///") and not base.startswith(REMOTE) else href
    if base.startswith(REMOTE):
        return urljoin(base, href)
    return str((Path(base).parent / href).resolve())


def unsigned(href: str) -> str:
    """Return an address without user, password and the query parameters that sign it."""
    if not href.startswith(REMOTE) or not ("?" in href or "@" in href):
        return href
    parts = urlsplit(href)
    named = parse_qsl(parts.query, keep_blank_values=True)
    rest = [(name, value) for name, value in named if not SIGNATURE.fullmatch(name)]
    query = parts.query if len(rest) == len(named) else urlencode(rest)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, parts.fragment))


def _home(item: Json, base: str) -> str:
    """Return what relative addresses are relative to: the record's own address, where it states a whole one."""
    links = item.get("links")
    own = [
        link["href"]
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, dict) and link.get("rel") == "self" and isinstance(link.get("href"), str) and link["href"].startswith(REMOTE)
    ]
    # The last one: a server that passes on the records of another adds its own links behind the others.
    return own[-1] if own and base.startswith(REMOTE) else base


def _without_signatures(value: Any) -> Any:  # Any: JSON
    if isinstance(value, dict):
        return {name: _without_signatures(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_signatures(part) for part in value]
    return unsigned(value) if isinstance(value, str) else value
