"""Small whole files of many formats, from which damaged ones are made: each a few kilobytes, so that an edit hits structure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from shapely.geometry import MultiPolygon, Point, Polygon, box

from generated_networks import card

LEFT, TOP, PIXEL, SIDE = 500_000.0, 5_000_000.0, 10.0, 48
CRS = "EPSG:32632"
PNG_SIDE_FILE = "<PAMDataset><SRS>EPSG:32632</SRS><PAMRasterBand band='1'><NoDataValue>0</NoDataValue></PAMRasterBand></PAMDataset>"


def _values() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return (row, col) of a slope with classes 0 to 7 and a noisy edge, so that compression leaves something to damage."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    noise = np.random.default_rng(4).integers(0, 3, (SIDE, SIDE))
    return ((rows + columns + noise) // 13).astype("uint8")


def _raster(path: Path, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], driver: str, **options: object) -> Path:
    import rasterio
    from affine import Affine

    bands = values if values.ndim == 3 else values[None]
    grid = {"width": bands.shape[2], "height": bands.shape[1], "count": len(bands), "dtype": bands.dtype}
    place = {"crs": CRS, "transform": Affine(PIXEL, 0, LEFT, 0, -PIXEL, TOP)}
    with rasterio.open(path, "w", driver=driver, **grid, **place, **options) as dataset:
        dataset.write(bands)
        if driver == "GTiff":
            dataset.update_tags(AREA_OR_POINT="Area", note="a tag")
            dataset.set_band_description(1, "height")
    return path


def _geotiff(folder: Path) -> None:
    values = np.stack([_values() * 100, _values() * 7]).astype("int16")
    path = _raster(folder / "a.tif", values, "GTiff", nodata=-1, compress="deflate", predictor=2, blockysize=8)
    side = '<PAMDataset><PAMRasterBand band="1"><Description>height</Description><Scale>0.1</Scale></PAMRasterBand></PAMDataset>'
    path.with_name("a.tif.aux.xml").write_text(side)


def _cog(folder: Path) -> None:
    values = np.kron(_values(), np.ones((4, 4), dtype="uint8"))
    _raster(folder / "a.tif", values, "COG", compress="LZW", blocksize=128, overviews="IGNORE_EXISTING", nodata=0)


def _png(folder: Path) -> None:
    _raster(folder / "a.png", _values() * 30, "PNG")
    (folder / "a.pgw").write_text(f"{PIXEL}\n0\n0\n-{PIXEL}\n{LEFT + PIXEL / 2}\n{TOP - PIXEL / 2}\n")
    (folder / "a.png.aux.xml").write_text(PNG_SIDE_FILE)


def _jpeg2000(folder: Path) -> None:
    _raster(folder / "a.jp2", _values() * 30, "JP2OpenJPEG", quality=100, reversible="YES")


def _envi(folder: Path) -> None:
    path = _raster(folder / "a.bil", _values().astype("float32"), "ENVI", interleave="BIL")
    header = path.with_suffix(".hdr")
    header.write_text(header.read_text().replace(str(path), path.name))  # else every folder would give another damage


def _layer(path: Path) -> None:
    import geopandas

    squares = [box(LEFT + 50 * n, TOP - 400, LEFT + 50 * n + 40, TOP - 80) for n in range(6)]
    hole = Polygon(squares[0].exterior, [box(LEFT + 10, TOP - 300, LEFT + 30, TOP - 200).exterior.coords])
    shapes = [hole, *squares[1:5], MultiPolygon([squares[5], box(LEFT, TOP - 60, LEFT + 40, TOP - 20)])]
    columns = {"name": [f"field {letter}" for letter in "abcdef"], "size": [1.5, 2.0, None, 4.0, 5.0, 6.0], "count": range(6)}
    frame = geopandas.GeoDataFrame(columns, geometry=shapes, crs=CRS)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_crs("EPSG:4326" if path.suffix == ".geojson" else CRS).to_file(path, engine="pyogrio")


def _csv(folder: Path) -> None:
    rows = [f"place {n},{9 + n / 100},{45 - n / 100},{n * 1.5},2024-01-{n + 1:02}" for n in range(20)]
    (folder / "a.csv").write_text("\n".join(["name,longitude,latitude,size,day", *rows]) + "\n")


def _stac_item(folder: Path) -> None:
    _geotiff(folder)
    (folder / "a.tif.aux.xml").unlink()
    footprint = {"type": "Polygon", "coordinates": [[[9.0, 45.15], [9.01, 45.15], [9.01, 45.14], [9.0, 45.14], [9.0, 45.15]]]}
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "scene",
        "geometry": footprint,
        "bbox": [9.0, 45.14, 9.01, 45.15],
        "properties": {"datetime": "2024-05-01T10:00:00Z", "eo:cloud_cover": 5, "proj:epsg": 32632},
        "links": [],
        "assets": {"data": {"href": "./a.tif", "type": "image/tiff; application=geotiff", "roles": ["data"]}},
    }
    (folder / "a.json").write_text(json.dumps(item, indent=1))


def _network(folder: Path) -> None:
    head = json.dumps({"layer.weight": {"dtype": "F32", "shape": [4, 3], "data_offsets": [0, 48]}}).encode()
    weights = len(head).to_bytes(8, "little") + head + bytes(48)
    (folder / "a.safetensors").write_bytes(weights)
    (folder / "a.card.json").write_text(json.dumps(card(weights), indent=1))


FORMATS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "geotiff": ("a.tif", _geotiff),
    "cog": ("a.tif", _cog),
    "png": ("a.png", _png),
    "jpeg2000": ("a.jp2", _jpeg2000),
    "geopackage": ("a.gpkg", lambda folder: _layer(folder / "a.gpkg")),
    "shapefile": ("a.shp", lambda folder: _layer(folder / "a.shp")),
    "flatgeobuf": ("a.fgb", lambda folder: _layer(folder / "a.fgb")),
    "geojson": ("a.geojson", lambda folder: _layer(folder / "a.geojson")),
    "geoparquet": ("a.parquet", lambda folder: _layer(folder / "a.parquet")),
    "csv": ("a.csv", _csv),
}
"""Format → the file that is registered, and what writes it with its side files into an empty folder."""
FURTHER: dict[str, tuple[str, Callable[[Path], None]]] = {
    "envi": ("a.bil", _envi),
    "stac item": ("a.json", _stac_item),
    "network": ("a.safetensors", _network),
}


def write_zones(path: Path) -> Path:
    """Write a sound layer of three polygons, to be used together with a damaged file."""
    import geopandas

    shapes = [
        box(LEFT + 20, TOP - 300, LEFT + 300, TOP - 20),
        box(LEFT + 100, TOP - 400, LEFT + 200, TOP - 200),
        Point(LEFT, TOP).buffer(99),
    ]
    geopandas.GeoDataFrame({"zone": list("abc")}, geometry=shapes, crs=CRS).to_file(path, engine="pyogrio")
    return path


def write_sound_raster(path: Path) -> Path:
    """Write a sound raster, to be used together with a damaged layer."""
    return _raster(path, _values().astype("float32"), "GTiff", nodata=0)
