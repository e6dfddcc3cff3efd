"""Every awkward file of the real data: measured right, by an oracle of its own, or refused in one clear sentence.

`HANDLED` and `REFUSED` together are the table of all of them; a new file without a row fails.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from geographiclib.geodesic import Geodesic
from pyproj import CRS, Transformer

from tools.catalog.datasets import Datasets
from tools.contract import Artifact, Declared, Outcome
from tools.errors import DataError, TerraciteError
from tools.runner import Runner
from tools.workspace import Workspace

pytestmark = pytest.mark.realdata

ANY = [{"label": "any", "min": -1e30}]
COUNT_AND_AREA = [{"aggregate": "count"}, {"aggregate": "area"}]
Ask = Callable[..., Artifact]


def geodesic_m2(ring: np.ndarray, crs: str, pieces: int = 50) -> float:
    """The area of a ring, shape (vertex, 2), whose edges are straight in `crs`, cut fine, by GeographicLib's own polygons."""
    edges = [np.linspace(start, end, pieces, endpoint=False) for start, end in pairwise(ring)]
    x, y = np.concatenate(edges).T
    lon, lat = Transformer.from_crs(CRS(crs), CRS(crs).geodetic_crs, always_xy=True).transform(x, y)
    ellipsoid = CRS(crs).ellipsoid
    polygon = Geodesic(ellipsoid.semi_major_metre, 1 / ellipsoid.inverse_flattening).Polygon()
    for point in zip(lat, lon, strict=True):
        polygon.AddPoint(*point)
    return abs(polygon.Compute()[2])


def covered_m2(shapes: gpd.GeoSeries, crs: str) -> float:
    """What polygons cover together, holes left out, every place once."""
    parts = shapely.get_parts(shapely.union_all(shapely.make_valid(shapes.dropna().to_numpy())))
    rings = [(shapely.get_coordinates(ring), sign) for part in parts for ring, sign in _rings(part)]
    return sum(sign * geodesic_m2(xy, crs, pieces=1) for xy, sign in rings)


def _rings(part: shapely.Polygon) -> list[tuple[shapely.LinearRing, int]]:
    return [(part.exterior, 1), *((hole, -1) for hole in part.interiors)] if part.geom_type == "Polygon" else []


def raster_m2(path: Path) -> float:
    with rasterio.open(path) as dataset:
        corners = [(0, 0), (dataset.width, 0), (dataset.width, dataset.height), (0, dataset.height), (0, 0)]
        return geodesic_m2(np.array([dataset.transform * corner for corner in corners]), dataset.crs.to_wkt())


def shares_of_a_raster(file: Path, ask: Ask) -> None:
    """The ground it covers, and how much of that is valid, which is what its mask says."""
    found = ask("zonal_stats", raster="r", statistics=["mean"])
    with rasterio.open(file) as dataset:
        mask = dataset.read_masks(1) > 0
        mean = dataset.read(1)[mask].mean()
    assert value(found, "zone_area") == pytest.approx(raster_m2(file), rel=2e-4)
    assert value(found, "valid_share") == pytest.approx(100 * mask.mean(), abs=0.01)
    assert value(found, "mean") == pytest.approx(mean, rel=2e-3)


def nothing_of_a_raster(file: Path, ask: Ask) -> None:
    found = ask("zonal_stats", raster="r", statistics=["mean"])
    assert found.outcome == Outcome.NO_COVERAGE
    assert [(fact.name, fact.value) for fact in found.facts] == [("valid_share", 0)]
    assert ask("classify", raster="r", classes=ANY).outcome == Outcome.NO_COVERAGE


def across_the_antimeridian(file: Path, ask: Ask) -> None:
    shares_of_a_raster(file, ask)
    west, _, east, _ = ask("classify", raster="r", classes=ANY).bbox or (0, 0, 0, 0)
    assert (round(west), round(east)) == (178, -179)  # not around the whole Earth


def rotated(file: Path, ask: Ask) -> None:
    found = ask("zonal_stats", raster="r", statistics=["mean"])
    assert value(found, "zone_area") == pytest.approx(raster_m2(file), rel=1e-4)


def two_by_four_degrees(file: Path, ask: Ask) -> None:
    """Whether split, beyond 180 or before it: all three are the same box of the Earth."""
    box = shapely.get_coordinates(shapely.box(0, -20, 4, -18).exterior)
    assert value(ask("query_vector", layer="r", measures=COUNT_AND_AREA), "area") == pytest.approx(
        geodesic_m2(box, "EPSG:4326", pieces=4000), rel=1e-6
    )


def polygons_of_a_layer(file: Path, ask: Ask) -> None:
    frame = gpd.read_file(file)
    found = ask("query_vector", layer="r", measures=COUNT_AND_AREA)
    shapes = frame.geometry[frame.geometry.geom_type.str.endswith("Polygon")]
    assert value(found, "count") == len(frame)
    assert value(found, "area") == pytest.approx(covered_m2(shapes, frame.crs.to_wkt()), rel=1e-5)


def repaired_polygons(file: Path, ask: Ask) -> None:
    polygons_of_a_layer(file, ask)
    invalid = int((~gpd.read_file(file).geometry.is_valid).sum())
    assert any(f"{invalid} of " in said and "repaired" in said for said in ask("query_vector", layer="r", measures=COUNT_AND_AREA).warnings)


def lines_with_gaps(file: Path, ask: Ask) -> None:
    found = ask("query_vector", layer="r", measures=[{"aggregate": "count"}, {"aggregate": "length"}])
    lines = gpd.read_file(file).geometry
    there = lines[~(lines.isna() | lines.is_empty)]
    metres = [
        Geodesic.WGS84.Inverse(y0, x0, y1, x1)["s12"] for line in there for (x0, y0), (x1, y1) in pairwise(shapely.get_coordinates(line))
    ]
    assert value(found, "length") == pytest.approx(sum(metres), rel=1e-5)
    assert any(f"{len(lines) - len(there)} of {len(lines)} features have no geometry" in said for said in found.warnings)


def umlauts(file: Path, ask: Ask) -> None:
    """Read by the code page beside it: names match with their umlauts, and areas are true in the Austrian Lambert CRS."""
    polygons_of_a_layer(file, ask)
    frame = gpd.read_file(file, encoding="cp1252")
    texts = [(column, text) for column in frame.columns.drop("geometry") for text in frame[column] if set("äöüß") & set(str(text))]
    column, text = texts[0]
    where = {"conditions": [{"column": column, "op": "=", "value": text}]}
    found = ask("query_vector", layer="r", where=where, measures=[{"aggregate": "count"}])
    assert value(found, "count") == int((frame[column] == text).sum()) > 0


HANDLED: dict[str, tuple[Callable[[Path, Ask], None], str]] = {
    "all_nodata.tif": (nothing_of_a_raster, "no value at all is no coverage, not 0"),
    "south_up_all_nodata.tif": (nothing_of_a_raster, "south up, and no value at all"),
    "antimeridian_landsat.tif": (across_the_antimeridian, "its extent is narrow although it has longitudes of both signs"),
    "external_mask.tif": (shares_of_a_raster, "the mask stands in a file beside it"),
    "rgba_uint16_alpha.tif": (shares_of_a_raster, "transparent pixels are no values"),
    "rotated_au_3577.tif": (rotated, "rows run askew to the axes"),
    "rotated_geomatrix.tif": (rotated, "rows run askew to the axes"),
    "antimeridian_across.geojson": (two_by_four_degrees, "longitudes run beyond 180"),
    "antimeridian_right-edge.geojson": (two_by_four_degrees, "the twin that stays on one side"),
    "antimeridian_split.geojson": (two_by_four_degrees, "split at 180 as RFC 7946 says, so its bounds span the Earth"),
    "cairo_mixed_geometry.geojson": (polygons_of_a_layer, "points and lines have no area and are counted all the same"),
    "cairo_parcels_invalid_dup.geojson": (repaired_polygons, "bow ties are repaired, duplicates cover the ground once"),
    "padova_invalid/observed_event.shp": (repaired_polygons, "invalid as published"),
    "tokyo_ring_orientation.geojson": (polygons_of_a_layer, "the direction of a ring tells nothing in GeoJSON"),
    "capetown_waterways_null_geometry.geojson": (lines_with_gaps, "features without geometry are told and not measured"),
    "vienna_parcels/parcels.shp": (umlauts, "texts in code page 1252"),
}  # fmt: skip
"""File → what it is measured against, and why it is awkward."""

REFUSED: dict[str, tuple[str, str]] = {
    "corrupt_tiles.tif": ("cannot be read", "no pixel of a damaged file is guessed"),
    "truncated.tif": ("cannot be read", "the second half is missing"),
    "empty_file.geojson": ("is empty", "0 bytes"),
    "empty_collection.geojson": ("has no features", "there is nothing to count, which is not the count 0 of something looked for"),
    "gcps_only_au.tif": ("ground control points only", "its pixels have no regular grid until it is warped"),
    "sentinel1_gcps_vh.tiff": ("ground control points only", "as Sentinel-1 GRD comes"),
    "no_crs_float.tif": ("has no coordinate reference system", "a place on Earth cannot be guessed"),
    "rotated_no_crs.tif": ("has no coordinate reference system", "a place on Earth cannot be guessed"),
    "verona_no_crs/observed_event.shp": ("has no coordinate reference system", "its .prj is missing"),
    "vrt_missing_source.vrt": ("which is not a file here", "what it is made of is not there"),
    "sentinel1_productInfo.json": ("is not GeoJSON", "a JSON document of another kind"),
}
"""File → part of the sentence, and why no number can be right."""


def value(found: Artifact, name: str) -> float:
    (only,) = [fact.value for fact in found.facts if fact.name == name and not fact.subject]
    return only


def asked(workspace: Workspace, file: Path, declared: Declared | None = None) -> Ask:
    datasets = Datasets(workspace)
    report = datasets.add(file, id="r", declared=declared or Declared())
    if report.refused:
        raise DataError(report.refused[0].message)
    runner = Runner(workspace, datasets)
    return lambda tool, **params: runner.run(tool, params).artifact


def test_every_awkward_file_has_its_row(shared_data: Path) -> None:
    folder, beside = shared_data / "awkward", (".dbf", ".prj", ".shx", ".cpg", ".msk")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.suffix not in beside}
    assert files == {*HANDLED, *REFUSED}


@pytest.mark.parametrize("name", HANDLED)
def test_an_awkward_file_is_measured_right(workspace: Workspace, shared_data: Path, name: str) -> None:
    file = shared_data / "awkward" / name
    HANDLED[name][0](file, asked(workspace, file))


@pytest.mark.parametrize("name", REFUSED)
def test_an_awkward_file_that_cannot_be_measured_is_refused_by_name(workspace: Workspace, shared_data: Path, name: str) -> None:
    file = shared_data / "awkward" / name
    with pytest.raises(TerraciteError) as refusal:
        measured(asked(workspace, file), file)
    assert REFUSED[name][0] in str(refusal.value)
    assert file.name in str(refusal.value)


def measured(ask: Ask, file: Path) -> None:
    if file.suffix in (".tif", ".tiff"):
        ask("zonal_stats", raster="r", statistics=["mean"])
    else:
        ask("query_vector", layer="r", measures=[{"aggregate": "count"}, {"aggregate": "area"}])


@pytest.mark.heavy
def test_what_was_refused_for_its_missing_crs_is_measured_once_it_is_told(workspace: Workspace, shared_data: Path) -> None:
    file = shared_data / "awkward/verona_no_crs/observed_event.shp"
    found = asked(workspace, file, Declared(crs="EPSG:4326"))("query_vector", layer="r", measures=COUNT_AND_AREA)
    assert value(found, "area") == pytest.approx(covered_m2(gpd.read_file(file).geometry, "EPSG:4326"), rel=1e-5)
