"""Read a span of time out of a question: days, months, quarters, years, `between … and …`, `since …`, `before …`."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
_MON = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?:19|20)\d{2}"
_TH = r"(?:st|nd|rd|th)?"
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": 4}


def _atom(n: str) -> str:
    """Return the pattern of a year, quarter, month or day, its groups numbered `n`."""
    return (
        rf"(?:(?P<iy{n}>{_YEAR})-(?P<im{n}>\d{{2}})(?:-(?P<id{n}>\d{{2}}))?"
        rf"|(?:the )?(?P<dd{n}>\d{{1,2}}){_TH} (?:of )?(?P<dm{n}>{_MON})\b\.?(?:,? (?:of )?(?P<dy{n}>{_YEAR}))?"
        rf"|(?P<mm{n}>{_MON})\b\.? (?P<md{n}>\d{{1,2}}){_TH}(?!\d)(?:,? (?P<my{n}>{_YEAR}))?"
        rf"|(?P<om{n}>{_MON})\b\.?(?:,? (?:of )?(?P<oy{n}>{_YEAR}))?"
        rf"|(?:q(?P<qn{n}>[1-4])|(?:the )?(?P<qw{n}>{'|'.join(_ORDINALS)}) quarter)(?:,? (?:of )?(?P<qy{n}>{_YEAR}))?"
        rf"|(?:the )?(?:year )?(?P<yy{n}>{_YEAR})"
        rf"|(?P<bd{n}>\d{{1,2}}){_TH}(?= (?:and|to|until|till|through|-|–) ))"
    )


_ONE, _TWO = _atom("1"), _atom("2")
_EDGE, _END = r"(?<![\w.])", r"(?![\w%]|[.,]\d| ?(?:%|percent|per cent))"
_RANGE = re.compile(
    rf"{_EDGE}(?:(?:taken |acquired |dated )?(?:between|from|in|during|for|of|over) (?:the )?)?{_ONE}(?: (?:and|to|until|till|through|up to)(?: the)? | ?[–/-] ?){_TWO}{_END}",
    re.IGNORECASE,
)
_SINGLE = re.compile(
    rf"{_EDGE}(?:(?P<how>since|from|starting(?: in| on| from)?|after|later than|before|earlier than|prior to|until|till|up to|by|in|on|during|of|for|throughout)"
    rf" )?(?:the (?:month of )?)?{_ONE}(?P<on>,? (?:on|onwards?|or later|and later))?{_END}",
    re.IGNORECASE,
)
_SEASON = re.compile(rf"\b(?:spring|summer|autumn|fall|winter)(?: (?:of )?{_YEAR})?\b", re.IGNORECASE)
_SLASHED = re.compile(r"(?<![\d.])\d{1,2}[/.]\d{1,2}[/.]\d{2,4}(?!\d)")
_AMBIGUOUS_WORDS = frozenset({"may", "march", "mar", "sep", "dec", "jan", "jun", "second", "sec"})


@dataclass(frozen=True)
class Day:
    """A year, quarter, month or day, as far as it is said."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    quarter: int | None = None


@dataclass(frozen=True)
class Period:
    """A span of time in a question."""

    start: int
    """Offset in the text."""
    end: int
    first: date | None
    """None = open."""
    last: date | None

    @property
    def time(self) -> str:
        """Return it as `search_stac` takes it: START/END, both days included."""
        return "/".join(".." if one is None else one.isoformat() for one in (self.first, self.last))


@dataclass(frozen=True)
class Unclear:
    """A time that must be asked about, and the question back."""

    start: int
    end: int
    ask: str


def find_period(text: str, year: int | None = None) -> Period | Unclear | None:
    """Return the first span of time of a text; None without any. `year` is taken where none is said (from an earlier question)."""
    unclear = _SLASHED.search(text)
    if unclear:
        return Unclear(*unclear.span(), f"Is {unclear.group()} a day first or a month first? Please write it as 2020-07-31.")
    season = _SEASON.search(text)
    if season:
        return Unclear(*season.span(), f"Which months are meant by '{season.group()}'? Seasons differ between the hemispheres.")
    match = _RANGE.search(text)
    if match:
        return _between(match, year)
    single = next((match for match in _SINGLE.finditer(text) if _is_time(match)), None)
    return _alone(single, year) if single else None


def _is_time(match: re.Match[str]) -> bool:
    """Whether a lone word such as `may` is the month: with a day or year, or written with a capital behind a preposition."""
    if match["bd1"]:
        return False
    word = match["om1"]
    if word is None or match["oy1"]:
        return True
    return word[0].isupper() and (word.lower() not in _AMBIGUOUS_WORDS or bool(match["how"]))


def _day(match: re.Match[str], n: str) -> Day:
    def number(name: str) -> int | None:
        return int(match[name + n]) if match[name + n] else None

    if match["iy" + n]:
        return Day(number("iy"), number("im"), number("id"))
    for name, day, year in (("dm", "dd", "dy"), ("mm", "md", "my"), ("om", "", "oy")):
        if match[name + n]:
            return Day(number(year), _MONTHS[match[name + n].lower()], number(day) if day else None)
    if match["qn" + n] or match["qw" + n]:
        return Day(number("qy"), quarter=number("qn") or _ORDINALS[match["qw" + n].lower()])
    return Day(number("yy"), day=number("bd"))


def _between(match: re.Match[str], year: int | None) -> Period | Unclear:
    """Read a range; what the first end does not say is that of the second: `between 3 and 9 July 2020`, `June to August 2020`."""
    one, two = _day(match, "1"), _day(match, "2")
    two = replace(two, year=two.year or one.year or year)
    one = replace(one, year=one.year or two.year, month=one.month or (two.month if one.day else None))
    first, last = _bounds(one), _bounds(two)
    if first is None or last is None or first[0] > last[1]:
        return _ask(match)
    if _lists_apart(match.group()) and first[1] + timedelta(days=1) != last[0]:
        return Unclear(
            *match.span(),
            f"Does '{match.group().strip()}' mean all from the first to the last? Then say 'from … to …'; else ask one by one.",
        )
    return Period(*match.span(), first[0], last[1])


def _lists_apart(words: str) -> bool:
    """Whether two times are joined by a mere `and`, as in `May and August 2020`."""
    return " and " in words.lower() and "between" not in words.lower()


def _alone(match: re.Match[str], year: int | None) -> Period | Unclear:
    day = _day(match, "1")
    bounds = _bounds(replace(day, year=day.year or year))
    if bounds is None:
        return _ask(match)
    how = (match["how"] or "").lower().split(" ")[0]
    first, last = bounds
    if match["on"] or how in ("since", "starting") or (how == "from" and day.day):
        return Period(*match.span(), first, None)
    if how in ("after", "later"):
        return Period(*match.span(), last + timedelta(days=1), None)
    if how in ("before", "earlier", "prior"):
        return Period(*match.span(), None, first - timedelta(days=1))
    if how in ("until", "till", "up", "by"):
        return Period(*match.span(), None, last)
    return Period(*match.span(), first, last)


def _ask(match: re.Match[str]) -> Unclear:
    words = match.group().strip()
    return Unclear(*match.span(), f"Which time is meant by '{words}'? Give it with the year, for example July 2020 or 2020-07-31.")


def _bounds(day: Day) -> tuple[date, date] | None:
    """Return first and last day; None where the year is not known or the date does not exist."""
    if day.year is None or (day.day is not None and day.month is None):
        return None
    months = (3 * day.quarter - 2, 3 * day.quarter) if day.quarter else (day.month, day.month) if day.month else (1, 12)
    try:
        last_day = day.day or calendar.monthrange(day.year, months[1])[1]
        return date(day.year, months[0], day.day or 1), date(day.year, months[1], last_day)
    except (ValueError, calendar.IllegalMonthError):
        return None
