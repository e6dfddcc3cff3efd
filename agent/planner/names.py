"""Words that nothing in the session explains: look them up as names in the layers, and take in what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from agent.planner.atlas import Atlas, Dataset
from agent.planner.clauses import Phrase
from agent.planner.interpret import Scene
from agent.planner.lexicon import ADMIN_NOUNS, CONTENT_AFTER_ALL, SOFT, is_harmless
from agent.planner.quantities import is_part_of_name
from agent.planner.readings import Reading
from agent.planner.step import Call
from agent.planner.text import Token, name_lemmas, written


@dataclass(frozen=True)
class Unknown:
    """A run of words of a phrase that no dataset explains."""

    text: str
    places: tuple[int, ...]
    is_name: bool
    """Whether it is written like a name: in quotes, or with capitals where the question has small letters."""
    role: str


@dataclass(frozen=True)
class Search:
    """What was looked up, and what was found under exactly that name."""

    found: tuple[tuple[str, str, str], ...] = ()
    """(dataset, column, value)."""
    similar: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name looked up → names that resemble it."""
    asked: frozenset[str] = frozenset()
    """Names that were looked up."""
    doubles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of several places far apart → what tells each from the others."""


def read_search(results: Sequence[Mapping[str, Any]]) -> Search:  # Any: JSON
    """Collect what calls of `find_place` have found."""
    found: list[tuple[str, str, str]] = []
    similar: dict[str, tuple[str, ...]] = {}
    asked: set[str] = set()
    doubles: dict[str, tuple[str, ...]] = {}
    for result in results:
        if result.get("tool") != "find_place" or "error" in result:
            continue
        name = result["params"]["name"]
        asked.add(name)
        candidates = (result.get("data") or {}).get("candidates") or []
        exact = [one for one in candidates if one.get("exactness", "exact") == "exact"]
        found += [(one["dataset"], one["column"], str(one["value"])) for one in exact]
        for one in exact:
            if apart := _apart(one.get("namesakes") or ()):
                doubles[name] = apart
        if not exact:
            similar[name] = tuple(dict.fromkeys(str(one["value"]) for one in candidates if one.get("exactness") != "geocoded"))
    return Search(tuple(found), similar, frozenset(asked), doubles)


def _apart(namesakes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:  # Any: JSON
    """Return what tells features of one name apart, where no two of them are near: the parts of a river are one, two towns are not."""
    boxes = [one["bbox"] for one in namesakes if one.get("bbox")]
    if len(boxes) < len(namesakes) or any(_meet(one, other) for number, one in enumerate(boxes) for other in boxes[:number]):
        return ()
    told = [[str(value) for key, value in one.items() if key not in ("fid", "bbox") and isinstance(value, str)] for one in namesakes]
    return tuple(" ".join(words) or f"fid {one['fid']}" for words, one in zip(told, namesakes, strict=True))


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def ask_double(question: str, search: Search) -> str:
    """Return the question back where a name means several places and nothing said tells which; empty where all is clear."""
    said = set(name_lemmas(question))
    for name, apart in search.doubles.items():
        if not any(set(name_lemmas(words)) & said - set(name_lemmas(name)) for words in apart):
            return f"Several places are called '{name}': {'; '.join(apart[:6])}. Which one is meant?"
    return ""


def unknowns(scene: Scene) -> tuple[Unknown, ...]:
    """Return what no reading of a phrase explains, in order."""
    found: list[Unknown] = []
    for phrase, options in zip(scene.clause.phrases, scene.options, strict=True):
        if any(option is None or not option.unknown for option in options):
            continue
        best = next((option for option in options if option is not None), None)
        places = best.unknown if best else tuple(place for place in phrase.places if _tells(scene.tokens[place]))
        found += [_unknown(run, phrase, scene.tokens) for run in _runs(places, scene.tokens)]
    return tuple(found)


def _tells(token: Token) -> bool:
    return token.kind == "word" and (not is_harmless(token.word) or bool(token.quote)) and not (token.lemma in SOFT and not token.capital)


def _runs(places: Sequence[int], tokens: Sequence[Token]) -> Iterator[tuple[int, ...]]:
    """Yield the runs of words that stand together; a full stop, as in `St. Denis`, does not part them."""
    spoken = [place for place, token in enumerate(tokens) if token.text != "."]
    order = {place: number for number, place in enumerate(spoken)}
    for _, run in groupby(enumerate(sorted(places)), key=lambda pair: order[pair[1]] - pair[0]):
        yield tuple(place for _, place in run)


def _unknown(run: tuple[int, ...], phrase: Phrase, tokens: Sequence[Token]) -> Unknown:
    is_name = any(tokens[place].quote or is_part_of_name(tokens, place) for place in run) or _is_capital(run, tokens)
    if is_name:
        run = _with_neighbours(run, phrase, tokens)
    text = written([tokens[place] for place in run])
    return Unknown(text, run, is_name, phrase.role)


def _is_capital(run: Sequence[int], tokens: Sequence[Token]) -> bool:
    words = [token for token in tokens if token.kind == "word" and token.text]
    if sum(token.text.isupper() or token.capital for token in words) > 0.7 * len(words) and len(words) > 2:
        return False
    return any(tokens[place].capital and place > 0 for place in run)


def _with_neighbours(run: tuple[int, ...], phrase: Phrase, tokens: Sequence[Token]) -> tuple[int, ...]:
    """Take in the capitalised or quoted words beside a name, as the Lake of Lake Victoria."""
    places = list(run)
    for step, edge in ((-1, 0), (1, -1)):
        while (after := _beside(places[edge], step, tokens)) in phrase.places and _is_of_name(after, tokens):
            places.insert(0, after) if step < 0 else places.append(after)
    return tuple(places)


def _is_of_name(place: int, tokens: Sequence[Token]) -> bool:
    return bool((tokens[place].capital and place > 0) or tokens[place].quote or is_part_of_name(tokens, place))


def _beside(place: int, step: int, tokens: Sequence[Token]) -> int:
    """Return the next place; the full stop of `St. Denis` is none."""
    after = place + step
    return after + step if 0 <= after < len(tokens) and tokens[after].text == "." else after


def searches(missing: Sequence[Unknown], search: Search, atlas: Atlas, tokens: Sequence[Token]) -> tuple[Call, ...]:
    """Return the look-ups that may still explain the unknown words."""
    layers = atlas.vectors
    if not layers or any(tokens[place].lemma in CONTENT_AFTER_ALL for unknown in missing for place in unknown.places):
        return ()
    hidden = any(layer.hides_values for layer in layers)
    names = [unknown.text for unknown in missing if unknown.text not in search.asked and (unknown.is_name or hidden)]
    only = {} if len(atlas.focused) == len(atlas.datasets) else {"layers": [layer.id for layer in layers]}
    return tuple(("find_place", {"name": name, **only}) for name in dict.fromkeys(names))


def half_named(readings: Sequence[Reading | None]) -> tuple[str, tuple[str, ...]] | None:
    """Return words that are only a part of the name of the feature they were taken for, with the names that hold them; None without such.

    What is left out may say the kind of place (`Ardmoor` for Ardmoor County); a layer of one feature leaves no doubt.
    """
    for reading in readings:
        dataset = reading.dataset if reading else None
        if reading is None or dataset is None or dataset.name_column is None or dataset.feature_count == 1:
            continue
        named = {condition.value for condition in reading.where if condition.column == dataset.name_column}
        for words, value in reading.partial:
            if value in named and _left_out(words, value) - _kinds(dataset):
                said = set(name_lemmas(words))
                alike = [
                    str(name)
                    for column, name in dataset.text_values
                    if column == dataset.name_column and said <= set(name_lemmas(str(name)))
                ]
                return words, tuple(dict.fromkeys((value, *alike)))
    return None


def _left_out(words: str, value: str) -> set[str]:
    return set(name_lemmas(value)) - set(name_lemmas(words))


def _kinds(dataset: Dataset) -> set[str]:
    """Return the words of a name that say what kind of place it is."""
    return {"the", "of", "and", *SOFT, *ADMIN_NOUNS, *(word for form in dataset.name_forms for word in form)}
