"""Every architecture that a card may name can be built, loaded and run, and says what it says by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from affine import Affine
from safetensors.torch import save

from generated_networks import one_thread, write_network
from tools.catalog.datasets import Datasets
from tools.contract import Source
from tools.runner import Runner
from tools.storage.network_names import ARCHITECTURES
from tools.storage.rasters import read_band
from tools.workspace import Workspace

pytestmark = pytest.mark.heavy

ENCODERS = {"DPT": "tu-vit_tiny_patch16_224", "Segformer": "mit_b0"}
"""Of the others: a light one."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_runs_in_windows_as_by_itself(workspace: Workspace, tmp_path: Path, make_raster, architecture: str) -> None:
    encoder = ENCODERS.get(architecture, "mobilenet_v2")
    torch.manual_seed(4)
    any_size = {"dynamic_img_size": True} if architecture == "DPT" else {}
    network = getattr(smp, architecture)(encoder, encoder_weights=None, in_channels=2, classes=3, **any_size).eval()
    contiguous = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    stated = {"architecture": architecture, "encoder": encoder, "options": {}, "classes": {"0": "a", "1": "b", "2": "c"}}
    datasets = Datasets(workspace)
    report = datasets.add(write_network(tmp_path, save(contiguous), **stated))
    assert report.records, report.refused
    bands = np.random.default_rng(0).random((2, 64, 96)).astype(np.float32)
    datasets.add(
        make_raster(bands, crs="EPSG:3035", transform=Affine(10, 0, 4e6, 0, -10, 3e6), name="scene.tif", descriptions=("green", "swir1"))
    )
    made = Runner(workspace, datasets).run("segment", {"raster": "scene", "network": "flood"}).artifact
    padded = np.pad(bands, ((0, 0), (128, 128), (128, 128)), mode="reflect")  # one window holds it all
    with torch.inference_mode():
        alone = network(torch.from_numpy(padded[None]))[0, :, 128:192, 128:224].argmax(0).numpy() + 1
    assert made.main_file
    found = read_band(Source("r", "raster", made.main_file, "x")).filled(0)
    assert (found == alone).mean() > 0.999
