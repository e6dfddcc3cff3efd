"""read_asset: files of scenes, over the loopback interface, onto one grid."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds
from shapely import box

from conftest import MakeLayer, MakeRaster
from range_server import Fault, RangeServer
from served_scenes import Scenes, item_of, serve
from tools.contract import Outcome
from tools.errors import BusyError, CredentialError, DataError, LimitError, NotFoundError, ParameterError
from tools.workspace import Workspace

LEFT, TOP, UTM = 500_000, 5_000_000, "EPSG:32631"
RASTER = {"scale": 0.0001, "offset": 0, "nodata": 0}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    with RangeServer() as running:
        monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", running.host)
        yield running


@pytest.fixture
def scenes(server: RangeServer, workspace: Workspace, make_raster: MakeRaster) -> Scenes:
    """A scene of 80 x 80 pixels of 10 m (red, nir) and 40 x 40 of 20 m (swir16, scl); values tell their place."""
    item = item_of()
    fine = np.arange(1, 6401, dtype="uint16").reshape(80, 80)
    coarse = np.arange(1, 1601, dtype="uint16").reshape(40, 40)
    classes = np.where(np.arange(1600).reshape(40, 40) % 40 < 20, 4, 9).astype("uint8")
    put(server, item, make_raster, "red", fine, 10, **{"raster:bands": [RASTER], "eo:bands": [{"name": "red", "common_name": "red"}]})
    put(server, item, make_raster, "nir", fine[::-1].copy(), 10, **{"raster:bands": [{**RASTER, "offset": -0.1}]})
    put(server, item, make_raster, "swir16", coarse, 20, **{"raster:bands": [RASTER]})
    put(server, item, make_raster, "scl", classes, 20)
    return Scenes(workspace, [item])


def put(
    server: RangeServer, item: dict[str, Any], make_raster: MakeRaster, key: str, values: np.ndarray, size: float, **asset: object
) -> str:
    path = make_raster(values, crs=UTM, transform=from_origin(LEFT, TOP, size, size), name=f"{key}.tif")
    return serve(server, item, key, path, **asset)


def degrees(left: float, bottom: float, right: float, top: float) -> list[float]:
    """Return metres from the scene's upper left corner as a box in degrees a little inside it."""
    return list(transform_bounds(UTM, "EPSG:4326", LEFT + left, TOP - top, LEFT + right, TOP - bottom))


def bands(result: Any) -> dict[str, np.ndarray]:
    with rasterio.open(result.artifact.main_file) as dataset:
        return dict(zip(dataset.descriptions, dataset.read(), strict=True))


def shares(result: Any) -> dict[str, float]:
    return {fact.subject["band"]: fact.value for fact in result.artifact.facts}


def test_scale_and_offset_of_the_catalogue_give_true_values(scenes: Scenes) -> None:
    found = bands(scenes.read("red", "nir"))
    stored = np.arange(1, 6401).reshape(80, 80)
    np.testing.assert_allclose(found["red"], stored * 0.0001, rtol=1e-6)
    np.testing.assert_allclose(found["nir"], stored[::-1] * 0.0001 - 0.1, atol=1e-7)


def test_files_of_one_integer_type_without_a_scale_stay_as_they_are(scenes: Scenes) -> None:
    with rasterio.open(scenes.read("scl").artifact.main_file) as dataset:
        assert dataset.dtypes == ("uint8",)
        assert set(np.unique(dataset.read(1))) == {4, 9}
        assert '"4": "vegetation"' in dataset.tags(1)["TERRACITE_CLASSES"]


def test_the_default_grid_is_that_of_the_coarsest_file_and_finer_ones_are_averaged_onto_it(scenes: Scenes) -> None:
    result = scenes.read("red", "swir16", "scl")
    with rasterio.open(result.artifact.main_file) as dataset:
        assert (dataset.shape, dataset.res, dataset.bounds.left, dataset.bounds.top) == ((40, 40), (20.0, 20.0), LEFT, TOP)
    stored = np.arange(1, 6401).reshape(80, 80)
    found = bands(result)
    np.testing.assert_allclose(found["red"], stored.reshape(40, 2, 40, 2).mean(axis=(1, 3)) * 0.0001, rtol=1e-6)
    np.testing.assert_allclose(found["swir1"], np.arange(1, 1601).reshape(40, 40) * 0.0001, rtol=1e-6)
    assert [each["resampling"] for each in result.artifact.method["bands"]] == ["average", *["none, the pixels coincide"] * 2]


def test_classes_onto_coarser_pixels_take_the_commonest(scenes: Scenes) -> None:
    found = bands(scenes.read("scl", resolution=80.0))["scl"]
    assert found.shape == (10, 10)
    assert set(np.unique(found)) == {4, 9}


def test_classes_are_never_mixed(scenes: Scenes) -> None:
    with pytest.raises(ParameterError, match="would mix the classes of the band 'scl'"):
        scenes.read("scl", resolution=80.0, resampling="average")


def test_a_box_is_covered_by_whole_pixels_of_the_grid(scenes: Scenes) -> None:
    result = scenes.read("red", bbox=degrees(101, 301, 149, 349))
    with rasterio.open(result.artifact.main_file) as dataset:
        assert dataset.bounds.left == LEFT + 100
        assert dataset.bounds.top == TOP - 300
        assert dataset.shape == (5, 5)
        np.testing.assert_allclose(dataset.read(1)[0, 0], (30 * 80 + 10 + 1) * 0.0001, rtol=1e-6)
    assert shares(result) == {"red": 100.0}


def test_a_box_partly_outside_counts_what_is_missing(scenes: Scenes) -> None:
    result = scenes.read("red", bbox=degrees(-400, 0, 400, 800))
    assert shares(result)["red"] == pytest.approx(50, rel=0.01)
    assert "reach only" in result.artifact.warnings[0]


@pytest.mark.parametrize("place", [[10.0, 45.0, 11.0, 46.0], [-177.0, -45.0, -176.0, -44.0]])
def test_a_place_outside_is_no_coverage_without_a_number(scenes: Scenes, place: list[float]) -> None:
    result = scenes.read("red", bbox=place)
    assert result.artifact.outcome is Outcome.NO_COVERAGE
    assert result.artifact.main_file is None
    assert not result.artifact.facts


def test_nodata_of_the_catalogue_is_honoured_per_band(server: RangeServer, scenes: Scenes, make_raster: MakeRaster) -> None:
    holes = np.full((80, 80), 1000, dtype="uint16")
    holes[:20] = 0
    put(server, scenes.items[0], make_raster, "green", holes, 10, **{"raster:bands": [RASTER]})
    result = scenes.read("green", "red")
    assert shares(result) == {"green": pytest.approx(75, abs=1e-3), "red": 100.0}
    assert np.isnan(bands(result)["green"][:20]).all()


def test_averages_leave_nodata_out(server: RangeServer, scenes: Scenes, make_raster: MakeRaster) -> None:
    holes = np.full((80, 80), 1000, dtype="uint16")
    holes[::2] = 0
    put(server, scenes.items[0], make_raster, "green", holes, 10, **{"raster:bands": [RASTER]})
    np.testing.assert_allclose(bands(scenes.read("green", "scl"))["green"], 0.1, rtol=1e-6)


def test_pixels_outside_the_features_of_an_area_are_nodata(scenes: Scenes, make_layer: MakeLayer) -> None:
    fields = [box(LEFT + 100, TOP - 200, LEFT + 200, TOP - 100), box(LEFT + 600, TOP - 700, LEFT + 700, TOP - 600)]
    path = make_layer(fields, crs=UTM, columns={"name": ["a", "b"]})
    layer = scenes.catalog.add(path).records[0].id
    both = scenes.read("red", area=layer)
    assert np.isfinite(bands(both)["red"]).sum() == 200
    assert shares(both) == {"red": 100.0}
    one = scenes.read("red", area=layer, area_where={"conditions": [{"column": "name", "op": "=", "value": "a"}]})
    assert bands(one)["red"].shape == (10, 10)
    np.testing.assert_allclose(bands(one)["red"][0, 0], (10 * 80 + 10 + 1) * 0.0001, rtol=1e-6)


def test_another_crs_is_warped_onto_round_coordinates(scenes: Scenes) -> None:
    with rasterio.open(scenes.read("red", crs="EPSG:3035", resolution=20.0).artifact.main_file) as dataset:
        assert dataset.crs.to_epsg() == 3035
        assert dataset.bounds.left % 20 == 0


def test_a_coarser_resolution_reads_overviews(server: RangeServer, workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "big.tif"
    values = np.random.default_rng(0).integers(1000, 2000, (1024, 1024), dtype="uint16")
    with rasterio.open(
        path, "w", driver="COG", count=1, height=1024, width=1024, dtype="uint16", crs=UTM, transform=from_origin(LEFT, TOP, 10, 10),
        blocksize=256, compress="deflate", overview_resampling="average",
    ) as dataset:  # fmt: skip
        dataset.write(values, 1)
    item = item_of()
    place = serve(server, item, "red", path, **{"raster:bands": [RASTER]})
    result = Scenes(workspace, [item]).read("red", resolution=40.0)
    assert result.artifact.method["bands"][0]["overview"] == 4
    assert server.sent(place) < 0.1 * path.stat().st_size
    np.testing.assert_allclose(bands(result)["red"].mean(), values.mean() * 0.0001, rtol=1e-3)


def test_the_same_read_again_fetches_no_byte(server: RangeServer, scenes: Scenes) -> None:
    first = scenes.read("red", "scl")
    server.seen.clear()
    again = scenes.read("red", "scl")
    assert (first.cache, again.cache) == ("computed", "hit")
    assert server.sent() == 0
    assert {each.method for each in server.seen} == {"HEAD"}


def test_a_file_that_changed_is_read_again(server: RangeServer, scenes: Scenes, make_raster: MakeRaster) -> None:
    first = scenes.read("red")
    put(server, scenes.items[0], make_raster, "red", np.full((80, 80), 5, "uint16"), 10, **{"raster:bands": [RASTER]})
    again = scenes.read("red")
    assert again.cache == "computed"
    assert again.artifact.key != first.artifact.key


def test_another_reading_of_the_same_bytes_is_another_result(scenes: Scenes) -> None:
    first = scenes.read("red")
    scenes.items[0]["assets"]["red"]["raster:bands"] = [{**RASTER, "offset": -0.1}]
    again = scenes.read("red")
    assert again.artifact.key != first.artifact.key
    np.testing.assert_allclose(bands(again)["red"], bands(first)["red"] - 0.1, atol=1e-6)


def test_the_address_of_a_file_does_not_count(server: RangeServer, scenes: Scenes) -> None:
    scenes.read("red")
    asset = scenes.items[0]["assets"]["red"]
    asset["href"] = server.put("/elsewhere/x.tif", server.files["/scene-1/red.tif"])
    assert scenes.read("red").cache == "hit"


def test_a_file_known_by_its_checksum_is_not_asked_for_and_is_verified(server: RangeServer, scenes: Scenes) -> None:
    asset = scenes.items[0]["assets"]["red"]
    asset["file:checksum"] = "1220" + hashlib.sha256(server.files["/scene-1/red.tif"]).hexdigest()
    scenes.read("red")
    assert not server.asked(method="HEAD")
    server.seen.clear()
    assert scenes.read("red").cache == "hit"
    assert not server.seen


def test_a_file_with_another_checksum_is_bad_data(scenes: Scenes) -> None:
    scenes.items[0]["assets"]["red"]["file:checksum"] = "1220" + "0" * 64
    with pytest.raises(DataError, match="checksum differs"):
        scenes.read("red")


def test_a_file_that_changes_between_identity_and_reading_is_noticed(server: RangeServer, scenes: Scenes) -> None:
    server.fail("/scene-1/red.tif", Fault(headers={"etag": '"other"'}))
    with pytest.raises((BusyError, DataError), match="not the file that was found"):
        scenes.read("red")


def test_what_the_file_says_itself_wins_and_the_difference_is_said(
    server: RangeServer, scenes: Scenes, make_raster: MakeRaster, tmp_path: Path
) -> None:
    path = make_raster(np.full((8, 8), 100, "int16"), crs=UTM, transform=from_origin(LEFT, TOP, 10, 10), nodata=-9999, name="own.tif")
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.5,), (1.0,)
    serve(server, scenes.items[0], "green", path, **{"raster:bands": [{"scale": 0.1, "offset": 0, "nodata": 0}]})
    result = scenes.read("green")
    np.testing.assert_allclose(bands(result)["green"], 51.0)
    assert any("the file states scale 0.5 and offset 1, its catalogue 0.1 and 0" in text for text in result.artifact.warnings)
    assert any("nodata -9999, its catalogue 0" in text for text in result.artifact.warnings)


def test_raw_numbers_are_said_to_be_raw(scenes: Scenes) -> None:
    del scenes.items[0]["assets"]["red"]["raster:bands"]
    assert "Neither file nor catalogue says" in scenes.read("red").artifact.warnings[0]


def test_too_many_pixels_are_refused_before_they_are_read(server: RangeServer, scenes: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRACITE_MAX_OUTPUT_PIXELS", "12000")
    with pytest.raises(LimitError, match=r"80 x 80 pixels in 2 bands.*TERRACITE_MAX_OUTPUT_PIXELS"):
        scenes.read("red", "nir")
    assert server.sent() <= 2 * 4096


def test_too_many_bytes_are_refused_before_they_are_read(server: RangeServer, scenes: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRACITE_MAX_READ_BYTES", "20000")
    with pytest.raises(LimitError, match=r"bytes would be fetched.*TERRACITE_MAX_READ_BYTES"):
        scenes.read("red", "nir")
    assert server.sent() <= 2 * 4096


def test_two_scenes_give_bands_of_different_names(server: RangeServer, scenes: Scenes, make_raster: MakeRaster) -> None:
    second = item_of("scene-2")
    put(server, second, make_raster, "red", np.full((80, 80), 7, "uint16"), 10, **{"raster:bands": [RASTER]})
    scenes.items.append(second)
    ref = scenes.found()
    result = scenes.runner.run("read_asset", {"assets": [f"{ref}#items/0/red", f"{ref}#items/1/red"]})
    assert list(bands(result)) == ["red", "red_2"]


def test_a_registered_raster_is_read_with_what_was_declared(scenes: Scenes, make_raster: MakeRaster) -> None:
    from tools.contract import Declared

    path = make_raster(np.full((10, 10), 50, "uint8"), crs=UTM, transform=from_origin(LEFT, TOP, 10, 10), name="own.tif")
    dataset = scenes.catalog.add(path, declared=Declared(bands={"green": 1}, scale=0.01, kind="continuous")).records[0].id
    result = scenes.runner.run("read_asset", {"assets": [dataset]})
    np.testing.assert_allclose(bands(result)["green"], 0.5)


def test_progress_grows_to_one_and_a_caller_who_gives_up_is_heard(scenes: Scenes) -> None:
    told: list[float] = []
    ref = scenes.found()
    scenes.runner.run("read_asset", {"assets": [f"{ref}#items/0/red", f"{ref}#items/0/scl"]}, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0

    def give_up(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scenes.runner.run("read_asset", {"assets": [f"{ref}#items/0/nir"]}, progress=give_up)


def test_a_host_that_is_not_allowed_is_not_asked(server: RangeServer, scenes: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", "default")
    with pytest.raises(ParameterError, match="TERRACITE_ALLOWED_HOSTS"):
        scenes.read("red")
    assert not server.seen


@pytest.mark.parametrize(
    "href", ["/etc/hosts", "/vsicurl/https://evil.example/x.tif", "file:///etc/hosts", "s3://bucket/x.tif", "ftp://a/b"]
)
def test_an_address_that_is_no_allowed_host_never_reaches_gdal(scenes: Scenes, href: str) -> None:
    scenes.items[0]["assets"]["red"]["href"] = href
    with pytest.raises((ParameterError, NotFoundError)):
        scenes.read("red")


def test_a_bucket_is_reached_by_its_public_address(scenes: Scenes) -> None:
    scenes.items[0]["assets"]["red"]["href"] = "s3://some-bucket/folder/red.tif"
    with pytest.raises(
        ParameterError, match=r"'some-bucket\.s3\.amazonaws\.com' of https://some-bucket\.s3\.amazonaws\.com/folder/red\.tif"
    ):
        scenes.read("red")


def test_a_local_file_is_read_only_from_the_folder_of_its_catalogue(scenes: Scenes, make_raster: MakeRaster, tmp_path: Path) -> None:
    root = tmp_path / "catalogue"
    root.mkdir()
    inside = make_raster(np.full((8, 8), 3, "uint16"), crs=UTM, transform=from_origin(LEFT, TOP, 10, 10), name="catalogue/red.tif")
    outside = make_raster(np.full((8, 8), 3, "uint16"), crs=UTM, transform=from_origin(LEFT, TOP, 10, 10), name="secret.tif")
    (root / "link.tif").symlink_to(outside)
    scenes.root, asset = root, scenes.items[0]["assets"]["red"]
    asset["href"] = str(inside)
    np.testing.assert_allclose(bands(scenes.read("red"))["red"], 0.0003, rtol=1e-6)
    for href in (outside, root / "link.tif", root / ".." / "secret.tif"):
        asset["href"] = str(href)
        with pytest.raises(ParameterError, match="not in the catalogue's folder"):
            scenes.read("red")


def test_a_refused_signature_is_an_error_of_credentials(server: RangeServer, scenes: Scenes) -> None:
    server.signatures["/scene-1/red.tif"] = "sig=1"
    with pytest.raises(CredentialError, match="refuses access"):
        scenes.read("red")


def test_a_missing_name_tells_what_there_is(scenes: Scenes) -> None:
    with pytest.raises(NotFoundError, match=r"no file 'blue'.*nir.*scl"):
        scenes.read("blue")


def test_a_missing_scene_tells_how_many_there_are(scenes: Scenes) -> None:
    with pytest.raises(NotFoundError, match=r"no scene 7.*scenes 0 to 0"):
        scenes.read("red", number=7)


def test_a_place_across_the_antimeridian_is_read_in_a_projected_crs(
    server: RangeServer, workspace: Workspace, make_raster: MakeRaster
) -> None:
    item = item_of()
    path = make_raster(
        np.full((40, 40), 5, "uint16"), crs="EPSG:32760", transform=from_origin(800_000, 8_000_000, 1000, 1000), name="d.tif"
    )
    serve(server, item, "red", path, **{"raster:bands": [RASTER]})
    result = Scenes(workspace, [item]).read("red", bbox=[179.9, -18.4, -179.95, -18.2])
    assert shares(result)["red"] == 100.0
    west, _, east, _ = result.artifact.bbox
    assert west > 179
    assert east < -179
    with pytest.raises(ParameterError, match="crosses the antimeridian"):
        Scenes(workspace, [item]).read("red", bbox=[179.9, -18.4, -179.95, -18.2], crs="EPSG:4326")


def test_an_offset_that_makes_reflectance_negative_is_doubted(scenes: Scenes) -> None:
    assert any("may already be in the stored values" in text for text in scenes.read("nir").artifact.warnings)


def test_finer_pixels_than_a_file_has_are_said_to_be_interpolated(scenes: Scenes) -> None:
    warnings = scenes.read("swir16", resolution=10.0).artifact.warnings
    assert warnings == ("The pixels of swir1 are coarser (20) than those of the result: its values are interpolated, no detail is added.",)


def test_a_caller_who_gives_up_while_a_file_is_fetched_is_heard(server: RangeServer, scenes: Scenes) -> None:
    calls: list[float] = []

    def give_up(share: float) -> None:
        calls.append(share)
        if len(calls) == 2:  # within GDAL, which cannot pass an exception on
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scenes.runner.run("read_asset", {"assets": [f"{scenes.found()}#items/0/red"]}, progress=give_up)
    assert len(server.asked(method="GET")) == 1


def test_a_caller_who_gives_up_does_not_wait_for_a_slow_server(server: RangeServer, scenes: Scenes) -> None:
    ref = scenes.found()
    started = time.monotonic()

    def give_up(_: float) -> None:
        if time.monotonic() - started > 0.3:
            raise KeyboardInterrupt

    server.always_fail("/scene-1/red.tif", Fault(drip_s=0.001))
    with pytest.raises(KeyboardInterrupt):
        scenes.runner.run("read_asset", {"assets": [f"{ref}#items/0/red"]}, progress=give_up)
    assert time.monotonic() - started < 1.5


def test_a_place_where_every_pixel_is_nodata_has_no_number(server: RangeServer, scenes: Scenes, make_raster: MakeRaster) -> None:
    put(server, scenes.items[0], make_raster, "red", np.zeros((80, 80), "uint16"), 10, **{"raster:bands": [RASTER]})
    result = scenes.read("red")
    assert result.artifact.outcome is Outcome.NO_COVERAGE
    assert not result.artifact.facts


@pytest.mark.parametrize("params", [{}, {"resolution": 20.0}, {"crs": "EPSG:3035"}], ids=["own", "coarser", "other crs"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_alpha_is_a_mask_and_no_band(dtype: str, params: dict[str, object], server: RangeServer, scenes: Scenes, tmp_path: Path) -> None:
    path = tmp_path / "alpha.tif"
    shape = {"count": 4, "height": 40, "width": 40, "dtype": dtype, "crs": UTM, "transform": from_origin(LEFT, TOP, 10, 10)}
    with rasterio.open(path, "w", driver="GTiff", photometric="RGB", alpha="unspecified", **shape) as dataset:
        for band in (1, 2, 3):
            dataset.write(np.full((40, 40), band * 10, dtype), band)
        alpha = np.full((40, 40), np.iinfo(dtype).max, dtype)
        alpha[:, :10] = 0
        dataset.write(alpha, 4)
        dataset.colorinterp = [rasterio.enums.ColorInterp[name] for name in ("red", "green", "blue", "alpha")]
    serve(server, scenes.items[0], "image", path, **{"eo:bands": [{"common_name": name} for name in ("red", "green", "blue")]})
    result = scenes.read("image", **params)
    assert list(bands(result)) == ["red", "green", "blue"]
    counted = np.isfinite(bands(result)["red"]) & (bands(result)["red"] == 10)
    assert counted.sum() > 0
    if "crs" not in params:
        assert set(shares(result).values()) == {75.0}


def test_files_of_one_size_whose_server_makes_etags_of_the_time_alone_are_never_mixed_up(
    server: RangeServer, scenes: Scenes, make_raster: MakeRaster
) -> None:
    other = item_of("scene-2")
    scenes.items.append(other)
    for item, value in ((scenes.items[0], 4), (other, 5)):
        path = put(server, item, make_raster, "scl", np.full((40, 40), value, "uint8"), 20)
        server.always_fail(path, Fault(headers={"etag": '"5f2b-640"'}))
    assert {len(server.files[f"/{item['id']}/scl.tif"]) for item in scenes.items} == {len(server.files["/scene-2/scl.tif"])}
    assert set(bands(scenes.read("scl", number=0))["scl"].ravel()) == {4}
    assert set(bands(scenes.read("scl", number=1))["scl"].ravel()) == {5}


def test_a_file_without_the_band_that_its_catalogue_names_is_bad_data(server: RangeServer, scenes: Scenes, make_raster: MakeRaster) -> None:
    names = [{"name": "red", "common_name": "red"}, {"name": "green", "common_name": "green"}]
    put(server, scenes.items[0], make_raster, "colour", np.ones((8, 8), "uint8"), 10, **{"eo:bands": names})
    with pytest.raises(DataError, match="1 band\\(s\\), and none is 'green'"):
        scenes.read("green")
