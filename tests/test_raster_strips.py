"""Rasters of several strips: seams do not show, in values, areas or statistics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from raster_calls import call, fact, lonlat_row_areas, raster, stack, written
from tools.raster.strips import STRIP_PX
from tools.storage.rasters import write_class_raster

GRID = GeoBox((2 * STRIP_PX // 1000 + 7, 1000), Affine(0.01, 0, 10, 0, -0.01, 60), "EPSG:4326")
"""Three strips, the last of seven rows."""
RNG = np.random.default_rng(5)
CODES = RNG.integers(0, 4, GRID.shape).astype("uint8")
AREA = np.broadcast_to(lonlat_row_areas(GRID), GRID.shape)


def test_an_index_and_a_composite_of_several_strips_are_those_of_the_whole(tmp_path: Path) -> None:
    bands = {role: np.ma.MaskedArray(RNG.integers(0, 200, GRID.shape).astype("uint8"), mask=CODES == 0) for role in ("nir", "red")}
    source = stack(tmp_path / "s.tif", bands, GRID)
    nir, red = (band.data.astype(float) for band in bands.values())
    valid = (CODES > 0) & (nir + red > 0)
    expected = (nir - red)[valid] / (nir + red)[valid]
    index = call("spectral_index", tmp_path / "i", {"raster": "r", "index": "NDVI"}, source)
    np.testing.assert_allclose(written(tmp_path / "i", index).compressed(), expected, rtol=1e-6)
    mean = np.average(expected, weights=AREA[valid])
    assert fact(index, "mean") == pytest.approx(mean, rel=1e-6)
    assert fact(index, "std") == pytest.approx(np.sqrt(np.average((expected - mean) ** 2, weights=AREA[valid])), rel=1e-6)
    assert fact(index, "count", pixels="undefined") == int(((CODES > 0) & (nir + red == 0)).sum())
    joined = call("composite", tmp_path / "c", {"rasters": ["r", "r"], "method": "mean"}, source)
    np.testing.assert_array_equal(written(tmp_path / "c", joined, 1).compressed(), nir[CODES > 0])


def test_transitions_of_several_strips_are_those_of_the_whole_whatever_comes_first(tmp_path: Path) -> None:
    earlier, labels = CODES, {1: "water", 2: "forest", 3: "field"}
    later = np.roll(earlier, 1, axis=0)
    later[: STRIP_PX // 1000][later[: STRIP_PX // 1000] == 1] = 2  # some pairs are met only in a later strip
    for name, codes in {"b": earlier, "a": later}.items():
        write_class_raster(tmp_path / f"{name}.tif", codes, GRID, labels)
    output = call(
        "change", tmp_path / "out", {"before": "b", "after": "a"}, raster(tmp_path / "b.tif", "b"), raster(tmp_path / "a.tif", "a")
    )
    pairs = [(old, new) for old in labels for new in labels]
    for old, new in pairs:
        told = fact(output, "area", **{"from": labels[old], "to": labels[new]})
        assert told == pytest.approx(AREA[(earlier == old) & (later == new)].sum(), rel=1e-6)
    names = sorted((labels[old], labels[new]) for old, new in pairs)
    numbers = {(old, new): names.index((labels[old], labels[new])) + 1 for old, new in pairs}
    expected = np.zeros(GRID.shape, "uint8")
    for (old, new), number in numbers.items():
        expected[(earlier == old) & (later == new)] = number
    np.testing.assert_array_equal(written(tmp_path / "out", output).filled(0), expected)
