"""A part of a GeoParquet layer, by box and attribute: the tools' reader beside geopandas with its box filter on the same file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import Measurement
from tools.contract import Source
from tools.geotypes import Condition, Where
from tools.storage.vectors import read_layer

BOX = (3.0, 46.0, 6.0, 49.0)
"""Of a layer from 0 to 10 and 45 to 50 degrees: 18 % of its features."""
CLASS, CLASSES = "class 7", 20
ROW_GROUP = 50_000


def part_of_layer(folder: Path, runs: int, *, features: int) -> Iterator[Measurement]:
    """Time a box and a class of a layer of squares in the order of a space-filling curve; both take turns, and give the same features."""
    path = _write(folder / "buildings.parquet", features)
    calls: dict[str, Callable[[], list[int]]] = {
        "read_layer, box and attribute": lambda: _ours(path),
        "geopandas with bbox": lambda: _peer(path),
    }
    took: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(runs + 1):
        answers = []
        for name, call in calls.items():
            started = time.perf_counter()
            answers.append(call())
            if run:  # the first is not counted: imports are not what is measured here
                took[name].append(time.perf_counter() - started)
        if answers[0] != answers[1]:
            raise RuntimeError("the two readers do not agree")
    for name, seconds in took.items():
        yield Measurement("part of a layer", name, tuple(seconds), "cold", peer=name.startswith("geopandas"), sizes={"features": features})


def _ours(path: Path) -> list[int]:
    where = Where(conditions=[Condition(column="class", op="=", value=CLASS)])
    return list(read_layer(Source("", "vector", path, ""), bbox=BOX, where=where)["id"])


def _peer(path: Path) -> list[int]:
    import geopandas

    frame = geopandas.read_parquet(path, bbox=BOX)
    return list(frame[frame["class"] == CLASS]["id"])


def _write(path: Path, features: int) -> Path:
    import geopandas
    import numpy as np
    import shapely

    draw = np.random.default_rng(5)
    west, south = draw.uniform(0, 10, features), draw.uniform(45, 50, features)
    frame = geopandas.GeoDataFrame(
        {
            "id": np.arange(features),
            "class": [f"class {number}" for number in draw.integers(0, CLASSES, features)],
            "name": [f"building {number}" for number in draw.integers(0, features, features)],
            "height": draw.normal(12, 4, features),
            "levels": draw.integers(1, 9, features),
        },
        geometry=shapely.box(west, south, west + 0.001, south + 0.001),
        crs=4326,
    )
    ordered = frame.iloc[np.argsort(frame.hilbert_distance().to_numpy())]
    ordered.to_parquet(path, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True, row_group_size=ROW_GROUP)
    return path
