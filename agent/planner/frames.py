"""What a question asks, resolved to datasets, columns and values: JSON-safe, so that a follow-up can take it up again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["cells", "values", "extent", "features", "nearest", "catalog", "describe", "map", "scenes", "documents", "change", "tasks"]
Verb = Literal[
    "export", "clean", "shape", "buffer", "dissolve", "reproject", "contour", "sample", "join", "thiessen", "extremes", "histogram"
]
Direction = Literal["desc", "asc"]
SceneAsk = Literal["list", "count", "cloud", "time"]


@dataclass(frozen=True)
class Condition:
    """One test of a column, as `tools.geotypes.Condition` takes it."""

    column: str
    op: str
    value: Any = None  # Any: a scalar or a list of scalars

    def to_params(self) -> dict[str, Any]:
        """Return the parameter object of a tool."""
        params: dict[str, Any] = {"column": self.column, "op": self.op}
        return params if self.value is None else {**params, "value": list(self.value) if isinstance(self.value, tuple) else self.value}


@dataclass(frozen=True)
class Filter:
    """A spatial condition on the features of a layer."""

    predicate: str
    """`within`, `intersects`, `disjoint`, `touches`, `contains`, `within_distance`; `beyond_distance` is the opposite of the last."""
    other: Layer
    distance_m: float | None = None


@dataclass(frozen=True)
class Layer:
    """Features of a vector layer."""

    ref: str
    where: tuple[Condition, ...] = ()
    match: Literal["all", "any"] = "all"
    filters: tuple[Filter, ...] = ()
    noun: str = ""
    """How the question calls them."""


@dataclass(frozen=True)
class Range:
    """Values between two limits; None = open."""

    low: float | None = None
    high: float | None = None
    low_in: bool = True
    high_in: bool = False
    words: str = ""
    """How the question says it, with the raster's own unit where it was converted."""


@dataclass(frozen=True)
class Derived:
    """A raster that calls make of the bands of a raster or of a scene."""

    index: str = ""
    terrain: str = ""
    """What of a surface of heights, instead of an index: slope, roughness, ruggedness; or remoteness, the distance to `target`."""
    target: str = ""
    """Label of a class."""
    network: str = ""
    """Dataset of a network that tells classes, instead of an index."""
    raster: str = ""
    """Dataset."""
    scene: str = ""
    """Id of a scene, instead of a raster."""
    catalogue: str = ""
    """In which to look for the scene."""
    mask: str = "none"
    """Which pixels count: none, clear, clear_land, clear_water."""
    is_classes: bool = False
    """Whether it holds classes instead of the values of the index."""


@dataclass(frozen=True)
class Cells:
    """A band of a raster, and which of its pixels: classes, ranges of values, or all."""

    ref: str
    band: int = 1
    classes: tuple[str, ...] = ()
    """Labels of classes; empty together with `ranges` = every class or value."""
    ranges: tuple[Range, ...] = ()
    noun: str = ""
    derived: Derived | None = None
    """How to make the raster, where `ref` is none that is there."""


@dataclass(frozen=True)
class Zones:
    """The parts by which a result is given."""

    layer: Layer
    column: str | None = None
    merged: bool = False
    """Whether all zones count as one place."""


@dataclass(frozen=True)
class Having:
    """A limit on the results themselves: `districts with more than 5 clinics`."""

    op: str
    value: float
    unit: str | None = None


@dataclass(frozen=True)
class Scenes:
    """Scenes of a catalogue, and what is asked of them."""

    catalogue: str
    collections: tuple[str, ...] = ()
    time: str | None = None
    """As `search_stac` takes it."""
    tile: str | None = None
    cloud_below: float | None = None
    """Percent, strictly below."""
    where: tuple[Condition, ...] = ()
    """Tests of properties."""
    bbox: tuple[float, ...] | None = None
    area: Layer | None = None
    ids: tuple[str, ...] = ()
    ask: SceneAsk = "list"
    sort: str | None = None
    """`cloud`, `-cloud`, `time` or `-time`, where the question ranks."""
    limit: int | None = None
    """How many of a ranking."""


@dataclass(frozen=True)
class Task:
    """One thing to be made of data; without layer and raster of what the task before made."""

    verb: Verb
    layer: Layer | None = None
    cells: Cells | None = None
    """The raster."""
    other: Layer | None = None
    """The layer or table joined to it, the area to which it is cut, the zones."""
    option: str = ""
    """Operation of a shape, format of an export, CRS, extreme, or statistic."""
    column: str = ""
    key: str = ""  # column by which tables are joined, where it is said
    by: tuple[str, ...] = ()
    amount: float | None = None
    """Metres; of contours the interval in the unit of the raster, of a histogram the number of bins."""


@dataclass(frozen=True)
class Frame:
    """One question that the tools can answer."""

    kind: Kind
    cells: Cells | None = None
    """For `cells` and `values`."""
    other_cells: Cells | None = None
    """The later raster of a `change`."""
    statistics: tuple[str, ...] = ()
    """For `values`."""
    layer: Layer | None = None
    """For `extent`, `features`, `nearest` and `describe`."""
    measures: tuple[tuple[str, str | None], ...] = ()
    """(aggregate, column) of `extent` and `features`; empty = the features themselves. (`share`, None) goes with an area."""
    clips: tuple[Layer, ...] = ()
    """Layers inside which an extent is measured."""
    minus: tuple[Layer, ...] = ()
    """Layers outside which an extent is measured."""
    zones: Zones | None = None
    group_by: tuple[str, ...] = ()
    other: Layer | None = None
    """In which to look for the nearest."""
    count: int = 1
    """How many neighbours."""
    select: tuple[str, ...] = ()
    order: Direction | None = None
    order_by: str | None = None
    limit: int | None = None
    having: Having | None = None
    unit: str | None = None
    says_raster: bool = False
    """Whether the answer must name the raster, as it tells of several."""
    share: bool = False
    """Whether the share is what is asked for."""
    distance_only: bool = False
    refs: tuple[str, ...] = ()
    """Datasets of `describe` and `map`, and of `documents` where some are named."""
    scenes: Scenes | None = None
    tasks: tuple[Task, ...] = ()
    """One after the other."""
    topic: str = ""
    """Aspect of `describe`: columns, crs, …; what is looked for in documents."""
    notes: tuple[str, ...] = ()
    """Assumptions to be told with the answer."""

    @property
    def cells_are_one(self) -> bool:
        """Whether the chosen pixels are one class or range, so that nothing can be ranked among them."""
        return self.cells is not None and len(self.cells.classes) + len(self.cells.ranges) == 1

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object without empty fields."""
        return {key: value for key, value in asdict(self).items() if value not in (None, (), "", False)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Frame:
        """Read back what `to_json` wrote."""
        fields: dict[str, Any] = dict(data)
        for name in ("layer", "other"):
            fields[name] = _layer(data.get(name))
        for name in ("clips", "minus"):
            fields[name] = tuple(layer for item in data.get(name, ()) if (layer := _layer(item)))
        fields["cells"] = _cells(data.get("cells"))
        fields["other_cells"] = _cells(data.get("other_cells"))
        fields["zones"] = _zones(data.get("zones"))
        fields["scenes"] = _scenes(data.get("scenes"))
        fields["tasks"] = tuple(_task(task) for task in data.get("tasks", ()))
        fields["having"] = Having(**data["having"]) if data.get("having") else None
        fields["measures"] = tuple((name, column) for name, column in data.get("measures", ()))
        for name in ("statistics", "group_by", "select", "refs", "notes"):
            fields[name] = tuple(data.get(name, ()))
        return Frame(**fields)


@dataclass(frozen=True)
class Plan:
    """All that one question asks: frames, and what is to be calculated from them."""

    frames: tuple[Frame, ...]
    derived: str = ""
    """`difference` of the first two frames, or `sum` of all; empty = nothing."""
    with_map: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"version": 1, "frames": [frame.to_json() for frame in self.frames], "derived": self.derived}

    @staticmethod
    def from_json(data: Mapping[str, Any] | None) -> Plan | None:
        """Read back what `to_json` wrote; None for anything else."""
        if not data or data.get("version") != 1:
            return None
        return Plan(tuple(Frame.from_json(frame) for frame in data["frames"]), data.get("derived", ""))


def _layer(data: Mapping[str, Any] | None) -> Layer | None:
    if not data:
        return None
    conditions = _conditions(data)
    filters = tuple(
        Filter(item["predicate"], other, item.get("distance_m")) for item in data.get("filters", ()) if (other := _layer(item["other"]))
    )
    return Layer(data["ref"], conditions, data.get("match", "all"), filters, data.get("noun", ""))


def _conditions(data: Mapping[str, Any]) -> tuple[Condition, ...]:
    return tuple(Condition(item["column"], item["op"], _frozen(item.get("value"))) for item in data.get("where", ()))


def _scenes(data: Mapping[str, Any] | None) -> Scenes | None:
    if not data:
        return None
    lists = {name: tuple(data.get(name) or ()) for name in ("collections", "ids")}
    bbox = tuple(data["bbox"]) if data.get("bbox") else None
    return Scenes(**{**data, **lists, "bbox": bbox, "where": _conditions(data), "area": _layer(data.get("area"))})


def _frozen(value: Any) -> Any:  # Any: JSON
    return tuple(value) if isinstance(value, list) else value


def _cells(data: Mapping[str, Any] | None) -> Cells | None:
    if not data:
        return None
    ranges = tuple(Range(**item) for item in data.get("ranges", ()))
    derived = Derived(**data["derived"]) if data.get("derived") else None
    return Cells(data["ref"], data.get("band", 1), tuple(data.get("classes", ())), ranges, data.get("noun", ""), derived)


def _task(data: Mapping[str, Any]) -> Task:
    layers = {name: _layer(data.get(name)) for name in ("layer", "other")}
    return Task(**{**data, **layers, "cells": _cells(data.get("cells")), "by": tuple(data.get("by") or ())})


def _zones(data: Mapping[str, Any] | None) -> Zones | None:
    layer = _layer(data["layer"]) if data else None
    return Zones(layer, data.get("column"), data.get("merged", False)) if data and layer else None
