"""Find the best way to read a clause: try the readings of its phrases together and keep what explains every word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product

from agent.planner.atlas import Atlas, Dataset, without_code
from agent.planner.build_area import AREA_MEASURES, build_area, build_class_area
from agent.planner.build_features import as_within, build_beyond, build_features
from agent.planner.build_nearest import build_nearest
from agent.planner.build_other import build_catalog, build_describe, build_map
from agent.planner.build_values import build_amount, build_values
from agent.planner.clauses import Clause, Phrase
from agent.planner.frames import Frame, Layer, Plan
from agent.planner.lexicon import CLASS_NOUNS, EDITIONS, SOFT, is_harmless
from agent.planner.limits import attach_limits
from agent.planner.parts import Key, Parts, is_polygonal
from agent.planner.readings import Reading, cover_terms, read_phrase
from agent.planner.text import Token, fold

MOST_READINGS = 6
MOST_COMBINATIONS = 4000
WHOLE = 0.9
"""Least score of a reading that names something as a whole, so that the phrase must not be left aside."""
TIE = 0.02
"""Readings whose scores differ by less are equally good: the user is asked."""

EMPTY = SOFT - CLASS_NOUNS - EDITIONS
"""Nouns of which a phrase may consist that is left aside."""

Builder = Callable[[Parts], Frame | None]


@dataclass(frozen=True)
class Interpretation:
    """One way to read a clause, with how good it is and what it leaves unexplained."""

    plan: Plan
    score: float
    missing: frozenset[Key]
    unknown: frozenset[int]
    readings: tuple[Reading | None, ...]
    doubt: tuple[str, tuple[str, ...]] | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every word and function phrase is accounted for."""
        return not self.missing and not self.unknown


@dataclass(frozen=True)
class Scene:
    """A clause with the readings of its phrases."""

    clause: Clause
    tokens: Sequence[Token]
    atlas: Atlas
    options: tuple[tuple[Reading | None, ...], ...] = field(default=())


def make_scene(clause: Clause, tokens: Sequence[Token], atlas: Atlas) -> Scene:
    """Read every phrase of a clause against every dataset."""
    counted = next((phrase for phrase in clause.phrases if phrase.role == "head"), None) if "count" in clause.measures else None
    options = tuple(_options(phrase, tokens, atlas, is_needed=phrase is counted) for phrase in clause.phrases)
    return Scene(clause, tokens, atlas, options)


def _options(phrase: Phrase, tokens: Sequence[Token], atlas: Atlas, *, is_needed: bool) -> tuple[Reading | None, ...]:
    """Return the readings of a phrase; None among them where it may be left aside, which what is counted (`is_needed`) never is."""
    readings = read_phrase(phrase, tokens, atlas)
    complete = [reading for reading in readings if not reading.unknown]
    kept: list[Reading | None] = list(_spread(complete or list(readings)))
    if not is_needed and _says_nothing(phrase, tokens) and not any(reading.score >= WHOLE for reading in complete):
        kept.append(None)
    return tuple(kept)


def _spread(readings: list[Reading]) -> list[Reading]:
    """Keep the best readings, but some of every kind, so that a role can choose."""
    kept: list[Reading] = []
    for kind in ("layer", "column", "cells", "raster", "other"):
        kept += [reading for reading in readings if reading.kind == kind][:MOST_READINGS]
    return kept


def _says_nothing(phrase: Phrase, tokens: Sequence[Token]) -> bool:
    """Whether a phrase is made of nouns like `land` that may be left aside."""
    words = [tokens[place] for place in phrase.places]
    if phrase.each or phrase.role in ("group", "out", "not", "near", "far", "nearest"):
        return not phrase.places
    return not cover_terms(words) and all(is_harmless(token.word) or token.lemma in EMPTY for token in words)


def interpret(scene: Scene) -> list[Interpretation]:
    """Return the ways to read a clause: complete ones first, then by score."""
    found: dict[Plan, Interpretation] = {}
    for number, readings in enumerate(product(*scene.options)):
        if number >= MOST_COMBINATIONS:
            break
        for one in _interpretations(scene, readings):
            known = found.get(one.plan)
            if known is None or (one.is_complete, one.score) > (known.is_complete, known.score):
                found[one.plan] = one
    return sorted(found.values(), key=lambda one: (len(one.unknown) + len(one.missing), -one.score))


def _interpretations(scene: Scene, readings: tuple[Reading | None, ...]) -> Iterator[Interpretation]:
    clause = _with_groups(scene, readings)
    for builder, bonus in _builders(clause, readings):
        branches = _branches(scene, clause, readings)
        parts = [Parts(clause, scene.tokens, scene.atlas, branch) for branch in branches]
        frames = [builder(one) if attach_limits(one) else None for one in parts]
        if all(frames):
            yield _judged(scene, readings, [frame for frame in frames if frame], parts, bonus)


def _with_groups(scene: Scene, readings: tuple[Reading | None, ...]) -> Clause:
    """Return the clause with the role `group` for zones behind a superlative of values, as in `lowest elevation by canton`."""
    clause = scene.clause
    pairs = list(zip(clause.phrases, readings, strict=True))
    spread = [index for index, (phrase, reading) in enumerate(pairs) if reading and _is_spread(scene, phrase, reading)]
    if spread and any(reading and reading.dataset.is_raster for reading in readings):
        phrases = [replace(phrase, role="group", each=True) if index in spread else phrase for index, phrase in enumerate(clause.phrases)]
        return replace(clause, phrases=tuple(phrases))
    if clause.keyed or clause.has("rank") or not any(phrase.superlative and reading and _is_measured(reading) for phrase, reading in pairs):
        return clause
    phrases = [
        replace(phrase, role="group", each=True) if phrase.role == "key" and reading and _is_grouping(reading) else phrase
        for phrase, reading in pairs
    ]
    return replace(clause, phrases=tuple(phrases))


def _is_spread(scene: Scene, phrase: Phrase, reading: Reading) -> bool:
    """Whether a phrase means every feature by itself: `across the parishes`, `of all parishes`."""
    every = phrase.prep in ("across", "throughout", "among", "amongst") or any(scene.tokens[place].word == "all" for place in phrase.places)
    several = reading.dataset.geometry == "polygon" and (reading.dataset.feature_count or 0) > 1
    return every and several and phrase.role in ("in", "of", "for") and reading.kind in ("layer", "column") and not reading.where


def _is_measured(reading: Reading) -> bool:
    column = reading.dataset.column(reading.columns[-1]) if reading.kind == "column" else None
    return reading.kind == "raster" or bool(column and column.is_numeric)


def _is_grouping(reading: Reading) -> bool:
    return reading.dataset.is_vector and not reading.where and not _is_measured(reading)


def _builders(clause: Clause, readings: tuple[Reading | None, ...]) -> list[tuple[Builder, float]]:
    """Return what the clause may ask for, with a bonus for the more likely."""
    measures = set(clause.measures)
    if clause.has("nearest", "farthest") or ("distance" in measures and len(readings) > 1):
        return [(build_nearest, 0.0), (build_beyond, 0.0)]
    is_place_asked = clause.has("where") and clause.superlative is None and not measures
    if is_place_asked or (clause.has("map") and not measures & {"count", "stats"}):
        return [(build_map, 0.0)]
    builders: list[tuple[Builder, float]] = []
    if clause.has("datasets", "help"):
        builders.append((build_catalog, 0.0))
    if clause.has("describe", "columns", "datasets"):
        builders.append((build_describe, 0.2 if clause.has("columns") else 0.1))
    if any(name.startswith(("stat:", "howadj:")) for name in measures) or "stats" in measures:
        return [*builders, (build_values, 0.0), *_of_features(measures)]
    builders += _of_features(measures)
    builders += [
        (partial(build_area, measure=extent), 0.0) for extent in ("length", "perimeter") if extent in measures and "count" not in measures
    ]
    if measures & AREA_MEASURES and "count" not in measures:
        builders.append((lambda parts: build_area(parts, "area"), 0.0))
    if not measures - {"total", "exists", "area", "length"}:
        builders += _unmeasured(clause)
    if (clause.superlative and not measures & AREA_MEASURES) or measures & {"total", "howmuch", "count"}:
        builders.append((build_amount if "howmuch" in measures else build_values, -0.01))
    return builders


def _of_features(measures: set[str]) -> list[tuple[Builder, float]]:
    asked = {"count", "coordinates"} & measures
    return [(lambda parts: build_features(parts, count="count" in asked), 0.0)] if asked else []


def _unmeasured(clause: Clause) -> list[tuple[Builder, float]]:
    """Return what is meant where no measure is named: a list, a ranking, a count per group, the area of a class, statistics."""
    if clause.has("difference"):
        return [
            (lambda parts: build_area(parts, "area"), 0.02),
            (lambda parts: build_area(parts, "length"), 0.01),
            (lambda parts: build_features(parts, count=True), 0.0),
            (build_values, -0.02),
        ]
    listing = clause.has("list", "weak_list", "rank", "exists") or clause.superlative is not None
    if {"area", "length"} & set(clause.measures):
        ranks = clause.superlative is not None or clause.has("list", "rank")
        return [(lambda parts: build_features(parts, count=False), 0.01 if ranks else -0.05)]
    return [
        (lambda parts: build_features(parts, count=False), 0.01 if listing else 0.0),
        (build_beyond, 0.0),
        (lambda parts: build_features(parts, count=True), 0.01 if clause.has("exists") or clause.superlative else -0.005),
        (build_class_area, -0.01),
        (build_values, 0.02 if "total" in clause.measures else -0.02),
    ]


def _branches(scene: Scene, clause: Clause, readings: tuple[Reading | None, ...]) -> list[tuple[Reading | None, ...]]:
    """Split `in A and in B` into one branch each, where A and B are different layers or are to be compared."""
    chain = _chain(clause, readings)
    is_map = clause.has("map", "where") and not {"count", "stats"} & set(clause.measures)
    if len(chain) < 2 or is_map:
        return [readings]
    return [
        tuple(
            reading if index == kept else None if index in chain else _aligned(scene, readings, chain, index, kept)
            for index, reading in enumerate(readings)
        )
        for kept in chain
    ]


def _aligned(scene: Scene, readings: tuple[Reading | None, ...], chain: Sequence[int], index: int, kept: int) -> Reading | None:
    """Let `flooded in A, and in B` speak of B in the second branch, where both layers know the word."""
    reading, own = readings[index], readings[kept]
    others = {one.dataset.id for one in (readings[place] for place in chain if place != kept) if one}
    if reading is None or own is None or reading.dataset.id not in others:
        return reading
    same = [
        one for one in scene.options[index] if one and one.dataset.id == own.dataset.id and one.kind == reading.kind and not one.unknown
    ]
    return same[0] if same else reading


def _chain(clause: Clause, readings: tuple[Reading | None, ...]) -> list[int]:
    """Return the phrases that are alternatives to each other."""
    compared = clause.has("difference")
    for index, phrase in enumerate(clause.phrases):
        if not phrase.conj or phrase.role in ("group", "key") or readings[index] is None:
            continue
        chain = [index - 1, index]
        while chain[-1] + 1 < len(clause.phrases) and (after := clause.phrases[chain[-1] + 1]).conj and after.role == phrase.role:
            chain.append(chain[-1] + 1)
        alternatives = [readings[one] for one in chain]
        if any(one is None for one in alternatives) or (phrase.role == "between" and not compared):
            return []
        if compared or _are_apart([one for one in alternatives if one]):
            return chain
    than = [index for index, phrase in enumerate(clause.phrases) if phrase.role == "than" and readings[index]]
    heads = [index for index, phrase in enumerate(clause.phrases) if phrase.role in ("head", "of", "pred", "in") and readings[index]]
    return [heads[-1], than[0]] if compared and than and heads else []


def _are_apart(readings: list[Reading]) -> bool:
    """Whether alternatives are different datasets, so that each is a question of its own."""
    return len({reading.dataset.id for reading in readings}) == len(readings) and all(
        reading.kind in ("layer", "raster", "cells") for reading in readings
    )


def _judged(scene: Scene, readings: tuple[Reading | None, ...], frames: list[Frame], parts: list[Parts], bonus: float) -> Interpretation:
    missing: set[Key] = set.intersection(*(one.missing() for one in parts)) if len(parts) > 1 else parts[0].missing()
    derived = ""
    if scene.clause.has("difference"):
        derived = "difference" if len(frames) == 2 else ""
        missing -= (
            {("flag", "difference"), *(("relation", i) for i, phrase in enumerate(scene.clause.phrases) if phrase.role == "than")}
            if derived
            else set()
        )
    if len(frames) == 1 and (near := as_within(frames[0])):
        frames, derived = [replace(frames[0], layer=_without_beyond(frames[0])), near], "difference"
    taken = [f"taking '{words}' as {without_code(value)}" for reading in readings if reading for words, value in reading.partial]
    notes = tuple(dict.fromkeys([*(note for one in parts for note in one.notes), *taken]))
    frames = [replace(frame, notes=(*frame.notes, *notes)) for frame in frames]
    unknown = frozenset(place for reading in readings if reading for place in reading.unknown)
    widest = max((one.readings for one in parts), key=lambda held: len({reading.dataset.id for reading in held if reading}))
    score = _score(scene, readings) - _spread_loss(widest) + sum(one.score for one in parts) + bonus
    doubt = next((one.doubt for one in parts if one.doubt), None)
    plan = Plan(tuple(frames), derived, with_map=scene.clause.has("map") and frames[0].kind != "map")
    return Interpretation(plan, score, frozenset(missing), unknown, readings, doubt)


def _without_beyond(frame: Frame) -> Layer:
    """Return the layer of a frame without its filters of the kind `farther than`."""
    layer = frame.layer
    if layer is None:
        raise ValueError("a frame of features has a layer")
    return replace(layer, filters=tuple(one for one in layer.filters if one.predicate != "beyond_distance"))


def _score(scene: Scene, readings: tuple[Reading | None, ...]) -> float:
    """Weigh the quality of the readings by their words; prefer few datasets, and such as overlap on the ground."""
    weighed = [(reading.score, len(phrase.places)) for reading, phrase in zip(readings, scene.clause.phrases, strict=True) if reading]
    quality = sum(score * length for score, length in weighed) / max(sum(length for _, length in weighed), 1) + _column_bonus(
        scene, readings
    )
    datasets = list({reading.dataset.id: reading.dataset for reading in readings if reading}.values())
    apart = sum(not _overlap(one, other) for number, one in enumerate(datasets) for other in datasets[:number])
    distant = sum(not scene.atlas.is_focused(one) for one in datasets)
    return quality - 0.2 * apart - 0.05 * distant + _name_bonus(scene, readings) - 0.1 * _rasters_as_places(scene, readings)


def _rasters_as_places(scene: Scene, readings: tuple[Reading | None, ...]) -> int:
    """Count phrases such as `in the park` that are read as a raster, where a layer is called so too."""
    rows = zip(scene.clause.phrases, readings, scene.options, strict=True)
    named = [reading.dataset.id for reading in readings if reading and reading.dataset.is_raster]
    rasters = [
        options
        for phrase, reading, options in rows
        if reading and reading.kind == "raster" and (phrase.role == "in" or (phrase.role == "of" and named.count(reading.dataset.id) > 1))
    ]
    return sum(any(one and one.kind == "layer" and not one.unknown and not one.is_generic for one in options) for options in rasters)


def _spread_loss(readings: tuple[Reading | None, ...]) -> float:
    """Return what it costs that one frame speaks of several datasets."""
    return 0.03 * max(len({reading.dataset.id for reading in readings if reading}) - 1, 0)


def _name_bonus(scene: Scene, readings: tuple[Reading | None, ...]) -> float:
    """Prefer features by their names to other values; most of all as the place where features of another layer lie."""
    named = [(phrase, reading) for phrase, reading in zip(scene.clause.phrases, readings, strict=True) if reading and reading.is_by_name]
    places = [reading for phrase, reading in named if phrase.role == "in" and is_polygonal(reading.dataset)]
    return 0.03 * len(named) + 0.06 * len(places)


def _column_bonus(scene: Scene, readings: tuple[Reading | None, ...]) -> float:
    """Prefer the column where a group bears its very name (`facilities by facility_type`), else the layer of that name (`list facilities`)."""
    bonus = 0.0
    for reading, phrase, options in zip(readings, scene.clause.phrases, scene.options, strict=True):
        if reading is None or reading.kind != "column" or reading.where:
            continue
        if phrase.role == "group":
            bonus += 0.06 * any(other and other.dataset.id == reading.dataset.id for other in readings if other is not reading)
            bonus += 0.05 * (_spelling(reading.columns[-1]) == _spelling(reading.words))
        elif any(
            one and one.kind == "layer" and one.dataset.id == reading.dataset.id and not one.where and one.score >= reading.score
            for one in options
        ):
            bonus -= 0.03
    return bonus


def _spelling(name: str) -> str:
    return "".join(char for char in fold(name) if char.isalnum())


def _overlap(one: Dataset, other: Dataset) -> bool:
    if one.bbox is None or other.bbox is None or one.bbox[0] > one.bbox[2] or other.bbox[0] > other.bbox[2]:
        return True
    return one.bbox[0] <= other.bbox[2] and other.bbox[0] <= one.bbox[2] and one.bbox[1] <= other.bbox[3] and other.bbox[1] <= one.bbox[3]
