"""Find the digits of a text that are no statements: citations, names, codes, known dates, quotations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from agent.grounding.citations import citations_in
from agent.grounding.dates import WrittenDate, bare_years, full_dates, is_known, known_dates
from agent.grounding.subjects import Mention
from agent.grounding.written_units import read_unit

_CODES = (
    re.compile(r"https?://\S+"),
    re.compile(r"\ba:[0-9a-f]{8,64}(?:#facts/\d+)?"),
    re.compile(r"\b(?:EPSG|ESRI|OGC|IGNF|IAU_2015|SRID)\s?:?\s?\d+", re.IGNORECASE),
    re.compile(r"\b(?:WGS|NAD|ETRS|GRS|GDA|NZGD|UTM(?:\szone)?)\s?-?\d+[A-Z]?\b"),
    re.compile(r"\b(?:Sentinel|Landsat|GOES|NOAA|Envisat|SPOT|MODIS|ERS|ALOS)[\s-]\d+[A-D]?\b", re.IGNORECASE),
    re.compile(
        r"\b95\s?(?:%|percent|per cent)(?=[\s-]+(?:confidence|interval|margin|CI\b))", re.IGNORECASE
    ),  # which interval, not how much
    re.compile(r"\b(?=[\d_-]*[^\W\d_])[\w-]+\.(?=[A-Za-z]\w{1,7}\b)\w+"),
    re.compile(r"\b(?:band|figure|fig\.|table|step|option|version|page|section|chapter)\s\d+\b(?!\s?[%°]|[.,]\d)", re.IGNORECASE),
)
_QUOTED = re.compile(r"\"([^\"\n]+)\"|“([^”\n]+)”|‘([^’\n]+)’|`([^`\n]+)`|(?<!\w)'([^'\n]+)'(?!\w)")
_HYPHENED = re.compile(r"(?<![\w.,])\d+-[^\W\d_]+(?:-[^\W\d_]+)*")
_LIMITED = re.compile(r"\b(?P<name>[A-Z][A-Z0-9_]{2,})\s?(?P<sign>>|<|above|below)\s?(?P<limit>-?\d+(?:\.\d+)?)(?![\d.,]*\d|\s?%)")
"""A limit of an index, as results write it: `MNDWI above 0`."""
_SIGNS = {">": "above", "<": "below"}
_NAME_NUMBER = re.compile(r"(?<!\w)([A-ZÀ-Þ][^\W\d_]+)\s(\d+)\b(?![.,]\d)")


@dataclass(frozen=True)
class Known:
    """What stands in the question and in the results, so that repeating it states nothing new."""

    question: str
    whole: str
    """All of it."""
    dates: frozenset[str]

    @staticmethod
    def from_texts(question: str, texts: Iterable[str], dated: Iterable[str] = ()) -> Known:
        """Gather the question and the texts of the results, and further texts of which only the dates count."""
        whole = [question, *texts]
        return Known(question, "\n".join(whole), known_dates([*whole, *dated]))

    @cached_property
    def text(self) -> str:
        """All of it, in lower case."""
        return self.whole.casefold()


def masked_spans(text: str, mentions: Sequence[Mention], known: Known) -> tuple[list[tuple[int, int]], list[WrittenDate]]:
    """Return the spans whose digits state nothing, and the dates that stand neither in the question nor in a result."""
    spans = [(citation.start, citation.end) for citation in citations_in(text)]
    spans += [(mention.start, mention.end) for mention in mentions]
    spans += [match.span() for pattern in _CODES for match in pattern.finditer(text) if read_unit(text, match.end())[0] is None]
    dates = [date for date in full_dates(text) if not any(start < date.end and date.start < end for start, end in spans)]
    # `July 2020` of the question within `31 July 2020` is no name that hides the day.
    spans += [span for span in _verbatim(text, known) if not any(date.start < span[1] and span[0] < date.end for date in dates)]
    spans += [(date.start, date.end) for date in (*dates, *bare_years(text, dates)) if is_known(date, known.dates)]
    unknown = [date for date in dates if not is_known(date, known.dates)]
    return [*spans, *((date.start, date.end) for date in unknown)], unknown


def _verbatim(text: str, known: Known) -> list[tuple[int, int]]:
    """Return quotations, compounds (`100-year`) and numbered names (`Route 9`) that stand so in the question or the results.

    A number with a unit states something even in quotes.
    """
    found = []
    for match in _QUOTED.finditer(text):
        inner = next(group for group in match.groups() if group is not None)
        if re.search(r"[^\W\d_]", inner) and inner.casefold() in known.text and not _has_quantity(inner):
            found.append(match.span())
    found += [
        m.span()
        for m in _HYPHENED.finditer(text)
        if read_unit(text, m.start() + m.group().index("-"))[0] is None and m.group().casefold() in known.text
    ]
    found += [m.span("limit") for m in _LIMITED.finditer(text) if _limit(m) in {_limit(told) for told in _LIMITED.finditer(known.whole)}]
    found += [m.span() for m in _NAME_NUMBER.finditer(text) if m.group() in known.question and read_unit(text, m.end())[0] is None]
    return found


def _limit(match: re.Match[str]) -> tuple[str, str, float]:
    return match["name"], _SIGNS.get(match["sign"], match["sign"]), float(match["limit"])


def _has_quantity(text: str) -> bool:
    return any(read_unit(text, match.end())[0] for match in re.finditer(r"\d", text))
