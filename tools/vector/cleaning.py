"""The steps of cleaning, in their order, repeated until none finds anything: cleaning twice is cleaning once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import shapely

from tools.errors import DataError, MissingCrsError, ParameterError
from tools.geo.geometry import repair
from tools.geo.rings import Geometries
from tools.geo.tidy import kind_of, kinds_of, single_kinds, without_slivers, wound_right
from tools.vector.absent import require_columns
from tools.vector.changes import Change, Done
from tools.vector.clean import DEFAULT_STEPS, OF_TABLES, CleanParams, Step
from tools.vector.plain import plain
from tools.vector.text_numbers import as_numbers
from tools.vector.tidy_text import tidy_text

if TYPE_CHECKING:
    import geopandas

KIND_COLUMN = "geometry_kind"
Frame = Any
"""A GeoDataFrame; for the steps on values also a DataFrame without geometry. Any: geopandas is imported late."""
StepResult = tuple[Frame, Done]


@dataclass(frozen=True)
class Cleaned:
    """A cleaned layer and what was done to it."""

    frame: Frame
    """The features left, in their order; the index `fid` is their position in the file."""
    done: tuple[Done, ...]
    """One per step asked for, in the order in which they are taken."""


def is_layer(frame: Frame) -> bool:
    """Whether a frame has geometry."""
    import geopandas

    return isinstance(frame, geopandas.GeoDataFrame)


def fit_to_clean(params: CleanParams, frame: Frame, name: str) -> tuple[Step, ...]:
    """Return the steps to take on a layer or table, in their order.

    Raises ParameterError for unknown columns and for steps that need geometry on a table, DataError for a layer without features,
    MissingCrsError for one without CRS.
    """
    if not len(frame):
        raise DataError(f"The layer {name!r} has no features.", hint="Check the file, or name another layer.")
    require_columns([*(params.duplicate_columns or []), *(params.columns or [])], frame)
    steps = tuple(step for step in get_args(Step) if step in params.steps)
    if is_layer(frame):
        if frame.crs is None:
            raise MissingCrsError(
                f"The layer {name!r} has no coordinate reference system.", hint="Say which it is: terracite add PATH --crs EPSG:…."
            )
        return steps
    of_geometry = [step for step in steps if step not in OF_TABLES]
    if of_geometry and set(steps) != set(DEFAULT_STEPS):
        raise ParameterError(
            f"The table {name!r} has no geometry, so there is no step {of_geometry[0]}.", hint=f"Steps of tables: {', '.join(OF_TABLES)}."
        )
    return tuple(step for step in steps if step in OF_TABLES)


def clean(params: CleanParams, steps: Sequence[Step], frame: Frame) -> Cleaned:
    """Take the steps; raise DataError for geometry that cannot be repaired."""
    done = {step: Done(step) for step in steps}
    while True:
        found_any = False
        for step, so_far in done.items():
            frame, now = _take(step, params, frame)
            done[step] = so_far.then(now)
            found_any |= not now.is_nothing
        # A row that goes may make a column of text all numbers, and values made uniform may make rows equal.
        if not found_any:
            return Cleaned(frame, tuple(done.values()))


def _take(step: Step, params: CleanParams, frame: geopandas.GeoDataFrame) -> StepResult:
    match step:
        case "missing_geometry":
            return _missing_geometry(frame)
        case "invalid_geometry":
            return _invalid_geometry(frame)
        case "mixed_geometry":
            return _mixed_geometry(params, frame)
        case "slivers":
            return _slivers(params, frame)
        case "winding":
            return _winding(frame)
        case "text":
            return _in_columns(params, frame, step, lambda column: tidy_text(column, params.case, params.missing_values))
        case "duplicates":
            return _duplicates(params, frame)
        case "numbers":
            named = params.columns is not None
            return _in_columns(params, frame, step, lambda column: as_numbers(column, params.decimal, chosen=named))


def _missing_geometry(frame: geopandas.GeoDataFrame) -> StepResult:
    shapes = frame.geometry.to_numpy()
    gone = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    return frame[~gone], Done("missing_geometry", removed=_each(frame, gone, "no geometry"))


def _invalid_geometry(frame: geopandas.GeoDataFrame) -> StepResult:
    """Rebuild invalid geometries alone; what encloses nothing goes."""
    shapes: Geometries = frame.geometry.to_numpy().copy()
    wrong = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    if not wrong.any():
        return frame, Done("invalid_geometry")
    reasons = [str(reason).partition("[")[0] for reason in shapely.is_valid_reason(shapes[wrong])]
    alone = shapes.copy()
    alone[~wrong] = None
    rebuilt, report = repair(alone, frame.crs)
    flattened = wrong & shapely.has_z(shapes)
    shapes[wrong] = rebuilt[wrong]
    collapsed = wrong & shapely.is_missing(shapes)
    said = (f"heights of {int(flattened.sum())} repaired features were lost",) if flattened.any() else ()
    changes = [Change(int(fid), reason) for fid, reason in zip(frame.index[wrong], reasons, strict=True)]
    kept = tuple(change for change, gone in zip(changes, collapsed[wrong], strict=True) if not gone)
    areas = (("before the repair", report.area_before_m2 or 0.0), ("after the repair", report.area_after_m2 or 0.0))
    done = Done("invalid_geometry", kept, _each(frame, collapsed, "encloses nothing"), measures=areas, lost=said)
    return _with_geometry(frame, shapes)[~collapsed], done


def _mixed_geometry(params: CleanParams, frame: geopandas.GeoDataFrame) -> StepResult:
    """Give every row one kind of geometry, or keep one kind only."""
    shapes = frame.geometry.to_numpy()
    if len(kinds_of(shapes)) <= 1 and (params.keep_kind is None or kinds_of(shapes) <= {params.keep_kind}):
        return frame, Done("mixed_geometry")
    pieces, origin = single_kinds(shapes, params.keep_kind)
    gone = ~np.isin(np.arange(len(frame)), origin)
    same = bool(len(pieces) == len(shapes) and (pieces == shapes).all())
    made = frame if same else _with_geometry(frame.iloc[origin], pieces)
    named = made if params.keep_kind else _with_kind(made)
    changed = tuple(Change(int(fid), "kind of geometry told", KIND_COLUMN) for fid in named.index) if named is not made else ()
    removed = _each(frame, gone, f"no {params.keep_kind}")
    added = len(pieces) - int((~gone).sum())
    said = ("attributes of a collection that was split are repeated on each of its pieces",) if added else ()
    return named, Done("mixed_geometry", changed, removed, added, lost=said)


def _with_kind(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Tell the kind of each geometry in a column; return the same frame where it says so already."""
    kinds = [kind_of(geometry) for geometry in frame.geometry.to_numpy()]
    if KIND_COLUMN not in frame.columns:
        frame = frame.copy()
        frame.insert(len(frame.columns) - 1, KIND_COLUMN, kinds)
        return frame
    if [plain(value) for value in frame[KIND_COLUMN]] != kinds:
        raise ParameterError(
            f"The layer has a column {KIND_COLUMN!r} that says something else.",
            hint="Keep one kind with 'keep_kind', or rename the column.",
        )
    return frame


def _slivers(params: CleanParams, frame: geopandas.GeoDataFrame) -> StepResult:
    left = without_slivers(frame.geometry.to_numpy(), frame.crs, params.min_area_m2, params.min_width_m)
    touched = left.parts > 0
    if not touched.any():
        return frame, Done("slivers")
    gone = touched & shapely.is_missing(left.geometries)
    changed = _each(frame, touched & ~gone, "sliver parts taken away")
    done = Done("slivers", changed, _each(frame, gone, "sliver"), measures=(("slivers", left.area_m2),))
    return _with_geometry(frame, left.geometries)[~gone], done


def _winding(frame: geopandas.GeoDataFrame) -> StepResult:
    shapes: Geometries = frame.geometry.to_numpy().copy()
    valid = shapely.is_valid(shapes)
    unclear = int((~valid & ~shapely.is_missing(shapes)).sum())
    left = (f"{unclear} invalid geometries were not looked at for the direction of their rings: take the step invalid_geometry too",)
    shapes[valid], wrong = wound_right(shapes[valid])
    changed = np.zeros(len(frame), dtype=bool)
    changed[valid] = wrong
    done = Done("winding", _each(frame, changed, "rings turned"), left=left if unclear else ())
    return (_with_geometry(frame, shapes) if wrong.any() else frame), done


def _duplicates(params: CleanParams, frame: Frame) -> StepResult:
    """Keep the first of equal features; start and direction of rings, and the order of parts, do not matter."""
    columns = params.duplicate_columns if params.duplicate_columns is not None else _attributes(frame)
    forms = shapely.to_wkb(shapely.normalize(frame.geometry.to_numpy())) if is_layer(frame) else [None] * len(frame)
    values = [[_comparable(value) for value in frame[column]] for column in columns]
    first: dict[tuple[object, ...], int] = {}
    gone = np.zeros(len(frame), dtype=bool)
    removed = []
    for position, key in enumerate(zip(forms, *values, strict=True)):
        own = first.setdefault(key, position)
        if own != position:
            gone[position] = True
            removed.append(Change(int(frame.index[position]), f"repeats feature {frame.index[own]}"))
    return frame[~gone], Done("duplicates", removed=tuple(removed))


def _attributes(frame: Frame) -> list[str]:
    return [name for name in frame.columns if name != "geometry" or not is_layer(frame)]


def _comparable(value: object) -> object:
    """Return a cell so that equal ones are equal: missing values too, lists as text."""
    return plain(value) if isinstance(value, str) or not hasattr(value, "__len__") else str(value)


def _in_columns(
    params: CleanParams,
    frame: geopandas.GeoDataFrame,
    step: str,
    mend: Callable[[Any], tuple[Any, tuple[Change, ...], tuple[str, ...]]],  # Any: columns of text, or of numbers
) -> StepResult:
    """Mend text columns one by one."""
    changed: list[Change] = []
    left: list[str] = []
    for name in params.columns if params.columns is not None else _attributes(frame):
        column, changes, said = mend(frame[name])
        left += said
        if changes:
            frame = frame.assign(**{str(name): column})
            changed += changes
    return frame, Done(step, tuple(changed), left=tuple(left))


def _each(frame: geopandas.GeoDataFrame, mask: np.ndarray[Any, np.dtype[np.bool_]], what: str) -> tuple[Change, ...]:
    return tuple(Change(int(fid), what) for fid in frame.index[mask])


def _with_geometry(frame: geopandas.GeoDataFrame, geometries: Geometries) -> geopandas.GeoDataFrame:
    import geopandas

    return frame.set_geometry(geopandas.GeoSeries(list(geometries), index=frame.index, crs=frame.crs))
