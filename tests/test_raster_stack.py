"""stack: bands of several rasters, whatever their grids, on one grid in one raster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from raster_calls import call, fact, raster, stack, written
from tools.contract import Outcome
from tools.errors import ParameterError
from tools.storage.rasters import raster_info

FINE = GeoBox((40, 40), Affine(10, 0, 500_000, 0, -10, 5_000_000), "EPSG:32631")
COARSE = GeoBox((10, 10), Affine(40, 0, 500_000, 0, -40, 5_000_000), "EPSG:32631")
NOISE = np.random.default_rng(0).random((40, 40)).astype("float32")


def stacked(folder: Path, bands: list[dict[str, Any]], *sources: Any, **more: Any) -> tuple[Any, Any]:
    output = call("stack", folder, {"bands": bands, **more}, *sources)
    return output, raster_info(raster(folder / output.files[0]))


def test_onto_much_coarser_pixels_quantities_are_averaged_and_classes_take_the_commonest(tmp_path: Path) -> None:
    codes = np.where(np.arange(1600).reshape(40, 40) % 4 == 0, 3, 5).astype("uint8")
    fine = stack(
        tmp_path / "f.tif", {"height": np.ma.MaskedArray(NOISE), "cover": np.ma.MaskedArray(codes)}, FINE, "f", cover={3: "a", 5: "b"}
    )
    coarse = stack(tmp_path / "c.tif", {"rain": np.ma.MaskedArray(np.ones((10, 10)))}, COARSE, "c")
    bands = [{"raster": "c"}, {"raster": "f"}, {"raster": "f", "band": 2, "name": "land"}]
    output, info = stacked(tmp_path / "out", bands, fine, coarse)
    assert (info.grid, output.data["bands"]) == (COARSE, ["rain", "height", "land"])
    np.testing.assert_allclose(written(tmp_path / "out", output, 2), NOISE.reshape(10, 4, 10, 4).mean(axis=(1, 3)), rtol=1e-6)
    assert set(written(tmp_path / "out", output, 3).compressed().tolist()) == {5}
    assert dict(raster_info(raster(tmp_path / "out" / output.files[0]), 3).classes) == {"3": "a", "5": "b"}
    assert [each["resampling"] for each in output.method["bands"]] == ["none", "average", "mode"]
    with pytest.raises(ParameterError, match="mix the classes"):
        stacked(tmp_path / "out", bands, fine, coarse, resampling="bilinear")


def test_a_raster_of_another_crs_is_placed_where_it_lies_and_the_transformation_is_recorded(tmp_path: Path) -> None:
    lonlat = GeoBox((60, 60), Affine(0.001, 0, 2.98, 0, -0.001, 45.18), "EPSG:4326")
    longitude = np.broadcast_to(2.9805 + 0.001 * np.arange(60), (60, 60))
    east = stack(tmp_path / "e.tif", {"lon": np.ma.MaskedArray(longitude)}, lonlat, "e")
    here = stack(tmp_path / "h.tif", {"v": np.ma.MaskedArray(NOISE)}, FINE, "h")
    output, info = stacked(tmp_path / "out", [{"raster": "h"}, {"raster": "e"}], here, east)
    made = written(tmp_path / "out", output, 2)
    x, y = info.transform @ (20.5, 20.5)
    lon, lat = Transformer.from_crs(32631, 4326, always_xy=True).transform(x, y)
    inside = 45.12 < lat < 45.18
    assert inside
    assert made[20, 20] == pytest.approx(lon, abs=1e-5)
    assert output.method["transformations"][0]["input"] == "lon"


def test_outside_a_raster_its_bands_are_nodata_and_that_share_is_told(tmp_path: Path) -> None:
    left = stack(tmp_path / "l.tif", {"v": np.ma.MaskedArray(NOISE)}, FINE, "l")
    right = stack(tmp_path / "r.tif", {"v": np.ma.MaskedArray(NOISE)}, FINE.translate_pix(30, 0), "r")
    output, _ = stacked(tmp_path / "out", [{"raster": "l"}, {"raster": "r"}], left, right)
    assert fact(output, "valid_share", band="v_2") == pytest.approx(25, rel=1e-3)
    np.testing.assert_array_equal(written(tmp_path / "out", output, 2)[:, 30:].data, NOISE[:, :10])
    far = stack(tmp_path / "x.tif", {"v": np.ma.MaskedArray(NOISE)}, FINE.translate_pix(900, 0), "x")
    output, _ = stacked(tmp_path / "far", [{"raster": "x"}], far, left, like="l")
    assert output.outcome is Outcome.NO_COVERAGE


@pytest.mark.parametrize(
    ("types", "dtype", "nodata"),
    [(("uint8", "uint8"), "uint8", 255), (("uint8", "uint16"), "float32", None), (("int32", "uint8"), "float64", None), (("float32", "float32"), "float32", None)],
)  # fmt: skip
def test_the_type_is_the_one_all_share_else_floats_that_hold_them(
    tmp_path: Path, make_raster: Any, types: Any, dtype: str, nodata: Any
) -> None:
    values = np.arange(16).reshape(4, 4)
    sources = [raster(make_raster(values.astype(each), name=f"{n}.tif"), f"r{n}") for n, each in enumerate(types)]
    output, info = stacked(tmp_path / "out", [{"raster": "r0"}, {"raster": "r1"}], *sources)
    assert info.dtype == dtype
    assert info.nodata == nodata if nodata else np.isnan(info.nodata)
    for band in (1, 2):
        np.testing.assert_array_equal(written(tmp_path / "out", output, band), values)
    assert output.data["bands"] == ["band_1", "band_2"]


def test_scaled_values_come_out_true_and_the_grid_can_be_asked_for(tmp_path: Path, make_raster: Any) -> None:
    path = make_raster(np.full((10, 10), 200, "int16"), nodata=-1)
    source = raster(path, "s", scale=0.5, offset=1.0)
    output, info = stacked(tmp_path / "out", [{"raster": "s"}], source, resolution=20)
    assert (info.width, info.transform.a) == (5, 20)
    assert set(written(tmp_path / "out", output).compressed().tolist()) == {101}
