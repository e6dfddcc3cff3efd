"""Read a phrase against one dataset: features with conditions, a column, classes of a raster, or a raster of values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agent.planner.atlas import Atlas, Band, Column, Dataset
from agent.planner.clauses import Phrase
from agent.planner.frames import Condition
from agent.planner.lexicon import (
    CLASS_NOUNS,
    COVER_TERMS,
    DEPTH_NAMES,
    EDITIONS,
    FLOOD_WORDS,
    LAYER_NOUNS,
    MATTER,
    SHAPE_NOUNS,
    SOFT,
    ZONE_NOUNS,
    is_harmless,
)
from agent.planner.linking import Link, links
from agent.planner.quantities import is_part_of_name
from agent.planner.text import Token, name_lemmas, written

ReadingKind = Literal["layer", "column", "cells", "raster", "other"]
GENERIC = 0.3
"""Score of a phrase that only says `the zones`, `the raster`."""
NAMED_ENOUGH = 0.9
"""Least score of a name by which a dataset out of focus is used."""
SECOND_CHOICE = 0.05
"""How much worse a raster fits that must be made than one that is there."""
MOST_CODES = 255
"""Whole numbers above this are measurements rather than class codes."""
_YEAR = re.compile(r"(?:19|20)\d{2}")
_BRANCHES = 6
_KEPT = 4


@dataclass(frozen=True)
class Reading:
    """What a phrase means if it speaks of this dataset."""

    dataset: Dataset
    kind: ReadingKind
    score: float
    """Mean quality of its links per word, 0 to 1."""
    words: str
    """The phrase as written, without leading articles."""
    where: tuple[Condition, ...] = ()
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    band: int = 1
    is_flood: bool = False
    """Whether it means `where there is water` on a raster of depth."""
    is_named: bool = False
    """Whether the dataset itself is named."""
    is_generic: bool = False
    names_band: bool = False
    """Whether it says which band of a raster, or what only one of them has."""
    has_class_noun: bool = False
    """Whether it says `class`, `type`, …"""
    unknown: tuple[int, ...] = ()
    """Tokens that this dataset does not explain."""
    numbers_used: tuple[int, ...] = ()
    """Start tokens of the numbers that it explains."""
    partial: tuple[tuple[str, str], ...] = ()
    """(words, value) of values that were named by a part only."""

    @property
    def means_features(self) -> bool:
        """Whether it means features, or their names, which is the same."""
        return self.kind == "layer" or (self.kind == "column" and self.columns == (self.dataset.name_column,))

    @property
    def is_by_name(self) -> bool:
        """Whether it chooses features by their names."""
        return any(condition.column == self.dataset.name_column for condition in self.where)


@dataclass(frozen=True)
class _Cover:
    links: tuple[Link, ...]
    unknown: tuple[int, ...]
    soft: tuple[int, ...]
    score: float


def read_phrase(phrase: Phrase, tokens: Sequence[Token], atlas: Atlas) -> tuple[Reading, ...]:
    """Return the readings of a phrase, best first; those that leave words unexplained come last."""
    counted = {place for number in phrase.numbers if number.is_word for place in range(number.start, number.end)}
    places = [place for place in phrase.places if tokens[place].kind != "sign" and place not in counted]
    found = [reading for dataset in atlas.datasets for reading in _readings(dataset, phrase, places, tokens, atlas)]
    best: dict[tuple[object, ...], Reading] = {}
    for reading in sorted(found, key=lambda one: (len(one.unknown), -one.score)):
        best.setdefault(
            (reading.dataset.id, reading.kind, reading.where, reading.columns, reading.classes, reading.band, reading.is_flood), reading
        )
    return tuple(sorted(best.values(), key=lambda one: (len(one.unknown), -one.score, one.dataset.id, one.kind)))


def _readings(dataset: Dataset, phrase: Phrase, places: Sequence[int], tokens: Sequence[Token], atlas: Atlas) -> Iterator[Reading]:
    words = _spoken(places, phrase, tokens)
    for cover in _covers(dataset, words):
        reading = _shape(dataset, cover, words, places, phrase)
        if reading is None:
            continue
        if not atlas.is_focused(dataset) and not (reading.is_named and _names_whole(cover)):
            continue
        yield replace(reading, score=reading.score - SECOND_CHOICE) if dataset.derived else reading
    if dataset.is_raster and atlas.is_focused(dataset):
        yield from _water(dataset, words, phrase)


def _spoken(places: Sequence[int], phrase: Phrase, tokens: Sequence[Token]) -> list[Token]:
    """Return the words of a phrase; `three schools` is read as `3 schools`, and the 08 of `P-08` as a word of the name."""
    counts = {number.start: f"{number.value:g}" for number in phrase.numbers if number.is_word and number.end == number.start + 1}
    words = {place: tokens[place] for place in places}
    for place, word in words.items():
        if place in counts:
            words[place] = replace(word, kind="number", text=counts[place], word=counts[place], lemma=counts[place])
        elif word.kind == "number" and is_part_of_name(tokens, place):
            words[place] = replace(word, kind="word")
    return list(words.values())


def _names_whole(cover: _Cover) -> bool:
    return any(link.kind == "name" and link.score >= NAMED_ENOUGH for link in cover.links)


def _covers(dataset: Dataset, words: Sequence[Token]) -> list[_Cover]:
    """Return the best ways to explain the words by names of the dataset, those with the fewest unexplained words only."""
    terms = cover_terms(words)
    available = [tuple(link for link in here if not _cuts(link, terms)) for here in links(dataset, words)]
    found: list[_Cover] = []

    def walk(at: int, chosen: tuple[Link, ...], unknown: tuple[int, ...], soft: tuple[int, ...]) -> None:
        if len(found) > 400:
            return
        if at == len(words):
            found.append(_Cover(chosen, unknown, soft, _score(chosen, unknown, soft, words)))
            return
        skips = ((_is_skippable(words[at]) and not _is_other_year(dataset, words[at])) or _trails(dataset, words[at], chosen, at)) and not (
            dataset.is_vector and at in terms and not _ends_in_value(chosen, at)
        )
        here = available[at][:_BRANCHES] if not (skips and all(link.length == 1 and link.score < 0.8 for link in available[at])) else ()
        for link in here:
            walk(link.end, (*chosen, link), unknown, soft)
        if skips:
            walk(at + 1, chosen, unknown, (*soft, at))
        elif not any(link.score >= 0.5 for link in here):
            walk(at + 1, chosen, (*unknown, at), soft)

    walk(0, (), (), ())
    fewest = min((len(cover.unknown) for cover in found), default=0)
    good = sorted((cover for cover in found if len(cover.unknown) == fewest), key=lambda cover: -cover.score)
    return good[: _BRANCHES * _KEPT]


def cover_terms(words: Sequence[Token]) -> frozenset[int]:
    """Return the places of `land cover`, `land use` and the like, which say something only as a whole."""
    starts = [at for at in range(len(words) - 1) if words[at].lemma + words[at + 1].lemma in COVER_TERMS]
    return frozenset(place for at in starts for place in (at, at + 1))


def _cuts(link: Link, terms: frozenset[int]) -> bool:
    """Whether a value or class takes one word out of such a term, as `Lands` would of `land cover`."""
    return link.kind in ("value", "class") and link.length == 1 and link.start in terms


def _ends_in_value(chosen: Sequence[Link], at: int) -> bool:
    """Whether a value ends right before a place, as in `forest land cover`."""
    return bool(chosen) and chosen[-1].end == at and chosen[-1].kind in ("value", "class") and chosen[-1].length > 1


def _trails(dataset: Dataset, token: Token, chosen: Sequence[Link], at: int) -> bool:
    """Whether a noun like `soil` stands behind the kind that it belongs to, as in `clay soil`; a place has no such noun."""
    if token.lemma not in MATTER or not chosen or chosen[-1].end != at:
        return False
    link = chosen[-1]
    if link.kind == "name":
        return token.lemma in ("body", "point")
    return link.kind == "class" or (link.kind == "value" and link.column != dataset.name_column)


def _is_skippable(token: Token) -> bool:
    if token.quote:
        return False
    return is_harmless(token.word) or token.lemma in SOFT or token.kind == "number"


def _is_other_year(dataset: Dataset, token: Token) -> bool:
    """Whether a year is said that is not the one in the name of a dataset."""
    named = {part for form in dataset.name_forms for part in form if _YEAR.fullmatch(part)}
    return bool(named and _YEAR.fullmatch(token.text)) and token.text not in named


def _score(chosen: Sequence[Link], unknown: Sequence[int], soft: Sequence[int], words: Sequence[Token]) -> float:
    length = sum(link.length for link in chosen)
    idle = sum(words[at].lemma in SOFT for at in soft)
    if not length:
        return 0.0
    return sum(link.score * link.length for link in chosen) / (length + len(unknown)) + 0.01 * (length - len(chosen)) - 0.02 * idle


def _shape(dataset: Dataset, cover: _Cover, words: Sequence[Token], places: Sequence[int], phrase: Phrase) -> Reading | None:
    """Make a reading of a cover; None where its links do not go together."""
    base = Reading(
        dataset,
        "other",
        cover.score,
        _phrase_words(words),
        is_named=any(link.kind == "name" for link in cover.links),
        has_class_noun=any(words[at].lemma in CLASS_NOUNS for at in cover.soft),
        unknown=tuple(places[at] for at in cover.unknown),
    )
    if _contradicts(cover.links):
        return None
    if not cover.links:
        return _numbered_class(base, cover, words, places) or _generic(base, cover, words, phrase)
    if dataset.is_raster:
        return _raster_reading(base, cover, words, places)
    if dataset.is_vector:
        return _vector_reading(base, cover, words, places)
    return base if base.is_named and not base.unknown else None


def _contradicts(found: Sequence[Link]) -> bool:
    """Whether words of one phrase name two values of one column, or two classes: `East Ford` is neither East nor Ford."""
    named = {(link.kind, link.column, link.band, str(link.value)) for link in found if link.kind in ("value", "class")}
    return len({one[:3] for one in named}) < len(named)


def _phrase_words(words: Sequence[Token]) -> str:
    first = next((at for at, token in enumerate(words) if token.kind != "number" and token.word not in _ARTICLES), 0)
    end = len(words)
    while end - first > 1 and words[end - 1].kind == "word" and words[end - 1].word.islower() and words[end - 1].text in _VERBS:
        end -= 1
    return written(words[first:end])


_VERBS = frozenset("lies lie lying is are was were located situated fall falls exist exists there have has do does".split())


_ARTICLES = frozenset("a an the all any some its their my our these those there is are each every both total".split())


def _generic(base: Reading, cover: _Cover, words: Sequence[Token], phrase: Phrase) -> Reading | None:
    """Read `each zone`, `the raster`, `by class`."""
    shapes = {SHAPE_NOUNS[token.lemma] for token in words if token.lemma in SHAPE_NOUNS}
    if base.dataset.is_vector and shapes == {base.dataset.geometry} and len(cover.unknown) <= 1:
        return replace(base, kind="layer", score=GENERIC, is_generic=True, unknown=())
    nouns = {words[at].lemma for at in cover.soft if words[at].lemma in SOFT - EDITIONS}
    if not nouns or base.unknown or (phrase.numbers and nouns <= CLASS_NOUNS):
        return None
    generic = replace(base, score=GENERIC, is_generic=True)
    if cover_terms(words):
        is_cover = base.dataset.is_raster and base.dataset.bands[0].is_categorical
        return replace(generic, kind="raster", is_generic=False, has_class_noun=True) if is_cover else None
    if base.dataset.is_raster and nouns & (LAYER_NOUNS | CLASS_NOUNS):
        return replace(generic, kind="raster")
    if base.dataset.is_vector and nouns & (LAYER_NOUNS | ZONE_NOUNS):
        return replace(generic, kind="layer")
    return None


def _raster_reading(base: Reading, cover: _Cover, words: Sequence[Token], places: Sequence[int]) -> Reading | None:
    bands = [link for link in cover.links if link.kind == "band"]
    classes = [link for link in cover.links if link.kind == "class"]
    band = next((link.band for link in (*bands, *classes)), 1)
    base = replace(base, names_band=bool(bands or classes) or len(base.dataset.bands) == 1)
    used = tuple(places[at] for link in cover.links for at in range(link.start, link.end) if words[at].kind == "number")
    if classes:
        labels = tuple(dict.fromkeys(str(link.value) for link in classes))
        partial = tuple((written(words[link.start : link.end]), str(link.value)) for link in classes if link.score < 0.8)
        return replace(base, kind="cells", classes=labels, band=band, numbers_used=used, partial=partial)
    coded = _class_number(base.dataset.band(band), words, cover)
    if coded is not None:
        return replace(base, kind="cells", classes=(words[coded].text,), band=band, numbers_used=(*used, places[coded]))
    return replace(base, kind="raster", band=band, numbers_used=used)


def _numbered_class(base: Reading, cover: _Cover, words: Sequence[Token], places: Sequence[int]) -> Reading | None:
    """Read a bare `class 3` as a class of a raster without named classes."""
    band = base.dataset.bands[0] if base.dataset.is_raster and not base.unknown else None
    coded = _class_number(band, words, cover) if band else None
    if band is None or coded is None:
        return None
    score = 0.8 if (band.maximum or 0) > MOST_CODES else 0.85
    return replace(base, kind="cells", score=score, classes=(words[coded].text,), numbers_used=(places[coded],))


def _class_number(band: Band, words: Sequence[Token], cover: _Cover) -> int | None:
    """Return where a bare class number stands, as in `class 3`, for a band whose classes have no names."""
    if band.classes or band.value_kind == "continuous":
        return None
    spots = [at for at in cover.soft if words[at].kind == "number" and at and words[at - 1].lemma in CLASS_NOUNS | {"value", "code"}]
    return spots[0] if spots and _is_within(words[spots[0]].value, band) else None


def _is_within(value: float, band: Band) -> bool:
    return (band.minimum is None or value >= band.minimum) and (band.maximum is None or value <= band.maximum)


def _vector_reading(base: Reading, cover: _Cover, words: Sequence[Token], places: Sequence[int]) -> Reading | None:
    named = [link for link in cover.links if link.kind == "value"]
    columns = [link for link in cover.links if link.kind == "column"]
    where = _conditions([link for link in named if not _is_constant(base.dataset, link)])
    free: list[str] = []
    used: list[int] = [places[at] for link in cover.links for at in range(link.start, link.end) if words[at].kind == "number"]
    for link in columns:
        column = base.dataset.column(link.column or "")
        if column is None or any(condition.column == column.name for condition in where):
            continue
        test, number = _own_test(column, link, words, cover)
        where += (test,) if test else ()
        used += [places[number]] if number is not None else []
        free += [] if test else [column.name]
    partial = tuple((written(words[link.start : link.end]), str(link.value)) for link in named if link.score < 0.8)
    kind: ReadingKind = "column" if free else "layer"
    return replace(base, kind=kind, where=where, columns=tuple(dict.fromkeys(free)), numbers_used=tuple(used), partial=partial)


def _is_constant(dataset: Dataset, link: Link) -> bool:
    """Whether every feature has the value, so that naming it selects nothing."""
    column = dataset.column(link.column or "")
    return column is not None and column.is_constant


def _conditions(named: Sequence[Link]) -> tuple[Condition, ...]:
    values: dict[str, list[object]] = {}
    for link in named:
        values.setdefault(link.column or "", []).append(link.value)
    return tuple(
        Condition(column, "=", held[0]) if len(set(held)) == 1 else Condition(column, "in", tuple(dict.fromkeys(held)))
        for column, held in values.items()
    )


def _own_test(column: Column, link: Link, words: Sequence[Token], cover: _Cover) -> tuple[Condition | None, int | None]:
    """Read `magnitude 7`, `grade 3` as an equality, and a yes/no column as true."""
    if column.type == "boolean":
        return Condition(column.name, "=", True), None
    after = link.end
    if column.is_numeric and after < len(words) and after in cover.soft and words[after].kind == "number":
        return Condition(column.name, "=", _number(words[after].value)), after
    return None, None


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def is_depth(dataset: Dataset) -> bool:
    """Whether a raster of values is named like a depth of water."""
    if not dataset.is_raster or dataset.bands[0].is_categorical:
        return False
    parts = {part for form in dataset.name_forms for part in form} | {part for name in dataset.bands[0].names for part in name_lemmas(name)}
    if parts & {"soil", "snow", "table", "groundwater", "rooting", "ice", "bedrock"}:
        return False
    return bool(parts & (DEPTH_NAMES - {"depth"}) or ("water" in parts and parts & {"depth", "level"}) or parts == {"depth"})


def _water(dataset: Dataset, words: Sequence[Token], phrase: Phrase) -> Iterator[Reading]:
    """Read `flooded`, `under water` as depth above zero, or as the class of that name."""
    telling = [at for at, token in enumerate(words) if not _is_skippable(token)]
    lemmas = [words[at].lemma for at in telling]
    base = Reading(dataset, "cells", 0.9, _phrase_words(words))
    if is_depth(dataset):
        if lemmas and all(lemma in FLOOD_WORDS for lemma in lemmas):
            is_deep = phrase.superlative is not None and phrase.superlative.adjective in ("depth", "height")
            yield replace(base, kind="raster") if is_deep else replace(base, is_flood=True)
        elif lemmas == ["water"]:
            kind: ReadingKind = "cells" if phrase.role in ("in", "agent") else "raster"
            yield replace(base, kind=kind, score=0.7, is_flood=True)
    for band in dataset.bands if any(lemma in FLOOD_WORDS for lemma in lemmas) and len(lemmas) == 1 else ():
        flood = [label for label in band.classes.values() if set(name_lemmas(label)) & FLOOD_WORDS]
        about_water = any(set(form) & FLOOD_WORDS for form in dataset.name_forms)
        wet = flood or [label for label in band.classes.values() if about_water and "water" in name_lemmas(label)]
        if len(wet) == 1:
            yield replace(base, classes=(wet[0],), band=band.index, score=0.88)
