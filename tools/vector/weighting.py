"""Measures made whole before they are computed: a column left out is found, a mean of rates is weighted by its base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from tools.errors import ParameterError
from tools.geo.frame import Floats
from tools.geo.measure import geodesic_area, geodesic_length
from tools.geo.rings import Indexes
from tools.vector.absent import require_columns
from tools.vector.layers import AREA_COLUMN, LENGTH_COLUMN, Layer
from tools.vector.plain import is_numeric, require_numeric
from tools.vector.rates import bases, is_density, is_rate
from tools.vector.repeats import LAYER_FID, OTHER_FID

if TYPE_CHECKING:
    from tools.vector.query import Measure

PLAIN = "@none"
"""Asks for the plain mean, in which every feature counts alike."""
OWN = (AREA_COLUMN, LENGTH_COLUMN)
"""Weights that are measured: the feature's own geodesic area or length."""
OF_COLUMNS = ("sum", "mean", "min", "max", "median")
IDENTIFIERS = frozenset(("id", "fid", "gid", "objectid", "ogc_fid", "code", "year"))


@dataclass(frozen=True)
class Whole:
    """Measures that can be computed, and what was decided for them."""

    measures: tuple[Measure, ...]
    warnings: tuple[str, ...]

    @property
    def method(self) -> dict[str, dict[str, str]]:
        """What the means are weighted by, for the record."""
        weights = {f"mean of {each.column}": each.weight for each in self.measures if each.weight is not None}
        return {"weights": weights} if weights else {}


def made_whole(layer: Layer, measures: Sequence[Measure]) -> Whole:
    """Return the measures with columns and weights; see the module. Raises ParameterError where several would do."""
    found, said = [], list[str]()
    for measure in measures:
        column = measure.column
        if measure.aggregate in OF_COLUMNS and column is None:
            column = _only_column(layer, measure.aggregate)
            said.append(f"{measure.aggregate} of {column!r}, the only column that fits")
        weight, sentence = weight_of_mean(layer, column or "", measure.weight) if measure.aggregate == "mean" else (None, "")
        found.append(measure.model_copy(update={"column": column, "weight": weight}))
        said += [sentence] if sentence else _plainly(layer, found[-1], asked=measure.weight == PLAIN)
    return Whole(tuple(found), tuple(said))


def _only_column(layer: Layer, aggregate: str) -> str:
    """Return the numeric column that fits an aggregate: rates are no sums, and a mean is first one of rates."""
    numeric = [str(name) for name in layer.frame.columns if name != "geometry" and is_numeric(layer.frame[name])]
    numeric = [name for name in numeric if name.casefold() not in IDENTIFIERS and not name.startswith((LAYER_FID, OTHER_FID))]
    rates = [name for name in numeric if is_rate(name)]
    fits = {"sum": [name for name in numeric if name not in rates], "mean": rates or numeric}.get(aggregate, numeric)
    if len(fits) != 1:
        raise ParameterError(
            f"The {aggregate} of which column? {'Several fit' if fits else 'None fits'}.",
            hint=f"Give 'column'; numeric columns: {', '.join(numeric) or 'none'}.",
        )
    return fits[0]


def weight_of_mean(layer: Layer, column: str, given: str | None) -> tuple[str | None, str]:
    """Return the weight of a mean and what to say of it: the one given, else area for a density and the base for another rate.

    None is the plain mean. Raises ParameterError where several columns may be the base.
    """
    if given is not None:
        return _given(layer, given), ""
    require_columns([column], layer.frame)
    if not is_numeric(layer.frame[column]):
        return None, ""
    if is_density(column) and bool((shapely.get_dimensions(layer.geometries) == 2).all()):
        return AREA_COLUMN, f"the mean of {column!r} is weighted by area, as a density is"
    found = bases(layer.frame, column) if is_rate(column) else ()
    if len(found) > 1 and len(layer.frame) > 1:
        raise ParameterError(
            f"{column!r} is a rate or an average, and {', '.join(map(repr, found))} may each be its base; a plain mean is not the rate of the whole.",
            hint=f"Give 'weight': one of these columns, or {PLAIN!r} for the plain mean of the features.",
        )
    if found:
        return (
            found[0],
            f"the mean of {column!r} is weighted by {found[0]!r}: a rate of the whole is a ratio of totals{_lacking(layer, column, found[0])}",
        )
    return None, ""


def _lacking(layer: Layer, column: str, weight: str) -> str:
    """Say how many features have a rate and no base."""
    count = int((layer.frame[column].notna() & layer.frame[weight].isna()).sum())
    return f"; {count} features without {weight!r} were left out" if count else ""


def _plainly(layer: Layer, measure: Measure, *, asked: bool) -> list[str]:
    """Say where features of different size count alike in a number of rates."""
    column = measure.column or ""
    if len(layer.frame) < 2 or not is_rate(column) or measure.weight is not None or asked:
        return []
    if measure.aggregate == "sum":
        return [f"{column!r} looks like a rate or an average: its sum means something only where all have the same base"]
    plain = f"{column!r} looks like a rate or an average, and no column tells its base: this is the plain mean of the features, not the rate of the whole"
    return [plain] if measure.aggregate == "mean" else []


def _given(layer: Layer, weight: str) -> str | None:
    if weight in layer.frame.columns:
        require_numeric(layer.frame, weight)
        if bool((layer.frame[weight].dropna() < 0).any()):
            raise ParameterError(f"The weight {weight!r} has values below 0.", hint="Weight by how many there are, e.g. population.")
        return weight
    if weight == PLAIN:
        return None
    if weight not in OWN:
        require_columns([weight], layer.frame)
    return weight


def weights_of(layer: Layer, weight: str, rows: Indexes) -> Floats:
    """Return the weight of each row: a column, or its own area in m2 or length in m; NaN counts as none."""
    if weight in layer.frame.columns:
        values = layer.frame[weight].iloc[rows].to_numpy(dtype=float, na_value=np.nan)
    else:
        measure = geodesic_area if weight == AREA_COLUMN else geodesic_length
        values = measure(layer.geometries[rows], layer.crs)
    weights: Floats = np.where(np.isfinite(values), values, 0.0)
    return weights
