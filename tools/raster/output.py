"""What the raster tools have in common when they write a result: its size, its place, the statistics of its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from tools.contract import UNITS, Fact, Unit
from tools.errors import ParameterError
from tools.geo.certainty import border_facts
from tools.geo.frame import geodetic_frame
from tools.geo.grid import crs_of, grid_difference
from tools.geo.moments import Spread
from tools.geo.vicinity import lonlat_bounds, wrapped_bbox

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from tools.raster.strips import ClassAreas

NOTHING: Mapping[str, str] = {}


def check_same_grid(grids: Mapping[str, GeoBox]) -> None:
    """Raise ParameterError, saying in what they differ, unless all rasters (name → grid) have the grid of the first."""
    (first, grid), *others = grids.items()
    for name, other in others:
        if difference := grid_difference(grid, other):
            raise ParameterError(
                f"The rasters {first!r} and {name!r} are on different grids ({difference}), so their pixels are not the same places.",
                hint=f"Bring one onto the grid of the other first: reproject with source {name!r} and like {first!r}; assets: one read_asset for all.",
            )


def bbox_degrees(grid: GeoBox) -> tuple[float, float, float, float]:
    """Return the extent of a grid as west, south, east, north in degrees; west exceeds east across the antimeridian."""
    left, bottom, right, top = grid.boundingbox
    return wrapped_bbox(lonlat_bounds((left, bottom, right, top), crs_of(grid)))


def size_facts(grid: GeoBox) -> tuple[Fact, ...]:
    """Return width and height in pixels, and the size of a pixel in metres or degrees; other linear units are converted."""
    frame, size, (height, width) = geodetic_frame(crs_of(grid)), abs(float(grid.resolution.x)), grid.shape
    lonlat = frame.crs.is_geographic
    resolution = Fact("resolution", size, "degree") if lonlat else Fact("resolution", size * frame.metres_per_unit, "m")
    return Fact("width", width, "count"), Fact("height", height, "count"), resolution


def known_unit(unit: str) -> Unit:
    """Return a raster's unit where it is one of ours, else `unspecified`."""
    return cast("Unit", unit) if unit in UNITS else "unspecified"


def value_facts(spread: Spread, unit: str, subject: Mapping[str, str] = NOTHING) -> tuple[Fact, ...]:
    """Return mean, min, max and std of a raster's values; the unit is `unspecified` where it is none of ours."""
    named = {"mean": spread.mean, "min": spread.minimum, "max": spread.maximum, "std": spread.std}
    return tuple(Fact(name, value, known_unit(unit), dict(subject)) for name, value in named.items())


def undefined_facts(pixels: int) -> tuple[Fact, ...]:
    """Return how many pixels are nodata only because the arithmetic has no result there; nothing where there are none."""
    return (Fact("count", pixels, "count", {"pixels": "undefined"}),) if pixels else ()


def class_facts(labels: Sequence[str], areas: ClassAreas) -> tuple[Fact, ...]:
    """Return area (m2) and share (% of the valid area) of classes 1, 2, … in their order, the valid share of the raster, and how sure areas are."""
    valid = areas.valid_area_m2
    facts = [
        fact
        for label, area in zip(labels, areas.area_m2[1:].tolist(), strict=True)
        for fact in (Fact("area", area, "m2", {"class": label}), Fact("share", 100 * area / valid, "%", {"class": label}))
    ]
    return (
        *facts,
        Fact("valid_share", areas.valid_share, "%"),
        *border_facts(dict(zip(labels, areas.border_m2[1:].tolist(), strict=True))),
    )


def weighting(spread: Spread) -> dict[str, str]:
    """Say how values were weighted, for the record of the method."""
    return {
        "weighting": "true pixel area" if spread.by_area else "every pixel once: pixel area varies by less than 0.1 %",
        "std": "of the population",
        "valid_share": "of the area of the raster",
    }
