"""Write generated rasters and layers as files, in the formats and with the oddities that people have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
from shapely.geometry.base import BaseGeometry

from generated_lattice import Lattice

Format = Literal[".gpkg", ".geojson", ".shp", ".fgb", ".parquet", ".csv"]
FORMATS: tuple[Format, ...] = (".gpkg", ".geojson", ".shp", ".fgb", ".parquet")

LabelStyle = Literal["category_names", "attribute_table", "declared", "none"]
"""How a class raster says what its values mean: names or a table in its .aux.xml, the user, nobody."""


def write_raster(path: Path, lattice: Lattice, values: npt.NDArray[Any], nodata: float | None, unit: str = "") -> Path:
    """Write one band (row, col) north up where the lattice has its raster. `values` already holds nodata."""
    import rasterio
    from affine import Affine

    left, top = lattice.raster_origin
    width, height = lattice.pixel
    transform = Affine(width, 0.0, left, 0.0, -height, top)
    shape = {"count": 1, "height": lattice.height, "width": lattice.width, "dtype": values.dtype}
    with rasterio.open(
        path, "w", driver="GTiff", crs=lattice.crs, transform=transform, nodata=nodata, compress="deflate", **shape
    ) as dataset:
        dataset.write(values, 1)
        if unit:
            dataset.units = (unit,)
    return path


def write_labels(path: Path, labels: Mapping[int, str], style: LabelStyle) -> None:
    """Write what the values of a raster mean into its .aux.xml sidecar, as GDAL does; nothing for the other styles."""
    if style == "category_names":
        names = (labels.get(value, "") for value in range(max(labels) + 1))
        body = "<CategoryNames>" + "".join(f"<Category>{escape(name)}</Category>" for name in names) + "</CategoryNames>"
    elif style == "attribute_table":
        body = _attribute_table(labels)
    else:
        return
    text = f'<PAMDataset>\n  <PAMRasterBand band="1">{body}</PAMRasterBand>\n</PAMDataset>\n'
    path.with_name(path.name + ".aux.xml").write_text(text, encoding="utf-8")


def _attribute_table(labels: Mapping[int, str]) -> str:
    fields = (("Value", 0, 5), ("Class", 2, 2))  # name, GDALRATFieldType, GDALRATFieldUsage (MinMax, Name)
    head = "".join(
        f'<FieldDefn index="{n}"><Name>{name}</Name><Type>{kind}</Type><Usage>{usage}</Usage></FieldDefn>'
        for n, (name, kind, usage) in enumerate(fields)
    )
    rows = "".join(f'<Row index="{n}"><F>{value}</F><F>{escape(label)}</F></Row>' for n, (value, label) in enumerate(labels.items()))
    return f'<GDALRasterAttributeTable tableType="thematic">{head}{rows}</GDALRasterAttributeTable>'


def write_layer(path: Path, geometries: Sequence[BaseGeometry], crs: str, columns: Mapping[str, Sequence[object]]) -> Path:
    """Write a layer; the suffix chooses the format. A CSV holds points as longitude and latitude and must be in EPSG:4326."""
    import geopandas

    frame = geopandas.GeoDataFrame(dict(columns), geometry=list(geometries), crs=crs)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".csv":
        table = frame.drop(columns="geometry").assign(longitude=frame.geometry.x, latitude=frame.geometry.y)
        table.to_csv(path, index=False)
    else:
        # ISO-8859-1, the Shapefile driver's default, cannot hold every invented name.
        options = {"ENCODING": "UTF-8"} if path.suffix == ".shp" else {}
        frame.to_file(path, engine="pyogrio", **options)
    return path


def fit_column(name: str, path: Path) -> str:
    """Return a column name as the format keeps it: a Shapefile cuts at ten characters."""
    return name[:10] if path.suffix == ".shp" else name


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], base: float, span: float) -> npt.NDArray[np.float32]:
    """Return a smooth random surface (row, col) between `base` and `base + span`: a sum of waves and a tilt."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] / max(shape)
    surface = rng.normal() * rows + rng.normal() * columns
    for _ in range(6):
        across, down = rng.uniform(-9, 9, 2)
        surface = surface + rng.normal(0.0, 0.5) * np.sin(across * columns + down * rows + rng.uniform(0, 6))
    surface = (surface - surface.min()) / (surface.max() - surface.min())
    return (base + span * surface).astype(np.float32)
