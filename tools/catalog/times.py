"""The time of a dataset: one instant, day, month or year, or a span from a first to a last one, in ISO 8601."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime

from tools.errors import ParameterError

_YEAR_OR_MONTH = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")


def parse_time(text: str) -> tuple[str, str]:
    """Return first and last instant of `2020`, `2020-05`, `2020-05-01`, `2020-05-01T10:00:00Z` or `start/end`.

    Instants and days stay as they were written; of months and years it is the first and the last day. Raises ParameterError for anything else, and for an end before its start.
    """
    first, slash, last = (part.strip() for part in text.partition("/"))
    span = (_days(first)[0], _days(last if slash else first)[1])
    if _instant(span[1], text) < _instant(span[0], text):
        raise ParameterError(f"The time {text!r} ends before it starts.", hint="Give START/END.")
    return span


def _days(part: str) -> tuple[str, str]:
    """Return first and last day of a year or month; anything else as it is."""
    match = _YEAR_OR_MONTH.fullmatch(part)
    if match is None:
        return part, part
    year, first, last = match[1], match[2] or "01", match[2] or "12"
    days = calendar.monthrange(int(year), int(last))[1] if 1 <= int(last) <= 12 else 1
    return f"{year}-{first}-01", f"{year}-{last}-{days}"


def _instant(part: str, text: str) -> datetime:
    try:
        day = date.fromisoformat(part)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        pass
    try:
        instant = datetime.fromisoformat(part)
    except ValueError as error:
        raise ParameterError(f"The time {text!r} is not ISO 8601.", hint="Give e.g. 2020, 2020-05-01, or 2020-05-01/2020-05-31.") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
