"""Link words of a question to what one dataset has: its name, columns, values, bands and classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from agent.planner.atlas import Band, Column, Dataset, informative, without_code
from agent.planner.lexicon import CONTINENTS, COVER_TERMS, FLOOD_WORDS, SOFT, VAGUE, abbreviates, are_synonyms
from agent.planner.text import Token, name_lemmas

LinkKind = Literal["name", "column", "value", "class", "band"]

LONGEST = 7
"""Most tokens that one link spans."""
COMMON_WORD = 0.7
"""Score of a word that stands in every value of a column."""
TERM = 0.8
"""Coverage that is granted where several words of a dataset's name are given as they stand in it."""
EXACT, CODELESS, SYNONYM, CLIPPED, PARTIAL_VALUE = 1.0, 0.97, 0.85, 0.8, 0.55


@dataclass(frozen=True)
class Link:
    """A run of tokens that names something of a dataset."""

    start: int
    """Position of the first token in the sequence that was searched."""
    end: int
    kind: LinkKind
    score: float
    """1 = the whole name, as written; less for parts, synonyms and abbreviations."""
    column: str | None = None
    value: Any = None  # Any: JSON scalar
    band: int = 1

    @property
    def length(self) -> int:
        """How many tokens it covers."""
        return self.end - self.start


@dataclass(frozen=True)
class _Target:
    """Something that can be named, by its whole form or by parts of it."""

    kind: LinkKind
    form: tuple[str, ...]
    column: str | None = None
    value: Any = None  # Any: JSON scalar
    band: int = 1
    penalty: float = 0.0
    whole_only: bool = False
    """Whether parts of the form say nothing, as in `class 3`."""


def joined(words: Sequence[str]) -> str:
    """Write words as one, so that `land use`, `land-use` and `landuse` are equal."""
    return "".join(char for word in words for char in word if char.isalnum())


def word_score(token: Token, part: str) -> float:
    """Tell how well one word of a question names one part of a name; 0 = not at all."""
    lemma = token.lemma
    if part in (lemma, token.word):
        return EXACT
    if lemma.endswith("ed") and len(lemma) > 5 and part in (lemma[:-2], lemma[:-1]):
        return 0.9
    if token.kind != "word":
        return 0.0
    if are_synonyms(lemma, part) or (lemma in FLOOD_WORDS and part in FLOOD_WORDS):
        return SYNONYM
    is_participle = lemma.endswith("ed")  # `populated places` have no column POP in mind
    return CLIPPED if abbreviates(part, lemma) and not is_participle else 0.0


def links(dataset: Dataset, tokens: Sequence[Token]) -> tuple[tuple[Link, ...], ...]:
    """Return, for each position, the links of the dataset that start there; at most the best of each kind and length."""
    index = _index(dataset)
    found: list[tuple[Link, ...]] = []
    for start in range(len(tokens)):
        here = [*_whole_links(index, tokens, start), *_partial_links(index, tokens, start)]
        telling = [link for link in here if not _is_beside_the_point(dataset, link, tokens[link.start : link.end])]
        found.append(_best(list(_without_common_words(dataset, telling))))
    return tuple(found)


def _without_common_words(dataset: Dataset, found: Sequence[Link]) -> Iterator[Link]:
    """Take a word that stands in every value of a column for the features themselves: buildings of residential and other buildings."""
    values: dict[tuple[int, str | None], set[object]] = {}
    for link in found:
        if link.kind == "value":
            values.setdefault((link.end, link.column), set()).add(link.value)
    for link in found:
        column = dataset.column(link.column or "") if link.kind == "value" else None
        if (
            column
            and column.name != dataset.name_column
            and column.is_complete
            and len(values[link.end, link.column]) == column.distinct > 1
        ):
            yield Link(link.start, link.end, "name", COMMON_WORD)
        else:
            yield link


def _is_beside_the_point(dataset: Dataset, link: Link, span: Sequence[Token]) -> bool:
    """Tell whether a link takes a word for what it does not say: the layer's noun for a value, a vague noun for a dataset."""
    if link.kind == "name":
        is_term = joined([token.lemma for token in span]) in COVER_TERMS
        return link.score < EXACT and all(token.lemma in VAGUE for token in span) and not is_term
    if link.kind in ("value", "class") and len(span) == 1 and len(span[0].word) == 1 and not span[0].capital and span[0].kind == "word":
        return True  # the article of `a height` is no code
    return link.kind == "value" and _names_layer(dataset, span)


def _names_layer(dataset: Dataset, span: Sequence[Token]) -> bool:
    """Tell whether words are the noun by which the layer itself is known, so that they select none of its features.

    `countries` means all of a layer of countries, also where some of its features have the type `Country`.
    """
    spelling = [token.lemma for token in span]
    core = [lemma for lemma in spelling if lemma not in SOFT]
    for form in dataset.name_forms:
        telling = informative(form)
        if any(len(words) > 1 and joined(words) in joined(telling) for words in (core, spelling)):
            return True
        if (
            len(span) == 1
            and telling
            and telling[-1] == span[0].lemma
            and (span[0].word != span[0].lemma or dataset.is_plural(span[0].lemma))
        ):
            return True
    return False


@dataclass(frozen=True)
class _Index:
    """What one dataset has, by whole spelling and by part."""

    whole: dict[str, tuple[tuple[_Target, float], ...]]
    names: tuple[_Target, ...]
    """Names of the dataset and its columns: few, and matched by synonyms and abbreviations too."""
    labels: dict[str, tuple[_Target, ...]]
    """Part of a value or class label → what it stands in: many, and matched literally."""


@lru_cache(maxsize=512)
def _index_of(targets: tuple[_Target, ...]) -> _Index:
    whole: dict[str, list[tuple[_Target, float]]] = {}
    labels: dict[str, list[_Target]] = {}
    for target in targets:
        forms = {joined(target.form), joined(informative(target.form)) if target.kind in ("name", "column") else ""}
        for form in sorted(forms - {""}):
            in_full = target.kind == "column" and form == joined(target.form)
            whole.setdefault(form, []).append((target, EXACT if in_full else EXACT - target.penalty))
        for part in dict.fromkeys(target.form) if target.kind in ("value", "class") and not target.whole_only else ():
            labels.setdefault(part, []).append(target)
    return _Index(
        {form: tuple(entries) for form, entries in whole.items()},
        tuple(target for target in targets if target.kind in ("name", "column")),
        {part: tuple(entries) for part, entries in labels.items()},
    )


def _index(dataset: Dataset) -> _Index:
    return _index_of(tuple(_targets(dataset)))


def _targets(dataset: Dataset) -> Iterator[_Target]:
    for form in dataset.name_forms:
        yield _Target("name", form)
    for column in dataset.columns:
        yield _Target("column", name_lemmas(column.name), column.name, penalty=0.1 if column.is_meta else 0.0)
    has_continents = any("continent" in column.parts for column in dataset.columns)
    for name, value in dataset.text_values:
        elsewhere = has_continents and joined(name_lemmas(str(value))) in CONTINENTS and "continent" not in name_lemmas(name)
        yield from _value_targets(name, value, penalty=0.15 if elsewhere else 0.0)
    for band in dataset.bands:
        yield from _band_targets(band)


def _value_targets(column: str, value: object, *, penalty: float) -> Iterator[_Target]:
    text = str(value)
    yield _Target("value", name_lemmas(text), column, value, penalty=penalty)
    bare = without_code(text)
    if bare != text:
        yield _Target("value", name_lemmas(bare), column, value, penalty=EXACT - CODELESS)


def _band_targets(band: Band) -> Iterator[_Target]:
    for name in band.names:
        yield _Target("band", name_lemmas(name), band=band.index)
    yield _Target("band", ("band", str(band.index)), band=band.index)
    for value, label in band.classes.items():
        yield _Target("class", name_lemmas(label), value=label, band=band.index)
        if label != value:
            bare = without_code(label)
            yield _Target("class", name_lemmas(bare), value=label, band=band.index, penalty=EXACT - CODELESS)
        yield _Target("class", ("class", *name_lemmas(value)), value=label, band=band.index, whole_only=True)


def _whole_links(index: _Index, tokens: Sequence[Token], start: int) -> Iterator[Link]:
    for end in range(start + 1, min(len(tokens), start + LONGEST) + 1):
        span = tokens[start:end]
        lemma = tokens[end - 1].lemma
        spellings = {joined([token.lemma for token in span]): 0.0, joined([token.word for token in span]): 0.0}
        if len(span) == 1 and lemma in FLOOD_WORDS:
            spellings.setdefault("flood", 0.05)
        if lemma.endswith("ed") and len(lemma) > 5:
            spellings[joined([*(token.lemma for token in span[:-1]), lemma[:-2]])] = 0.05
        for spelling, loss in spellings.items():
            for target, score in index.whole.get(spelling, ()):
                if _is_plain_number(span) or (len(spelling) == 1 and not span[0].capital):
                    continue
                yield _link(target, start, end, score - loss)


def _is_plain_number(span: Sequence[Token]) -> bool:
    return all(token.kind == "number" for token in span)


def _link(target: _Target, start: int, end: int, score: float) -> Link:
    return Link(start, end, target.kind, score, target.column, target.value, target.band)


def _partial_links(index: _Index, tokens: Sequence[Token], start: int) -> Iterator[Link]:
    spellings = {tokens[start].lemma, tokens[start].word, tokens[start].lemma.removesuffix("ed")}
    labels = dict.fromkeys(target for spelling in sorted(spellings) for target in index.labels.get(spelling, ()))
    for target in (*index.names, *labels):
        yield from _partial(target, tokens, start)


def _partial(target: _Target, tokens: Sequence[Token], start: int) -> Iterator[Link]:
    """Yield links by some parts of a name: every token must name another part."""
    parts = list(target.form)
    telling = _telling(target)
    total = len(telling)
    matched: list[float] = []
    end = start
    while end < len(tokens) and (step := _take(parts, tokens[end : end + 2], strict=target.kind in ("value", "class"))):
        width, taken, score = step
        end += width
        matched += [score] * width
        parts = [part for part in parts if part not in taken]
        telling -= taken
        if len(telling) < total:
            yield _link(target, start, end, _partial_score(target, matched, 1 - len(telling) / total))


def _telling(target: _Target) -> set[str]:
    """Return the parts that must be named for the whole to be named: of a value all but joints, as New Lake is not Lake."""
    if target.kind in ("value", "class"):
        return set(target.form) - {"the", "of", "and", "in"} or set(target.form)
    return set(informative(target.form) or target.form)


def _take(parts: Sequence[str], ahead: Sequence[Token], *, strict: bool) -> tuple[int, set[str], float] | None:
    """Match the next one or two tokens; return how many were used, the parts that they name, and how well."""
    both = joined([token.lemma for token in ahead]) if len(ahead) == 2 else ""
    token = ahead[0]
    if both in parts:
        return 2, {both}, EXACT
    if both and not strict and token.lemma not in parts:
        alike = next((part for part in parts if are_synonyms(both, part)), None)
        if alike:
            return 2, {alike}, SYNONYM
    for one, two in pairwise(parts):
        if token.lemma == one + two:
            return 1, {one, two}, EXACT
    score, part = max(((word_score(token, part), part) for part in parts), default=(0.0, ""))
    return (1, {part}, score) if score >= (0.9 if strict else 0.1) else None


def _partial_score(target: _Target, matched: Sequence[float], coverage: float) -> float:
    quality = sum(matched) / len(matched)
    if target.kind in ("value", "class"):
        return quality - target.penalty if coverage == 1 else PARTIAL_VALUE * coverage if coverage >= 0.3 else 0.0
    if target.kind == "name" and len(matched) > 1 and quality == EXACT:
        coverage = max(coverage, TERM)
    return round(quality * (0.7 + 0.3 * coverage) - target.penalty, 6)


def _best(found: Sequence[Link]) -> tuple[Link, ...]:
    """Keep the best link per span and thing named, best first; drop weak parts of values where a whole one is there."""
    best: dict[tuple[object, ...], Link] = {}
    for link in found:
        key = (link.end, link.kind, link.column, str(link.value), link.band)
        if link.score > 0 and (key not in best or best[key].score < link.score):
            best[key] = link
    whole = {link.end for link in best.values() if link.kind in ("value", "class") and link.score > 0.8}
    kept = [link for link in best.values() if link.kind not in ("value", "class") or link.score > 0.8 or link.end not in whole]
    fullest: dict[tuple[object, ...], float] = {}
    for link in kept:
        fullest[link.end, link.kind, link.column, link.band] = max(
            fullest.get((link.end, link.kind, link.column, link.band), 0.0), link.score
        )
    kept = [
        link for link in kept if link.kind not in ("value", "class") or link.score == fullest[link.end, link.kind, link.column, link.band]
    ]
    return tuple(sorted(kept, key=lambda link: (-link.score * link.length, link.kind, str(link.column), str(link.value)))[:24])


def is_named_column(column: Column, words: Sequence[str]) -> float:
    """Tell how well property words such as height or population name a column; 0 = not at all."""
    best = 0.0
    for word in words:
        for part in column.parts or name_lemmas(column.name):
            score = EXACT if part == word else SYNONYM if are_synonyms(word, part) else CLIPPED if abbreviates(part, word) else 0.0
            best = max(best, score * (0.7 + 0.3 / max(len(column.parts), 1)) if score else 0.0)
    return best - (0.1 if best and column.is_meta else 0.0)
