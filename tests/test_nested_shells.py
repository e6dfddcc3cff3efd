"""A hole that is wound as a shell, as Shapefiles come to have it, is a hole; other invalid multipolygons are not touched by that."""

from __future__ import annotations

import struct
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from pyproj import CRS
from shapely import MultiPolygon, Point, Polygon, box

from tools.geo.geometry import repair
from vector_calls import call, measures, value

EAST, NORTH = 500_000, 5_000_000
Ring = list[tuple[float, float]]


def ring(x: float, y: float, width: float, height: float, *, clockwise: bool = True) -> Ring:
    corners = list(box(EAST + x, NORTH + y, EAST + x + width, NORTH + y + height, ccw=not clockwise).exterior.coords)
    return [(float(a), float(b)) for a, b in corners]


def shapefile(folder: Path, rings: list[Ring]) -> Path:
    """Write one polygon by hand (ESRI Shapefile Technical Description, page 8), since GDAL would wind its rings anew."""
    gpd.GeoDataFrame({"plot": [1]}, geometry=[Polygon(rings[0])], crs="EPSG:32632").to_file(folder / "plot.shp")
    points = [point for one in rings for point in one]
    starts = np.cumsum([0, *(len(one) for one in rings)])[:-1].tolist()
    bounds = (*np.min(points, axis=0), *np.max(points, axis=0))
    content = struct.pack("<i4d2i", 5, *bounds, len(rings), len(points)) + struct.pack(f"<{len(rings)}i", *starts)
    content += b"".join(struct.pack("<2d", *point) for point in points)
    words = 50 + 4 + len(content) // 2
    header = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, words) + struct.pack("<2i4d4d", 1000, 5, *bounds, 0, 0, 0, 0)
    (folder / "plot.shp").write_bytes(header + struct.pack(">2i", 1, len(content) // 2) + content)
    index = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, 54) + header[28:] + struct.pack(">2i", 50, len(content) // 2)
    (folder / "plot.shx").write_bytes(index)
    return folder / "plot.shp"


@pytest.mark.parametrize("clockwise", [True, False], ids=["wound as a shell", "wound as a hole"])
def test_an_inner_ring_of_a_shapefile_is_a_hole_whichever_way_it_is_wound(tmp_path, clockwise):
    plot = shapefile(tmp_path, [ring(0, 0, 200, 150), ring(80, 60, 40, 25, clockwise=clockwise)])
    output = call("query_vector", tmp_path, {"p": plot}, layer="p", measures=measures("area"), surface="plane")
    assert value(output, "area") == pytest.approx(30_000 - 1_000, rel=1e-12)
    assert any("even-odd" in warning for warning in output.warnings) is clockwise


def test_an_island_in_such_a_hole_stays_land(tmp_path):
    rings = [ring(0, 0, 200, 150), ring(50, 50, 100, 50), ring(90, 70, 20, 10)]
    output = call("query_vector", tmp_path, {"p": shapefile(tmp_path, rings)}, layer="p", measures=measures("area"), surface="plane")
    assert value(output, "area") == pytest.approx(30_000 - 5_000 + 200, rel=1e-12)


@pytest.mark.parametrize(
    ("parts", "area"),
    [
        ([box(0, 0, 10, 10), box(5, 0, 15, 10)], 150),  # they overlap: together
        ([box(0, 0, 10, 10), box(0, 0, 10, 10)], 100),  # twice the same
        ([Polygon(box(0, 0, 10, 10).exterior, [box(2, 2, 8, 8).exterior]), box(4, 4, 6, 6)], 64 + 4),  # an island, valid
        ([box(0, 0, 10, 10), box(0, 0, 5, 5)], 75),  # inside, with a shared edge
        ([box(0, 0, 10, 10), Polygon([(1, 1), (3, 3), (3, 1), (1, 3)])], 98),  # inside, and itself a bow tie of two units
    ],
)
def test_what_lies_inside_is_cut_out_and_all_else_is_united(parts, area):
    (repaired,), report = repair(np.array([MultiPolygon(parts)], dtype=object), CRS(32632))
    assert repaired.is_valid
    assert repaired.area == pytest.approx(area, rel=1e-12)
    assert bool(report.nested) is (area in (75, 98))
    assert not repaired.contains(Point(3.0, 0.5)) if area == 75 else repaired.contains(Point(0.5, 0.5))
