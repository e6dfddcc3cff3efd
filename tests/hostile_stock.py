"""Opens files as somebody would who takes rasterio and pyogrio as they come; run as a program of its own.

    python hostile_stock.py rasterio|pyogrio NAME...

Prints `true` or `false` per name, as a list of JSON: whether something of the bait was shown. Every name is opened in a process of
its own, since some of them never end.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import warnings
from contextlib import suppress

from hostile_bait import BYTE, PIXEL, TEXT

SECONDS = 5
MEMORY = 6 << 30


def rasterio_shows(name: str) -> bool:
    """Whether pixels, masks or notes show the bait."""
    import rasterio

    with rasterio.open(name) as dataset:
        inside = list(dataset.subdatasets)[:4]
        shown = _dataset_shows(dataset)
    return shown or any(rasterio_shows(each) for each in inside)


def _dataset_shows(dataset: object) -> bool:
    import numpy as np

    count, height, width = min(dataset.count, 8), min(dataset.height, 64), min(dataset.width, 64)  # type: ignore[attr-defined]
    bands = list(range(1, count + 1))
    notes = repr([dataset.tags(ns=space) for space in (None, *dataset.tag_namespaces())]) + repr(dataset.crs) + repr(dataset.descriptions)  # type: ignore[attr-defined]
    arrays = []
    for options in ({"window": ((0, height), (0, width))}, {"out_shape": (count, 4, 4)}):
        with suppress(Exception):  # whatever a library raises for a broken file
            arrays += [dataset.read(bands, **options), dataset.read_masks(bands, **options)]  # type: ignore[attr-defined]
    return TEXT in notes or any(np.isin(array, (PIXEL, BYTE, float(PIXEL))).any() for array in arrays)


def pyogrio_shows(name: str) -> bool:
    """Whether rows or notes show the bait."""
    import pyogrio

    shown = False
    for layer, _ in pyogrio.list_layers(name)[:8]:
        with suppress(Exception):
            shown |= TEXT in repr(pyogrio.read_info(name, layer=layer))
            _, _, geometry, columns = pyogrio.raw.read(name, layer=layer, max_features=100)
            shown |= TEXT in repr([list(column) for column in columns]) or TEXT.encode() in b"".join(
                one for one in (geometry if geometry is not None else ()) if one
            )
    return shown


def _in_child(name: str, library: str) -> bool:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    shown = False
    try:
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        with suppress(BaseException):
            shown = rasterio_shows(name) if library == "rasterio" else pyogrio_shows(name)
    finally:
        os._exit(7 if shown else 0)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    __import__(sys.argv[1])
    sys.stdout.write(json.dumps([_in_child(name, sys.argv[1]) for name in sys.argv[2:]]))
