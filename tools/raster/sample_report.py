"""What sampling a raster at points gives: a layer with columns, facts per point and over all, and what had no value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.raster.output import known_unit
from tools.storage.rasters import RasterInfo
from tools.storage.vectors import write_layer

if TYPE_CHECKING:
    import geopandas

    from tools.raster.features import Features
    from tools.raster.sample import SampleParams
    from tools.raster.sampling import Sampled

FILE = "sampled.parquet"
MOST_ROWS = 1_000
"""Most rows in `data`; the file and the facts hold all."""
FULL = 0.999
"""Share of a circle from which on it counts as wholly covered; it is drawn with corners."""


def report(
    params: SampleParams,
    context: ToolContext,
    features: Features,
    infos: Sequence[RasterInfo],
    sampled: Sampled,
    method: dict[str, object],
) -> ToolOutput:
    """Write the points with what was found at them, and report it."""
    names = band_names(infos, params.bands)
    states = _states(features, sampled)
    frame = _frame(features, infos, names, sampled, states)
    write_layer(context.folder / FILE, frame)
    with_value = states.count("value")
    return ToolOutput(
        summary=f"Read the raster at {with_value} of {len(states)} points by {params.method}."
        if with_value
        else f"None of the {len(states)} points has a value: {_without(states)}.",
        facts=(*_counts(states), *_band_facts(features, infos, names, sampled)),
        outcome=Outcome.VALUE if with_value else Outcome.NO_COVERAGE,
        files=(FILE,),
        kind="vector",
        warnings=(*features.warnings, *_warnings(states, sampled, params)),
        method={"method": params.method, "bands": dict(zip(names, params.bands, strict=True)), **method},
        data={"rows": _rows(features, names, infos, sampled, states)},
    )


def band_names(infos: Sequence[RasterInfo], bands: Sequence[int]) -> list[str]:
    """Return the column of every band: `value` of a single one, else what the file calls it, where it tells them apart."""
    if len(infos) == 1:
        return ["value"]
    said = [info.name for info in infos]
    return [name if name and said.count(name) == 1 else f"band {band}" for band, name in zip(bands, said, strict=True)]


def _states(features: Features, sampled: Sampled) -> list[str]:
    """Return why every point has a value or not; one with a value in any band has one."""
    found = np.asarray(~np.isnan(sampled.values).all(axis=0))
    missing = [geometry is None for geometry in features.geometries]
    return [
        "value" if has else "no geometry" if gone else "nodata" if inside else "outside"
        for has, gone, inside in zip(found, missing, sampled.inside.tolist(), strict=True)
    ]


def _frame(
    features: Features, infos: Sequence[RasterInfo], names: Sequence[str], sampled: Sampled, states: list[str]
) -> geopandas.GeoDataFrame:
    import geopandas

    columns: dict[str, Any] = {}  # Any: arrays and lists of any type
    for name, info, values in zip(names, infos, sampled.values, strict=True):
        columns[name] = values
        if info.classes:
            columns[f"{name} class"] = _labels(info, values)
    columns["sampled"] = states
    own = features.frame.drop(columns="geometry")
    free = {name: name if name not in own else f"@{name}" for name in columns}
    geometry = geopandas.GeoSeries(list(features.geometries), index=own.index, crs=features.crs)
    return geopandas.GeoDataFrame(own.assign(**{free[name]: values for name, values in columns.items()}), geometry=geometry)


def _labels(info: RasterInfo, values: NDArray[np.float64]) -> list[str | None]:
    return [None if np.isnan(value) else info.name_of(value) for value in values.tolist()]


def _counts(states: list[str]) -> list[Fact]:
    without = [Fact("count", states.count(why), "count", {"points": why}) for why in ("nodata", "outside", "no geometry") if why in states]
    return [Fact("count", len(states), "count"), Fact("count", states.count("value"), "count", {"points": "with a value"}), *without]


def _band_facts(features: Features, infos: Sequence[RasterInfo], names: Sequence[str], sampled: Sampled) -> list[Fact]:
    over, each = list[Fact](), list[Fact]()
    for name, info, values in zip(names, infos, sampled.values, strict=True):
        about, unit = {} if len(infos) == 1 else {"band": name}, known_unit(info.unit)
        present = values[~np.isnan(values)]
        if info.value_kind == "categorical":
            counted = Counter(label for label in _labels(info, values) if label is not None)
            over += [Fact("count", count, "count", {**about, "class": label}) for label, count in sorted(counted.items())]
        elif len(present):
            statistics = {"mean": present.mean(), "min": present.min(), "max": present.max()}
            over += [Fact(key, float(value), unit, about) for key, value in statistics.items()]
            pairs = zip(features.labels, values.tolist(), strict=True)
            each += [Fact("value", value, unit, {"feature": label, **about}) for label, value in pairs if value == value]
    return [*over, *each]


def _warnings(states: list[str], sampled: Sampled, params: SampleParams) -> list[str]:
    said = [f"{len(states) - states.count('value')} of {len(states)} points have no value: {_without(states)}."] if _without(states) else []
    if params.radius_m is not None and sampled.valid_m2 is not None:
        whole = np.pi * params.radius_m**2
        partly = int(((sampled.valid_m2[0] > 0) & (sampled.valid_m2[0] < FULL * whole)).sum())
        if partly:
            said.append(f"The surroundings of {partly} points hold nodata or reach beyond the raster; their means are of the rest.")
    return said


def _without(states: list[str]) -> str:
    return ", ".join(f"{states.count(why)} {text}" for why, text in WHY.items() if why in states)


WHY = {"nodata": "on nodata", "outside": "outside the raster", "no geometry": "without geometry"}


def _rows(
    features: Features, names: Sequence[str], infos: Sequence[RasterInfo], sampled: Sampled, states: list[str]
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number, label in enumerate(features.labels[:MOST_ROWS]):
        row: dict[str, object] = {"feature": label, "sampled": states[number]}
        for name, info, values in zip(names, infos, sampled.values, strict=True):
            value = float(values[number])
            row[name] = None if np.isnan(value) else info.name_of(value) if info.classes else value
        rows.append(row)
    return rows
