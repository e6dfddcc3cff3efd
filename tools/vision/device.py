"""Where a network runs, told without torch, since a stored result is found without importing it."""

from __future__ import annotations

import ctypes
import platform
from functools import cache
from importlib.util import find_spec

from tools.contract import Needs
from tools.errors import ConfigurationError
from tools.settings import ToolSettings

LIBRARIES = ("torch", "segmentation-models-pytorch", "timm", "safetensors")
"""Distributions that shape what a network says."""
MODULES = ("torch", "segmentation_models_pytorch", "safetensors")
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of the CUDA driver API."""


def network_needs() -> Needs:
    """Return what a call with a network needs; raise ConfigurationError where the extra is not installed."""
    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"Networks need what is not installed: {', '.join(missing)}.",
            hint="pip install 'terracite[vision]', or segment by an index: leave out 'network'.",
        )
    return Needs(LIBRARIES, device_class())


def device_class() -> str:
    """Return `cuda 9.0` (the compute capability of the first GPU) or `cpu x86_64`: results differ in their last digits by it.

    The setting `device` decides; `auto` takes a GPU where the driver has one. Raises ConfigurationError where cuda is set
    and there is none.
    """
    wanted = ToolSettings().device
    capability = None if wanted == "cpu" else _cuda_capability()
    if capability:
        return f"cuda {capability}"
    if wanted == "cuda":
        raise ConfigurationError("TERRACITE_DEVICE is cuda, but the driver knows no GPU.", hint="Set it to auto or cpu.")
    return f"cpu {platform.machine()}"


@cache  # a GPU does not come or go under a running process
def _cuda_capability() -> str | None:
    """Ask the CUDA driver; `CUDA_VISIBLE_DEVICES` holds for it as for torch."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count, device, major, minor = (ctypes.c_int() for _ in range(4))
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return None
    driver.cuDeviceGet(ctypes.byref(device), 0)
    driver.cuDeviceGetAttribute(ctypes.byref(major), CAPABILITY_MAJOR, device)
    driver.cuDeviceGetAttribute(ctypes.byref(minor), CAPABILITY_MINOR, device)
    return f"{major.value}.{minor.value}"
