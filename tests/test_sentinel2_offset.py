"""The offset of Sentinel-2's processing baseline 04.00, from the catalogue's words to an index: taken off once, never twice, never left.

Since 25 January 2022 level-2A files hold reflectance * 10000 + 1000 (ESA, Sentinel-2 Products Specification Document); some catalogues take
the 1000 off again and say so (`earthsearch:boa_offset_applied`), some state scale and offset with the bands, some say only the baseline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from conftest import MakeRaster
from range_server import RangeServer
from served_scenes import Scenes, item_of, serve
from tools.workspace import Workspace

RED = np.linspace(0.02, 0.3, 64).reshape(8, 8)
NIR = np.linspace(0.5, 0.1, 64).reshape(8, 8)
NDVI = (NIR - RED) / (NIR + RED)
STATED = {"raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}]}
LEVEL_2A = {"platform": "sentinel-2b", "s2:product_type": "S2MSI2A"}


@dataclass(frozen=True)
class Catalogue:
    """How one catalogue tells of one scene."""

    added: int
    """What is in the stored values beside reflectance * 10000."""
    properties: dict[str, Any]
    asset: dict[str, Any] = field(default_factory=dict)


CATALOGUES = {
    "the offset is stated and due": Catalogue(1000, {"earthsearch:boa_offset_applied": False}, STATED),
    "the offset is stated but already taken off": Catalogue(0, {"earthsearch:boa_offset_applied": True}, STATED),
    "only the baseline is known, 04.00": Catalogue(1000, {**LEVEL_2A, "s2:processing_baseline": "04.00"}),
    "only the baseline is known, 05.11": Catalogue(1000, {**LEVEL_2A, "s2:processing_baseline": "05.11"}),
    "only the baseline is known, before the offset": Catalogue(0, {**LEVEL_2A, "s2:processing_baseline": "03.01"}),
    "the baseline has the offset, which was taken off": Catalogue(
        0, {**LEVEL_2A, "s2:processing_baseline": "04.00", "earthsearch:boa_offset_applied": True}
    ),
    "both the baseline and the bands state it": Catalogue(1000, {**LEVEL_2A, "s2:processing_baseline": "05.09"}, STATED),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    with RangeServer() as running:
        monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", running.host)
        yield running


def scene(server: RangeServer, make_raster: MakeRaster, told: Catalogue, name: str = "scene") -> dict[str, Any]:
    item = item_of(name, told.properties)
    for key, truth in (("red", RED), ("nir", NIR)):
        stored = np.round(truth * 10_000 + told.added).astype("uint16")
        path = make_raster(stored, crs="EPSG:32631", transform=from_origin(500_000, 5_000_000, 10, 10), name=f"{name}-{key}.tif", nodata=0)
        serve(server, item, key, path, **told.asset)
    return item


def values(result: Any, band: int = 1) -> Any:
    with rasterio.open(result.artifact.main_file) as dataset:
        return dataset.read(band, masked=True)


@pytest.mark.parametrize("told", CATALOGUES.values(), ids=CATALOGUES)
def test_reflectance_and_index_are_true_whatever_the_catalogue_says(
    server: RangeServer, make_raster: MakeRaster, workspace: Workspace, told: Catalogue
) -> None:
    scenes = Scenes(workspace, [scene(server, make_raster, told)])
    read = scenes.read("red", "nir")
    np.testing.assert_allclose(values(read), RED, atol=6e-5)
    index = scenes.runner.run("spectral_index", {"raster": read.artifact.ref, "index": "NDVI"})
    np.testing.assert_allclose(values(index), NDVI, atol=2e-3)


def test_scenes_of_two_baselines_join_and_move_without_taking_the_offset_twice(
    server: RangeServer, make_raster: MakeRaster, workspace: Workspace, tmp_path: Path
) -> None:
    before, after = (CATALOGUES[f"only the baseline is known, {text}"] for text in ("before the offset", "04.00"))
    scenes = Scenes(workspace, [scene(server, make_raster, before, "old"), scene(server, make_raster, after, "new")])
    old, new = (scenes.read("red", "nir", number=number).artifact.ref for number in (0, 1))
    run = scenes.runner.run
    change = run("change", {"before": old, "after": new})
    assert np.abs(values(change)).max() < 1e-4
    joined = run("composite", {"rasters": [old, new], "method": "mean"}).artifact.ref
    stacked = run("stack", {"bands": [{"raster": joined, "band": 2}, {"raster": joined, "band": 1}]}).artifact.ref
    moved = run("reproject", {"source": stacked, "crs": "EPSG:32631", "resampling": "nearest"}).artifact.ref
    index = run("spectral_index", {"raster": moved, "index": "NDVI"})
    np.testing.assert_allclose(values(index), NDVI, atol=2e-3)
