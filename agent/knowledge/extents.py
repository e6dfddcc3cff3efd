"""Whether two places or two spans of time touch."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; west is greater than east across the antimeridian."""
Span = tuple[str, str]
"""First and last instant or day, ISO 8601; a day is meant whole."""


def boxes_touch(one: Box, other: Box) -> bool:
    """Whether two boxes have a point in common, their edges included."""
    if one[1] > other[3] or other[1] > one[3]:
        return False
    return any(
        west <= other_east and other_west <= east for west, east in _longitudes(one) for other_west, other_east in _longitudes(other)
    )


def spans_touch(one: Span, other: Span) -> bool:
    """Whether two spans have an instant in common, their ends included."""
    return _instant(one[0]) <= _instant(other[1], at_end=True) and _instant(other[0]) <= _instant(one[1], at_end=True)


def _longitudes(box: Box) -> tuple[tuple[float, float], ...]:
    west, east = box[0], box[2]
    return ((west, east),) if west <= east else ((west, 180.0), (-180.0, east))


def _instant(text: str, *, at_end: bool = False) -> datetime:
    """Read a day or an instant; UTC is taken where no zone is given."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        instant = datetime.fromisoformat(text)
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return datetime.combine(day, time.max if at_end else time.min, UTC)
