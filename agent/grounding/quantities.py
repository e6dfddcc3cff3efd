"""Read what quantity a fact's name means, which quantity a text speaks of, and whether the two agree.

A fact's name is taken apart into statistics (mean, max, …) and the thing that is measured: an area, a share, a count, a
column, or the values of a raster. Words of the text name statistics ("on average") and things ("area", "population").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from agent.grounding.subjects import Mention, words_of

_AT_END = r"(?=\s*(?:[\[.,;)]|and\b|$))"
"""`8 km at most` states a maximum; `at most 8 km` is a condition."""
_STATISTICS: dict[str, str] = {
    "mean": r"mean|averag(?:e[sd]?|ing)|avg\.?",
    "median": r"median",
    "max": rf"max(?:imum|ima|imal)?\.?|at (?:the )?most{_AT_END}",
    "min": rf"min(?:imum|ima|imal)?\.?|at (?:the )?least{_AT_END}",
    "std": r"standard deviations?|std(?:ev|\.?\s?dev)?\.?|sd",
    "sum": r"sum(?:s|med)?|total(?:s|led|ling)?",
    "range": r"range(?=\s(?:of|is|was|\())",
    "majority": r"majority|most (?:common|frequent) (?:value|class)|dominant",
    "minority": r"minority|rarest|least (?:common|frequent) (?:value|class)",
    "variety": r"variety|(?:distinct|different|unique) values",
}
_RANKS: dict[str, str] = {
    "max": r"highest|deepest|peak|tallest|hottest|warmest|steepest|wettest",
    "min": r"lowest|shallowest|coldest|flattest|driest",
}
_PERCENTILE = re.compile(
    r"\b(?:p(?P<p>\d{1,2})|(?P<n>\d{1,2})(?:st|nd|rd|th)[\s-]percentiles?|percentile\s(?P<b>\d{1,2}))\b", re.IGNORECASE
)
_RANK_MARK = "~"
"""Put before a statistic that only a superlative names: "highest" may also rank means or areas."""

_THINGS: dict[str, str] = {
    "area": r"areas?|cover(?:s|ed|ing|age)?|surface|extent|size",
    "share": r"shares?|per\s?cent(?:age)?s?|proportions?|fractions?",
    "count": r"counts?|numbers?|how many",
    "length": r"lengths?|long|longest|shortest",
    "length_3d": r"lengths?|long|longest|shortest",
    "distance": r"distances?|away|far|farthest|nearest|closest",
    "perimeter": r"perimeters?|circumferences?",
    "changed": r"chang\w+|repair\w*|mend\w*|fix\w*|correct\w*|turned|rewound|tidied|unified",
    "removed": r"remov\w+|dropp\w+|delet\w+|discard\w+|left out|taken out",
    "added": r"added|split off",
}
_OUT_OF = r"(?:out of|of (?:the|all|its|their|a total of))(?=[\s*]+\d)"
_SIDE_FACTS: dict[str, str] = {
    "valid_share": r"valid\w*|no-?\s?data|data|cover\w*|observed|usable|measured|pixels?|raster",
    "valid_area": r"valid\w*|no-?\s?data|data|observed|usable|pixels?",
    "zone_area": rf"zones?|whole|entire|total|size|extent|altogether|in all|{_OUT_OF}",
    "sum of feature areas": r"sum\w*|features?|each|overlap\w*|individual\w*|twice|added",
    "features before": r"before|original\w*|features?|instead of|had|all|total|(?:out )?of(?=(?: the)?[\s*]+\d)",
    "features after": r"after\w*|left|remain\w*|result\w*|clean\w*|kept|keeps?|now|instead",
    "vertices before": r"vertex|vertices|points",
    "vertices after": r"vertex|vertices|points",
    "boundary_uncertainty": r"uncertain\w*|boundar\w*|outlines?|edges?|half a pixel",
    "adjusted_area": r"adjust\w*|correct\w*|errors? of the map|map errors?",
    "margin_95": r"margins?|intervals?|confidence|95\s?%",
    "overall_accuracy": r"accura\w*",
    "pixel_size": r"pixels?|resolution",
    "features searched": r"searched|examined|checked|among|of the|out of|all|layer",
    "null_share": r"null|empty|missing|gaps?",
    "null_geometries": r"null|empty|missing|without",
    "invalid_geometries": r"invalid|broken|repaired",
}
"""Facts that accompany a result: each counts only where the text names it."""
MARGINS = frozenset({"boundary_uncertainty", "margin_95"})
"""Facts that say how far another may be off, as `± 3 ha` does; two digits of them are enough."""
_INPUT = re.compile(r"(?:layer|other) (?:area|length|count)")
_INPUT_WORDS = rf"layer|total|whole|entire|all|altogether|other|{_OUT_OF}"
"""The same for the size of a whole input, of which the result is a part."""

_RIVALS = (frozenset({"length", "distance", "perimeter"}), frozenset({"area", "perimeter"}))
_ADDITIVE = frozenset({"area", "count", "length"})
_DULL_WORDS = frozenset("area length name id est code type value total sum mean avg average max min count m2 km2 shape the of per".split())
_PREFIX = 3
"""`pop` of a column is found in `population`, but not `p`."""


@dataclass(frozen=True)
class Quantity:
    """What a fact's name means."""

    name: str
    statistics: frozenset[str]
    thing: str
    """`area`, `count`, …, the name of a column, or `value` for what the pixels of a raster hold."""

    @property
    def is_side_fact(self) -> bool:
        """Whether the fact only accompanies a result."""
        return bool(_side_words(self.name))


@dataclass(frozen=True)
class Spoken:
    """What a text says about the quantity of one number."""

    statistics: frozenset[str] = frozenset()
    ranks: frozenset[str] = frozenset()
    """Statistics that only a superlative names."""
    things: frozenset[str] = frozenset()
    text: str = ""
    """All text that speaks for the number."""
    asked: frozenset[str] = frozenset()
    """Statistics that the question names; they settle what the answer leaves open."""
    counted: bool = False
    """Whether a noun follows the number, as in `12 clinics`."""


@lru_cache(maxsize=4096)
def quantity_of(name: str) -> Quantity:
    """Take a fact's name apart: `sum of population` is the sum of the column, `p90` a percentile of the values."""
    head, of, column = name.partition(" of ")
    spoken = statistics_in(name.replace("_", " "))
    statistics = frozenset(mention.value.removeprefix(_RANK_MARK) for mention in spoken)
    if _side_words(name) or not statistics:
        return Quantity(name, statistics, name)
    if of and any(mention.end <= len(head) for mention in spoken):
        return Quantity(name, statistics, column)
    alone = len(spoken) == 1 and (spoken[0].start, spoken[0].end) == (0, len(name))
    return Quantity(name, statistics, "value" if alone else name)


@lru_cache(maxsize=1024)
def statistics_in(text: str) -> tuple[Mention, ...]:
    """Return the statistics that a text names; those of superlatives are marked."""
    found = [Mention(m.start(), m.end(), f"p{int(m['p'] or m['n'] or m['b'])}") for m in _PERCENTILE.finditer(text)]
    for table, mark in ((_STATISTICS, ""), (_RANKS, _RANK_MARK)):
        found += [Mention(m.start(), m.end(), mark + tag) for tag, words in table.items() for m in _pattern(words).finditer(text)]
    return tuple(sorted(found, key=lambda mention: mention.start))


def split_ranks(values: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Split statistics into those that are named outright and those that only a superlative names."""
    outright = frozenset(value for value in values if not value.startswith(_RANK_MARK))
    return outright, frozenset(value.removeprefix(_RANK_MARK) for value in values if value.startswith(_RANK_MARK))


def things_in(text: str, columns: Collection[str]) -> list[Mention]:
    """Return the measured things that a text names: areas, shares, counts, …, and these columns."""
    found = [Mention(m.start(), m.end(), thing) for thing, words in _THINGS.items() for m in _pattern(words).finditer(text)]
    for column in columns:
        found += [Mention(start, end, column) for start, end in _places_of_column(text, column)]
    named = [mention for mention in found if mention.value in columns]
    plain = [m for m in found if m.value not in columns and not any(n.start < m.end and m.start < n.end for n in named)]
    return sorted([*named, *plain], key=lambda mention: mention.start)


def is_column(thing: str) -> bool:
    """Whether a thing is not one of the tools' own quantities."""
    return thing not in _THINGS and thing != "value" and not _side_words(thing)


_CHANGED_BY = re.compile(
    r"\b(?:chang|grew|grow|shrank|shrunk|shrink|increas|decreas|rose|risen|fell|fallen|declin|dropp)\w*\s+by\b", re.IGNORECASE
)
"""By how much something changed, whatever is said to have changed."""


def disagreement(fact: Quantity, spoken: Spoken, beside: Iterable[Quantity]) -> str:
    """Return why a text does not speak of a fact's quantity; empty where it does.

    `beside` are the other facts about the same subject and in the same dimension, between which the text has to choose.
    """
    others = [other for other in beside if other.name != fact.name]
    return _statistics_differ(fact, spoken, others) or _side_fact_unnamed(fact, spoken) or _things_differ(fact, spoken, others)


def _statistics_differ(fact: Quantity, spoken: Spoken, others: Collection[Quantity]) -> str:
    if spoken.statistics:
        additive = "sum" in spoken.statistics and (fact.thing in _ADDITIVE or is_column(fact.thing)) and not fact.statistics
        if not fact.statistics & spoken.statistics and not additive:
            return f"the text says {_listed(spoken.statistics)}, the fact is {fact.name!r}"
        return ""
    if fact.statistics == {"sum"} and not spoken.ranks:
        return ""  # "the population is 12,000" speaks of the sum, unless it says otherwise
    rivals = [other for other in others if other.thing == fact.thing and other.statistics and not other.is_side_fact]
    if spoken.ranks and not fact.statistics & spoken.ranks and any(other.statistics & spoken.ranks for other in rivals):
        return f"the text says {_listed(spoken.ranks)}, the fact is {fact.name!r}"
    if not rivals or not fact.statistics or fact.statistics & (spoken.ranks | spoken.asked):
        return ""
    return f"the text does not say which statistic it is: {_listed({fact.name, *(other.name for other in rivals)})}"


def _side_fact_unnamed(fact: Quantity, spoken: Spoken) -> str:
    words = _side_words(fact.name)
    if not words or _pattern(words).search(spoken.text) or (fact.name in MARGINS and "±" in spoken.text):
        return ""
    return f"it equals {fact.name!r}, which the text does not speak of"


def _side_words(name: str) -> str:
    """Return the words by which a text names a fact that accompanies a result; empty for any other fact."""
    return _SIDE_FACTS.get(name) or (_INPUT_WORDS if _INPUT.fullmatch(name) else "")


def _things_differ(fact: Quantity, spoken: Spoken, others: Collection[Quantity]) -> str:
    if fact.is_side_fact or fact.thing in spoken.things:
        return ""
    if fact.name == "net change" and _CHANGED_BY.search(spoken.text):
        return ""
    alike = [other for other in others if not spoken.statistics or other.statistics == fact.statistics]
    rivals = {other.thing for other in alike if not other.is_side_fact and other.thing != fact.thing}
    excluded = {thing for group in _RIVALS if fact.thing in group for thing in group}
    if is_column(fact.thing) and not others:
        excluded |= {"count"} if spoken.things == {"count"} else set()
    if named := spoken.things & (rivals | excluded):
        return f"the text speaks of {_listed(named)}, the fact is {fact.name!r}"
    if rivals and not (fact.thing == "count" and spoken.counted):
        return f"the text does not say which quantity it is: {_listed({fact.thing, *rivals})}"
    return ""


def _places_of_column(text: str, column: str) -> list[tuple[int, int]]:
    """Return where a text names a column: by all its words, or by one that tells, also as the start of a longer word."""
    words = [word for word in words_of(column) if len(word) >= _PREFIX and not word.isdigit() and word not in _DULL_WORDS]
    whole = r"[\W_]+".join(re.escape(word) + r"(?:e?s)?" for word in words_of(column))
    places = [match.span() for match in re.finditer(rf"(?<!\w){whole}(?!\w)", text, re.IGNORECASE)] if whole else []
    if not places and words:
        places = [match.span() for match in re.finditer(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})\w*", text, re.IGNORECASE)]
    return places


@lru_cache(maxsize=256)
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w])(?:{words})(?!\w)", re.IGNORECASE)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
