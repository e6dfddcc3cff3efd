"""How sure the areas of classes in zones are: facts of the whole result, not of every zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.contract import Fact, Source
from tools.errors import ParameterError
from tools.geo.accuracy import ConfusionMatrix
from tools.geo.certainty import ADJUSTED_METHOD, BORDER_METHOD, adjusted_facts, border_facts
from tools.storage.confusion import read_confusion
from tools.storage.rasters import RasterInfo

if TYPE_CHECKING:
    from tools.geo.edges import Borders
    from tools.zonal.table import Table

IN_PART = "Adjusted areas hold as far as the map errs in these zones as it does in the whole map that was sampled"


@dataclass(frozen=True)
class Certainty:
    """What stands beside the areas of classes."""

    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    method: tuple[str, ...] = ()


def certainty(info: RasterInfo, borders: Borders, table: Table, sample: Source | None, *, in_zones: bool) -> Certainty:
    """Return what is known of the errors of the areas of all rows together, which must not overlap.

    `sample` is a table of a confusion matrix; without it that which the raster carries is taken, if it fits.
    Raises what `read_confusion` raises, and ParameterError where the given matrix does not fit the map.
    """
    subject = table.all_rows[0].finding.subject if len(table.all_rows) == 1 else {}
    mapped = {label: sum(row.numbers["area", label] for row in table.all_rows) for label in table.labels}
    by_label: dict[str, float] = {}
    for value, half in borders.half_m2.items():
        label = info.name_of(value)
        by_label[label] = by_label.get(label, 0.0) + half
    found = border_facts({label: by_label.get(label, 0.0) for label in table.labels}, subject)
    matrix = read_confusion(sample) if sample is not None else info.confusion
    if matrix is None:
        return Certainty(found, method=(BORDER_METHOD,))
    adjusted, why_not = _adjusted(matrix, mapped, subject, is_given=sample is not None)
    said = (*why_not, *([IN_PART] if adjusted and in_zones else []))
    return Certainty((*found, *adjusted), said, (BORDER_METHOD, ADJUSTED_METHOD) if adjusted else (BORDER_METHOD,))


def _adjusted(
    matrix: ConfusionMatrix, mapped: Mapping[str, float], subject: Mapping[str, str], *, is_given: bool
) -> tuple[Sequence[Fact], tuple[str, ...]]:
    try:
        return adjusted_facts(matrix, mapped, subject), ()
    except ParameterError as error:
        if is_given:
            raise
        return (), (f"Areas are not adjusted for errors of the map: {str(error).rstrip('.')}",)
