"""Numbers of the features that a dissolve merges: sums, means and the like per group and over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tools.contract import Fact
from tools.geo.dissolve import groups_of
from tools.geotypes import Surface
from tools.vector.layers import Layer
from tools.vector.measures import GroupRow, check_measures, group_subjects, measure_group, shapes_of
from tools.vector.query import Measure
from tools.vector.repeats import repeats_warning
from tools.vector.weighting import made_whole

SURFACE: Surface = "ellipsoid"
"""Areas that weight a mean are those on the ground."""
Key = tuple[tuple[str, str], ...]
"""A group as items of its subject."""


@dataclass(frozen=True)
class Aggregates:
    """Numbers by group."""

    groups: Mapping[Key, GroupRow]
    total: GroupRow
    """The same over all features."""
    warnings: tuple[str, ...]
    method: Mapping[str, Any]

    def facts(self) -> tuple[Fact, ...]:
        """Return a fact per number, those over all features first."""
        rows = (self.total, *(row for key, row in sorted(self.groups.items()) if key))
        return tuple(fact for row in rows for fact in row.facts())

    def columns(self, subjects: Sequence[Mapping[str, str]]) -> dict[str, list[Any]]:
        """Return a column per number, a row per group in the order given; None where there is no number."""
        rows = [self.groups[tuple(subject.items())] for subject in subjects]
        return {name: [row.values[name] for row in rows] for name in self.total.values}


def aggregate(layer: Layer, by: Sequence[str], measures: Sequence[Measure]) -> Aggregates:
    """Compute measures over the features of each group, those without geometry too; means of rates are weighted (see `made_whole`).

    Raises ParameterError for unknown columns and for columns that hold no numbers.
    """
    whole = made_whole(layer, measures)
    check_measures(layer, whole.measures)
    shapes = shapes_of(layer.geometries, layer, whole.measures, SURFACE)
    rows = {
        key: measure_group(dict(key), shapes.take(members), layer, whole.measures, SURFACE)
        for key, members in groups_of([tuple(zip(by, values, strict=True)) for values in group_subjects(layer, by)]).items()
    }
    total = measure_group({}, shapes.take(np.arange(len(layer.frame))), layer, whole.measures, SURFACE)
    repeated = repeats_warning(layer.frame, [(each.aggregate, each.column) for each in whole.measures])
    return Aggregates(rows, total, (*whole.warnings, *repeated), whole.method)
