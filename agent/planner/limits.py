"""Attach the limits of a clause to what they limit: a column, the values of a raster, the size of features, or the results."""

from __future__ import annotations

from collections.abc import Sequence

from agent.planner.atlas import Band, Column, Dataset
from agent.planner.clauses import Limit
from agent.planner.frames import Condition, Having, Range
from agent.planner.lexicon import AREA_UNITS, LENGTH_UNITS, PROPERTY_WORDS
from agent.planner.linking import is_named_column
from agent.planner.parts import Parts
from agent.planner.quantities import Comparison
from agent.planner.readings import Reading, is_depth
from tools.contract import Unit
from tools.errors import ParameterError
from tools.geo.units import convert, dimension

_WORDS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "=": "equal to", "!=": "other than"}


def attach_limits(parts: Parts) -> bool:
    """Give every limit of the clause its meaning under these readings; False where one has none."""
    return all(_attach(parts, number, limit) for number, limit in enumerate(parts.clause.limits))


def _attach(parts: Parts, number: int, limit: Limit) -> bool:
    beside = [index for index in (limit.left, limit.right) if index is not None and parts.readings[index]]
    comparison = limit.comparison
    attached = (
        _to_named(parts, comparison, beside)
        or _to_size(parts, comparison, beside)
        or _to_property(parts, comparison, beside)
        or _to_results(parts, comparison, limit)
        or _to_only_raster(parts, comparison)
    )
    if attached:
        parts.use("limit", number)
    return attached


def _to_named(parts: Parts, comparison: Comparison, beside: Sequence[int]) -> bool:
    """Take the column or raster that stands right beside the limit."""
    for index in beside:
        reading = parts.reading(index)
        if reading.kind == "column":
            column = reading.dataset.column(reading.columns[-1])
            if column and _limit_column(parts, reading.dataset, column, comparison, index):
                parts.properties.add(index)
                parts.use("phrase", index)
                return True
        elif _is_surface(reading) and _limit_values(parts, reading.dataset, reading.band, comparison):
            parts.range_phrases[index] = (reading.dataset.id, reading.band)
            return True
    return False


def _to_size(parts: Parts, comparison: Comparison, beside: Sequence[int]) -> bool:
    """Read `larger than 10 ha`, `longer than 2 km` as the feature's own area or length."""
    index = _limited_layer(parts, beside)
    if index is None:
        return False
    dataset = parts.reading(index).dataset
    if comparison.unit in AREA_UNITS and dataset.geometry != "point" and comparison.adjective in ("", "area"):
        measure, unit, wanted = "area", "m2", "@area_m2"
    elif comparison.unit in LENGTH_UNITS and comparison.adjective in ("", "length", "area") and dataset.geometry in ("line", "mixed"):
        measure, unit, wanted = "length", "m", "@length_m"
    else:
        return False
    if not _sizes_features(parts):
        return False
    tests = tuple(Condition(wanted, op, in_unit(value, comparison.unit, unit)) for op, value in comparison.tests)
    _add_condition(parts, dataset, tests, index)
    parts.use("measure", measure) if measure in parts.clause.measures and "count" in parts.clause.measures else None
    return True


def _is_surface(reading: Reading) -> bool:
    """Whether a limit may be on the values of a raster that a phrase names."""
    return reading.dataset.is_raster and (reading.kind == "raster" or reading.is_flood) and not reading.is_generic


def _sizes_features(parts: Parts) -> bool:
    """Whether the limit is on features; with another object, as in `districts with more than 5 ha of forest`, it is on results."""
    limit = next(limit for limit in parts.clause.limits if limit.comparison.unit in AREA_UNITS | LENGTH_UNITS)
    return limit.right is None or parts.readings[limit.right] is None or limit.right == limit.left


def _to_property(parts: Parts, comparison: Comparison, beside: Sequence[int]) -> bool:
    """Find the column or raster that the comparative or the words inside it name."""
    words = [parts.tokens[place].lemma for place in comparison.inner] or list(PROPERTY_WORDS.get(comparison.adjective, ()))
    if comparison.is_year and not words and not comparison.adjective:
        words = ["year"]
    if not words:
        return False
    index = _limited_layer(parts, beside)
    if index is not None:
        dataset = parts.reading(index).dataset
        column = best_column(parts, dataset, words)
        if column and _limit_column(parts, dataset, column, comparison, index):
            return True
    rasters = [raster for raster in parts.atlas.rasters if names_property(raster, words)]
    return len(rasters) == 1 and _limit_values(parts, rasters[0], 1, comparison)


def _to_results(parts: Parts, comparison: Comparison, limit: Limit) -> bool:
    """Read `districts with more than 5 clinics` as a limit on the results."""
    if limit.right is None or limit.left is None or len(comparison.tests) != 1 or parts.having:
        return False
    right = parts.readings[limit.right]
    if right is None or right.kind not in ("layer", "cells") or parts.phrase(limit.right).role not in ("head", "of", "with"):
        return False
    if comparison.unit not in (None, "%") and comparison.unit not in AREA_UNITS | LENGTH_UNITS:
        return False
    op, value = comparison.tests[0]
    parts.having, parts.having_phrase = Having(op, value, comparison.unit), limit.right
    return True


def _to_only_raster(parts: Parts, comparison: Comparison) -> bool:
    """Take the only raster of values on the table, where the limit names nothing."""
    if comparison.inner or comparison.adjective not in ("", "height", "area", "depth"):
        return False
    if any(reading and reading.dataset.is_raster and reading.kind == "raster" for reading in parts.readings):
        return False
    rasters = [raster for raster in parts.atlas.rasters if not raster.bands[0].is_categorical and len(raster.bands) == 1]
    if len(rasters) != 1 or (comparison.adjective == "depth" and not is_depth(rasters[0])):
        return False
    if comparison.unit in AREA_UNITS or not _limit_values(parts, rasters[0], 1, comparison):
        return False
    parts.score -= 0.1
    parts.notes.append(f"taking {rasters[0].title!r} as the only raster of values")
    return True


def _limited_layer(parts: Parts, beside: Sequence[int]) -> int | None:
    """Return the phrase whose features a limit speaks of: beside it, else the first of the clause."""
    layers = [index for index in beside if parts.reading(index).kind in ("layer", "column") and parts.reading(index).dataset.is_vector]
    if layers:
        return layers[0]
    head = [i for i, reading in enumerate(parts.readings) if reading and reading.kind in ("layer", "column") and reading.dataset.is_vector]
    return head[0] if head else None


def best_column(parts: Parts, dataset: Dataset, words: Sequence[str]) -> Column | None:
    """Return the numeric column that the words name best; several equally good ones are a doubt that is asked about."""
    scored = sorted(
        ((is_named_column(column, words), column) for column in dataset.columns if column.is_numeric), key=lambda pair: -pair[0]
    )
    scored = [pair for pair in scored if pair[0] > 0.4]
    if not scored:
        return None
    equal = [column.name for score, column in scored if score > scored[0][0] - 0.02]
    if len(equal) > 1:
        parts.doubt = (words[0], tuple(equal))
    return scored[0][1]


def names_property(raster: Dataset, words: Sequence[str]) -> bool:
    """Whether the name or band of a raster of values speaks of a property."""
    from agent.planner.lexicon import are_synonyms

    if raster.bands[0].is_categorical:
        return False
    parts = {part for form in raster.name_forms for part in form}
    return any(part == word or are_synonyms(part, word) for part in parts for word in words)


def _limit_column(parts: Parts, dataset: Dataset, column: Column, comparison: Comparison, index: int) -> bool:
    if column.type in ("date", "datetime") and comparison.is_year:
        _add_condition(parts, dataset, _date_tests(column, comparison), index)
        return True
    if not column.is_numeric:
        return False
    unit, own = comparison.unit, column.unit
    if unit and own and not _fits(unit, own):
        return False
    if unit in AREA_UNITS and not own and not {"area", "size"} & set(column.parts):
        return False
    values = tuple(Condition(column.name, op, _plain(in_unit(value, unit, own or unit))) for op, value in comparison.tests)
    if unit and not own:
        parts.notes.append(f"the file states no unit for {column.name}; the limit was taken in its own unit")
    _add_condition(parts, dataset, values, index)
    return True


def _date_tests(column: Column, comparison: Comparison) -> tuple[Condition, ...]:
    tests: list[Condition] = []
    for op, value in comparison.tests:
        year = int(value)
        if op == "=":
            tests += [Condition(column.name, ">=", f"{year}-01-01"), Condition(column.name, "<", f"{year + 1}-01-01")]
        elif op in (">", "<="):
            tests.append(Condition(column.name, ">=" if op == ">" else "<", f"{year + 1}-01-01"))
        else:
            tests.append(Condition(column.name, op, f"{year}-01-01"))
    return tuple(tests)


def _add_condition(parts: Parts, dataset: Dataset, conditions: tuple[Condition, ...], before: int | None = None) -> None:
    """Note conditions on the features of the last phrase before the limit that names this dataset."""
    parts.conditions[dataset.id] = (*parts.conditions.get(dataset.id, ()), *conditions)
    named = [i for i, reading in enumerate(parts.readings) if reading and reading.dataset.id == dataset.id and reading.kind == "layer"]
    preceding = [i for i in named if before is None or i <= before]
    if named:
        parts.owners[dataset.id] = (preceding or named)[-1 if before is not None else 0]


def _limit_values(parts: Parts, raster: Dataset, band_index: int, comparison: Comparison) -> bool:
    """Turn a limit into a range of values of a band, in its unit; False where the unit cannot be that of the band."""
    band = raster.band(band_index)
    if band.is_categorical or (comparison.unit and band.unit != "unspecified" and not _fits(comparison.unit, band.unit)):
        return False
    if comparison.unit in AREA_UNITS:
        return False
    ranges = (*parts.ranges.get((raster.id, band_index), ()), _range(comparison, band))
    parts.ranges[raster.id, band_index] = _joined(ranges)
    if comparison.unit and band.unit == "unspecified":
        parts.notes.append(f"{raster.title!r} states no unit; its values were taken to be in {_unit_words(comparison.unit)}")
    return True


def _unit_words(unit: str) -> str:
    return {"degC": "°C", "degree": "degrees", "m": "metres"}.get(unit, unit)


def _range(comparison: Comparison, band: Band) -> Range:
    unit = comparison.unit or (band.unit if band.unit != "unspecified" else None)
    target = band.unit if band.unit != "unspecified" else comparison.unit
    low = high = None
    low_in = high_in = False
    for op, value in comparison.tests:
        converted = in_unit(value, comparison.unit, target)
        if op in (">", ">=", "="):
            low, low_in = converted, op != ">"
        if op in ("<", "<=", "="):
            high, high_in = converted, op != "<"
    return Range(low, high, low_in, high_in, _limit_words(comparison, unit))


def _limit_words(comparison: Comparison, unit: str | None) -> str:
    suffix = f" {_short(unit)}" if unit else ""
    if len(comparison.tests) == 2:
        (_, low), (_, high) = comparison.tests
        return f"from {low:.12g} to {high:.12g}{suffix}"
    op, value = comparison.tests[0]
    return f"{_WORDS[op]} {value:.12g}{suffix}"


def _short(unit: str | None) -> str:
    return {"degC": "°C", "degree": "degrees", "m2": "m²", "km2": "km²"}.get(unit or "", unit or "")


def _joined(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """Join `above 200` and `below 400` into one range."""
    if len(ranges) != 2:
        return ranges
    low = next((one for one in ranges if one.high is None), None)
    high = next((one for one in ranges if one.low is None), None)
    if low and high and low.low is not None and high.high is not None and low.low < high.high:
        return (Range(low.low, high.high, low.low_in, high.high_in, f"{low.words} and {high.words}"),)
    return ranges


def _fits(one: str, other: str) -> bool:
    return other == "unspecified" or dimension(_unit(one)) == dimension(_unit(other))


def _unit(text: str) -> Unit:
    return text  # type: ignore[return-value]  # units of quantities and bands are members of the closed list


def in_unit(value: float, unit: str | None, target: str | None) -> float:
    """Convert a limit of the question; a value without a unit on either side, or of another kind, stays as it is."""
    if unit is None or target is None or unit == target:
        return value
    try:
        return convert(value, _unit(unit), _unit(target))
    except ParameterError:
        return value


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value
