"""Read a request to make something of data: one task, or several joined by `and` and `then`, each of what the one before made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from agent.planner.atlas import Atlas, Dataset
from agent.planner.frames import Cells, Frame, Layer, Plan, Task, Verb
from agent.planner.lexicon import STATISTICS, UNITS
from agent.planner.step import Draft
from agent.planner.task_forms import FORMATS, FORMS, SHAPES, VERBS
from agent.planner.task_names import AskedError, Names, is_pronoun
from agent.planner.terrain import surfaces
from agent.planner.text import parse_number
from tools.geo.units import convert

Match = re.Match[str]
_POLITE = re.compile(r"^(?:please|kindly|now|then|can you|could you|would you|will you|i want to|i want you to|i would like to|i'd like to|let us|let's)[ ,]+", re.IGNORECASE)  # fmt: skip
_THEN = re.compile(rf",? (?:and then|and|then|, then) (?=(?:{VERBS})(?!\w))|[.;] (?:then )?(?=(?:{VERBS})(?!\w))", re.IGNORECASE)
DEFAULT_FORMAT = "gpkg"


@dataclass(frozen=True)
class TaskReader:
    """Reads one request against the datasets, those that can be made among them."""

    atlas: Atlas
    question: str

    def read(self) -> Plan | Draft | None:
        """Return what is to be made; a question back where something is missing; None where the question is of another kind."""
        tasks: list[Task] = []
        for part in _THEN.split(re.sub(r"\s+", " ", self.question).strip(" ?.!")):
            try:
                task = self._task(_POLITE.sub("", part.strip(" ,")), is_first=not tasks)
            except AskedError as asked:
                return asked.draft
            if not isinstance(task, Task):
                return task
            tasks.append(task)
        return Plan((Frame("tasks", tasks=tuple(tasks)),)) if tasks else None

    def _task(self, text: str, *, is_first: bool) -> Task | Draft | None:
        for verb, pattern in FORMS:
            match = pattern.match(text)
            found = _READERS[verb](_Told(match, self.atlas, Names(self.atlas), is_first)) if match else None
            if found is not None:
                return found
        return None


@dataclass(frozen=True)
class _Told:
    """One task as it is said."""

    match: Match
    atlas: Atlas
    names: Names
    is_first: bool

    def said(self, group: str) -> str:
        """Return what stands in a group, empty where nothing does."""
        return (self.match.groupdict().get(group) or "").strip(" ,.?!")

    @property
    def is_of_last(self) -> bool:
        """Whether it speaks of what was made before."""
        return is_pronoun(self.said("what"))

    @property
    def metres(self) -> float | None:
        """The distance that is said, in metres; None without one."""
        if not self.said("n"):
            return None
        unit = UNITS.get(self.said("unit").lower(), "m")
        return convert(parse_number(self.said("n")), unit, "m")  # type: ignore[arg-type]  # a length of the closed list

    def layer(self, geometry: str | None = None) -> Layer | None:
        """Return the layer it speaks of."""
        return self.names.layer(self.said("what"), geometry=geometry)


def _of_layer(told: _Told, verb: Verb, option: str = "", *, amount: float | None = None, by: tuple[str, ...] = ()) -> Task | None:
    """Return a task on a layer, or on what was made before."""
    if told.is_of_last:
        return Task(verb, option=option, amount=amount, by=by)
    layer = told.layer()
    return Task(verb, layer, option=option, amount=amount, by=by) if layer else None


def _export(told: _Told) -> Task | Draft | None:
    form = re.sub(r"[ -]", "", told.said("format").lower())
    kind = FORMATS.get(form) or FORMATS.get(form.removesuffix("s")) or DEFAULT_FORMAT
    column = _crs(told.said("crs"))
    if told.is_of_last:
        return Task("export", option=kind, column=column)
    layer = told.names.rows(told.said("what"))
    if layer:
        return Task("export", layer, option=kind, column=column)
    cells = told.names.raster(told.said("what"))
    return Task("export", cells=cells, option=kind if form else "cog", column=column) if cells else None


def _clean(told: _Told) -> Task | None:
    return _of_layer(told, "clean")


def _simplify(told: _Told) -> Task | Draft | None:
    task = _of_layer(told, "shape", "simplify", amount=told.metres)
    if task and task.amount is None:
        return Draft("By how much may outlines be simplified? Give a tolerance, for example 'by 10 m'.", "input_needed")
    return task


def _explode(told: _Told) -> Task | None:
    return _of_layer(told, "shape", "explode")


def _buffer(told: _Told) -> Task | None:
    return _of_layer(told, "buffer", amount=told.metres)


def _dissolve(told: _Told) -> Task | None:
    layer = told.layer()
    found = told.names.column(told.said("column"), [told.atlas.get(layer.ref)], numeric=False) if layer else None
    return Task("dissolve", layer, by=(found[1].name,)) if found else None


def _reproject(told: _Told) -> Task | None:
    crs = _crs(told.said("crs"))
    if told.is_of_last:
        return Task("reproject", option=crs)
    layer, cells = told.layer(), None
    if layer is None:
        cells = told.names.raster(told.said("what"))
    return Task("reproject", layer, cells, option=crs) if layer or cells else None


def _crs(words: str) -> str:
    """Return a CRS as tools take it: `EPSG:32633` for `UTM zone 33N`."""
    text = words.upper().replace(" ", "")
    if text in ("WGS84", ""):
        return "EPSG:4326" if text else ""
    if text == "WEBMERCATOR":
        return "EPSG:3857"
    zone = re.fullmatch(r"UTM(?:ZONE)?(\d{1,2})([NS]?)", text)
    return f"EPSG:{327 if zone[2] == 'S' else 326}{int(zone[1]):02}" if zone else text


def _contour(told: _Told) -> Task | Draft | None:
    cells = told.names.raster(told.said("what")) if told.said("what") else _only_surface(told.atlas)
    if cells is None:
        return None
    if not told.said("n"):
        return Draft("At which interval are the contours wanted? For example 'contours every 10 m'.", "input_needed")
    band = told.atlas.get(cells.ref).band(cells.band)
    said = UNITS.get(told.said("unit").lower(), "")
    number = parse_number(told.said("n"))
    is_converted = said and band.unit in ("m", "km", "cm", "mm", "ft") and said != band.unit
    return Task("contour", cells=cells, amount=convert(number, said, band.unit) if is_converted else number)  # type: ignore[arg-type]  # both are lengths


def _only_surface(atlas: Atlas) -> Cells | None:
    found = surfaces("", atlas)
    return Cells(found[0].id, noun=found[0].title) if len(found) == 1 else None


def _voronoi(told: _Told) -> Task | None:
    words, _, inside = told.said("what").partition(" within ")
    layer = told.names.layer(words, geometry="point")
    area = told.said("within") or inside
    within = told.names.layer(area, geometry="polygon") if area else None
    return Task("shape", layer, other=within, option="voronoi") if layer and (within or not area) else None


def _shape(told: _Told) -> Task | None:
    words = told.said("shape").lower()
    option = next(operation for start, operation in SHAPES.items() if words.startswith(start))
    one_of_all = bool(told.match.groupdict().get("all")) and not words.endswith("s")
    return _of_layer(told, "shape", option, by=("*",) if one_of_all else ())


def _thiessen(told: _Told) -> Task | Draft | None:
    named = told.said("what")
    points = told.names.layer(named, geometry="point") if named else None
    layers = [told.atlas.get(points.ref)] if points else [one for one in told.atlas.vectors if one.geometry == "point"]
    found = told.names.column(told.said("column"), layers, numeric=True)
    zones = told.names.layer(told.said("zones"), geometry="polygon")
    if found is None or zones is None:
        return None
    dataset, column = found
    return Task("thiessen", points or Layer(dataset.id, noun=dataset.title), other=zones, column=column.name)


def _join(told: _Told) -> Task | None:
    first, second = told.names.rows(told.said("a")), told.names.rows(told.said("b"))
    if first is None or second is None or first.ref == second.ref:
        return None
    one, other = told.atlas.get(first.ref), told.atlas.get(second.ref)
    if not one.is_vector and not other.is_vector:
        return None
    layer, joined = (second, first) if other.is_vector else (first, second)
    datasets = [told.atlas.get(layer.ref), told.atlas.get(joined.ref)]
    option = "attributes" if told.said("key") or not (one.is_vector and other.is_vector) else "spatial"
    shared = told.names.column(told.said("key"), datasets[:1], numeric=False) if told.said("key") else None
    key = shared[1].name if shared else ""
    if told.said("key") and not key:
        return None
    if not told.said("column"):
        return Task("join", layer, other=joined, option=option, key=key)
    found = told.names.column(told.said("column"), datasets, numeric=True)
    by = _group(told, datasets) if told.said("group") else ()
    if found is None or by is None:
        return None
    statistic = "mean" if told.said("stat").lower() in ("mean", "average") else "sum"
    return Task("join", layer, other=joined, option=f"{option} {statistic}", column=found[1].name, key=key, by=by)


def _group(told: _Told, datasets: Sequence[Dataset]) -> tuple[str, ...] | None:
    """Return the column by which a total is wanted: a column's name, or the noun of the features themselves."""
    words = told.said("group")
    found = told.names.column(words, datasets, numeric=False)
    if found:
        return (found[1].name,)
    layer = told.names.layer(words)
    label = told.atlas.get(layer.ref).label_column if layer and layer.ref == datasets[0].id else None
    return (label,) if label else None


def _extremes(told: _Told) -> Task | None:
    option = "maximum" if told.said("up") else "minimum"
    words = told.said("what")
    cells = told.names.raster(words) if words else _only_surface(told.atlas)
    if cells:
        return Task("extremes", cells=cells, option=option)
    raster, _, place = re.sub(r" (?:inside|within|of) (?:the )?", " in ", f" {words}").rpartition(" in ")
    within = told.names.layer(place or words, geometry="polygon")
    cells = told.names.raster(raster) if raster.strip() else _only_surface(told.atlas)
    return Task("extremes", cells=cells, other=within, option=option) if within and cells else None


def _histogram(told: _Told) -> Task | None:
    cells = told.names.raster(told.said("what"))
    if cells is None or (told.atlas.get(cells.ref).band(cells.band).is_categorical and not told.said("sure")):
        return None
    return Task("histogram", cells=cells, amount=float(told.said("n")) if told.said("n") else None)


def _sample(told: _Told) -> Task | None:
    points = told.names.layer(told.said("points"), geometry="point")
    if points is None:
        return None
    words = told.said("raster")
    cells = told.names.raster(re.sub(r" (?:values?|readings?)$", "", words)) if words else _only_surface(told.atlas)
    if cells is None or _has_column(told.atlas.get(points.ref), words or "elevation", told.names):
        return None
    statistic = STATISTICS.get(told.said("stat").lower(), {"highest": "max", "lowest": "min"}.get(told.said("stat").lower(), ""))
    return Task("sample", points, cells, option=statistic)


def _ranked(told: _Told) -> Task | None:
    points = told.names.layer(told.said("points"), geometry="point")
    if points is None:
        return None
    words = told.said("raster")
    cells = told.names.raster(words) if words else _only_surface(told.atlas)
    if cells is None or _has_column(told.atlas.get(points.ref), words or "elevation", told.names):
        return None
    return Task("sample", points, cells, option="highest" if told.said("up") else "lowest")


def _has_column(dataset: Dataset, words: str, names: Names) -> bool:
    """Whether the layer itself says the number in a column, so that no raster is needed."""
    return names.column(words, [dataset], numeric=True) is not None


_READERS = cast(
    Mapping[str, Callable[[_Told], Task | Draft | None]],
    {
        "export": _export, "clean": _clean, "simplify": _simplify, "explode": _explode, "buffer": _buffer, "dissolve": _dissolve,
        "reproject": _reproject, "contour": _contour, "voronoi": _voronoi, "shape": _shape, "thiessen": _thiessen, "join": _join,
        "extremes": _extremes, "histogram": _histogram, "sample": _sample, "ranked": _ranked,
    },
)  # fmt: skip
