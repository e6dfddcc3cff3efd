"""Which file suffix means which kind of data; light, so that registered files are recognised without any reader."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

FileKind = Literal["raster", "vector", "document", "network"]

JSON = (".geojson", ".json", ".geojsonl")
PARQUET = (".parquet", ".geoparquet")
DELIMITED = (".csv", ".tsv")
VECTOR = (*JSON, ".gpkg", ".shp", ".fgb", ".dbf", *PARQUET, *DELIMITED)
"""Vector layers and tables."""
DOCUMENT = (".md", ".txt", ".rst", ".html", ".htm", ".pdf")
RASTER = (
    ".tif", ".tiff", ".vrt", ".img", ".jp2", ".png", ".jpg", ".jpeg", ".webp", ".asc", ".nc", ".grib", ".grb", ".grb2",
    ".bil", ".bip", ".bsq", ".dem", ".hgt", ".dt0", ".dt1", ".dt2", ".flt", ".sdat", ".rst", ".map", ".xyz",
)  # fmt: skip
"""Rasters that are looked for in a folder; a file named by itself is tried whatever its suffix, as GDAL does."""
NETWORK = (".safetensors",)
"""Weights of networks, each with its card beside it, see `tools.storage.network_card`."""
PICKLED = (".pt", ".pth", ".ckpt", ".pkl", ".pickle")
"""Never opened: reading a pickle runs whatever program it holds."""
ARCHIVE = (".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2", ".xz", ".kmz")
"""Not entered: what a user unpacks is what is registered."""
DRIVERS: dict[str, str] = {
    ".geojson": "GeoJSON", ".json": "GeoJSON", ".geojsonl": "GeoJSONSeq", ".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".dbf": "DBF", ".fgb": "FlatGeobuf",
    ".parquet": "Parquet", ".geoparquet": "Parquet", ".csv": "CSV", ".tsv": "CSV",
    ".md": "Markdown", ".txt": "Text", ".rst": "reStructuredText", ".html": "HTML", ".htm": "HTML", ".pdf": "PDF", ".safetensors": "safetensors",
}  # fmt: skip
"""Format names of vectors, tables, documents and networks, as GDAL has them where it knows them."""


def kind_of(path: Path) -> FileKind:
    """Return the kind of data by the suffix; whatever is neither vector, document nor network is tried as a raster."""
    suffix = path.suffix.lower()
    if suffix in VECTOR:
        return "vector"
    if suffix in NETWORK:
        return "network"
    return "document" if suffix in DOCUMENT else "raster"
