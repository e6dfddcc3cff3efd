"""What is true of a generated workspace, by arithmetic over lattice cells and by brute force: none of the project's tools is used.

Areas are m², lengths and distances m, on the WGS84 ellipsoid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from generated_lattice import Floats, Mask, distance_m
from generated_scene import Area, Route, Scene, Site

Chosen = Callable[[npt.NDArray[Any]], Mask]


def mask_of(scene: Scene, areas: Iterable[Area]) -> Mask:
    """Return the cells of any of the polygons: overlap counts once."""
    return scene.lattice.mask([rect for area in areas for rect in area.rects])


def zone_mask(scene: Scene, name: str) -> Mask:
    """Return the cells of the zones of this name."""
    return mask_of(scene, scene.zones.where(scene.zones.name_column, name))


def raster_weights(scene: Scene, mask: Mask | None) -> Floats:
    """Return the ground area of every pixel of the rasters that lies in the mask; of all of it without a mask."""
    area = scene.lattice.raster_pixel_area_m2
    return area if mask is None else scene.lattice.coverage(mask) * area


def class_area_m2(scene: Scene, code: int, mask: Mask | None = None) -> float:
    """Return the area of a class of the class raster inside a mask."""
    return float(raster_weights(scene, mask)[scene.cover.codes == code].sum())


def classified_area_m2(scene: Scene, mask: Mask | None = None) -> float:
    """Return the area inside a mask where the class raster has data."""
    return float(raster_weights(scene, mask)[scene.cover.codes != 0].sum())


def value_area_m2(scene: Scene, chosen: Chosen, mask: Mask | None = None) -> float:
    """Return the area inside a mask where the value is chosen and not nodata."""
    values = scene.surface.values
    return float(raster_weights(scene, mask)[chosen(values.data) & ~values.mask].sum())


def statistic(scene: Scene, name: str, mask: Mask | None = None) -> float | None:
    """Return mean, min, max, median or std of the values inside a mask, weighted by ground area; None where there are none."""
    weights = raster_weights(scene, mask)
    used = (weights > 0) & ~scene.surface.values.mask
    if not used.any():
        return None
    return float(STATISTICS[name](scene.surface.values.data[used], weights[used]))


def median_bounds(scene: Scene, mask: Mask | None = None) -> tuple[float, float]:
    """Return the values below and above the middle: every usual definition of a weighted median lies between them."""
    weights = raster_weights(scene, mask)
    used = (weights > 0) & ~scene.surface.values.mask
    values, weights = scene.surface.values.data[used], weights[used]
    order = np.argsort(values)
    middle = int(np.searchsorted(np.cumsum(weights[order]) / weights.sum(), 0.5))
    return float(values[order][max(middle - 1, 0)]), float(values[order][min(middle + 1, len(order) - 1)])


def _std(values: Floats, weights: Floats) -> float:
    mean = np.average(values, weights=weights)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))


def _median(values: Floats, weights: Floats) -> float:
    """Return the value at which half of the weight is reached."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(reached, 0.5)])


STATISTICS: dict[str, Callable[[Floats, Floats], float]] = {
    "mean": lambda values, weights: float(np.average(values, weights=weights)),
    "min": lambda values, _: float(values.min()),
    "max": lambda values, _: float(values.max()),
    "median": _median,
    "std": _std,
}


def area_m2(scene: Scene, areas: Iterable[Area], within: Mask | None = None, outside: Mask | None = None) -> float:
    """Return the area of polygons, overlap counted once, inside and outside of masks."""
    mask = mask_of(scene, areas)
    mask &= True if within is None else within
    mask &= True if outside is None else ~outside
    return scene.lattice.area_m2(mask)


def length_m(scene: Scene, routes: Iterable[Route], within: Mask | None = None) -> float:
    """Return the length of lines, inside a mask where one is given."""
    everywhere = np.ones(scene.lattice.shape, dtype=bool)
    return sum(scene.lattice.length_inside_m(route.cells, everywhere if within is None else within) for route in routes)


def touches(feature: Area | Site | Route, mask: Mask, scene: Scene) -> bool:
    """Tell whether a feature has a cell in the mask; for a point: whether it lies in it."""
    match feature:
        case Area():
            return bool((scene.lattice.mask(feature.rects) & mask).any())
        case Site():
            return bool(mask[int(feature.row), int(feature.column)])
        case Route():
            rows, columns = np.array(feature.cells).T
            return bool(mask[rows, columns].any())


def lies_inside(area: Area, mask: Mask, scene: Scene) -> bool:
    """Tell whether a polygon lies wholly in the mask."""
    return not bool((scene.lattice.mask(area.rects) & ~mask).any())


def position(scene: Scene, site: Site) -> tuple[float, float]:
    """Return longitude and latitude of a point."""
    lon, lat = scene.lattice.to_lonlat(site.column, site.row)
    return float(lon), float(lat)


def geometry(scene: Scene, feature: Site | Route) -> shapely.Geometry:
    """Return a point or line in EPSG:4326."""
    if isinstance(feature, Site):
        return scene.lattice.point(feature.row, feature.column, "EPSG:4326")
    return scene.lattice.line(feature.cells, "EPSG:4326")


def distances_m(scene: Scene, site: Site, others: Sequence[Site | Route]) -> list[float]:
    """Return the distance from a point to each of the others."""
    lon, lat = position(scene, site)
    return [distance_m(lon, lat, geometry(scene, other)) for other in others]


def nearest(scene: Scene, site: Site, others: Sequence[Site | Route], count: int = 1) -> list[tuple[float, Any]]:
    """Return the nearest others with their distances, nearest first."""
    ranked = sorted(zip(distances_m(scene, site, others), range(len(others)), strict=True))
    return [(distance, others[index]) for distance, index in ranked[:count]]


def clear_distance_m(distances: Iterable[float], wanted_share: float) -> float:
    """Return a round distance that about `wanted_share` of the distances do not exceed, and none comes within 2 % of."""
    ordered = sorted(distances)
    start = ordered[int(len(ordered) * wanted_share)]
    step = 10.0 ** np.floor(np.log10(start)) / 20
    candidates = (round(start / step + n) * step for n in range(400))
    return next(float(d) for d in candidates if all(abs(other - d) > 0.02 * d for other in ordered))
