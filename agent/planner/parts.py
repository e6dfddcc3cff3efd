"""One way to read a clause: a reading for every phrase, with what its limits mean, and a ledger of what has been used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from agent.planner.atlas import Atlas, Dataset
from agent.planner.clauses import Clause, Phrase
from agent.planner.frames import Cells, Condition, Having, Layer, Range
from agent.planner.readings import Reading
from agent.planner.text import Token, name_lemmas

Key = tuple[str, object]
"""Something of the clause that a frame must account for: ("phrase", 2), ("limit", 0), ("measure", "area"), ("super", 0), …"""

NEVER_REQUIRED = frozenset({"total", "exists", "distance"})
CRITICAL_FLAGS = ("difference", "nearest", "farthest", "map", "where", "describe", "columns", "datasets", "help")


@dataclass
class Parts:
    """A clause under one assignment of readings; builders fill the ledger."""

    clause: Clause
    tokens: Sequence[Token]
    atlas: Atlas
    readings: tuple[Reading | None, ...]
    """One per phrase; None = the phrase says nothing that matters."""
    conditions: dict[str, tuple[Condition, ...]] = field(default_factory=dict)
    """Dataset → what the limits say of its columns."""
    owners: dict[str, int] = field(default_factory=dict)
    """Dataset → the phrase to whose features those conditions belong, where one names them."""
    ranges: dict[tuple[str, int], tuple[Range, ...]] = field(default_factory=dict)
    """(raster, band) → what the limits say of its values."""
    range_phrases: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Phrase that names a raster for a limit only → that raster."""
    having: Having | None = None
    having_phrase: int | None = None
    properties: set[int] = field(default_factory=set)
    """Phrases that only name the property of a limit."""
    used: set[Key] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    score: float = 0.0
    """Bonus or malus beside the quality of the readings."""
    doubt: tuple[str, tuple[str, ...]] | None = None
    """(words, names) where several columns fit equally."""

    def use(self, kind: str, *names: object) -> None:
        """Note that parts of the clause are accounted for."""
        self.used |= {(kind, name) for name in names}

    def phrase(self, index: int) -> Phrase:
        """Return a phrase of the clause."""
        return self.clause.phrases[index]

    def reading(self, index: int) -> Reading:
        """Return the reading of a phrase that has one."""
        reading = self.readings[index]
        if reading is None:
            raise LookupError(f"phrase {index} has no reading")
        return reading

    def indexes(self, *roles: str) -> list[int]:
        """Return the phrases of these roles that have a reading and name more than a property."""
        return [i for i, phrase in enumerate(self.clause.phrases) if phrase.role in roles and self.readings[i] and i not in self.properties]

    def layer(self, index: int) -> Layer:
        """Return the features that a phrase names, with the limits on their columns."""
        self.use("phrase", index)
        reading = self.reading(index)
        noun = reading.words if reading.is_named or reading.where or reading.is_generic else reading.dataset.title
        if self.owners.get(reading.dataset.id, index) != index:
            return Layer(reading.dataset.id, reading.where, noun=noun)
        return self.layer_of(reading.dataset, reading.where, noun)

    def layer_of(self, dataset: Dataset, where: tuple[Condition, ...], noun: str) -> Layer:
        """Return features of a dataset with the limits on its columns."""
        extra = tuple(condition for condition in self.conditions.get(dataset.id, ()) if condition not in where)
        return Layer(dataset.id, (*where, *extra), noun=noun)

    def cells(self, index: int) -> Cells:
        """Return the pixels that a phrase names, with the limits on their values."""
        self.use("phrase", index)
        reading = self.reading(index)
        ranges = self.ranges.get((reading.dataset.id, reading.band), ())
        if reading.is_flood and not ranges:
            ranges = (flood_range(reading.dataset, reading.band),)
        return Cells(reading.dataset.id, reading.band, reading.classes, ranges, reading.words)

    def missing(self) -> set[Key]:
        """Return what the clause says and no builder has accounted for."""
        explained = {("number", start) for reading in self.readings if reading for start in reading.numbers_used}
        return required(self.clause, self.readings) - self.used - explained


def flood_range(dataset: Dataset, band: int) -> Range:
    """Return `depth above zero`."""
    unit = dataset.band(band).unit
    return Range(0.0, None, False, False, f"flooded (above 0{'' if unit == 'unspecified' else f' {unit}'})")


def required(clause: Clause, readings: Sequence[Reading | None]) -> set[Key]:
    """Return everything that a frame for the clause must account for."""
    keys: set[Key] = {("phrase", i) for i, phrase in enumerate(clause.phrases) if readings[i] is not None or phrase.places}
    keys -= {("phrase", i) for i in range(len(clause.phrases)) if readings[i] is None}
    keys |= {("each", i) for i, phrase in enumerate(clause.phrases) if not phrase.places}
    keys |= {("limit", i) for i in range(len(clause.limits))}
    keys |= {("measure", name) for name in clause.measures if name not in NEVER_REQUIRED}
    if any(name.startswith(("stat:", "howadj:")) for name in clause.measures) and "area" not in clause.keyed:
        keys.discard(("measure", "area"))  # a noun: the mean slope of residential areas
    keys |= {("flag", flag) for flag in CRITICAL_FLAGS if flag in clause.flags}
    keys |= {("relation", i) for i, phrase in enumerate(clause.phrases) if phrase.role in RELATIONS}
    numbers = [number.start for phrase in clause.phrases for number in phrase.numbers] + [number.start for number in clause.numbers]
    keys |= {("number", start) for start in numbers}
    if clause.superlative:
        keys.add(("super", 0))
    if clause.order:
        keys.add(("order", 0))
    if clause.unit:
        keys.add(("unit", 0))
    return keys


RELATIONS = frozenset({"near", "far", "touch", "touching", "contain", "lacks", "out", "not", "than", "named", "nearest"})
"""Roles that change the meaning of a phrase, so that a builder must say that it has seen them."""


def is_polygonal(dataset: Dataset) -> bool:
    """Whether things can lie inside its features."""
    return dataset.is_vector and dataset.geometry in ("polygon", "mixed")


def _names_less(one: Layer, other: Layer) -> bool:
    """Whether another selection of the same dataset is called by more words of its id."""
    words = set(name_lemmas(one.ref))
    return len(words & set(name_lemmas(one.noun))) < len(words & set(name_lemmas(other.noun)))


def merged_layers(layers: Iterable[Layer]) -> list[Layer]:
    """Join selections of one dataset: `countries` and `in Africa` are one selection where both speak of the same layer."""
    found: dict[str, Layer] = {}
    for layer in layers:
        known = found.get(layer.ref)
        if known is None:
            found[layer.ref] = layer
            continue
        where = (*known.where, *(condition for condition in layer.where if condition not in known.where))
        is_name = (layer.noun[:1].isupper() or _names_less(layer, known)) and bool(known.noun)
        if known.where == where and _names_less(known, layer):
            known = replace(known, noun=layer.noun)
        noun = known.noun if known.where == where or not layer.where or is_name else f"{known.noun} {layer.noun}".strip()
        found[layer.ref] = Layer(known.ref, where, known.match, (*known.filters, *layer.filters), noun)
    return list(found.values())
