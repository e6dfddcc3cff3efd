"""Write a layer or a table as a file of another program: equal content gives equal bytes, and what a format changes is told."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from tools.contract import Declared, Source
from tools.errors import DataError, ParameterError, StorageError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.rings import Geometries
from tools.storage import ogr
from tools.storage.bootstrap import bootstrap
from tools.storage.format_limits import FORMATS, Fitted, Limits, VectorFormat, fitted
from tools.storage.locating import located
from tools.storage.paths import source_file
from tools.storage.vectors import attribute_columns

if TYPE_CHECKING:
    import geopandas
    import pandas

GEOJSON_DECIMALS = 7
"""A centimetre on the ground: RFC 7946, section 11.2, asks for no more than is known, and gives six as the usual."""
WKT_DECIMALS = 25
"""As many as a number needs to be read as the same; with its own default GEOS writes 16 digits."""
FAMILIES = {0: "points", 1: "lines", 2: "polygons", -1: "no shape"}
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")


def write_file(folder: Path, stem: str, frame: pandas.DataFrame, form: VectorFormat, layer: str) -> tuple[tuple[str, ...], Fitted]:
    """Write a frame into a folder; return the names of the files, the main one first, and what the format made of the frame.

    A GeoPackage that is already there gains the layer. GeoJSON and KML must come in longitude and latitude of WGS 84: rings are then
    wound by the right-hand rule and geometry beyond the antimeridian is split there, RFC 7946, sections 3.1.6 and 3.1.9.
    Raises ParameterError where the format cannot hold the layer at all, StorageError where it cannot be written.
    """
    bootstrap()
    limits = FORMATS[form]
    path = folder / f"{stem}{limits.suffix}"
    columns = attribute_columns(frame)
    is_layer = "geometry" in frame.columns
    made = fitted(frame, columns, form)
    if is_layer:
        made = _with_shapes(made, form, limits)
    elif form not in ("gpkg", "geoparquet", "csv"):
        raise ParameterError(f"The format {form!r} holds no table without geometry.", hint="Choose csv, gpkg or geoparquet.")
    if form == "geoparquet":
        _write_parquet(path, made.frame)
    elif form == "csv":
        made = _write_csv(path, made)
    else:
        _write_ogr(path, made.frame, form, layer)
    parts = SHAPEFILE_PARTS if form == "shapefile" else (limits.suffix,)
    return tuple(f"{stem}{suffix}" for suffix in parts if (folder / f"{stem}{suffix}").exists()), made


def copy_geopackage(source: Source, path: Path, layer: str) -> None:
    """Copy a GeoPackage so that it can gain a layer; raise ParameterError where it is none, or has a layer of that name."""
    original = source_file(source)
    if original.suffix.lower() != ".gpkg":
        raise ParameterError(f"{original.name!r} is no GeoPackage, so no layer can be added to it.", hint="Leave 'into' out.")
    with ogr.readable(original):
        file = ogr.checked(original)
        names = [name.casefold() for name in ogr.layer_names(file)]
    if layer.casefold() in names:
        raise ParameterError(f"The GeoPackage {original.name!r} has a layer {layer!r} already.", hint="Choose another name with 'layer'.")
    path.write_bytes(file.form) if isinstance(file.form, bytes) else shutil.copyfile(file.form, path)


def _with_shapes(made: Fitted, form: VectorFormat, limits: Limits) -> Fitted:
    """Bring the geometries to what the format holds."""
    frame: geopandas.GeoDataFrame = made.frame
    shapes: Geometries = frame.geometry.to_numpy()
    changes = made.changes
    if limits.degrees_only:
        shapes, split = wrap_longitudes(shapes, frame.crs)
        shapes = shapely.orient_polygons(shapes)
        changes = (*changes, *([f"geometry: {split} features reach beyond the antimeridian and are split there"] if split else []))
    if form == "kml":
        shapes, repaired = _for_kml(shapes)
        changes = (*changes, *([f"geometry: {repaired} invalid ones are repaired (make_valid)"] if repaired else []))
    if form == "geojson":
        shapes, changes = _rounded(shapes), (*changes, f"geometry: coordinates have {GEOJSON_DECIMALS} decimals of a degree")
    if not limits.has_geometry_mix:
        _check_one_family(shapes)
    if form in ("gpkg", "flatgeobuf") and _mixes_multi(shapes):
        changes = (*changes, "geometry: single shapes are written as multi-part ones, since the layer has both")
    if form == "flatgeobuf":
        changes = (*changes, "rows: in the order of the spatial index")
    return replace(made, frame=frame.set_geometry(shapes, crs=frame.crs), changes=changes)


def _for_kml(shapes: Geometries) -> tuple[Geometries, int]:
    """Return geometries that the writer takes, which are valid or none, and how many were repaired."""
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    mended = np.array(shapes, dtype=object)
    mended[broken] = shapely.orient_polygons(shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False))
    mended[shapely.is_empty(mended)] = None
    return mended, int(broken.sum())


def _mixes_multi(shapes: Geometries) -> bool:
    names = {str(name) for name in shapely.get_type_id(shapes[~shapely.is_missing(shapes)])}
    return any({str(int(single)), str(int(single) + 3)} <= names for single in (1, 3))


def _rounded(shapes: Geometries) -> Geometries:
    """Round the coordinates; where rounding breaks a polygon that was valid, the nearest valid one on that grid stands for it."""
    rounded: Geometries = shapely.transform(shapes, lambda points: np.round(points, GEOJSON_DECIMALS), include_z=False)
    if shapely.has_z(shapes).any():
        rounded = np.where(shapely.has_z(shapes), _rounded_with_z(shapes), rounded)
    broken = shapely.is_valid(shapes) & ~shapely.is_valid(rounded)
    snapped = shapely.set_precision(shapes[broken], 10.0**-GEOJSON_DECIMALS)
    rounded[broken] = np.where(shapely.is_empty(snapped), shapes[broken], shapely.orient_polygons(snapped))
    return rounded


def _rounded_with_z(shapes: Geometries) -> Geometries:
    decimals = np.array([GEOJSON_DECIMALS, GEOJSON_DECIMALS, 3])
    return np.asarray(
        shapely.transform(shapes, lambda points: np.round(points * 10.0**decimals) / 10.0**decimals, include_z=True), dtype=object
    )


def _check_one_family(shapes: Geometries) -> None:
    present = shapes[~shapely.is_missing(shapes)]
    kinds = np.where(shapely.get_type_id(present) == shapely.GeometryType.GEOMETRYCOLLECTION, -1, shapely.get_dimensions(present))
    families = sorted(FAMILIES[int(kind)] for kind in np.unique(kinds))
    if len(families) > 1 or "no shape" in families:
        raise ParameterError(
            f"A Shapefile holds one kind of geometry, and the layer has {', '.join(families).replace('no shape', 'collections')}.",
            hint="Keep one kind first (clean), or choose gpkg, flatgeobuf, geoparquet or geojson.",
        )


def _write_parquet(path: Path, frame: pandas.DataFrame) -> None:
    if "geometry" not in frame.columns:
        frame.to_parquet(path, index=False, compression="zstd")
        return
    covering = "bbox" not in frame.columns
    frame.to_parquet(path, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=covering)


def _write_csv(path: Path, made: Fitted) -> Fitted:
    """Write points of WGS 84 as longitude and latitude, all other geometry as WKT, by the names that are read again."""
    frame, changes = made.frame, list(made.changes)
    if "geometry" in frame.columns:
        shapes: Geometries = frame.geometry.to_numpy()
        table = frame.drop(columns="geometry")
        is_point = shapely.is_missing(shapes) | (shapely.get_type_id(shapes) == shapely.GeometryType.POINT)
        in_degrees = frame.crs is not None and frame.crs.to_epsg() == 4326
        if is_point.all() and in_degrees and not shapely.has_z(shapes).any() and located(table, Declared()) is None:
            frame = table.assign(longitude=shapely.get_x(shapes), latitude=shapely.get_y(shapes))
        else:
            free = next(name for name in ("wkt", "wkt_geometry", "geometry_wkt", "the_geom") if name not in table.columns)
            frame = table.assign(
                **{free: [None if shape is None else shapely.to_wkt(shape, rounding_precision=WKT_DECIMALS) for shape in shapes]}
            )
            changes.append("a CSV holds no CRS: add it again with --crs")
    frame.to_csv(path, index=False, lineterminator="\r\n")
    return replace(made, changes=tuple(changes))


def _write_ogr(path: Path, frame: pandas.DataFrame, form: VectorFormat, layer: str) -> None:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError, FieldError, GeometryError

    options = {"driver": FORMATS[form].driver, "layer": layer, "layer_options": _layer_options(form, frame), "use_arrow": True}
    if form == "geojson":
        frame = frame.set_crs(None, allow_override=True)  # a member `crs` has no place in RFC 7946
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pyogrio.write_dataframe(frame, path, append=path.exists(), **options)
    except (DataLayerError, DataSourceError, FieldError, GeometryError) as error:
        raise StorageError(f"The file {path.name!r} cannot be written ({str(error)[:200]}).", hint="Choose another format.") from error
    lost = [str(one.message) for one in caught if "not successfully written" in str(one.message) or "truncated" in str(one.message)]
    if lost:
        raise DataError(f"The format {form!r} cannot hold a value of the layer ({lost[0]}).", hint="Choose another format, e.g. gpkg.")


def _layer_options(form: VectorFormat, frame: pandas.DataFrame) -> dict[str, Any]:
    """Return GDAL's creation options, each with its reason."""
    if form == "shapefile":
        # Names and texts of every language; the date of writing is none of the content.
        return {"ENCODING": "UTF-8", "DBF_DATE_LAST_UPDATE": "1970-01-01"}
    if form == "flatgeobuf":
        # Its index holds no feature without a place.
        return {"SPATIAL_INDEX": "NO" if frame.geometry.isna().any() or not len(frame) else "YES"}
    if form == "geojson":
        # Coordinates are rounded already; GDAL would write a member `name`, which RFC 7946 does not know, and text in brackets as a list.
        return {"COORDINATE_PRECISION": str(GEOJSON_DECIMALS), "WRITE_NAME": "NO", "AUTODETECT_JSON_STRINGS": "NO"}
    return {}
