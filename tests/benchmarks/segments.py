"""Segment: the tool, with windows, blending, store and areas, beside the bare network over the same pixels in the same run."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import Measurement, time_function
from tools.catalog.datasets import Datasets
from tools.runner import Runner
from tools.workspace import open_workspace

BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
NETWORK = {"architecture": "Unet", "encoder": "resnet18"}
TILE_PX = 512


def segment(folder: Path, runs: int, *, side: int) -> Iterator[Measurement]:
    """Time a Unet on resnet18 with random weights over six bands of side × side pixels; pixels per second is `sizes` over seconds.

    The bare network runs over windows without overlap that lie in memory, one at a time, on the device that the tool uses.
    """
    raster, network = _write_raster(folder / "scene.tif", side), _write_network(folder / "network.safetensors")
    root = folder / "segment-workspace"
    device = _device()
    sizes = {"pixels": side * side, "bands": len(BANDS)}

    def fresh() -> None:
        shutil.rmtree(root, ignore_errors=True)

    def ours() -> None:
        workspace = open_workspace(root=root)
        datasets = Datasets(workspace)
        datasets.add(raster, id="scene")
        datasets.add(folder / "network.safetensors", id="network")
        Runner(workspace, datasets).run("segment", {"raster": "scene", "network": "network"})

    bare = _bare(network, side, device)
    ours()  # imports are not what is measured here
    bare()
    yield Measurement(
        "segment", f"add two files and segment on {device}", time_function(ours, runs=runs, before=fresh), "cold", sizes=sizes
    )
    yield Measurement("segment", f"add two files and segment on {device}", time_function(ours, runs=runs), "warm", sizes=sizes)
    yield Measurement("segment", f"the network alone on {device}", time_function(bare, runs=runs), "cold", peer=True, sizes=sizes)


def _device() -> str:
    from tools.vision.device import device_class

    return device_class()


def _bare(network: Any, side: int, device_class: str) -> Any:  # Any: torch is imported only here
    import torch

    device = torch.device("cuda" if device_class.startswith("cuda") else "cpu")
    moved = network.to(device).to(memory_format=torch.channels_last)
    windows = (-(-side // TILE_PX)) ** 2
    tile = torch.rand(1, len(BANDS), TILE_PX, TILE_PX, device=device).to(memory_format=torch.channels_last)

    def run() -> None:
        with torch.inference_mode(), torch.autocast("cuda", dtype=torch.float16, enabled=device.type == "cuda"):
            for _ in range(windows):
                torch.softmax(moved(tile).float(), dim=1).argmax(dim=1).cpu()

    return run


def _write_network(path: Path) -> Any:  # Any: torch is imported only here
    import segmentation_models_pytorch as smp
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    network = smp.Unet(NETWORK["encoder"], encoder_weights=None, in_channels=len(BANDS), classes=2).eval()
    save_file(network.state_dict(), path)
    card = {
        **NETWORK,
        "bands": BANDS,
        "unit": "reflectance",
        "value_range": [0, 1],
        "classes": {"0": "land", "1": "water"},
        "resolution_m": 10,
        "weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    path.with_suffix(".card.json").write_text(json.dumps(card), encoding="utf-8")
    return network


def _write_raster(path: Path, side: int) -> Path:
    """Write noise in 0 … 1 on pixels of 10 m."""
    import numpy as np
    import rasterio
    from affine import Affine

    values = np.random.default_rng(1).random((len(BANDS), side, side), dtype=np.float32)
    transform = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)
    options = {"count": len(BANDS), "width": side, "height": side, "dtype": values.dtype, "tiled": True, "compress": "deflate"}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32632", transform=transform, **options) as dataset:
        dataset.write(values)
        dataset.descriptions = BANDS
    return path
