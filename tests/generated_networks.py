"""Small networks for tests: one whose weights are set by hand, so that its answer is known exactly, and the cards they need."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

SMALL = {"architecture": "Unet", "encoder": "mobilenet_v2", "options": {"encoder_depth": 3, "decoder_channels": [16, 8, 8]}}
"""About 9 MB, most of it layers that are not run; 4 ms for 100 × 100 pixels."""


def build(bands: int, classes: int, seed: int = 0) -> Any:  # Any: torch is imported only here
    """Return the small network with random weights."""
    import segmentation_models_pytorch as smp
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        options = {"encoder_depth": 3, "decoder_channels": (16, 8, 8)}
        return smp.Unet(SMALL["encoder"], encoder_weights=None, in_channels=bands, classes=classes, **options).eval()


def comparing(classes: int = 2) -> Any:  # Any: as above
    """Return a network of two bands whose scores are (second, first): class 1 is where the first band exceeds the second.

    All weights are 0 but for one path that carries the two bands through: it sees the upper left pixel of every 2 × 2 block of
    the raster and answers for the whole block. Values must lie in 0 … 6, which its activations keep as they are. With one
    output the score is their difference.
    """
    import torch

    network = build(2, classes)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            tensor.fill_(1.0 - 1e-5 if name.endswith("running_var") else 0.0)  # 1e-5: what batch normalisation adds
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.fill_(1.0)
        first = network.encoder.features
        blocks = network.decoder.blocks
        convolutions = [first[0][0], first[1].conv[1], blocks[1].conv1[0], blocks[1].conv2[0], blocks[2].conv1[0], blocks[2].conv2[0]]
        skipped = blocks[1].conv1[0].in_channels - 16  # the sixteen features at half resolution come after what is upsampled
        for convolution in convolutions:
            centre, offset = convolution.kernel_size[0] // 2, skipped if convolution is blocks[1].conv1[0] else 0
            for band in (0, 1):
                convolution.weight[band, band + offset, centre, centre] = 1.0
        first[1].conv[0][0].weight[:, 0, 1, 1] = 1.0  # depth-wise: every channel by itself
        head = network.segmentation_head[0].weight
        if classes == 1:
            head[0, 0, 1, 1], head[0, 1, 1, 1] = 1.0, -1.0
        else:
            head[0, 1, 1, 1], head[1, 0, 1, 1] = 1.0, 1.0
    return network


@cache
def comparing_bytes(classes: int = 2) -> bytes:
    """Return the weights of `comparing` as a file of safetensors has them."""
    from safetensors.torch import save

    return save(comparing(classes).state_dict())


def card(weights: bytes, **other: object) -> dict[str, object]:
    """Return the card of a small network with two bands; `other` replaces fields, None leaves one out."""
    stated = {
        **SMALL,
        "bands": ["green", "swir1"],
        "unit": "reflectance",
        "value_range": [0.0, 1.0],
        "classes": {"0": "land", "1": "water"},
        "resolution_m": 10.0,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        **other,
    }
    return {name: value for name, value in stated.items() if value is not None}


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: several tests at once on few cores would otherwise wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def write_network(folder: Path, weights: bytes | None = None, name: str = "flood", **other: object) -> Path:
    """Write weights (by default those of `comparing`) and their card; return the path of the weights."""
    content = comparing_bytes() if weights is None else weights
    path = folder / f"{name}.safetensors"
    path.write_bytes(content)
    (folder / f"{name}.card.json").write_text(json.dumps(card(content, **other)), encoding="utf-8")
    return path
