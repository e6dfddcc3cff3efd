"""The vector layers of a generated workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shapely.geometry.base import BaseGeometry

import generated_words as words
from generated_files import FORMATS, fit_column, write_layer
from generated_ground import Ground
from generated_lattice import SUB, Rect
from generated_scene import Area, Layer, Route, Site
from generated_words import Noun, pick, sample, spell_value, zone_names

OUTSIDE_ROWS = (2, 14)
"""Rows of cells of the zone that no raster reaches; the other zones begin below."""


def make_zones(ground: Ground) -> tuple[Layer, str]:
    """Write the zones: a partition that may reach past the raster, with a gap, and one zone outside every raster.

    Now and then two zones have the same name, or a further zone overlaps others. Returns the layer and the outside zone's name.
    """
    rng = ground.rng
    noun = pick(rng, words.ZONE_NOUNS)
    rects = _partition(ground, int(rng.integers(4, 9)))
    if len(rects) > 5:
        del rects[int(rng.integers(len(rects)))]
    if rng.random() < 0.25:
        rects.append(ground.rect(2, 8, 14))
    left = 2 + SUB * int(rng.integers(1, 12))
    rects.append((OUTSIDE_ROWS[0], left, OUTSIDE_ROWS[1], left + 6 * SUB))
    names = zone_names(rng, len(rects), ground.names)
    if rng.random() < 0.3:
        names[1] = names[0]
    path, column = _zone_file(ground, noun)
    features = [Area((rect,), {column: name, "ref_no": 500 + n}) for n, (rect, name) in enumerate(zip(rects, names, strict=True))]
    return _write(ground, path, noun, features, column), names[-1]


def _zone_file(ground: Ground, noun: Noun) -> tuple[Path, str]:
    """Choose file and name column: the noun stands in the file's name, in the column's, or in both."""
    rng = ground.rng
    own_column = noun.one.replace(" ", "_") + pick(rng, ("", "_name"))
    stem, column = pick(
        rng,
        (
            (noun.many, pick(rng, words.NAME_COLUMNS)),
            (noun.many, own_column),
            (pick(rng, ("admin units", "boundaries", "areas of interest")), own_column),
        ),
    )
    path = ground.path(stem, pick(rng, FORMATS))
    return path, fit_column(column, path)


def _partition(ground: Ground, count: int) -> list[Rect]:
    """Cut a rectangle, which may reach into the margin, into `count` rectangles with edges at the middle of pixels."""
    rng = ground.rng
    rows, columns = ground.lattice.shape
    top, left, bottom, right = (SUB * int(n) for n in rng.integers(0, 7, 4))
    rects: list[Rect] = [(18 + top, 2 + left, rows - 2 - bottom, columns - 2 - right)]
    while len(rects) < count:
        row0, column0, row1, column1 = rect = max(rects, key=lambda r: (r[2] - r[0]) * (r[3] - r[1]))
        rects.remove(rect)
        if row1 - row0 > column1 - column0:
            cut = row0 + SUB * int((row1 - row0) / SUB * rng.uniform(0.35, 0.65))
            rects += [(row0, column0, cut, column1), (cut, column0, row1, column1)]
        else:
            cut = column0 + SUB * int((column1 - column0) / SUB * rng.uniform(0.35, 0.65))
            rects += [(row0, column0, row1, cut), (row0, cut, row1, column1)]
    return [rects[int(n)] for n in rng.permutation(len(rects))]


def make_parcels(ground: Ground) -> Layer:
    """Write polygons with a class and a number: rectangles, some in two parts, some of them overlapping."""
    rng = ground.rng
    noun, class_columns, classes = pick(rng, words.PARCEL_THEMES)
    path = ground.path(noun.many, pick(rng, FORMATS))
    class_column, number_column = (fit_column(pick(rng, options), path) for options in (class_columns, words.PARCEL_NUMBERS))
    values = spell_value(rng, sample(rng, classes, int(rng.integers(3, 6))))
    letter = pick(rng, "HJLMQ")
    features = []
    for n in range(int(rng.integers(14, 36))):
        rects = (ground.rect(1, 3, 9), *((ground.rect(1, 2, 5),) if rng.random() < 0.15 else ()))
        number = None if rng.random() < 0.06 else int(rng.integers(20, 5000))
        features.append(Area(rects, {"code": f"{letter}{n + 101}", class_column: pick(rng, values), number_column: number}))
    return _write(ground, path, noun, features, "code", class_column, number_column)


def make_extent(ground: Ground) -> Layer:
    """Write one to four polygons of one kind (a floodplain, reserves, …), which may overlap each other."""
    rng = ground.rng
    noun = pick(rng, words.EXTENTS)
    count = int(rng.integers(1, 5))
    path = ground.path(noun.one if count == 1 else noun.many, pick(rng, FORMATS))
    features = [Area((ground.rect(3, 8, 22),), {"source_id": 70 + n}) for n in range(count)]
    return _write(ground, path, noun, features, "")


def make_sites(ground: Ground) -> Layer:
    """Write named points of several kinds with a number; a CSV now and then."""
    rng = ground.rng
    noun = pick(rng, words.SITE_THEMES)
    path = ground.path(noun.many, pick(rng, (*FORMATS, ".csv")))
    kind_column, number_column = (fit_column(pick(rng, options), path) for options in (words.SITE_KIND_COLUMNS, words.SITE_NUMBERS))
    kinds = sample(rng, words.FACILITIES, int(rng.integers(3, 6)))
    spelled = dict(zip(kinds, spell_value(rng, [kind.one for kind in kinds]), strict=True))
    rows, columns = ground.lattice.shape
    features = []
    for n in range(int(rng.integers(16, 36))):
        kind = kinds[n % len(kinds)] if n < 2 * len(kinds) else pick(rng, kinds)
        row, column = (float(rng.integers(4, edge - 4) + rng.uniform(0.2, 0.8)) for edge in (rows, columns))
        attributes = {"name": next(ground.names), kind_column: spelled[kind], number_column: int(rng.integers(3, 900))}
        features.append(Site(row, column, attributes))
    return _write(ground, path, noun, features, "name", kind_column, number_column)


def make_routes(ground: Ground) -> Layer:
    """Write named lines with a class; no two share a step."""
    rng = ground.rng
    noun, class_columns, classes = pick(rng, words.ROUTE_THEMES)
    path = ground.path(noun.many, pick(rng, FORMATS))
    class_column = fit_column(pick(rng, class_columns), path)
    values = spell_value(rng, classes)
    used: set[tuple[int, int]] = set()
    features: list[Route] = []
    while len(features) < 4 + len(values):
        cells = _walk(ground)
        if used.isdisjoint(cells):
            used.update(cells)
            value = values[len(features) % len(values)]
            features.append(Route(cells, {"name": next(ground.names), class_column: value, "lanes": int(rng.integers(1, 5))}))
    return _write(ground, path, noun, features, "name", class_column, "lanes")


def _walk(ground: Ground) -> tuple[tuple[int, int], ...]:
    """Return neighbouring cells: a staircase of two to five straight stretches."""
    rng = ground.rng
    rows, columns = ground.lattice.shape
    row, column = int(rng.integers(5, rows - 5)), int(rng.integers(5, columns - 5))
    down, right = pick(rng, (1, -1)), pick(rng, (1, -1))
    cells = [(row, column)]
    for stretch in range(int(rng.integers(2, 6))):
        for _ in range(int(rng.integers(8, 60))):
            row, column = (row + down, column) if stretch % 2 else (row, column + right)
            if not (0 < row < rows - 1 and 0 < column < columns - 1):
                return tuple(cells)
            cells.append((row, column))
    return tuple(cells)


def _write(
    ground: Ground, path: Path, noun: Noun, features: Sequence[Any], name_column: str, class_column: str = "", number_column: str = ""
) -> Layer:
    crs = ground.crs_for(path)
    geometries = [_geometry(ground, feature, crs) for feature in features]
    columns: Mapping[str, list[object]] = {name: [feature.columns[name] for feature in features] for name in features[0].columns}
    write_layer(path, geometries, crs, columns)
    return Layer(path, crs, noun, name_column, tuple(features), class_column, number_column)


def _geometry(ground: Ground, feature: Area | Site | Route, crs: str) -> BaseGeometry:
    match feature:
        case Area():
            return ground.lattice.polygon(feature.rects, crs)
        case Site():
            return ground.lattice.point(feature.row, feature.column, crs)
        case Route():
            return ground.lattice.line(feature.cells, crs)
