"""A GeoTIFF with a side file that places it elsewhere: refused until somebody says which is right; an agreeing one is read."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import CRS
from rasterio.errors import NotGeoreferencedWarning

from catalog_files import only
from tools.catalog.datasets import Datasets
from tools.contract import Declared, Source, ToolContext, ToolOutput
from tools.errors import DataError
from tools.registry import load
from tools.storage.rasters import raster_info
from vector_calls import value

NOTHING = Declared()
TAGS = Affine(10, 0, 500_000, 0, -10, 5_030_000)
BESIDE = Affine(20, 0, 600_000, 0, -20, 5_040_000)


def geotiff(folder: Path, beside: Affine | None = None, system: int | None = 32632) -> Path:
    """Write 20 × 20 pixels placed by tags, and beside them a side file of GDAL that places them again."""
    path = folder / "terrain.tif"
    profile = {"driver": "GTiff", "width": 20, "height": 20, "count": 1, "dtype": "float32", "crs": "EPSG:32632", "transform": TAGS}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(np.full((1, 20, 20), 7, dtype="float32"))
    if beside is not None:
        numbers = ", ".join(repr(number) for number in beside.to_gdal())
        srs = "" if system is None else f"<SRS>{CRS.from_epsg(system).to_wkt('WKT1_GDAL').replace(chr(34), '&quot;')}</SRS>"
        Path(f"{path}.aux.xml").write_text(f"<PAMDataset>{srs}<GeoTransform>{numbers}</GeoTransform></PAMDataset>")
    return path


def info(path: Path, declared: Declared = NOTHING):
    return raster_info(Source("r", "raster", path, "xxh3:0", declared=declared))


def test_two_places_are_refused_and_both_are_named(tmp_path):
    with pytest.raises(DataError, match=r"10 × 10 from \(500000.*aux\.xml.*20 × 20 from \(600000") as refused:
        info(geotiff(tmp_path, BESIDE))
    assert "--georeferencing internal" in refused.value.hint


def test_two_systems_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"UTM zone 32N.*UTM zone 33N"):
        info(geotiff(tmp_path, TAGS, system=32633))


@pytest.mark.parametrize(("choice", "place"), [("internal", TAGS), ("sidecar", BESIDE)])
def test_the_one_that_was_chosen_is_read(tmp_path, choice, place):
    found = info(geotiff(tmp_path, BESIDE), Declared(georeferencing=choice))
    assert found.transform == place
    assert found.crs.to_epsg() == 32632


def test_a_declared_place_needs_no_agreement(tmp_path):
    found = info(geotiff(tmp_path, BESIDE), Declared(bounds=(0, 0, 200, 200)))
    assert found.transform == Affine(10, 0, 0, 0, -10, 200)


@pytest.mark.parametrize("beside", [TAGS, TAGS * Affine.translation(1e-5, 0)], ids=["the same", "rounded"])
def test_an_agreeing_side_file_passes(tmp_path, beside):
    assert info(geotiff(tmp_path, beside)).crs.to_epsg() == 32632


def test_a_side_file_without_a_place_passes(tmp_path):
    path = geotiff(tmp_path)
    Path(f"{path}.aux.xml").write_text("<PAMDataset><Metadata><MDI key='a'>b</MDI></Metadata></PAMDataset>")
    assert info(path).transform == TAGS


def test_a_raster_placed_by_its_side_file_only_is_read_from_there(tmp_path):
    path = geotiff(tmp_path, BESIDE)
    with rasterio.open(path, "r+") as dataset:
        side = Path(f"{path}.aux.xml").read_text()
        values = dataset.read()
    path.unlink()
    profile = {"driver": "GTiff", "width": 20, "height": 20, "count": 1, "dtype": "float32"}
    with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning), rasterio.open(path, "w", **profile) as dataset:
        dataset.write(values)
    Path(f"{path}.aux.xml").write_text(side)
    assert info(path).transform == BESIDE


def test_adding_reports_it_and_a_choice_registers_it(workspace, tmp_path):
    datasets, path = Datasets(workspace), geotiff(tmp_path, BESIDE)
    report = datasets.add(path)
    assert not report.records
    assert "aux.xml" in report.refused[0].message
    record = only(datasets, path, declared=Declared(georeferencing="internal"))
    assert record.resolution == (10, 10)


def described(path: Path) -> ToolOutput:
    tool = load("describe_dataset")
    return tool.run(tool.params(dataset="r"), ToolContext(path.parent, {"r": Source("r", "raster", path, "xxh3:0")}))


def test_a_description_gives_the_area_in_the_plane_and_on_the_ground(tmp_path):
    output = described(geotiff(tmp_path))
    plane = value(output, "area", of="extent", surface="plane")
    assert plane == pytest.approx(40_000, rel=1e-12)
    assert value(output, "area", of="extent", surface="ellipsoid") == pytest.approx(plane / 0.9996**2, rel=1e-6)


def test_a_raster_of_the_whole_earth_covers_the_whole_earth(tmp_path, make_raster):
    output = described(make_raster(np.ones((18, 36), dtype="uint8"), crs="EPSG:4326", bounds=(-180, -90, 180, 90)))
    assert value(output, "area", of="extent", surface="ellipsoid") == pytest.approx(510_065_621.724e6, rel=1e-9)  # of WGS 84, in m2
    assert not [fact for fact in output.facts if dict(fact.subject).get("surface") == "plane"]
