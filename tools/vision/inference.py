"""Run a network over windows: probabilities out, the same ones for the same windows on the same class of device."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tools.errors import ConfigurationError, DataError, LimitError
from tools.vision.windows import Probabilities

CUDA_BYTES_PER_PIXEL = 2_000
"""Of a window; in single precision on a CPU a UnetPlusPlus on efficientnet-b4 takes 1,186, a Unet on resnet18 507."""
MOST_TILES = 32


@dataclass(frozen=True)
class Predictor:
    """A network on its device."""

    network: nn.Module
    device: torch.device
    batch: int
    """How many windows run at once."""

    def probabilities(self, tiles: NDArray[np.float32]) -> Probabilities:
        """Return (tile, class, row, col) for (tile, band, row, col); they sum to 1 over the classes.

        Where the device's memory does not hold all at once, halves run one after the other. Raises LimitError where not
        even one window fits, DataError for answers that are no numbers.
        """
        try:
            return self._run(tiles)
        except torch.OutOfMemoryError as error:
            if len(tiles) == 1:
                raise LimitError(
                    f"One window of {tiles.shape[-2]} × {tiles.shape[-1]} pixels does not fit into the memory of {self.device}.",
                    hint="Free the device, or set TERRACITE_DEVICE to cpu.",
                ) from error
        middle = len(tiles) // 2  # outside the handler, whose traceback would keep the tensors alive
        return np.concatenate([self.probabilities(tiles[:middle]), self.probabilities(tiles[middle:])])

    def _run(self, tiles: NDArray[np.float32]) -> Probabilities:
        if self.device.type == "cuda":
            found = self._answers(tiles, half=True)
            if np.isfinite(found).all():
                return found  # else a score went beyond half precision
        found = self._answers(tiles, half=False)
        if not np.isfinite(found).all():
            raise DataError(
                "The network answers with values that are no numbers.",
                hint="Its weights are damaged, or its scaling does not fit the raster.",
            )
        return found

    def _answers(self, tiles: NDArray[np.float32], *, half: bool) -> Probabilities:
        with _reproducibly(self.device, half=half):
            scores = self.network(torch.from_numpy(tiles).to(self.device, memory_format=torch.channels_last)).float()
            if scores.shape[1] == 1:
                second = torch.sigmoid(scores)
                answer = torch.cat([1 - second, second], dim=1)
            else:
                answer = torch.softmax(scores, dim=1)
            found: Probabilities = answer.cpu().numpy()
            return found


def predictor(network: nn.Module, device_class: str, window_px: int) -> Predictor:
    """Move a network, itself, to the device of which the key speaks; raise ConfigurationError where torch cannot use it."""
    if not device_class.startswith("cuda"):
        return Predictor(network.to(memory_format=torch.channels_last), torch.device("cpu"), batch=1)
    if not torch.cuda.is_available():
        raise ConfigurationError(
            "There is a GPU, but this torch cannot use it.", hint="Install torch with CUDA for its driver, or set TERRACITE_DEVICE to cpu."
        )
    # cuBLAS gives equal results in every run only with a workspace of fixed size, and torch refuses to go on without one.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    device = torch.device("cuda", 0)
    # Of all memory, not of what is free just now: the size of a batch may show in the last digits.
    memory = torch.cuda.get_device_properties(device).total_memory
    moved = network.to(device).to(memory_format=torch.channels_last)
    return Predictor(moved, device, batch_size(memory, window_px))


def batch_size(memory_bytes: int, window_px: int) -> int:
    """Return how many windows half of a device's memory holds, at least 1."""
    return max(1, min(MOST_TILES, memory_bytes // 2 // (window_px * CUDA_BYTES_PER_PIXEL)))


@contextmanager
def _reproducibly(device: torch.device, *, half: bool) -> Iterator[None]:
    """Infer by deterministic algorithms, in half precision where that is allowed; leave torch's switches as they were."""
    before, warn_only = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with ExitStack() as stack:
        stack.callback(torch.use_deterministic_algorithms, before, warn_only=warn_only)
        torch.use_deterministic_algorithms(True)
        stack.enter_context(torch.inference_mode())
        if device.type == "cuda":
            stack.enter_context(torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False))
            stack.enter_context(torch.autocast("cuda", dtype=torch.float16, enabled=half))
        yield
