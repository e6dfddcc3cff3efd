"""Segment by a network whose answer is known: true areas, no seams, nodata stays nodata, keys follow weights, card and raster."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from affine import Affine

from generated_networks import SMALL, build, comparing_bytes, one_thread, write_network
from tools.catalog.datasets import Datasets
from tools.contract import Artifact, Declared, Outcome, Source
from tools.errors import ConfigurationError, DataError, LimitError, ParameterError
from tools.runner import Runner
from tools.storage.rasters import raster_info, read_band
from tools.vision import windows
from tools.vision.inference import Predictor, predictor
from tools.workspace import Workspace, open_workspace

EDGE = Affine(10, 0, 4_000_000, 0, -10, 3_000_000)
"""Pixels of 100 m² in EPSG:3035, which keeps areas."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


class Bench:
    """A workspace with a network; `segment` runs it over arrays."""

    def __init__(self, folder: Path, make_raster) -> None:
        self.folder, self._make = folder, make_raster
        self.datasets = Datasets(open_workspace(root=folder / "ws"))
        self.runner = Runner(open_workspace(root=folder / "ws"), self.datasets)

    def network(self, weights: bytes | None = None, **card: object) -> None:
        report = self.datasets.add(write_network(self.folder, weights, **card))
        assert not report.refused, report.refused

    def raster(self, bands: np.ndarray, name: str = "scene", nodata: float | None = None, **options) -> str:
        options = {"crs": "EPSG:3035", "transform": EDGE, "descriptions": ("green", "swir1", "scl")[: len(bands)], **options}
        path = self._make(bands, nodata=nodata, name=f"{name}.tif", **options)
        (record,) = self.datasets.add(path, id=name).records
        return record.id

    def segment(self, raster: str = "scene", network: str | None = "flood", **params: object) -> Artifact:
        return self.runner.run("segment", {"raster": raster, "network": network, **params}).artifact


@pytest.fixture
def bench(tmp_path: Path, make_raster) -> Bench:
    return Bench(tmp_path, make_raster)


def codes(artifact: Artifact) -> np.ndarray:
    assert artifact.main_file
    return read_band(Source("r", "raster", artifact.main_file, "x")).filled(0)


def fact(artifact: Artifact, name: str, label: str | None = None) -> float:
    (value,) = [each.value for each in artifact.facts if each.name == name and each.subject.get("class") == label]
    return value


def blocks(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return two bands of noise in 0 … 1, equal within blocks of 2 × 2 pixels, for which `comparing` answers pixel by pixel."""
    small = np.random.default_rng(seed).random((2, math.ceil(height / 2), math.ceil(width / 2)))
    return small.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width].astype(np.float32)


def sigmoid(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-score))


@pytest.mark.parametrize("outputs", [1, 2])
def test_classes_areas_and_probabilities_are_those_that_the_weights_mean(bench: Bench, outputs: int) -> None:
    bench.network(comparing_bytes(outputs))
    green, swir = bands = blocks(70, 50)
    bench.raster(bands)
    made = bench.segment()
    water = green > swir
    assert (codes(made) == np.where(water, 2, 1)).all()
    assert fact(made, "area", "water") == pytest.approx(water.sum() * 100, rel=1e-6)
    assert fact(made, "share", "water") == pytest.approx(100 * water.mean(), rel=1e-5)
    assert fact(made, "mean probability", "water") == pytest.approx(sigmoid(green - swir)[water].mean(), abs=2e-4)
    assert fact(made, "mean probability", "land") == pytest.approx(sigmoid(swir - green)[~water].mean(), abs=2e-4)
    assert fact(made, "valid_share") == 100
    assert made.main_file
    info = raster_info(Source("r", "raster", made.main_file, "x"))
    assert (dict(info.classes), info.value_kind, info.grid.affine) == ({"1": "land", "2": "water"}, "categorical", EDGE)


def test_the_order_of_the_bands_in_the_file_does_not_matter(bench: Bench) -> None:
    bench.network()
    bands = blocks(40, 40)
    bench.raster(bands, "straight")
    bench.raster(bands[::-1], "turned", descriptions=("swir1", "green"))
    straight, turned = bench.segment("straight"), bench.segment("turned")
    assert straight.main_file
    assert turned.main_file
    assert straight.main_file.read_bytes() == turned.main_file.read_bytes()


def test_bands_may_be_named_in_the_call_and_a_missing_role_is_said(bench: Bench) -> None:
    bench.network()
    bands = blocks(40, 40)
    bench.raster(bands, descriptions=())
    with pytest.raises(ParameterError, match="'green'"):
        bench.segment()
    assert (codes(bench.segment(bands={"green": 2, "swir1": 1})) == np.where(bands[1] > bands[0], 2, 1)).all()


def test_scaling_is_undone_before_the_network_sees_the_values(bench: Bench) -> None:
    bench.network(
        scaling={"divide_by": 10_000, "mean": [-1.0, -0.5], "std": [1.0, 0.5]}, value_range=[0, 10_000], unit="reflectance x10000"
    )
    numbers = np.round(blocks(40, 40) * 10_000).astype("uint16")
    bench.raster(numbers)
    scores = numbers[0] / 10_000 + 1, (numbers[1] / 10_000 + 0.5) / 0.5
    assert (codes(bench.segment()) == np.where(scores[0] > scores[1], 2, 1)).all()


def test_a_raster_larger_than_a_window_has_no_seams(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.network()
    green, swir = bands = blocks(350, 290)
    bench.raster(bands)
    monkeypatch.setattr(windows.tiling_of, "__defaults__", (160, 32))
    assert (codes(bench.segment()) == np.where(green > swir, 2, 1)).all()


@pytest.fixture(scope="module")
def random_network() -> torch.nn.Module:
    """A network that sees its surroundings: about 40 pixels each way."""
    network = build(2, 3, seed=3)
    with torch.no_grad():
        network.segmentation_head[0].weight.mul_(4)  # classes that differ, so that many pixels are near no border
    return network


def answer(network: torch.nn.Module, bands: np.ndarray, margin: int = 128) -> np.ndarray:
    """Return the probabilities (class, row, col) of the whole image at once, mirrored at its edges."""
    padded = np.pad(bands, ((0, 0), (margin, margin), (margin, margin)), mode="reflect")
    fit = [(-side) % 32 for side in padded.shape[1:]]
    padded = np.pad(padded, ((0, 0), (0, fit[0]), (0, fit[1])), mode="reflect")
    with torch.inference_mode():
        told = torch.softmax(network(torch.from_numpy(padded[None])), dim=1)[0].numpy()
    return told[:, margin : margin + bands.shape[1], margin : margin + bands.shape[2]]


@pytest.mark.parametrize(("tile", "overlap"), [(160, 64), (256, 64), (416, 128)])
def test_blended_windows_say_what_the_whole_image_says_at_once(random_network: torch.nn.Module, tile: int, overlap: int) -> None:
    bands = np.random.default_rng(5).random((2, 300, 420)).astype(np.float32)
    tiling = windows.Tiling(windows.Axis(300, tile, overlap), windows.Axis(420, tile, overlap))
    run = predictor(copy.deepcopy(random_network), "cpu", tile * tile)
    everywhere = np.ones((tile, tile), bool)

    def answers(top: int):
        for left in tiling.cols.starts:
            seen = bands[:, tiling.rows.mirrored(top)][:, :, tiling.cols.mirrored(left)]
            yield windows.Answer(left, everywhere, run.probabilities(seen[None])[0])

    told = np.concatenate([strip.probabilities for strip in windows.blended(tiling, 3, answers)], axis=1)
    whole = answer(random_network, bands)
    # The rim of a window sees zeros that the network pads; the ramp gives it little weight.
    assert np.abs(told - whole).max() < 0.02
    assert np.abs(told - whole).mean() < 2e-4
    assert (told.argmax(0) == whole.argmax(0)).mean() > 0.999


def test_nodata_in_any_band_is_nodata_out_and_nowhere_else(bench: Bench) -> None:
    bench.network()
    bands = blocks(60, 60)
    expected = np.where(bands[0] > bands[1], 2, 1)
    bands[0, 10:14, 20:30], bands[1, 40, 7] = -9, -9
    expected[10:14, 20:30], expected[40, 7] = 0, 0
    bench.raster(bands, nodata=-9)
    made = bench.segment()
    missing = expected == 0
    # The network sees blocks of 2 × 2, so what shares a block with a missing pixel sees the band's mean there.
    touched = missing.reshape(30, 2, 30, 2).any(axis=(1, 3)).repeat(2, 0).repeat(2, 1)
    assert (codes(made)[missing] == 0).all()
    assert (codes(made)[~touched] == expected[~touched]).all()
    assert (codes(made)[~missing] > 0).all()
    assert fact(made, "valid_share") == pytest.approx(100 * (1 - 41 / 3600), rel=1e-6)


def test_missing_pixels_do_not_reach_the_network_whatever_their_fill_is(bench: Bench, random_network: torch.nn.Module) -> None:
    from safetensors.torch import save

    bench.network(save(random_network.state_dict()), classes={"0": "a", "1": "b", "2": "c"})
    bands = np.random.default_rng(1).random((2, 64, 64)).astype(np.float32)
    hole = np.zeros((64, 64), bool)
    hole[20:30, 20:40] = True
    filled = np.where(hole, bands[:, ~hole].mean(axis=1)[:, None, None], bands)
    for name, fill in (("nan", np.nan), ("huge", -1e30)):
        bench.raster(np.where(hole, np.float32(fill), bands), name, nodata=fill)
    found = {name: codes(bench.segment(name)) for name in ("nan", "huge")}
    assert (found["nan"] == found["huge"]).all()
    expected = np.where(hole, 0, answer(random_network, filled.astype(np.float32)).argmax(0) + 1)
    assert (found["nan"] == expected).mean() > 0.995


def test_a_raster_without_data_is_no_coverage_and_is_not_shown_to_the_network(bench: Bench) -> None:
    bench.network()
    bench.raster(np.full((2, 40, 40), -9, "float32"), nodata=-9)
    made = bench.segment()
    assert (made.outcome, made.facts) == (Outcome.NO_COVERAGE, ())
    assert not codes(made).any()


def test_one_valid_pixel_is_enough(bench: Bench) -> None:
    bench.network()
    bands = np.full((2, 1300, 1), -9, "float32")
    bands[:, 1201] = [[0.8], [0.2]]
    bench.raster(bands, nodata=-9)
    found = codes(bench.segment())
    assert found[1201, 0] > 0
    assert np.count_nonzero(found) == 1


def test_a_mask_hides_what_the_quality_band_does_not_keep(bench: Bench) -> None:
    bench.network()
    quality = np.full((40, 40), 4, "float32")
    quality[:, 30:] = 9  # cloud
    bands = blocks(40, 40)
    bench.raster(np.concatenate([bands, quality[None]]))
    found = codes(bench.segment(mask="clear"))
    assert not found[:, 30:].any()
    assert (found[:, :30] == np.where(bands[0] > bands[1], 2, 1)[:, :30]).all()


@pytest.mark.parametrize("metres", [3.0, 40.0])
def test_pixels_far_from_those_of_the_training_are_refused_with_the_way_out(bench: Bench, metres: float) -> None:
    bench.network()
    bench.raster(blocks(40, 40), transform=Affine(metres, 0, 4_000_000, 0, -metres, 3_000_000))
    with pytest.raises(ParameterError, match=r"takes 6\.67 to 15 m") as caught:
        bench.segment()
    assert "reproject" in caught.value.hint


def test_pixels_in_degrees_count_by_their_size_on_the_ground(bench: Bench) -> None:
    bench.network()
    degrees = 10 / 111_320
    bench.raster(blocks(40, 40), "equator", crs="EPSG:4326", transform=Affine(degrees, 0, 20, 0, -degrees, 0.001))
    bench.raster(blocks(40, 40), "north", crs="EPSG:4326", transform=Affine(degrees, 0, 20, 0, -degrees, 72))
    assert bench.segment("equator").outcome == Outcome.VALUE
    with pytest.raises(ParameterError, match=r"pixels are 5\.5"):  # √(10 m × 10 m · cos 72°)
        bench.segment("north")


@pytest.mark.parametrize(("factor", "range_"), [(10_000, [0.0, 1.0]), (1, [0, 10_000])])
def test_values_in_another_unit_are_refused(bench: Bench, factor: float, range_: list[float]) -> None:
    bench.network(value_range=range_)
    bench.raster((blocks(40, 40) * factor).astype("float32"))
    with pytest.raises(ParameterError, match="trained on reflectance") as caught:
        bench.segment()
    assert "--scale" in caught.value.hint


def test_a_declared_scale_counts(bench: Bench, make_raster, tmp_path: Path) -> None:
    bench.network()
    numbers = np.round(blocks(40, 40) * 10_000).astype("uint16")
    path = make_raster(numbers, crs="EPSG:3035", transform=EDGE, name="scene.tif", descriptions=("green", "swir1"))
    bench.datasets.add(path, id="scene", declared=Declared(scale=0.0001))
    assert (codes(bench.segment()) == np.where(numbers[0] > numbers[1], 2, 1)).all()


def test_a_band_of_classes_is_refused(bench: Bench, make_raster) -> None:
    bench.network()
    path = make_raster(blocks(40, 40), crs="EPSG:3035", transform=EDGE, name="scene.tif", descriptions=("green", "swir1"))
    bench.datasets.add(path, id="scene", declared=Declared(kind="categorical"))
    with pytest.raises(ParameterError, match="classes, not measurements"):
        bench.segment()


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"encoder": "mobileone_s0"}, "do not fit the network of their card: "),
        ({"bands": ["green", "swir1", "nir"]}, r"encoder.features.0.0.weight: \(32, 2, 3, 3\), not \(32, 3, 3, 3\)"),
        ({"options": {**SMALL["options"], "encoder_weights": "imagenet"}}, "does not take: encoder_weights"),
        ({"options": {**SMALL["options"], "pretrained_cfg": "x"}}, "does not take: pretrained_cfg"),
        ({"options": {"encoder_depth": 9}}, "cannot be built"),
        ({"encoder": "tu-no_such_network"}, "cannot be built"),
        ({"architecture": "DPT", "encoder": "tu-vit_small_patch14_dinov2", "options": {}}, "multiples of 14"),
    ],
)
def test_weights_that_do_not_fit_the_card_are_refused(bench: Bench, card: dict[str, object], said: str) -> None:
    bench.network(**card)
    bench.raster(np.concatenate([blocks(40, 40), blocks(40, 40)]), descriptions=("green", "swir1", "nir", "red"))
    with pytest.raises(DataError, match=said):
        bench.segment()


def test_answers_that_are_no_numbers_are_an_error_not_a_class(bench: Bench) -> None:
    from safetensors.torch import load, save

    tensors = load(comparing_bytes())
    tensors["segmentation_head.0.bias"][0] = math.nan
    bench.network(save(tensors))
    bench.raster(blocks(40, 40))
    with pytest.raises(DataError, match="no numbers"):
        bench.segment()


def test_the_key_holds_the_weights_the_card_the_device_and_torch(bench: Bench) -> None:
    bench.network()
    bench.raster(blocks(40, 40))
    first = bench.segment()
    assert first.record["spec"]["model"] == bench.datasets.resolve("flood").digest
    assert first.record["spec"]["env"]["device"].startswith("cpu ")
    assert "torch" in first.record["spec"]["env"]
    other = bytearray(comparing_bytes())
    other[-1] ^= 1
    keys = {first.key}
    for weights, card in ((bytes(other), {}), (None, {"training": "Another note."}), (None, {"classes": {"0": "land", "1": "sea"}})):
        bench.network(weights, **card)
        keys.add(bench.segment().key)
    assert len(keys) == 4
    bench.network()
    assert bench.runner.run("segment", {"raster": "scene", "network": "flood"}).cache == "hit"


def test_a_call_without_a_network_needs_neither_torch_nor_a_device(bench: Bench) -> None:
    bench.raster(blocks(40, 40))
    spec = bench.segment(network=None).record["spec"]
    assert spec["model"] is None
    assert {"torch", "device"}.isdisjoint(spec["env"])


def test_a_device_that_is_not_there_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    bench.network()
    bench.raster(blocks(40, 40))
    monkeypatch.setenv("TERRACITE_DEVICE", "cuda")
    with pytest.raises(ConfigurationError, match="no GPU"):
        bench.segment()


@pytest.mark.parametrize("wrong", [{"index": "NDWI"}, {"threshold": 0.1}])
def test_an_index_beside_a_network_is_refused(bench: Bench, wrong: dict[str, object]) -> None:
    bench.network()
    bench.raster(blocks(40, 40))
    with pytest.raises(ParameterError, match="give either"):
        bench.segment(**wrong)


def test_the_bytes_do_not_depend_on_the_number_of_threads(bench: Bench, random_network: torch.nn.Module) -> None:
    from safetensors.torch import save

    bench.network(save(random_network.state_dict()), classes={"0": "a", "1": "b", "2": "c"})
    bench.raster(np.random.default_rng(2).random((2, 90, 90)).astype(np.float32))
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)  # the fixture puts it back
        scratch = open_workspace(root=bench.folder / f"scratch{threads}")
        made = Runner(scratch, bench.datasets).run("segment", {"raster": "scene", "network": "flood"}).artifact
        found.append([(file.path, file.sha256) for file in made.files])
    assert found[0] == found[1]


def test_torch_keeps_the_switches_of_its_user(bench: Bench) -> None:
    bench.network()
    bench.raster(blocks(40, 40))
    torch.use_deterministic_algorithms(False)
    bench.segment()
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.is_grad_enabled()


def test_progress_is_told_per_window_and_may_stop_the_call(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    class LeftError(RuntimeError):
        """What an interface raises in `progress` when its user has left."""

    bench.network()
    bench.raster(blocks(150, 260))
    monkeypatch.setattr(windows.tiling_of, "__defaults__", (160, 32))  # two rows of three windows
    told: list[float] = []

    def leave(share: float) -> None:
        told.append(share)
        raise LeftError

    call = {"raster": "scene", "network": "flood"}
    with pytest.raises(LeftError):
        bench.runner.run("segment", call, progress=leave)
    assert bench.runner.run("segment", call, progress=told.append).cache == "computed"
    assert told == pytest.approx([1 / 6, *(count / 6 for count in range(1, 7))])


class Narrow(torch.nn.Module):
    """A network on a device that holds `most` windows; its scores are the bands themselves."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        if len(windows) > self.most:
            raise torch.OutOfMemoryError
        return windows


def test_what_does_not_fit_into_the_device_at_once_runs_in_halves() -> None:
    tiles = np.random.default_rng(0).random((7, 2, 4, 4)).astype(np.float32)
    told = Predictor(Narrow(2), torch.device("cpu"), batch=7).probabilities(tiles)
    assert told[:, 1] == pytest.approx(sigmoid(tiles[:, 1] - tiles[:, 0]), abs=1e-6)
    with pytest.raises(LimitError, match="4 × 4 pixels"):
        Predictor(Narrow(0), torch.device("cpu"), batch=7).probabilities(tiles)


AGAIN = """
import json, sys
from pathlib import Path
from tools.catalog.datasets import Datasets
from tools.runner import Runner
from tools.workspace import open_workspace
workspace = open_workspace(root=Path(sys.argv[1]))
result = Runner(workspace, Datasets(workspace)).run("segment", {"raster": "scene", "network": "flood"})
print(json.dumps([result.cache, sorted(sys.modules)]))
"""


def test_a_stored_result_is_found_in_another_process_without_torch(bench: Bench, workspace: Workspace) -> None:
    bench.network()
    bench.raster(blocks(40, 40))
    bench.segment()
    done = subprocess.run([sys.executable, "-c", AGAIN, str(bench.folder / "ws")], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    cache, modules = json.loads(done.stdout)
    assert cache == "hit"
    assert {"torch", "segmentation_models_pytorch", "safetensors"}.isdisjoint(modules)
