"""Small but real geodata with random names, columns, classes, units and CRSs, of which `generated_truth` tells what is true.

`make_scene(seed, folder)` writes seven files: a class raster, a raster of values, zones, polygons with a class, named points,
named lines and one more polygon layer to overlay. The same seed gives the same scene.
"""

from __future__ import annotations

from pathlib import Path

from generated_ground import make_ground
from generated_layers import make_extent, make_parcels, make_routes, make_sites, make_zones
from generated_rasters import make_cover, make_surface
from generated_scene import Scene


def make_scene(seed: int, folder: Path) -> Scene:
    """Write the scene of a seed into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ground = make_ground(seed, folder)
    cover, surface = make_cover(ground), make_surface(ground)
    zones, outside = make_zones(ground)
    return Scene(
        seed=seed,
        folder=folder,
        lattice=ground.lattice,
        cover=cover,
        surface=surface,
        zones=zones,
        parcels=make_parcels(ground),
        sites=make_sites(ground),
        routes=make_routes(ground),
        extent=make_extent(ground),
        outside=outside,
    )
