"""What a survey found, zone by zone: how much of each is covered, its statistics and its classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.errors import ParameterError
from tools.storage.rasters import RasterInfo
from tools.zonal.survey import Survey
from tools.zonal.tally import Tally
from tools.zonal.zones import Zones

PARTLY_OUTSIDE = 1e-4
"""Share of a zone that must lie off the raster to be told: less is rounding along a common border."""
MOST_UNKNOWN_CLASSES = 1000
"""More distinct values than this are not class codes, unless somebody declared them so."""
MOST_LISTED_CLASSES = 256
"""So many named classes are listed with area 0 where they do not occur; of longer lists only those that occur somewhere."""


@dataclass(frozen=True)
class Finding:
    """One zone and its tally."""

    position: int
    """Position of the zone among the zones asked for."""
    name: str | None
    """None for everything asked for: the whole raster, or all zones merged."""
    zone_area_m2: float
    outside_m2: float
    """Area of the part that lies off the raster."""
    tally: Tally

    @property
    def subject(self) -> dict[str, str]:
        """The zone as a fact's subject."""
        return {} if self.name is None else {"zone": self.name}

    @property
    def valid_area_m2(self) -> float:
        """Area with a value."""
        return self.tally.valid_area_m2

    @property
    def valid_share(self) -> float:
        """Percentage of the zone that has a value; what lies off the raster has none."""
        whole = self.tally.area_m2 + self.outside_m2
        return 100 * (self.valid_area_m2 / whole) if whole else 0.0

    @property
    def is_outside(self) -> bool:
        """Whether no part of the zone lies on the raster."""
        return self.tally.area_m2 == 0

    @property
    def is_partly_outside(self) -> bool:
        """Whether a part of the zone, but not all, lies off the raster."""
        return not self.is_outside and self.outside_m2 > 0


def findings_of(survey: Survey, zones: Zones | None) -> tuple[Finding, ...]:
    """Join tallies and zones; without zones the whole raster is one."""
    if zones is None:
        (tally,) = survey.tallies
        return (Finding(0, None, tally.area_m2, 0.0, tally),)
    return tuple(
        Finding(position, name, area, 0.0 if inside else _outside_m2(area, tally), tally)
        for position, (name, area, tally, inside) in enumerate(
            zip(zones.names, zones.areas_m2.tolist(), survey.tallies, survey.inside, strict=True)
        )
    )


def _outside_m2(zone_area_m2: float, tally: Tally) -> float:
    outside = zone_area_m2 - tally.area_m2
    return outside if outside > PARTLY_OUTSIDE * zone_area_m2 else 0.0


def class_labels(findings: Sequence[Finding], info: RasterInfo) -> tuple[str, ...]:
    """Return the classes to report, by ascending value: those found in any zone, and all that the raster names.

    Raises ParameterError where an undeclared raster of whole numbers has too many values to be classes.
    """
    found = sorted({value for finding in findings for value in finding.tally.distribution().values.tolist()})
    if info.value_kind == "unknown" and len(found) > MOST_UNKNOWN_CLASSES:
        raise ParameterError(
            f"The band has {len(found):,} different values here, which are hardly classes.",
            hint="Classify it first with ranges of values; or, where they are codes, add the raster with --kind categorical.",
        )
    named = [float(value) for value in info.classes if float(value) != info.nodata] if len(info.classes) <= MOST_LISTED_CLASSES else []
    return tuple(dict.fromkeys(info.name_of(value) for value in sorted({*found, *named})))


def class_areas_m2(tally: Tally, info: RasterInfo) -> Mapping[str, float]:
    """Return label → area of the classes found in a zone; values with one label count together."""
    distribution = tally.distribution()
    areas: dict[str, float] = {}
    for value, area in zip(distribution.values.tolist(), distribution.areas_m2.tolist(), strict=True):
        label = info.name_of(value)
        areas[label] = areas.get(label, 0.0) + area
    return areas
