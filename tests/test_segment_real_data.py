"""A network that is trained here, on one half of a flood, finds the water of the other half better than the index does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from numpy.typing import NDArray
from rasterio.windows import Window

from generated_networks import SMALL, build, one_thread, write_network
from tools.catalog.datasets import Datasets
from tools.contract import Artifact, Declared, Source
from tools.runner import Runner
from tools.storage.rasters import read_band
from tools.workspace import Workspace

pytestmark = pytest.mark.realdata

ROLES = {"blue": 2, "green": 3, "red": 4, "nir": 8, "swir1": 12, "swir2": 13}
STEPS, CHIPS, SIDE = 80, 8, 64
NORTH, SOUTH = slice(0, 256), slice(256, 512)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


def read(shared_data: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return reflectance (band, row, col) and the hand-drawn label: 1 water, 0 other, -1 not known."""
    folder = shared_data / "chips" / "sen1floods11_spain"
    with rasterio.open(folder / "S2_L1C_west.tif") as scene, rasterio.open(folder / "label_west.tif") as label:
        return scene.read(list(ROLES.values())).astype(np.float32) / 10_000, label.read(1).astype(np.int64)


def trained(bands: NDArray[np.float32], label: NDArray[np.int64]) -> torch.nn.Module:
    """Train the small network on chips of a scaled image; the seed is fixed. About 9 s on one core."""
    rng, network = np.random.default_rng(0), build(len(bands), 2).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=STEPS)
    image, truth = torch.from_numpy(bands), torch.from_numpy(label)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(STEPS):
            corners = rng.integers(0, np.array(label.shape) - SIDE, (CHIPS, 2))
            turns = rng.integers(0, 4, CHIPS)
            chips = [(image[:, r : r + SIDE, c : c + SIDE], truth[r : r + SIDE, c : c + SIDE]) for r, c in corners]
            turned = [(torch.rot90(x, int(k), (1, 2)), torch.rot90(y, int(k))) for (x, y), k in zip(chips, turns, strict=True)]
            scores = network(torch.stack([x for x, _ in turned]))
            loss = torch.nn.functional.cross_entropy(scores, torch.stack([y for _, y in turned]), ignore_index=-1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def intersection_over_union(water: NDArray[np.bool_], label: NDArray[np.int64]) -> float:
    known, drawn = label >= 0, label == 1
    return float((water & drawn & known).sum() / ((water | drawn) & known).sum())


def water_of(artifact: Artifact, code: int) -> NDArray[np.bool_]:
    assert artifact.main_file
    return read_band(Source("r", "raster", artifact.main_file, "x")).filled(0) == code


def held_out(shared_data: Path, folder: Path) -> Path:
    """Write the southern half of the scene, all bands as they are."""
    with rasterio.open(shared_data / "chips" / "sen1floods11_spain" / "S2_L1C_west.tif") as scene:
        window = Window(0, SOUTH.start, scene.width, SOUTH.stop - SOUTH.start)
        profile = {**scene.profile, "height": window.height, "transform": scene.window_transform(window)}
        with rasterio.open(folder / "south.tif", "w", **profile) as part:
            part.write(scene.read(window=window))
    return folder / "south.tif"


@pytest.mark.heavy
def test_a_network_trained_on_one_half_beats_the_index_on_the_other(shared_data: Path, tmp_path: Path, workspace: Workspace) -> None:
    from safetensors.torch import save

    bands, label = read(shared_data)
    mean, std = (getattr(bands[:, NORTH], name)(axis=(1, 2), dtype="float64").astype(np.float32) for name in ("mean", "std"))
    scaled = (bands - mean[:, None, None]) / std[:, None, None]
    network = trained(scaled[:, NORTH], label[NORTH])
    datasets = Datasets(workspace)
    stated = {**SMALL, "bands": list(ROLES), "scaling": {"mean": mean.tolist(), "std": std.tolist()}}
    assert datasets.add(write_network(tmp_path, save(network.state_dict()), **stated)).records
    datasets.add(held_out(shared_data, tmp_path), id="south", declared=Declared(bands=ROLES, scale=0.0001))
    runner = Runner(workspace, datasets)
    by_network = runner.run("segment", {"raster": "south", "network": "flood"}).artifact
    by_index = runner.run("segment", {"raster": "south"}).artifact
    found = intersection_over_union(water_of(by_network, 2), label[SOUTH])
    peer = intersection_over_union(water_of(by_index, 1), label[SOUTH])
    assert peer == pytest.approx(0.374, abs=0.001)  # MNDWI > 0, by arithmetic: green > swir1
    assert found > peer + 0.05
    with torch.inference_mode():
        padded = np.pad(scaled[:, SOUTH], ((0, 0), (128, 128), (128, 128)), mode="reflect")
        alone = network(torch.from_numpy(padded[None]))[0, :, 128:-128, 128:-128].argmax(0).numpy() == 1
    assert (water_of(by_network, 2) == alone).mean() > 0.999  # in windows as all at once
