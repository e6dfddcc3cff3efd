"""The rasters of a generated workspace: one of classes, one of values, with holes of nodata."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from generated_files import LabelStyle, smooth_field, write_labels, write_raster
from generated_ground import Ground
from generated_scene import ClassRaster, ValueRaster
from generated_words import COVER_CLASSES, COVER_THEMES, SURFACES, pick, sample, spell_value

LABEL_STYLES: tuple[LabelStyle, ...] = ("category_names", "attribute_table", "declared", "none")


def make_cover(ground: Ground) -> ClassRaster:
    """Write the class raster: patches of four to seven classes, and one more class that has a name but no pixel."""
    rng, lattice = ground.rng, ground.lattice
    theme, style = pick(rng, COVER_THEMES), pick(rng, LABEL_STYLES)
    count = int(rng.integers(4, 8))
    step = 1 if style == "category_names" else int(pick(rng, (1, 10)))
    values = [step * (n + 1) for n in range(count + 1)]
    fields = [smooth_field(rng, (lattice.height, lattice.width), 0.0, 1.0) for _ in range(count)]
    codes = np.array(values[:count], dtype=np.uint8)[np.argmax(fields, axis=0)]
    codes[_holes(ground)] = 0
    names = [str(value) for value in values] if style == "none" else spell_value(rng, sample(rng, COVER_CLASSES, count + 1))
    labels = dict(zip(values, names, strict=True))
    path = write_raster(ground.path(theme, ".tif"), lattice, codes, 0)
    write_labels(path, labels, style)
    return ClassRaster(path, theme, codes, labels, values[-1], style)


def make_surface(ground: Ground) -> ValueRaster:
    """Write the raster of values: a smooth surface, in whole numbers now and then; the file states its unit or not."""
    rng, lattice = ground.rng, ground.lattice
    surface = pick(rng, SURFACES)
    values: npt.NDArray[Any] = smooth_field(rng, (lattice.height, lattice.width), surface.base, surface.span)
    if surface.decimals == 0 and rng.random() < 0.4:
        values = np.round(values).astype(np.int16)
    hidden = _holes(ground)
    nodata = -9999
    stored = np.where(hidden, nodata, values).astype(values.dtype)
    unit = surface.unit if rng.random() < 0.5 else ""
    path = write_raster(ground.path(surface.theme, ".tif"), lattice, stored, nodata, unit)
    return ValueRaster(path, surface, np.ma.MaskedArray(values.astype(np.float64), mask=hidden))


def _holes(ground: Ground) -> npt.NDArray[np.bool_]:
    """Return where (row, col) there is no data: up to three rectangles."""
    rng, lattice = ground.rng, ground.lattice
    holes = np.zeros((lattice.height, lattice.width), dtype=bool)
    for _ in range(int(rng.integers(0, 4))):
        row, column = int(rng.integers(lattice.height - 4)), int(rng.integers(lattice.width - 4))
        height, width = (int(n) for n in rng.integers(2, 9, 2))
        holes[row : row + height, column : column + width] = True
    return holes
