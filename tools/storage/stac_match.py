"""Which scenes satisfy what is asked: every one is checked here, whatever a server claims to have checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas
import shapely

from tools.errors import DataError
from tools.geo.footprint import boxes_of
from tools.geotypes import Condition, Where
from tools.storage.conditions import check_columns, matching
from tools.storage.stac_items import interval_of, kept, place_of, problem_of
from tools.storage.stac_links import Json
from tools.storage.stac_query import CLOUD, Order, SceneQuery, rfc3339

MOST_COLUMNS = 200
"""Most property names that are remembered for messages."""


@dataclass
class Sieve:
    """Takes scenes as they come and keeps those that fit, each once."""

    query: SceneQuery
    fitting: list[Json] = field(default_factory=list)
    seen: int = 0
    """Records taken, whole or not, each once."""
    broken: Counter[str] = field(default_factory=Counter)
    """Reason → how many records could not be used."""
    without_cloud: int = 0
    """Scenes that fit but state no cloud cover, though a limit was asked for."""
    rejected: int = 0
    """Whole records that do not fit."""
    _known: set[tuple[str, str]] = field(default_factory=set)
    _columns: dict[str, None] = field(default_factory=dict)

    def take(self, items: Iterable[object], base: str) -> bool:
        """Check the records of one page, read from `base`; return whether any of them was new."""
        whole: list[Json] = []
        before = self.seen
        for item in items:
            problem = problem_of(item)
            if problem is not None:
                self.seen += 1
                self.broken[problem] += 1
            elif isinstance(item, dict) and (identity := (str(item.get("collection") or ""), item["id"])) not in self._known:
                self._known.add(identity)
                self.seen += 1
                whole.append(item)
        fitting = self._fitting([item for item in whole if self._fits(item)])
        self.rejected += len(whole) - len(fitting)
        for item in fitting:
            try:
                self.fitting.append(kept(item, base))
            except RecursionError:
                self.broken["nested too deeply"] += 1
            except DataError:
                self.broken["an asset whose address is none"] += 1
        return self.seen > before

    def finish(self) -> None:
        """Raise ParameterError, with the nearest names, for a condition on a property that no scene has."""
        if self._columns:
            check_columns([condition.column for condition in self.query.where.conditions], [*self._columns, "id", "collection"])

    def _fits(self, item: Json) -> bool:
        """Check all but the conditions on properties; cloud cover last, to count the scenes that only miss it."""
        query, properties = self.query, item["properties"]
        if query.collections and item.get("collection") not in query.collections:
            return False
        if query.ids and item["id"] not in query.ids:
            return False
        if query.tile is not None and tile_of(properties) != query.tile:
            return False
        if not _is_within(item, query) or not _is_at(item, query.region):
            return False
        if query.cloud_below is None:
            return True
        cloud = cloud_of(item)
        self.without_cloud += cloud is None
        return cloud is not None and cloud < query.cloud_below

    def _fitting(self, items: list[Json]) -> list[Json]:
        if not self.query.where.conditions or not items:
            return items
        for item in items:
            if len(self._columns) < MOST_COLUMNS:
                self._columns |= dict.fromkeys(item["properties"])
        return [item for item, keep in zip(items, _satisfied(items, self.query.where), strict=True) if keep]


def _satisfied(items: Sequence[Json], where: Where) -> list[bool]:
    tests = [_tested(items, condition) for condition in where.conditions]
    combine = all if where.match == "all" else any
    return [combine(row) for row in zip(*tests, strict=True)]


def _tested(items: Sequence[Json], condition: Condition) -> list[bool]:
    values = [_plain(value_of(item, condition.column)) for item in items]
    if all(value is None for value in values):  # of no type, which a comparison would need
        return [condition.op == "is null"] * len(items)
    return [bool(keep) for keep in matching(pandas.DataFrame({condition.column: values}), Where(conditions=[condition]))]


def value_of(item: Json, name: str) -> Any:  # Any: JSON
    """Return a property, or the id or collection of a scene; None where it has none."""
    return item.get(name) if name in ("id", "collection") else item["properties"].get(name)


def _plain(value: Any) -> Any:  # Any: JSON
    """Return a value that conditions can be tested on: lists become text."""
    return ", ".join(str(part) for part in value) if isinstance(value, list) else value


def _is_within(item: Json, query: SceneQuery) -> bool:
    if query.span is None:
        return True
    first, last = interval_of(item)
    start, end = query.span
    return (end is None or first <= end) and (start is None or last >= start)


def _is_at(item: Json, region: shapely.Geometry | None) -> bool:
    if region is None:
        return True
    place = place_of(item)
    return place is not None and bool(shapely.intersects(place, region))


def cloud_of(item: Mapping[str, Any]) -> float | None:
    """Return the cloud cover in percent, or None where the record states none; -1 is how some say that they do not know."""
    cloud = item["properties"].get(CLOUD)
    if not isinstance(cloud, (int, float)) or isinstance(cloud, bool) or not 0 <= cloud <= 100:
        return None
    return float(cloud)


def tile_of(properties: Json) -> str | None:
    """Return the MGRS tile as Planetary Computer, Earth Search or the extensions grid and mgrs write it."""
    named = properties.get("s2:mgrs_tile") or properties.get("grid:code")
    if isinstance(named, str):
        bare = named.removeprefix("MGRS-").removeprefix("T")
        return bare.zfill(5)
    parts = [properties.get(f"mgrs:{name}") for name in ("utm_zone", "latitude_band", "grid_square")]
    return "".join(str(part) for part in parts).zfill(5) if all(parts) else None


def ordered(items: Iterable[Json], order: Order) -> list[Json]:
    """Sort by time or cloud cover; equal ones by collection and id, scenes without cloud cover last."""
    by_name = sorted(items, key=lambda item: (str(item.get("collection")), item["id"]))
    if order in ("time", "-time"):
        return sorted(by_name, key=lambda item: interval_of(item)[0], reverse=order == "-time")
    stated = [item for item in by_name if cloud_of(item) is not None]
    unstated = [item for item in by_name if cloud_of(item) is None]
    return sorted(stated, key=lambda item: cloud_of(item) or 0.0, reverse=order == "-cloud") + unstated


def is_ordered(items: Sequence[Json], order: Order) -> bool:
    """Whether scenes stand in an order by time or cloud cover, whatever the order of equal ones."""
    keys = [interval_of(item)[0].timestamp() if order.endswith("time") else cloud_of(item) for item in items]
    stated = [key for key in keys if key is not None]
    return len(stated) == len(keys) and stated == sorted(stated, reverse=order.startswith("-"))


def implied_collections(items: Iterable[Json]) -> tuple[Json, ...]:
    """Return the collections that usable scenes name, each with the extent of its scenes, as collection documents.

    Scenes that name none are together under the empty id.
    """
    members: dict[str, list[Json]] = {}
    for item in items:
        members.setdefault(str(item.get("collection") or ""), []).append(item)
    return tuple({"id": name, "extent": _extent(scenes)} for name, scenes in sorted(members.items()))


def _extent(items: Sequence[Json]) -> Json:
    places = [place for item in items if (place := place_of(item)) is not None]
    intervals = [interval_of(item) for item in items]
    boxes = [list(box) for box in boxes_of(shapely.union_all(places))] if places else []
    first, last = min(first for first, _ in intervals), max(last for _, last in intervals)
    return {"spatial": {"bbox": boxes}, "temporal": {"interval": [rfc3339((first, last)).split("/")]}}
