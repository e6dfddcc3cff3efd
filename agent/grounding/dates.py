"""Find dates in text, as ISO text of the precision that is written: `14 May 2020` is `2020-05-14`, `May 2020` is `2020-05`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agent.grounding.written_units import read_unit

_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = r"(?P<{0}>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?)"
_CLOCK = r"(?:(?:T|\s|,\s|\sat\s)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:Z|UTC)?)?"
_YEAR = r"(?:1[5-9]|20|21)\d\d"
_PATTERNS = (
    re.compile(rf"(?<![\w.-])(?P<y>{_YEAR})[-/](?P<m>0[1-9]|1[0-2])(?:[-/](?P<d>[0-3]\d))?{_CLOCK}(?![\w-])"),
    re.compile(
        rf"(?<![\w.])(?P<d>[0-3]?\d)(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH.format('m')}\s?,?\s(?P<y>{_YEAR}){_CLOCK}(?!\w)", re.IGNORECASE
    ),
    re.compile(rf"(?<!\w){_MONTH.format('m')}\s(?P<d>[0-3]?\d)(?:st|nd|rd|th)?,?\s(?P<y>{_YEAR}){_CLOCK}(?!\w)", re.IGNORECASE),
    re.compile(rf"(?<!\w){_MONTH.format('m')}\s(?P<y>{_YEAR})(?!\w)", re.IGNORECASE),
    re.compile(rf"(?<![\w.])(?P<d>[0-3]?\d)[./](?P<m>0?[1-9]|1[0-2])[./](?P<y>{_YEAR})(?!\w)"),
)
_BARE_YEAR = re.compile(rf"(?<![\w.,-])(?P<y>{_YEAR})(?![\w%²]|[.,]\d)")
_TEMPORAL = re.compile(
    r"\b(?:in|since|of|from|until|till|before|after|during|year|by|between|and|to|the|this|season|(?:early|mid|late))[\s-]+$|[(–/]\s?$",
    re.IGNORECASE,
)
_LOOK_BACK = 20
"""Characters: a word of time stands right before its year."""
_OTHER_YEAR = re.compile(rf"\s(?:minus|less|and|or|to|than|against|versus|vs\.?|compared (?:to|with))\s(?:in\s)?{_YEAR}(?![\w%²]|[.,]\d)")
"""A year may stand before another one: `2020 minus 1985`."""
_WORD_BEHIND = re.compile(r"\s[^\W\d_]|\s?[%°²]")


@dataclass(frozen=True)
class WrittenDate:
    """A date in a text."""

    start: int
    end: int
    iso: str
    """`2020`, `2020-05` or `2020-05-14`."""

    @property
    def year(self) -> int:
        """Return the year."""
        return int(self.iso[:4])


def full_dates(text: str) -> list[WrittenDate]:
    """Return the dates that name at least a month."""
    found: list[WrittenDate] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if not any(date.start < match.end() and match.start() < date.end for date in found):
                found.append(WrittenDate(match.start(), match.end(), _iso(match)))
    return sorted(found, key=lambda date: date.start)


def bare_years(text: str, dates: Iterable[WrittenDate]) -> list[WrittenDate]:
    """Return the years that stand as years: behind a word of time, in brackets, before another year, or with no word behind them."""
    taken = list(dates)
    return [
        WrittenDate(match.start(), match.end(), match["y"])
        for match in _BARE_YEAR.finditer(text)
        if (
            _TEMPORAL.search(text[max(0, match.start() - _LOOK_BACK) : match.start()])
            or not _WORD_BEHIND.match(text, match.end())
            or _is_paired(text, match.end())
        )
        and read_unit(text, match.end())[0] is None
        and not any(date.start <= match.start() < date.end for date in taken)
    ]


def _is_paired(text: str, end: int) -> bool:
    other = _OTHER_YEAR.match(text, end)
    return other is not None and read_unit(text, other.end())[0] is None


def known_dates(texts: Iterable[str]) -> frozenset[str]:
    """Return every date and every year of these texts, as ISO."""
    known: set[str] = set()
    for text in texts:
        known.update(date.iso for date in full_dates(text))
        known.update(re.findall(rf"(?<!\d){_YEAR}(?!\d)", text))
    return frozenset(known)


def is_known(date: WrittenDate, known: frozenset[str]) -> bool:
    """Whether a date, or a more exact one that it shortens, is among the known ones."""
    return any(other.startswith(date.iso) for other in known)


def _iso(match: re.Match[str]) -> str:
    parts = match.groupdict()
    month = parts["m"]
    number = (
        int(month) if month.isdigit() else next(index for index, name in enumerate(_MONTHS, 1) if name.startswith(month[:3].casefold()))
    )
    day = f"-{int(parts['d']):02}" if parts.get("d") else ""
    return f"{parts['y']}-{number:02}{day}"
