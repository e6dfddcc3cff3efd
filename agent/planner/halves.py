"""Split what was found for two places, classes or groups together, so that one can be taken from the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from agent.planner.frames import Condition, Frame, Layer

Halves = tuple[Frame, Frame]


def halves(frame: Frame) -> Halves | None:
    """Return a frame for each of the two things that it speaks of; None where there are not exactly two."""
    found = list(_splits(frame))
    return found[0] if len(found) == 1 else None


def _splits(frame: Frame) -> Iterator[Halves]:
    if frame.cells:
        cells = frame.cells
        if len(cells.classes) == 2:
            one, two = (replace(frame, cells=replace(cells, classes=(label,), noun=label)) for label in cells.classes)
            yield one, two
        if len(cells.ranges) == 2:
            one, two = (replace(frame, cells=replace(cells, ranges=(limit,))) for limit in cells.ranges)
            yield one, two
    if frame.zones:
        zones = frame.zones
        for first, second in _parted(zones.layer):
            yield replace(frame, zones=replace(zones, layer=first)), replace(frame, zones=replace(zones, layer=second))
    if frame.layer:
        for first, second in _parted(frame.layer):
            yield replace(frame, layer=first, group_by=()), replace(frame, layer=second, group_by=())
    for number, clip in enumerate(frame.clips):
        for pair in _parted(clip):
            one, two = (replace(frame, clips=(*frame.clips[:number], half, *frame.clips[number + 1 :]), group_by=()) for half in pair)
            yield one, two


def _parted(layer: Layer) -> Iterator[tuple[Layer, Layer]]:
    """Yield the selections of either value, where a layer is chosen by two values of one column."""
    for number, condition in enumerate(layer.where):
        if condition.op == "in" and isinstance(condition.value, tuple) and len(condition.value) == 2:
            first, second = (_chosen(layer, number, condition, value) for value in condition.value)
            yield first, second


def _chosen(layer: Layer, number: int, condition: Condition, value: object) -> Layer:
    where = (*layer.where[:number], Condition(condition.column, "=", value), *layer.where[number + 1 :])
    return replace(layer, where=where, noun=str(value))
