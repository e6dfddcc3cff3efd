"""What is asked of a catalogue of scenes, and how it is told to a server: a span of time, boxes, a filter in CQL2."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import shapely

from tools.errors import ParameterError
from tools.geo.footprint import Bounds, bounds_region, boxes_of
from tools.geo.mgrs import tile_bounds
from tools.geotypes import EVERYTHING, Condition, Where
from tools.storage.stac_links import Json

Span = tuple[datetime | None, datetime | None]
"""First and last instant, both included; None for an open end."""
Order = Literal["-time", "time", "cloud", "-cloud"]
CLOUD = "eo:cloud_cover"

_PART = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_CLOCK = re.compile(r"[0-9][T ][0-9]")
_LONGEST = 100
"""Longest text of a time, in characters."""
_OPEN = ("", "..")
_MOMENT = timedelta(microseconds=1)
_COMPARISONS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True)
class SceneQuery:
    """Which scenes are wanted; what is None or empty asks for nothing."""

    collections: tuple[str, ...] = ()
    region: shapely.Geometry | None = None
    """Longitude, latitude within -180 to 180; a scene must touch it."""
    span: Span | None = None
    tile: str | None = None
    """MGRS tile, e.g. 35MNM."""
    cloud_below: float | None = None
    """Percent; strictly below."""
    where: Where = EVERYTHING
    ids: tuple[str, ...] = ()
    order: Order = "-time"
    limit: int = 100

    @property
    def boxes(self) -> tuple[Bounds | None, ...]:
        """The boxes to ask a server for, one after the other; (None,) where no place is asked for."""
        if self.region is not None:
            return boxes_of(self.region)
        return boxes_of(bounds_region(tile_bounds(self.tile))) if self.tile is not None else (None,)


def parse_span(text: str) -> Span:
    """Read `2020`, `2020-07`, `2020-07-01`, an instant, or START/END of them; `..` leaves an end open.

    Years, months and days are meant whole. Raises ParameterError for anything else, and for an end before its start.
    """
    if len(text) > _LONGEST:
        raise ParameterError(f"The time {text[:_LONGEST]!r}… has {len(text):,} characters.", hint="Give e.g. 2020-07-01/2020-08-15.")
    first, slash, last = (part.strip() for part in text.partition("/"))
    start = None if first in _OPEN else _period(first, text)[0]
    end = None if (last if slash else first) in _OPEN else _period(last if slash else first, text)[1]
    if start is not None and end is not None and end < start:
        raise ParameterError(f"The time {text!r} ends before it starts.", hint="Give START/END.")
    return (start, end)


def _period(part: str, text: str) -> tuple[datetime, datetime]:
    """Return first and last instant of a year, a month, a day or an instant."""
    match = _PART.fullmatch(part)
    try:
        if match is None:
            if not _CLOCK.search(part):  # Python would take 20200715 and 2020-W29 for midnight of one day
                raise ValueError("neither a period nor an instant")
            instant = norm_instant(part)
            return instant, instant
        year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
        start = datetime(year, month, day, tzinfo=UTC)
        days_of_period = calendar.monthrange(year, month)[1] if match[2] else 366 if calendar.isleap(year) else 365
        return start, start + (timedelta(days=1 if match[3] else days_of_period) - _MOMENT)
    except ValueError as error:
        raise ParameterError(
            f"The time {text!r} cannot be read.", hint="Give e.g. 2020-07, 2020-07-15 or 2020-07-01/2020-08-15."
        ) from error


def norm_instant(text: str) -> datetime:
    """Return an ISO 8601 instant in UTC, which is also taken where no zone is given; raise ValueError for anything else."""
    instant = datetime.fromisoformat(text)
    try:
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text} lies in UTC before the year 1 or after 9999") from error


def rfc3339(span: Span) -> str:
    """Return a span as a server of STAC reads it."""
    return "/".join(".." if end is None else end.isoformat().replace("+00:00", "Z") for end in span)


def cql2(query: SceneQuery) -> Json | None:
    """Return a filter in CQL2 JSON that every wanted scene satisfies, or None where there is nothing to say.

    It may let more through: text is compared without case here and with case there, so conditions on text are left out.
    """
    parts = [_told(condition) for condition in query.where.conditions]
    told = [part for part in parts if part is not None]
    filters: list[Json] = []
    if query.where.match == "all":
        filters += told
    elif told and len(told) == len(parts):
        filters.append(_joined("or", told))
    if query.cloud_below is not None:
        filters.append({"op": "<", "args": [{"property": CLOUD}, query.cloud_below]})
    return _joined("and", filters) if filters else None


def _joined(op: str, parts: list[Json]) -> Json:
    return parts[0] if len(parts) == 1 else {"op": op, "args": parts}


def _told(condition: Condition) -> Json | None:
    named = {"property": condition.column}
    if condition.op in ("is null", "is not null"):
        is_null: Json = {"op": "isNull", "args": [named]}
        return is_null if condition.op == "is null" else {"op": "not", "args": [is_null]}
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    if any(isinstance(value, (str, bool)) for value in values) or condition.op == "contains":
        return None
    if condition.op in _COMPARISONS:
        return {"op": _COMPARISONS[condition.op], "args": [named, values[0]]}
    within: Json = {"op": "in", "args": [named, values]}
    return within if condition.op == "in" else {"op": "not", "args": [within]}


def is_told_whole(query: SceneQuery) -> bool:
    """Whether the filter of `cql2` says everything that is asked of properties."""
    return query.tile is None and all(_told(condition) is not None for condition in query.where.conditions)
