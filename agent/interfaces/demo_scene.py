"""A small synthetic flood scene for `terracite demo`: water depth, land cover, districts, clinics and a river.

Nothing here is measured. The scene lies in the middle of an ocean, so that nobody takes it for a real place, and it follows
from a seed: the same seed gives the same files, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.contract import Declared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    Array = NDArray[np.float64]

CRS = "EPSG:32625"
ORIGIN = (494_000.0, 4_978_000.0)
"""South-west corner (x, y) in `CRS`, metres: about 33° W, 45° N."""
SIZE = (12_000.0, 8_000.0)
"""Width and height in metres."""
BORDER = 200.0
"""Width of the rim without data, in metres."""
PIXEL = 10.0
"""Pixel of the depth raster, in metres."""
LAND_COVER_PIXEL = 0.0003
"""Pixel of the land-cover raster, in degrees: about 33 m × 24 m here."""
NODATA = -9999.0
CLASSES = {1: "water", 2: "built-up", 3: "cropland", 4: "forest"}
DISTRICTS = ("Mill Bend", "Reed Fields", "Old Harbour", "High Orchard", "North Quay", "Weir Side")
CLINICS = ("Clinic Alder", "Clinic Birch", "Clinic Cedar", "Clinic Elm", "Clinic Hazel", "Clinic Linden", "Clinic Maple", "Clinic Willow")
ATTRIBUTION = "Synthetic data made by terracite demo"
LICENCE = "CC0-1.0"


@dataclass(frozen=True)
class SceneFile:
    """One file of the scene and what a user would declare when adding it."""

    path: Path
    title: str
    declared: Declared = field(default_factory=Declared)


@dataclass(frozen=True)
class Scene:
    """The laws of the scene; coordinates (x, y) are metres east and north of its south-west corner."""

    seed: int = 7

    @cached_property
    def _waves(self) -> Array:
        """Twelve plane waves of relief, (amplitude in metres, x and y wavenumber per metre, phase): shape (12, 4)."""
        import numpy as np

        random = np.random.default_rng(self.seed)
        number, heading = 2.0 * np.pi / random.uniform(600.0, 3000.0, 12), random.uniform(0.0, np.pi, 12)
        amplitude, phase = random.uniform(0.05, 0.2, 12), random.uniform(0.0, 2.0 * np.pi, 12)
        return np.column_stack([amplitude, number * np.cos(heading), number * np.sin(heading), phase])

    def river_y(self, x: Array) -> Array:
        """Return the y of the river's middle line at each x: two meanders across the scene."""
        import numpy as np

        return 0.5 * SIZE[1] + 900.0 * np.sin(2.0 * np.pi * x / 6000.0)

    def depth_m(self, x: Array, y: Array) -> Array:
        """Return the depth of water in metres at each point, to the centimetre; 0 where it is dry.

        It is deepest at the river, falls by 4 m per kilometre across the valley and by 0.1 m per kilometre downstream (east).
        """
        import numpy as np

        relief = sum((a * np.sin(kx * x + ky * y + phase) for a, kx, ky, phase in self._waves), np.zeros(1))
        depth = 3.2 - 1e-4 * x - 4e-3 * np.abs(y - self.river_y(x)) - relief
        return np.asarray(np.round(np.maximum(depth, 0.0), 2))

    def land_cover(self, x: Array, y: Array) -> NDArray[np.uint8]:
        """Return the class of `CLASSES` at each point, 0 outside the scene."""
        import numpy as np

        away = np.abs(y - self.river_y(x))
        town = np.hypot(x - 4500.0, y - 5600.0) < 1100.0
        cover = np.select([away < 60.0, town, away < 2300.0], [1, 2, 3], default=4)
        inside = (x >= 0) & (x <= SIZE[0]) & (y >= 0) & (y <= SIZE[1])
        return np.where(inside, cover, 0).astype(np.uint8)


def build_scene(folder: Path, *, seed: int = 7) -> tuple[SceneFile, ...]:
    """Write the scene into `folder` and return its files.

    The rasters are GeoTIFFs, one in UTM and one in degrees; districts, clinics and river are GeoJSON in longitude, latitude.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scene = Scene(seed)
    return (
        _write_depth(folder / "water_depth.tif", scene),
        _write_land_cover(folder / "land_cover.tif", scene),
        _write_districts(folder / "districts.geojson"),
        _write_clinics(folder / "clinics.geojson", scene),
        _write_river(folder / "river.geojson", scene),
    )


def _write_depth(path: Path, scene: Scene) -> SceneFile:
    import numpy as np
    from odc.geo.geobox import GeoBox

    from tools.storage.rasters import write_raster

    box = (ORIGIN[0], ORIGIN[1], ORIGIN[0] + SIZE[0], ORIGIN[1] + SIZE[1])
    grid = GeoBox.from_bbox(box, crs=CRS, resolution=PIXEL)
    x, y = _centres(grid)
    x, y = x - ORIGIN[0], y - ORIGIN[1]
    rim = (x < BORDER) | (y < BORDER) | (x > SIZE[0] - BORDER) | (y > SIZE[1] - BORDER)
    depth = np.where(rim, NODATA, scene.depth_m(x, y)).astype(np.float32)
    write_raster(path, depth, grid, nodata=NODATA, unit="m")
    return SceneFile(path, "Water depth (synthetic)", Declared(unit="m", kind="continuous"))


def _write_land_cover(path: Path, scene: Scene) -> SceneFile:
    from odc.geo.geobox import GeoBox
    from pyproj import Transformer

    from tools.storage.rasters import write_class_raster

    west, south = _degrees([(0.0, 0.0)])[0]
    east, north = _degrees([SIZE])[0]
    grid = GeoBox.from_bbox((west, south, east, north), crs="EPSG:4326", resolution=LAND_COVER_PIXEL)
    x, y = Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(*_centres(grid))
    write_class_raster(path, scene.land_cover(x - ORIGIN[0], y - ORIGIN[1]), grid, CLASSES)
    return SceneFile(path, "Land cover (synthetic)")


def _write_districts(path: Path) -> SceneFile:
    """Write three columns of two districts each; neighbours share their border, and all lie inside the rim."""
    left, right, bottom, top = BORDER, SIZE[0] - BORDER, BORDER, SIZE[1] - BORDER
    xs = ((left, left, left), (4300.0, 4000.0, 3800.0), (7700.0, 8100.0, 8300.0), (right, right, right))
    ys = ((bottom, 3900.0, top), (bottom, 4200.0, top), (bottom, 3700.0, top), (bottom, 4100.0, top))
    corner = {(column, row): (xs[column][row], ys[column][row]) for column in range(4) for row in range(3)}
    rings = [
        [corner[c, r], corner[c + 1, r], corner[c + 1, r + 1], corner[c, r + 1], corner[c, r]]
        for c in range(3)
        for r in range(2)
    ]  # fmt: skip
    features = [_feature("Polygon", [_degrees(ring)], name=name) for name, ring in zip(DISTRICTS, rings, strict=True)]
    _write_geojson(path, features)
    return SceneFile(path, "Districts (synthetic)", Declared(name_column="name"))


def _write_clinics(path: Path, scene: Scene) -> SceneFile:
    """Write clinics at growing distances from the river, by turns north and south of it."""
    import numpy as np

    x = np.linspace(1200.0, SIZE[0] - 1200.0, len(CLINICS))
    away = np.array([150.0, -420.0, 610.0, -980.0, 1300.0, -260.0, 1900.0, -2200.0])
    points = _degrees(list(zip(x.tolist(), (scene.river_y(x) + away).tolist(), strict=True)))
    beds = (40, 12, 25, 60, 18, 32, 90, 8)
    features = [_feature("Point", point, name=name, beds=count) for point, name, count in zip(points, CLINICS, beds, strict=True)]
    _write_geojson(path, features)
    return SceneFile(path, "Clinics (synthetic)", Declared(name_column="name"))


def _write_river(path: Path, scene: Scene) -> SceneFile:
    import numpy as np

    x = np.linspace(0.0, SIZE[0], 241)
    line = _degrees(list(zip(x.tolist(), scene.river_y(x).tolist(), strict=True)))
    _write_geojson(path, [_feature("LineString", line, name="Slow River")])
    return SceneFile(path, "River (synthetic)", Declared(name_column="name"))


def _centres(grid: GeoBox) -> tuple[Array, Array]:
    """Return x and y of the pixel centres of a north-up grid, each (height, width), in its CRS."""
    import numpy as np

    x, y = (grid.coordinates[name].values for name in (grid.dimensions[1], grid.dimensions[0]))
    east, north = np.meshgrid(x, y)
    return east, north


def _degrees(points: Sequence[tuple[float, float]]) -> list[list[float]]:
    """Turn scene coordinates into [longitude, latitude], to about a centimetre (7 decimals)."""
    from pyproj import Transformer

    to_degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    return [[round(value, 7) for value in to_degrees.transform(ORIGIN[0] + x, ORIGIN[1] + y)] for x, y in points]


def _feature(kind: str, coordinates: Sequence[object], **properties: str | int) -> dict[str, Any]:  # Any: GeoJSON
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def _write_geojson(path: Path, features: Sequence[dict[str, Any]]) -> None:  # Any: GeoJSON
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}, indent=1) + "\n", encoding="utf-8")
