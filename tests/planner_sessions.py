"""Small hand-made sessions for the planner, and its first step on a question."""

from __future__ import annotations

from typing import Any

from agent.planner.engine import plan
from agent.planner.step import Draft, Step

Json = dict[str, Any]


def column(name: str, values: list[Any], kind: str = "text", distinct: int | None = None) -> Json:
    return {"name": name, "type": kind, "values": values, "distinct": distinct or len(values)}


def layer(name: str, geometry: str, columns: list[Json], name_column: str | None, count: int = 9) -> Json:
    return {
        "id": name, "title": name, "kind": "vector", "focus": True, "geometry_type": geometry, "feature_count": count,
        "columns": columns, "name_column": name_column, "bbox": [0, 0, 1, 1],
    }  # fmt: skip


def raster(name: str, unit: str = "m", kind: str = "continuous", classes: Json | None = None, high: float = 100) -> Json:
    band = {
        "index": 1,
        "name": None,
        "role": None,
        "unit": unit,
        "value_kind": kind,
        "classes": classes or {},
        "minimum": 0,
        "maximum": high,
    }
    return {"id": name, "title": name, "kind": "raster", "focus": True, "bbox": [0, 0, 1, 1], "bands": [band]}


def first_step(question: str, datasets: list[Json]) -> Step:
    return plan(question, {"version": 1, "question": question, "datasets": datasets, "results": [], "previous": None}, [])


def calls(question: str, datasets: list[Json]) -> list[tuple[str, Json]]:
    step = first_step(question, datasets)
    assert not isinstance(step, Draft), step.text
    return [(name, dict(params)) for name, params in step.calls]


def is_declined(question: str, datasets: list[Json]) -> bool:
    step = first_step(question, datasets)
    return isinstance(step, Draft) and step.status in ("refused", "input_needed")
