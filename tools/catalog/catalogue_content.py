"""Describe a catalogue of scenes: its collections with their extents, and what an API declares that it can do."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tools.catalog.naming import counted
from tools.catalog.records import Bounds, Content, SceneCollection
from tools.contract import Source

UNNAMED = ("proprietary", "various", "other")
"""What STAC has in place of a licence without an SPDX name."""
MAKERS = ("producer", "licensor")
"""Roles of providers who are named as the source; hosts and processors are not."""
MOST_MAKERS = 8
"""So many providers are looked at."""
LONGEST_TITLE = 120
Json = Mapping[str, Any]  # Any: JSON


def describe_catalogue(source: Source) -> tuple[str | None, Content]:
    """Return the title of a catalogue, where it has one, and what it says of itself.

    Raises what `tools.storage.stac_catalogue.open_catalogue` raises.
    """
    from tools.settings import ToolSettings
    from tools.storage.http import Remote
    from tools.storage.stac_catalogue import open_catalogue
    from tools.storage.stac_io import GuardedIO

    settings = ToolSettings()
    with Remote(settings) as remote:
        catalogue = open_catalogue(source, GuardedIO(remote, time.monotonic() + settings.search_deadline_s))
        found, unread = catalogue.collections()
        conforms_to = catalogue.api.conforms_to if catalogue.api is not None else ()
    collections = tuple(_collection(one) for one in found)
    content = Content(
        kind="catalogue",
        driver="STAC API" if catalogue.api is not None else "STAC",
        crs="EPSG:4326",
        bbox=_whole(one.bbox for one in collections),
        time=_span(collections),
        licence=_common(one.licence for one in collections),
        attribution=_common(one.attribution for one in collections),
        warnings=_warnings(collections, unread),
        collections=collections,
        conforms_to=conforms_to,
    )
    return _title(catalogue.root), content


def _warnings(collections: Sequence[SceneCollection], unread: Sequence[str]) -> tuple[str, ...]:
    said = [] if collections else ["The catalogue names no collections."]
    if unread:
        said.append(f"{counted(len(unread), 'document')} of the catalogue could not be read: {unread[0]}")
    return tuple(said)


def _title(root: object) -> str | None:
    stated = (root.get("title") or root.get("id")) if isinstance(root, dict) and root.get("type") != "Feature" else None
    return _line(stated)


def _line(text: object) -> str | None:
    """Return text from outside as one line that is not too long; None where there is none."""
    plain = "".join(character if character.isprintable() else " " for character in text) if isinstance(text, str) else ""
    return " ".join(plain.split())[:LONGEST_TITLE] or None


def _collection(document: Json) -> SceneCollection:
    extent = document.get("extent")
    return SceneCollection(
        id=str(document["id"]),
        title=_line(document.get("title")),
        bbox=_bbox(extent),
        time=_interval(extent),
        licence=_licence(document),
        attribution=_attribution(document),
    )


def _licence(document: Json) -> str | None:
    """Return the licence; where the catalogue only says that it has no short name, with the title of its terms."""
    stated = _line(document.get("license"))
    if stated not in UNNAMED:
        return stated
    terms = next((_line(link.get("title")) for link in _objects(document.get("links")) if link.get("rel") == "license"), None)
    return f"{stated}: {terms}" if terms else stated


def _attribution(document: Json) -> str | None:
    """Return who made the data or licenses it."""
    makers = [each for each in _objects(document.get("providers")) if isinstance(each.get("roles"), list)]
    names = [_line(each.get("name")) for each in makers if any(role in each["roles"] for role in MAKERS)]
    return "; ".join(dict.fromkeys(name for name in names[:MOST_MAKERS] if name)) or None


def _objects(listed: object) -> list[Json]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _bbox(extent: Any) -> Bounds | None:  # Any: whatever stands there
    """Return the first box of an extent, which is the overall one."""
    try:
        box = [float(edge) for edge in extent["spatial"]["bbox"][0]]
        west, south, east, north = box if len(box) == 4 else (box[0], box[1], box[3], box[4])
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return (west, south, east, north)


def _interval(extent: Any) -> tuple[str | None, str | None] | None:  # Any: whatever stands there
    from tools.storage.stac_items import is_instant

    try:
        start, end = extent["temporal"]["interval"][0]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return (start if is_instant(start) else None, end if is_instant(end) else None)


def _whole(boxes: Iterable[Bounds | None]) -> Bounds | None:
    """Return the box around all boxes; None where one is unknown. It spans all longitudes where one crosses the antimeridian."""
    known = list(boxes)
    stated = [box for box in known if box is not None]
    if not stated or len(stated) < len(known):
        return None
    west, south, east, north = zip(*stated, strict=True)
    across = any(box[0] > box[2] for box in stated)
    return (-180.0 if across else min(west), min(south), 180.0 if across else max(east), max(north))


def _span(collections: Iterable[SceneCollection]) -> tuple[str, str] | None:
    """Return first and last instant of all collections; None where an end is open or unknown."""
    ends = [one.time or (None, None) for one in collections]
    starts, lasts = [start for start, _ in ends if start is not None], [last for _, last in ends if last is not None]
    return (min(starts), max(lasts)) if ends and len(starts) == len(lasts) == len(ends) else None


def _common(texts: Iterable[str | None]) -> str | None:
    """Return the licence or attribution that all collections have."""
    stated = set(texts)
    return stated.pop() if len(stated) == 1 else None
