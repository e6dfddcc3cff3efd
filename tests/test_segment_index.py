"""Segment without a network: the class is where the index exceeds the threshold, on true areas; the default is water by MNDWI."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from tools.catalog.datasets import Datasets
from tools.contract import Artifact, Outcome, Source
from tools.errors import LimitError, ParameterError
from tools.runner import Runner
from tools.storage.rasters import raster_info, read_band
from tools.workspace import Workspace

EDGE = Affine(10, 0, 4_000_000, 0, -10, 3_000_000)
"""Pixels of 100 m² in EPSG:3035, which keeps areas."""
BANDS = ("green", "nir", "swir1", "red", "blue")


@pytest.fixture
def segment(workspace: Workspace, make_raster):
    datasets = Datasets(workspace)

    def call(values: np.ndarray, /, *, nodata: float | None = None, descriptions=BANDS, **params: object) -> Artifact:
        path = make_raster(
            values, crs="EPSG:3035", transform=EDGE, nodata=nodata, name="scene.tif", descriptions=descriptions[: len(values)]
        )
        datasets.add(path, id="scene")
        return Runner(workspace, datasets).run("segment", {"raster": "scene", **params}).artifact

    return call


def codes(artifact: Artifact) -> np.ndarray:
    assert artifact.main_file
    return read_band(Source("r", "raster", artifact.main_file, "x")).filled(0)


def facts(artifact: Artifact, name: str) -> dict[str, float]:
    return {fact.subject.get("class", ""): fact.value for fact in artifact.facts if fact.name == name}


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 5000, (5, 30, 20)).astype("int16")


def test_by_default_water_is_where_mndwi_exceeds_0(segment) -> None:
    green, _, swir, *_ = bands = noise()
    made = segment(bands)
    water = green > swir  # (g - s) / (g + s) > 0 with both positive
    assert (codes(made) == np.where(water, 1, 2)).all()
    assert facts(made, "area") == pytest.approx({"water": 100 * water.sum(), "other": 100 * (~water).sum()}, rel=1e-6)
    assert facts(made, "share")["water"] == pytest.approx(100 * water.mean(), rel=1e-6)
    assert facts(made, "valid_share") == {"": 100}
    assert "MNDWI above 0" in made.summary
    assert (made.method["bands"], made.method["threshold"]) == ({"green": 1, "swir1": 3}, 0)
    assert made.main_file
    assert dict(raster_info(Source("r", "raster", made.main_file, "x")).classes) == {"1": "water", "2": "other"}


@pytest.mark.parametrize(
    ("index", "label", "one", "other"),
    [("NDWI", "water", 0, 1), ("NDVI", "vegetation", 1, 3), ("ndsi", "snow", 0, 2), ("NDBI", "built-up", 2, 1), ("NDMI", "above", 1, 2)],
)
def test_other_indices_and_thresholds(segment, index: str, label: str, one: int, other: int) -> None:
    bands = noise(3)
    made = segment(bands, index=index, threshold=0.25)
    first, second = bands[one].astype(float), bands[other].astype(float)
    inside = (first - second) / (first + second) > 0.25
    assert (codes(made) == np.where(inside, 1, 2)).all()
    assert set(facts(made, "area")) == {label, "other"}


def test_a_value_on_the_threshold_is_outside(segment) -> None:
    bands = np.ones((3, 1, 2), "int16")
    bands[0, 0, 1] = 3
    assert codes(segment(bands, threshold=0.5)).tolist() == [[2, 2]]  # 0 and (3 - 1) / (3 + 1)


def test_nodata_and_what_has_no_index_have_no_class(segment) -> None:
    bands = noise()
    bands[2, 0, :3] = -9
    bands[[0, 2], 1, 1] = 0  # 0 / 0
    found = codes(segment(bands, nodata=-9))
    assert not found[0, :3].any()
    assert found[1, 1] == 0
    assert np.count_nonzero(found == 0) == 4


def test_no_water_is_a_true_zero_and_no_data_is_not(segment) -> None:
    dry = np.ones((3, 4, 4), "int16")
    dry[2] = 5
    made = segment(dry)
    assert made.outcome == Outcome.TRUE_ZERO
    assert facts(made, "area") == pytest.approx({"water": 0, "other": 1600}, rel=1e-6)
    assert segment(np.full((3, 4, 4), -9, "int16"), nodata=-9).outcome == Outcome.NO_COVERAGE


def test_the_mask_of_the_quality_band_hides_clouds(segment) -> None:
    bands = noise()[:4]
    bands[3] = 4
    bands[3, :, 10:] = 8  # cloud, medium probability
    found = codes(segment(bands, descriptions=("green", "nir", "swir1", "scl"), mask="clear"))
    assert not found[:, 10:].any()
    assert (found[:, :10] == np.where(bands[0] > bands[2], 1, 2)[:, :10]).all()


def test_a_missing_role_is_said_with_the_ways_to_name_it(segment) -> None:
    with pytest.raises(ParameterError, match="'swir1'") as caught:
        segment(noise(), descriptions=("green", "nir", "", "", ""))
    assert "bands" in caught.value.hint


def test_bands_named_in_the_call_are_the_same_call_as_bands_that_the_raster_names(segment) -> None:
    assert segment(noise()).key == segment(noise(), bands={"green": 1, "swir16": 3}, index="MNDWI").key


def test_an_index_with_constants_refuses_what_is_no_reflectance(segment) -> None:
    with pytest.raises(ParameterError, match="reflectance from 0 to 1"):
        segment(noise(), index="EVI")


def test_a_raster_beyond_the_limit_is_refused_before_it_is_read(segment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRACITE_MAX_OUTPUT_PIXELS", "100")
    with pytest.raises(LimitError, match="600 pixels"):
        segment(noise())


def test_it_needs_no_torch(tmp_path: Path, make_raster) -> None:
    path = make_raster(noise(), crs="EPSG:3035", transform=EDGE, descriptions=BANDS)
    program = (
        "import sys; from pathlib import Path\n"
        "from tools.catalog.datasets import Datasets; from tools.runner import Runner; from tools.workspace import open_workspace\n"
        "workspace = open_workspace(root=Path(sys.argv[2])); datasets = Datasets(workspace); datasets.add(sys.argv[1], id='scene')\n"
        "Runner(workspace, datasets).run('segment', {'raster': 'scene'})\n"
        "assert not {'torch', 'safetensors', 'segmentation_models_pytorch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path), str(tmp_path / "ws")], check=True, timeout=120)
