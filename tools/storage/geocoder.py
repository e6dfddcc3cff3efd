"""Ask an online geocoder for a name: a service with the search API of Nominatim, format jsonv2, where the setting names one.

One question a second at most, over all processes of this installation, as the usage policy of the public service asks
(operations.osmfoundation.org/policies/nominatim). The host must be on the list of allowed hosts like any other.
"""

from __future__ import annotations

import fcntl
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import DataError, ServiceError
from tools.settings import ToolSettings
from tools.storage.hosts import shown

if TYPE_CHECKING:
    import shapely

PACE_S = 1.0
"""Seconds between two questions."""
ASK_AGAIN_S = 0.05
MAX_ANSWER_BYTES = 32_000_000
SHAPES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
LONGEST_NAME = 500
"""Characters of a place's name that are kept."""


@dataclass(frozen=True)
class Place:
    """One place that the service knows by the name."""

    name: str
    """Its name with the places that it lies in."""
    kind: str
    """What it is, in the service's words: `city`, `river`."""
    longitude: float
    latitude: float
    bbox: tuple[float, float, float, float]
    """West, south, east, north in degrees."""
    geometry: shapely.Geometry
    """Its outline in longitude, latitude, or its point where the service has none."""
    licence: str


def geocode(name: str, limit: int, settings: ToolSettings, alive: Callable[[float], None]) -> list[Place]:
    """Return the places of a name, best first, at most `limit`; empty where the service knows none.

    `alive` is called while others have their turn, and may raise. Raises ServiceError where the service does not answer, DataError where its answer
    is not of the form, ParameterError where its host is not allowed.
    """
    import httpx

    from tools.storage.http import Remote, Request

    asked = {"q": name, "format": "jsonv2", "limit": str(limit), "polygon_geojson": "1", "accept-language": "en"}
    url = str(httpx.URL(settings.geocoder_url).copy_merge_params(asked))
    with Remote(settings) as remote, _turn(settings, alive):
        answer = remote.request(Request(url, headers=(("accept", "application/json"),), max_bytes=MAX_ANSWER_BYTES))
    found = answer.json()
    if not isinstance(found, list):
        raise DataError(
            f"{answer.url} does not answer with a list of places.", hint="TERRACITE_GEOCODER_URL must be the address of a search in jsonv2."
        )
    return [_place(one, answer.url) for one in found[:limit]]


@contextmanager
def _turn(settings: ToolSettings, alive: Callable[[float], None]) -> Iterator[None]:
    """Hold the one turn of this installation for a second at least; every process locks this very file, which all may read."""
    until = time.monotonic() + settings.http_deadline_s
    with Path(__file__).open("rb") as turn:
        while not _locked(turn.fileno()):
            alive(0.0)
            if time.monotonic() > until:
                raise ServiceError(f"No turn to ask {shown(settings.geocoder_url)} came in time.", hint="Try again later.")
            time.sleep(ASK_AGAIN_S)
        began = time.monotonic()
        try:
            yield
        finally:
            time.sleep(max(0.0, began + PACE_S - time.monotonic()))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _place(one: Any, url: str) -> Place:  # Any: JSON of a stranger
    """Read one place; raise DataError where it has no position on the Earth."""
    import shapely

    try:
        longitude, latitude = float(one["lon"]), float(one["lat"])
        south, north, west, east = (float(edge) for edge in one.get("boundingbox") or (latitude, latitude, longitude, longitude))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"A place in the answer of {url} has no position.", hint="Tell the provider of the geocoder.") from error
    if not (max(map(abs, (longitude, west, east))) <= 180 and max(map(abs, (latitude, south, north))) <= 90):
        raise DataError(
            f"A place in the answer of {url} lies at {longitude:g} {latitude:g}, nowhere on the Earth.", hint="Tell the provider."
        )
    outline = _outline(one.get("geojson"))
    return Place(
        name=_text(one.get("display_name")),
        kind=_text(one.get("type")),
        longitude=longitude,
        latitude=latitude,
        bbox=(west, south, east, north),
        geometry=shapely.Point(longitude, latitude) if outline is None else outline,
        licence=_text(one.get("licence")),
    )


def _outline(geometry: object) -> shapely.Geometry | None:
    """Return the shape of a GeoJSON geometry; None where there is none, or one that cannot be read."""
    import shapely

    if not isinstance(geometry, dict) or geometry.get("type") not in SHAPES:
        return None
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
    except shapely.errors.GEOSException:
        return None
    bounds = shape.bounds
    is_fit = len(bounds) == 4 and all(map(math.isfinite, bounds)) and max(abs(bounds[0]), abs(bounds[2])) <= 180
    return shape if is_fit and not shape.is_empty and max(abs(bounds[1]), abs(bounds[3])) <= 90 else None


def _text(value: object) -> str:
    """Return printable text of one line."""
    text = " ".join(str(value).split()) if isinstance(value, str) else ""
    return "".join(character for character in text if character.isprintable())[:LONGEST_NAME]
