"""The demo: a scene that is the same every time and says that it is synthetic, answers with sources, and time saved."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from agent.interfaces.demo import QUESTIONS, run_demo
from agent.interfaces.demo_scene import BORDER, CLASSES, CRS, NODATA, PIXEL, SIZE, Scene, build_scene


def test_scene_is_the_same_byte_for_byte_when_built_again(tmp_path: Path) -> None:
    first, second = build_scene(tmp_path / "a"), build_scene(tmp_path / "b")
    digests = [[hashlib.sha256(file.path.read_bytes()).hexdigest() for file in files] for files in (first, second)]
    assert digests[0] == digests[1]


def test_scene_says_in_every_title_that_it_is_synthetic(tmp_path: Path) -> None:
    assert all("synthetic" in file.title for file in build_scene(tmp_path))


def test_scene_depth_has_a_rim_without_data_and_dry_land(tmp_path: Path) -> None:
    import rasterio

    with rasterio.open(build_scene(tmp_path)[0].path) as dataset:
        depth, nodata = dataset.read(1), dataset.nodata
    rim = int(BORDER / PIXEL)
    inner = depth[rim:-rim, rim:-rim]
    assert nodata == NODATA
    assert (depth != nodata).sum() == inner.size == (SIZE[0] - 2 * BORDER) * (SIZE[1] - 2 * BORDER) / PIXEL**2
    assert inner.min() == 0
    assert 2 < inner.max() < 5


def test_scene_is_deepest_at_the_river_and_dry_far_from_it() -> None:
    scene, x = Scene(), np.linspace(500.0, 11_500.0, 50)
    assert (scene.depth_m(x, scene.river_y(x)) > 0.5).all()
    assert (scene.depth_m(x, scene.river_y(x) + 2500.0) == 0).all()
    assert set(np.unique(scene.land_cover(x, scene.river_y(x)))) == {1}
    assert CLASSES[1] == "water"


def test_scene_districts_cover_the_data_once_without_gaps(tmp_path: Path) -> None:
    import shapely

    features = json.loads(build_scene(tmp_path)[2].path.read_text())["features"]
    districts = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    apart, together = sum(each.area for each in districts), shapely.union_all(districts)
    assert together.area == pytest.approx(apart, rel=1e-6)
    assert together.geom_type == "Polygon"
    assert len(together.interiors) == 0


def test_demo_answers_twice_the_same_with_sources_a_map_and_nothing_computed_again(tmp_path: Path) -> None:
    lines: list[str] = []
    code = run_demo(tmp_path / "ws", lines.append)
    shown = "\n".join(lines)
    assert code == 0, shown
    assert shown.count("The same answer, byte for byte.") == len(QUESTIONS)
    assert "planner (embedded, no language model)" in shown
    assert "Synthetic data made by terracite demo" in shown
    assert "from an earlier demo" not in shown
    picture = next(line.removeprefix("Map: ") for line in lines if line.startswith("Map: "))
    assert Path(picture).read_bytes().startswith(b"\x89PNG")
    for line in lines[lines.index("\nThe same questions again:") :]:
        if "results from memory" in line:
            hits, _, total = line.partition(" results")[0].partition(" of ")
            assert hits == total != "0"


def test_demo_answers_agree_with_counting_pixels_and_measuring_on_the_map(tmp_path: Path) -> None:
    import geopandas
    import rasterio
    import shapely

    lines: list[str] = []
    run_demo(tmp_path / "ws", lines.append)
    scene = tmp_path / "ws" / "scene"
    districts, clinics, river = (geopandas.read_file(scene / f"{name}.geojson").to_crs(CRS) for name in ("districts", "clinics", "river"))
    with rasterio.open(scene / "water_depth.tif") as dataset:
        rows, columns = np.nonzero(dataset.read(1) > 0.5)
        x, y = dataset.xy(rows, columns)
    # 0.9996 is UTM's scale along its central meridian, which runs through the scene.
    hectares = {
        row.name: shapely.contains_xy(row.geometry, x, y).sum() * PIXEL**2 / 0.9996**2 / 1e4 for row in districts.itertuples(index=False)
    }
    answered = dict(re.findall(r"^- (.+): ([\d.,]+) ha", "\n".join(lines), re.MULTILINE))
    assert {name: float(area) for name, area in answered.items()} == pytest.approx(hectares, rel=0.005)
    near = set(clinics.name[clinics.distance(river.geometry[0]) / 0.9996 <= 500])
    assert set(re.findall(r"^- (Clinic \w+)", "\n".join(lines), re.MULTILINE)) == near


def test_demo_says_so_when_the_results_were_here_before(tmp_path: Path) -> None:
    lines: list[str] = []
    run_demo(tmp_path / "ws", lambda line: None)
    assert run_demo(tmp_path / "ws", lines.append) == 0
    assert "from an earlier demo" in lines[-1]
