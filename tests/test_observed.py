"""When pixels were observed, and under which clouds, goes with them from the scene to the number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.contract import Source, ToolContext
from tools.raster.classify import ClassifyParams
from tools.raster.classify import run as classify
from tools.raster.reproject import ReprojectParams
from tools.raster.reproject import run as reproject
from tools.storage.cog import BandMark, write_cog
from tools.storage.observed import Observed, as_tag, from_tag, observed_in, together
from tools.storage.rasters import raster_info
from tools.zonal.stats import ZonalStatsParams
from tools.zonal.stats import run as zonal_stats
from zonal_calls import UTM, has, number, zonal

MAY = Observed("2023-05-04T10:00:00+00:00", "2023-05-04T10:00:00+00:00", 12.5)
JUNE = Observed("2023-06-03T10:00:00+00:00", "2023-06-03T10:00:00+00:00", 3.0)


def scene(path, observed: Observed | None = MAY):
    from affine import Affine
    from pyproj import CRS

    from tools.geo.grid import make_grid

    grid = make_grid(CRS(UTM), Affine(10, 0, 500_000, 0, -10, 5_000_040), 4, 4)
    values = np.linspace(0, 1, 16, dtype="float32").reshape(4, 4)
    write_cog(path, values, grid, [BandMark("nir", observed=observed)], nodata=float("nan"))
    return path


def made(run, params, path, folder):
    folder.mkdir()
    output = run(params, ToolContext(folder, {"r": Source("r", "raster", path, "-")}))
    return folder / output.files[0]


def test_time_and_clouds_of_a_scene_stand_beside_the_statistics_of_what_was_made_of_it(tmp_path) -> None:
    moved = made(
        reproject, ReprojectParams(source="r", crs="EPSG:32633", resampling="nearest"), scene(tmp_path / "scene.tif"), tmp_path / "a"
    )
    classes = made(classify, ClassifyParams(raster="r", classes=[{"label": "high", "min": 0.5}]), moved, tmp_path / "b")
    output = zonal(classes, classes=True)
    assert number(output, "cloud_cover", of="the whole scene, before masks") == 12.5
    assert output.method["observed"] == {"first": MAY.first, "last": MAY.last, "cloud_cover": 12.5}
    assert output.data["observed"] == output.method["observed"]


def test_nothing_is_said_of_a_raster_of_which_nothing_is_known(tmp_path) -> None:
    output = zonal(scene(tmp_path / "plain.tif", None), statistics=["mean"])
    assert not has(output, "cloud_cover")
    assert "observed" not in output.method


def test_equal_pixels_of_two_days_are_different_files(tmp_path) -> None:
    one, other = scene(tmp_path / "may.tif"), scene(tmp_path / "june.tif", JUNE)
    assert one.read_bytes() != other.read_bytes()
    assert raster_info(Source("r", "raster", other, "-")).observed == JUNE


def test_several_scenes_have_the_span_of_their_times_and_the_worst_of_their_clouds() -> None:
    assert together([JUNE, MAY]) == Observed(MAY.first, JUNE.last, 12.5)
    assert together([JUNE, None]) is None
    assert together([]) is None
    assert together([MAY, Observed(JUNE.first, JUNE.last)]) == Observed(MAY.first, JUNE.last, None)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"datetime": "2023-05-04T10:00:00Z", "eo:cloud_cover": 12.5}, MAY),
        ({"datetime": "2023-05-04T10:00:00Z", "eo:cloud_cover": "few"}, Observed(MAY.first, MAY.last)),
        (
            {"datetime": None, "start_datetime": "2023-05-04T10:00:00Z", "end_datetime": "2023-06-03T10:00:00Z"},
            Observed(MAY.first, JUNE.last),
        ),
        ({"datetime": None}, None),
    ],
)
def test_a_catalogue_tells_time_and_clouds(properties, expected) -> None:
    assert observed_in({"properties": properties}) == expected
    assert observed_in({}) is None


@given(st.text(max_size=30))
def test_a_foreign_tag_tells_nothing(text) -> None:
    assert from_tag(text) is None
    assert from_tag(as_tag(MAY)) == MAY


def test_water_is_said_to_hold_rivers_and_lakes(make_raster, tmp_path) -> None:
    from tools.vision.segment import SegmentParams
    from tools.vision.segment import run as segment

    bands = np.random.default_rng(1).random((2, 5, 5)).astype("float32")
    raster = make_raster(bands, crs=UTM, bounds=(500_000, 5_000_000, 500_050, 5_000_050))
    params = SegmentParams(raster="r", index="MNDWI", bands={"green": 1, "swir1": 2})
    output = segment(params, ToolContext(tmp_path, {"r": Source("r", "raster", raster, "-")}))
    assert any("Permanent water" in warning and "water" in warning for warning in output.warnings)
    context = ToolContext(tmp_path, {"c": Source("c", "raster", tmp_path / output.files[0], "-")})
    assert zonal_stats(ZonalStatsParams(raster="c", classes=True), context).method["permanent_water"] == "not removed"
