"""The datasets of a session as the planner reads them: their names, columns, values, bands and classes, ready to be matched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from agent.planner.frames import Derived
from agent.planner.lexicon import META_PARTS, UNINFORMATIVE
from agent.planner.text import fold, name_lemmas, singular, split_name

Geometry = Literal["point", "line", "polygon", "mixed"]

_GEOMETRY: dict[str, Geometry] = {
    "point": "point", "multipoint": "point", "linestring": "line", "multilinestring": "line", "polygon": "polygon", "multipolygon": "polygon",
}  # fmt: skip
_UNIT_ENDINGS = {"m": "m", "metres": "m", "meters": "m", "km": "km", "cm": "cm", "mm": "mm", "ft": "ft", "feet": "ft", "ha": "ha",
                 "km2": "km2", "sqkm": "km2", "m2": "m2", "sqm": "m2", "pct": "%", "percent": "%", "degc": "degC", "celsius": "degC"}  # fmt: skip
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
MOST_YEARS = 3
"""A raster of a longer span is of no year in particular."""
_CODE = re.compile(r"^[\d.]+\s*[-:_.)]?\s*(?=\D)")


@dataclass(frozen=True)
class Column:
    """One attribute of a vector layer."""

    name: str
    type: str
    distinct: int
    values: tuple[Any, ...]  # Any: JSON scalars
    minimum: Any = None
    maximum: Any = None
    nulls: int = 0

    @property
    def is_constant(self) -> bool:
        """Whether every feature has the same value."""
        return self.distinct == 1 and not self.nulls

    @property
    def is_numeric(self) -> bool:
        """Whether numbers can be compared and summed."""
        return self.type in ("integer", "real")

    @property
    def is_text(self) -> bool:
        """Whether it holds words."""
        return self.type == "text"

    @property
    def is_complete(self) -> bool:
        """Whether `values` lists every distinct value."""
        return len(self.values) >= self.distinct

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Informative parts of its name."""
        return informative(name_lemmas(self.name))

    @property
    def is_meta(self) -> bool:
        """Whether the name ends in a word such as rank or year, beside the quantity itself."""
        return self.is_numeric and len(self.parts) > 1 and bool(set(self.parts) & META_PARTS)

    @property
    def unit(self) -> str | None:
        """The unit that the name states at its end, as in `height_m`."""
        pieces = [fold(piece) for piece in re.split(r"[\W_]+", self.name) if piece]
        return _UNIT_ENDINGS.get(pieces[-1]) if len(pieces) > 1 else None


@dataclass(frozen=True)
class Band:
    """One band of a raster."""

    index: int
    names: tuple[str, ...]
    unit: str
    value_kind: str
    classes: Mapping[str, str]
    """Value as text → label."""
    minimum: float | None = None
    maximum: float | None = None

    @property
    def is_categorical(self) -> bool:
        """Whether its values are classes, by declaration, palette or named classes."""
        return self.value_kind == "categorical" or bool(self.classes)


@dataclass(frozen=True)
class Collection:
    """One collection of scenes of a catalogue."""

    id: str
    title: str
    time: tuple[str | None, ...] = ()
    """First and last instant."""


@dataclass(frozen=True)
class Dataset:
    """One registered dataset."""

    id: str
    title: str
    kind: Literal["raster", "vector", "table", "document", "catalogue", "network"]
    focus: bool
    layer: str | None = None
    bbox: tuple[float, float, float, float] | None = None
    crs: str | None = None
    geometry: Geometry | None = None
    feature_count: int | None = None
    name_column: str | None = None
    columns: tuple[Column, ...] = ()
    bands: tuple[Band, ...] = ()
    collections: tuple[Collection, ...] = ()
    """Of a catalogue."""
    classes: tuple[str, ...] = ()
    """Labels that a network tells."""
    years: frozenset[int] = frozenset()
    """Years of which a raster is, by its time or else by its name."""
    forms: tuple[tuple[str, ...], ...] = ()
    """Names by which it is called, where they are not those of id and title."""
    derived: Derived | None = None
    """How a raster can be made that is not there."""
    found: tuple[tuple[str, str], ...] = ()
    """(column, value) pairs that a search for a name has shown to be in it."""

    @cached_property
    def name_forms(self) -> tuple[tuple[str, ...], ...]:
        """The words of its id, title and layer, each once."""
        own = (("catalogue",), ("catalog",)) if self.kind == "catalogue" else (("network",),) if self.kind == "network" else ()
        return self.forms or tuple(dict.fromkeys((*(name_lemmas(text) for text in (self.title, self.id, self.layer) if text), *own)))

    @cached_property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """The informative words of each name form."""
        return tuple(dict.fromkeys(informative(form) or form for form in self.name_forms))

    def is_plural(self, lemma: str) -> bool:
        """Whether its name holds a noun in the plural, so that each of its features is one of them."""
        words = {fold(part) for text in (self.title, self.id, self.layer) if text for part in split_name(text)}
        return lemma not in words and any(singular(word) == lemma for word in words)

    def column(self, name: str) -> Column | None:
        """Return a column by its exact name."""
        return next((column for column in self.columns if column.name == name), None)

    def band(self, index: int) -> Band:
        """Return a band by its 1-based index."""
        return next(band for band in self.bands if band.index == index)

    @property
    def label_column(self) -> str | None:
        """The column by which features are told apart: the name column, else a text column without repeats."""
        unique = [column.name for column in self.columns if column.is_text and column.distinct == self.feature_count]
        return self.name_column or (unique[0] if unique else None)

    @property
    def is_vector(self) -> bool:
        """Whether it has features with geometry."""
        return self.kind == "vector"

    @property
    def is_raster(self) -> bool:
        """Whether it has pixels."""
        return self.kind == "raster"

    @cached_property
    def text_values(self) -> tuple[tuple[str, Any], ...]:
        """Every known (column, value) of text and boolean columns."""
        listed = [(column.name, value) for column in self.columns if column.is_text for value in column.values]
        return tuple(dict.fromkeys([*listed, *self.found]))

    @property
    def hides_values(self) -> bool:
        """Whether some text column has more values than the session lists, so that only a search can tell."""
        return any(column.is_text and not column.is_complete for column in self.columns)


@dataclass(frozen=True)
class Atlas:
    """All datasets of a session."""

    datasets: tuple[Dataset, ...]

    def get(self, ref: str) -> Dataset:
        """Return a dataset by id."""
        return next(dataset for dataset in self.datasets if dataset.id == ref)

    def has(self, ref: str) -> bool:
        """Whether the session has a dataset of that id."""
        return any(dataset.id == ref for dataset in self.datasets)

    @cached_property
    def focused(self) -> tuple[Dataset, ...]:
        """Datasets in focus, or all where none is."""
        return tuple(dataset for dataset in self.datasets if dataset.focus) or self.datasets

    @property
    def registered(self) -> tuple[Dataset, ...]:
        """Those in focus that are there, without what can be made of them."""
        return tuple(dataset for dataset in self.focused if dataset.derived is None)

    @property
    def rasters(self) -> tuple[Dataset, ...]:
        """Rasters in focus."""
        return tuple(dataset for dataset in self.focused if dataset.is_raster)

    @property
    def vectors(self) -> tuple[Dataset, ...]:
        """Vector layers in focus."""
        return tuple(dataset for dataset in self.focused if dataset.is_vector)

    @cached_property
    def names(self) -> frozenset[str]:
        """Ids and titles of all datasets, as they are."""
        return frozenset(name for one in self.datasets for name in (one.id, one.title))

    @property
    def catalogues(self) -> tuple[Dataset, ...]:
        """Catalogues of scenes in focus, or all where none is."""
        return tuple(one for one in self.focused if one.kind == "catalogue") or tuple(
            one for one in self.datasets if one.kind == "catalogue"
        )

    def is_focused(self, dataset: Dataset) -> bool:
        """Whether the user put it on the table."""
        return dataset in self.focused


def informative(parts: Sequence[str]) -> tuple[str, ...]:
    """Leave out the parts of a name that say nothing: numbers, units, `layer`, `final`; single letters too."""
    return tuple(part for part in parts if not part.isdigit() and len(part) > 1 and part not in UNINFORMATIVE)


def without_code(label: str) -> str:
    """Drop a leading number from a label: `11-Residential` → `Residential`."""
    return _CODE.sub("", label, count=1) or label


def read_atlas(session: Mapping[str, Any], found: Iterable[tuple[str, str, str]] = ()) -> Atlas:  # Any: JSON
    """Read the datasets of a session block; `found` adds (dataset, column, value) that a search has shown."""
    pairs: dict[str, list[tuple[str, str]]] = {}
    for ref, column, value in found:
        pairs.setdefault(ref, []).append((column, value))
    records = session.get("datasets") or []
    return Atlas(tuple(_dataset(record, tuple(pairs.get(record["id"], ()))) for record in records))


def _dataset(record: Mapping[str, Any], found: tuple[tuple[str, str], ...]) -> Dataset:
    bbox = record.get("bbox")
    return Dataset(
        id=record["id"],
        title=record.get("title") or record["id"],
        kind=record["kind"],
        focus=bool(record.get("focus", True)),
        layer=record.get("layer"),
        bbox=tuple(bbox) if bbox else None,
        crs=record.get("crs"),
        geometry=_geometry(record.get("geometry_type")) if record["kind"] == "vector" else None,
        feature_count=record.get("feature_count"),
        name_column=record.get("name_column"),
        columns=tuple(_column(column) for column in record.get("columns") or ()),
        bands=tuple(_band(band) for band in record.get("bands") or ()),
        collections=tuple(_collection(one) for one in record.get("collections") or ()),
        classes=tuple(((record.get("network") or {}).get("classes") or {}).values()),
        years=_years(record) if record["kind"] == "raster" else frozenset(),
        found=found,
    )


def _years(record: Mapping[str, Any]) -> frozenset[int]:
    """Return the years that a record's time spans, at most a few; without a time those that its title or id says."""
    time = [int(str(one)[:4]) for one in record.get("time") or () if str(one)[:4].isdigit()]
    if time:
        return frozenset(range(min(time), max(time) + 1)) if max(time) - min(time) < MOST_YEARS else frozenset()
    said = {int(year) for text in (record.get("title") or "", record["id"]) for year in _YEAR.findall(text)}
    return frozenset(said) if len(said) == 1 else frozenset()


def _geometry(name: str | None) -> Geometry:
    return _GEOMETRY.get((name or "").replace(" ", "").lower().removesuffix("z"), "mixed")


def _column(record: Mapping[str, Any]) -> Column:
    values = tuple(record.get("values") or ())
    return Column(
        record["name"],
        record["type"],
        record.get("distinct", len(values)),
        values,
        record.get("minimum"),
        record.get("maximum"),
        record.get("nulls", 0),
    )


def _collection(record: Mapping[str, Any]) -> Collection:
    return Collection(record["id"], record.get("title") or record["id"], tuple(record.get("time") or ()))


def _band(record: Mapping[str, Any]) -> Band:
    return Band(
        index=record["index"],
        names=tuple(dict.fromkeys(name for name in (record.get("role"), record.get("name")) if name)),
        unit=record.get("unit") or "unspecified",
        value_kind=record.get("value_kind") or "unknown",
        classes=dict(record.get("classes") or {}),
        minimum=record.get("minimum"),
        maximum=record.get("maximum"),
    )
