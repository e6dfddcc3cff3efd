"""The numbers of the zones as rows, ranked and cut to what was asked for, and as facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.contract import Fact, Unit
from tools.errors import LimitError, ParameterError
from tools.geo.units import norm_unit
from tools.storage.rasters import RasterInfo
from tools.zonal.findings import Finding, class_areas_m2, class_labels
from tools.zonal.measures import measure

if TYPE_CHECKING:
    from tools.zonal.stats import ZonalStatsParams

OTHER = "other"
"""The class of what is in no asked range (see `classify`): listed, but not what is ranked by."""
MAX_FACTS = 1_000_000
COVERAGE: dict[str, Unit] = {"valid_share": "%", "zone_area": "m2", "valid_area": "m2"}
"""Numbers that every zone has, and their units."""
DIFFERENCES = ("std", "range")


@dataclass(frozen=True)
class Row:
    """One zone: its numbers by quantity, and by class where they belong to one."""

    finding: Finding
    numbers: dict[tuple[str, str | None], float]
    """(quantity, class or None) → number."""

    def to_json(self) -> dict[str, object]:
        """Return the row with plain column names: `zone`, `mean`, `area of water`, …."""
        name = {} if self.finding.name is None else {"zone": self.finding.name}
        return {**name, **{column(quantity, label): number for (quantity, label), number in self.numbers.items()}}


@dataclass(frozen=True)
class Table:
    """All rows that were asked for, in order, and the classes they tell of."""

    rows: tuple[Row, ...]
    labels: tuple[str, ...]
    all_rows: tuple[Row, ...]
    """Also those beyond the limit, for totals."""


def column(quantity: str, label: str | None) -> str:
    """Return the column name of a quantity, e.g. `mean` or `area of water`."""
    return quantity if label is None else f"{quantity} of {label}"


def tabulate(params: ZonalStatsParams, info: RasterInfo, findings: Sequence[Finding]) -> Table:
    """Measure every finding that has values; rank and cut the rows.

    Raises ParameterError for an order that is not among the numbers, LimitError for more than a million facts.
    """
    labels = class_labels(findings, info) if params.classes else ()
    if len(findings) * (2 * len(labels) + len(params.statistics)) > MAX_FACTS:
        raise LimitError(
            f"{len(findings):,} zones with {len(labels):,} classes make more than {MAX_FACTS:,} numbers.",
            hint="Merge the zones, filter them, or classify the raster into fewer classes.",
        )
    rows = tuple(Row(finding, dict(_numbers(params, info, finding, labels))) for finding in findings)
    ranked = _ranked(rows, params, labels)
    return Table(ranked[: params.limit], labels, ranked)


def facts_of(table: Table, params: ZonalStatsParams, info: RasterInfo) -> tuple[Fact, ...]:
    """Return the facts of the rows: first what was asked for, zone by zone, then how much of each zone was covered."""
    asked = [fact for row in table.rows for fact in _facts(row, params, info) if fact.name not in COVERAGE]
    coverage = [fact for row in table.rows for fact in _facts(row, params, info) if fact.name in COVERAGE]
    return (*asked, *coverage)


def total_facts(table: Table, findings: Sequence[Finding]) -> tuple[Fact, ...]:
    """Return area and share of each class over all zones together, which must not overlap, and how much was covered.

    `findings` are all zones asked for, also those without a row.
    """
    valid = sum(finding.valid_area_m2 for finding in findings)
    ground = sum(finding.tally.area_m2 + finding.outside_m2 for finding in findings)
    facts: list[Fact] = []
    for label in table.labels:
        area = sum(row.numbers["area", label] for row in table.all_rows)
        facts += [Fact("area", area, "m2", {"class": label}), Fact("share", 100 * area / valid, "%", {"class": label})]
    zone_area = sum(finding.zone_area_m2 for finding in findings)
    return (*facts, Fact("valid_share", 100 * (valid / ground), "%"), Fact("zone_area", zone_area, "m2"), Fact("valid_area", valid, "m2"))


def _numbers(
    params: ZonalStatsParams, info: RasterInfo, finding: Finding, labels: Sequence[str]
) -> Iterator[tuple[tuple[str, str | None], float]]:
    for statistic in params.statistics:
        yield (statistic, None), measure(statistic, finding.tally)
    areas = class_areas_m2(finding.tally, info) if labels else {}
    for label in labels:
        yield ("area", label), areas.get(label, 0.0)
        yield ("share", label), 100 * areas.get(label, 0.0) / finding.valid_area_m2
    yield ("valid_share", None), finding.valid_share
    yield ("zone_area", None), finding.zone_area_m2
    yield ("valid_area", None), finding.valid_area_m2


def _ranked(rows: tuple[Row, ...], params: ZonalStatsParams, labels: Sequence[str]) -> tuple[Row, ...]:
    if params.order_by is None or not rows:
        return rows
    key = _order_key(params.order_by, params, labels)
    return tuple(sorted(rows, key=lambda row: row.numbers[key], reverse=params.descending))


def _order_key(order_by: str, params: ZonalStatsParams, labels: Sequence[str]) -> tuple[str, str | None]:
    """Find the number that is meant: `mean`, `valid_share`, `area of water`, or `area` where there is one class but 'other'."""
    known: dict[str, tuple[str, str | None]] = {name: (name, None) for name in (*params.statistics, *COVERAGE)}
    for quantity in ("area", "share") if labels else ():
        known.update({column(quantity, label).casefold(): (quantity, label) for label in labels})
        asked = [label for label in labels if label != OTHER]
        if len(asked) == 1:
            known[quantity] = (quantity, asked[0])
    if order_by.casefold() not in known:
        raise ParameterError(
            f"The zones cannot be ranked by {order_by!r}, which is not among the numbers asked for.",
            hint=f"Rank by one of: {', '.join(known)}.",
        )
    return known[order_by.casefold()]


def _facts(row: Row, params: ZonalStatsParams, info: RasterInfo) -> Iterator[Fact]:
    for (quantity, label), number in row.numbers.items():
        if label is not None:
            yield Fact(quantity, number, "m2" if quantity == "area" else "%", {**row.finding.subject, "class": label})
        elif quantity in params.statistics:
            yield _statistic_fact(quantity, number, row.finding, info)
        else:
            yield Fact(quantity, number, COVERAGE[quantity], row.finding.subject)


def _statistic_fact(statistic: str, number: float, finding: Finding, info: RasterInfo) -> Fact:
    """Give a statistic its unit: that of the band; the commonest class is a code, and its label part of the subject."""
    if statistic == "variety":
        return Fact(statistic, int(number), "count", finding.subject)
    if info.value_kind == "categorical":
        return Fact(statistic, number, "1", {**finding.subject, "class": info.name_of(number)})
    unit = norm_unit(info.unit)
    return Fact(statistic, number, "K" if unit == "degC" and statistic in DIFFERENCES else unit, finding.subject)
