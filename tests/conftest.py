"""Fixtures for all tests: a workspace, tiny rasters and layers, the real data, an environment of their own.

Nothing outlives a test: every fixture here is function-scoped and writes into the test's temporary folder. Only the cache
folder is the whole session's: the sentence encoder is made in it once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import settings

from tools.storage.bootstrap import bootstrap
from tools.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    import numpy as np
    from affine import Affine
    from shapely.geometry.base import BaseGeometry

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
OWN_PREFIXES = ("TERRACITE_", "OPENAI_", "LANGSMITH_", "LANGCHAIN_")

WORKERS = os.environ.get("TERRACITE_TEST_WORKERS", "0")
"""A test of what a tool computes needs no process of its own; the heavy tests run the acceptance in workers once more, as users do."""

Bounds = tuple[float, float, float, float]

_must_have_real_data = pytest.StashKey[bool]()

# Examples are the same in every run and on every machine; a slow machine is no failure.
settings.register_profile("terracite", derandomize=True, deadline=None, database=None)
settings.load_profile("terracite")


def pytest_configure(config: pytest.Config) -> None:
    """Set GDAL's options before any test module imports rasterio or pyogrio, as every interface does."""
    config.stash[_must_have_real_data] = os.environ.get("TERRACITE_REQUIRE_REALDATA") == "1"
    bootstrap()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test of real data into a failure where TERRACITE_REQUIRE_REALDATA is 1, as in CI."""
    report = yield
    of_real_data = item.get_closest_marker("realdata") or "shared_data" in getattr(item, "fixturenames", ())
    if report.skipped and of_real_data and item.config.stash[_must_have_real_data]:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but TERRACITE_REQUIRE_REALDATA is 1."
    return report


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """Return the user's cache folder of this session."""
    folder = tmp_path_factory.mktemp("cache")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, cache_folder: Path) -> None:
    """Keep the settings and keys of whoever runs the tests out of them, and their cache folder as it is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_folder))
    for name in os.environ:
        if name.startswith(OWN_PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TERRACITE_WORKERS", WORKERS)


@pytest.fixture
def shared_data() -> Path:
    """Return the folder of real data beside the checkout; skip where there is none. Read only."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real data: ../shared/data does not exist beside this checkout")
    return SHARED_DATA


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Return an empty workspace in the test's folder."""
    return open_workspace(root=tmp_path / "ws")


class MakeRaster(Protocol):
    """Writes a small GeoTIFF."""

    def __call__(
        self,
        array: np.ndarray[Any, Any],  # Any: every shape and dtype that GDAL writes
        *,
        crs: str | None = "EPSG:32631",
        bounds: Bounds | None = (0.0, 0.0, 100.0, 100.0),
        transform: Affine | None = None,
        nodata: float | None = None,
        name: str = "raster.tif",
        descriptions: Sequence[str] = (),
    ) -> Path:
        """Write `array`, (row, col) or (band, row, col), north up over `bounds` (left, bottom, right, top in `crs`).

        A `transform` replaces the bounds: for rotated and south-up grids. Without both, the file is not georeferenced.
        """


@pytest.fixture
def make_raster(tmp_path: Path) -> MakeRaster:
    """Return a factory of small GeoTIFFs in the test's folder."""

    def make(
        array: np.ndarray[Any, Any],  # Any: as in MakeRaster
        *,
        crs: str | None = "EPSG:32631",
        bounds: Bounds | None = (0.0, 0.0, 100.0, 100.0),
        transform: Affine | None = None,
        nodata: float | None = None,
        name: str = "raster.tif",
        descriptions: Sequence[str] = (),
    ) -> Path:
        import rasterio
        from rasterio.transform import from_bounds

        bands = array if array.ndim == 3 else array[None]
        count, height, width = bands.shape
        if transform is None and bounds is not None:
            transform = from_bounds(*bounds, width, height)
        path = tmp_path / name
        shape = {"count": count, "height": height, "width": width, "dtype": bands.dtype}
        with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, nodata=nodata, **shape) as dataset:
            dataset.write(bands)
            for index, text in enumerate(descriptions, start=1):
                dataset.set_band_description(index, text)
        return path

    return make


class MakeLayer(Protocol):
    """Writes a small vector layer."""

    def __call__(
        self,
        geometries: Sequence[BaseGeometry | None],
        *,
        crs: str | None = "EPSG:4326",
        columns: Mapping[str, Sequence[object]] | None = None,
        name: str = "layer.gpkg",
    ) -> Path:
        """Write one feature per geometry; the suffix of `name` chooses the format (.parquet is GeoParquet)."""


@pytest.fixture
def make_layer(tmp_path: Path) -> MakeLayer:
    """Return a factory of small vector layers in the test's folder."""

    def make(
        geometries: Sequence[BaseGeometry | None],
        *,
        crs: str | None = "EPSG:4326",
        columns: Mapping[str, Sequence[object]] | None = None,
        name: str = "layer.gpkg",
    ) -> Path:
        import geopandas

        frame = geopandas.GeoDataFrame(dict(columns or {}), geometry=list(geometries), crs=crs)
        path = tmp_path / name
        if path.suffix == ".parquet":
            frame.to_parquet(path)
        else:
            frame.to_file(path, engine="pyogrio")
        return path

    return make
