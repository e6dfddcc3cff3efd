"""The calls that compare two rasters, in total or by zone."""

from __future__ import annotations

from dataclasses import replace

from agent.errors import RefusedError
from agent.planner.atlas import Atlas
from agent.planner.derived_steps import raster_params
from agent.planner.frames import Cells, Frame
from agent.planner.ledger import Ledger, where_params
from agent.planner.pieces import Params, Part

REST = "rest"


def compare(frame: Frame, ledger: Ledger, atlas: Atlas) -> tuple[Part, ...] | None:
    """Return the comparison, or its table by zones; None while calls are pending.

    For what one class lost or gained by zone, both rasters are first reduced to that class and the rest, so that every number is
    the area of one transition.
    """
    cells, other = frame.cells, frame.other_cells
    if cells is None or other is None:
        raise ValueError("a frame of change names two rasters")
    zoned = frame.zones is not None and bool(cells.classes) and frame.topic in ("lost", "gained")
    sides = [_side(frame, one, cells.classes[:1] if zoned else (), ledger, atlas) for one in (cells, other)]
    if not all(sides):
        return None
    before, after = (side or "" for side in sides)
    changed = ledger.call("change", {"before": before, "after": after})
    if changed is None or frame.zones is None:
        return (Part(changed),) if changed else None
    zones = frame.zones
    where = where_params(zones.layer.where, zones.layer.match)
    place: Params = {
        "zones": zones.layer.ref,
        **({"where": where} if where else {}),
        **({"zone_column": zones.column} if zones.column else {}),
    }
    asked: Params = {"classes": True} if _is_classes(cells, atlas) else {"statistics": ["mean"]}
    message = ledger.call("zonal_stats", {"raster": changed.ref, **place, **asked})
    return (Part(message),) if message else None


def _is_classes(cells: Cells, atlas: Atlas) -> bool:
    return atlas.get(cells.ref).band(1).is_categorical


def _side(frame: Frame, cells: Cells, reduced: tuple[str, ...], ledger: Ledger, atlas: Atlas) -> str | None:
    raster = raster_params(replace(frame, zones=None), cells, ledger, atlas)
    if raster is None or not reduced or cells.derived:
        return raster["raster"] if raster else None
    classes = atlas.get(cells.ref).band(1).classes
    own = [float(value) for value, label in classes.items() if label.casefold() == reduced[0].casefold()]
    others = [float(value) for value, label in classes.items() if label.casefold() != reduced[0].casefold()]
    if not own or not others:
        raise RefusedError(f"The raster {cells.ref} does not say which of its values are {reduced[0]}.")
    message = ledger.call("classify", {**raster, "classes": [{"label": reduced[0], "values": own}, {"label": REST, "values": others}]})
    return message.ref if message else None
