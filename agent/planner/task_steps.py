"""The calls that make what is asked for, one task after the other, each of what the one before made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from agent.planner.atlas import Atlas
from agent.planner.derived_steps import raster_params
from agent.planner.frames import Frame, Task
from agent.planner.ledger import Ledger, Message, where_params
from agent.planner.pieces import Params, Part

RASTER_FORMATS = ("cog", "geotiff")
"""A raster that is asked for in another format is exported as the first of these."""


def make(frame: Frame, ledger: Ledger, atlas: Atlas) -> tuple[Part, ...] | None:
    """Return a part per task, the last call of each; None while calls are pending."""
    parts: list[Part] = []
    before = frame.refs[0] if frame.refs else ""
    for task in frame.tasks:
        message = _MAKERS[task.verb](task, before, ledger, atlas)
        if message is None:
            return None
        parts.append(Part(message, words=task.verb))
        before = message.ref
    return tuple(parts)


def _input(task: Task, before: str) -> Params:
    """Return `layer` and `where` of a task."""
    if task.layer is None:
        return {"layer": before}
    return {"layer": task.layer.ref, **_where("where", task)}


def _where(name: str, task: Task) -> Params:
    found = where_params(task.layer.where, task.layer.match) if task.layer else {}
    return {name: found} if found else {}


def _raster(task: Task, ledger: Ledger, atlas: Atlas) -> Params | None:
    return raster_params(Frame("tasks", cells=task.cells), task.cells, ledger, atlas) if task.cells else {}


def _export(task: Task, before: str, ledger: Ledger, atlas: Atlas) -> Message | None:
    raster = _raster(task, ledger, atlas)
    if raster is None:
        return None
    source = raster.get("raster") or _selected(task, before, ledger)
    if source is None:
        return None
    crs = {"crs": task.column} if task.column else {}
    return ledger.call("export", {"dataset": source, "format": task.option, **crs})


def _selected(task: Task, before: str, ledger: Ledger) -> str | None:
    """Return the whole layer, or a query of the features that are chosen; None while it is pending."""
    if task.layer is None:
        return before
    if not task.layer.where:
        return task.layer.ref
    found = ledger.call("query_vector", _input(task, before))
    return found.ref if found else None


def _clean(task: Task, before: str, ledger: Ledger, _atlas: Atlas) -> Message | None:
    source = _selected(task, before, ledger)
    return ledger.call("clean", {"layer": source}) if source else None


def _shape(task: Task, before: str, ledger: Ledger, _atlas: Atlas) -> Message | None:
    params: Params = {"operation": task.option, **_input(task, before)}
    if task.by:
        params["by"] = []
    if task.amount is not None:
        params["tolerance_m"] = task.amount
    if task.other:
        params["within"] = task.other.ref
    return ledger.call("shapes", params)


def _buffer(task: Task, before: str, ledger: Ledger, _atlas: Atlas) -> Message | None:
    return ledger.call("overlay", {"operation": "buffer", **_input(task, before), "distance_m": task.amount})


def _dissolve(task: Task, before: str, ledger: Ledger, _atlas: Atlas) -> Message | None:
    return ledger.call("overlay", {"operation": "dissolve", **_input(task, before), "by": list(task.by)})


def _reproject(task: Task, before: str, ledger: Ledger, atlas: Atlas) -> Message | None:
    raster = _raster(task, ledger, atlas)
    if raster is None:
        return None
    source = raster.get("raster") or _selected(task, before, ledger)
    return ledger.call("reproject", {"source": source, "crs": task.option}) if source else None


def _contour(task: Task, _before: str, ledger: Ledger, atlas: Atlas) -> Message | None:
    raster = _raster(task, ledger, atlas)
    return ledger.call("contour", {**raster, "interval": task.amount}) if raster else None


def _sample(task: Task, before: str, ledger: Ledger, atlas: Atlas) -> Message | None:
    raster = _raster(task, ledger, atlas)
    if raster is None:
        return None
    bands = {"bands": [raster["band"]]} if "band" in raster else {}
    points = _input(task, before)
    found = ledger.call("sample", {"raster": raster["raster"], "points": points.pop("layer"), **points, **bands})
    if found is None or task.option not in ("highest", "lowest") or found.outcome == "no_coverage":
        return found
    ranking = {"order_by": "value", "descending": task.option == "highest", "limit": 1}
    return ledger.call("query_vector", {"layer": found.ref, "where": {"conditions": [_HAS_VALUE]}, "select": ["value"], **ranking})


_HAS_VALUE: Params = {"column": "value", "op": "is not null"}


def _join(task: Task, before: str, ledger: Ledger, _atlas: Atlas) -> Message | None:
    operation, _, statistic = task.option.partition(" ")
    other = task.other.ref if task.other else before
    key = {"key": task.key} if task.key else {}
    joined = ledger.call("join", {"operation": operation, **_input(task, before), "other": other, **key})
    if joined is None or not task.column or joined.kind != "vector":
        return joined
    measures = [{"aggregate": statistic, "column": task.column}]
    by = {"group_by": list(task.by)} if task.by else {}
    return ledger.call("query_vector", {"layer": joined.ref, "measures": measures, **by})


def _thiessen(task: Task, before: str, ledger: Ledger, _atlas: Atlas) -> Message | None:
    if task.other is None:
        raise ValueError("a task of Thiessen names zones")
    cells = ledger.call("shapes", {"operation": "voronoi", **_input(task, before), "within": task.other.ref})
    if cells is None:
        return None
    where = where_params(task.other.where, task.other.match)
    zones: Params = {"layer": task.other.ref, **({"where": where} if where else {})}
    return ledger.call(
        "join", {"operation": "zones", **zones, "other": cells.ref, "numbers": [{"column": task.column, "aggregate": "mean"}]}
    )


def _histogram(task: Task, before: str, ledger: Ledger, atlas: Atlas) -> Message | None:
    raster = _raster(task, ledger, atlas)
    within = _selected(replace(task, layer=task.other), before, ledger) if task.other else ""
    if raster is None or within is None:
        return None
    bins = {"bins": int(task.amount)} if task.amount else {}
    return ledger.call("histogram", {**raster, **bins, **({"within": within} if within else {})})


_MAKERS: Mapping[str, Callable[[Task, str, Ledger, Atlas], Message | None]] = {
    "export": _export, "clean": _clean, "shape": _shape, "buffer": _buffer, "dissolve": _dissolve, "reproject": _reproject, "contour": _contour,
    "sample": _sample, "join": _join, "thiessen": _thiessen, "extremes": _histogram, "histogram": _histogram,
}  # fmt: skip
