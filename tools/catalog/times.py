"""The time of a dataset: one instant or day, or a span from a first to a last one, in ISO 8601."""

from __future__ import annotations

from datetime import UTC, date, datetime

from tools.errors import ParameterError


def parse_time(text: str) -> tuple[str, str]:
    """Return first and last instant of `2020-05-01`, `2020-05-01T10:00:00Z` or `start/end`, as they were written.

    Raises ParameterError for anything else, and for an end before its start.
    """
    first, slash, last = (part.strip() for part in text.partition("/"))
    span = (first, last if slash else first)
    if _instant(span[1], text) < _instant(span[0], text):
        raise ParameterError(f"The time {text!r} ends before it starts.", hint="Give START/END.")
    return span


def _instant(part: str, text: str) -> datetime:
    try:
        day = date.fromisoformat(part)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        pass
    try:
        instant = datetime.fromisoformat(part)
    except ValueError as error:
        raise ParameterError(f"The time {text!r} is not ISO 8601.", hint="Give e.g. 2020-05-01, or 2020-05-01/2020-05-31.") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
