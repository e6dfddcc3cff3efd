"""What the tests of registration share: a tiny raster and layer, and adding exactly one dataset."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from tools.catalog.datasets import Datasets
from tools.catalog.records import DatasetRecord

REPOSITORY = Path(__file__).resolve().parent.parent
GREY = np.arange(12, dtype="uint8").reshape(3, 4)
BOXES = [shapely.box(x, 0, x + 1, 1) for x in range(3)]
NAMES = {"name": ["Alpha", "Beta", "Gamma"], "n": [1, 2, 3]}


def only(datasets: Datasets, path: Path, **options: Any) -> DatasetRecord:
    report = datasets.add(path, **options)
    assert not report.refused, report.refused
    (record,) = report.records
    return record


def later(path: Path) -> None:
    """Make a file look as if it had been written long ago, so that its stamp is trusted."""
    os.utime(path, (1_600_000_000, 1_600_000_000))
