"""GDAL's and PROJ's options, in their one place; set before rasterio or pyogrio is imported.

Both libraries carry a GDAL of their own, and both read the environment of the process: options set there, and early,
reach both. Options set later through one library reach only that one. Explicit options here win over whatever the
environment held before, because they decide what is read; every other option of GDAL or PROJ in the environment is taken
out, since it may change bytes whose key does not know it. What a setting of ours governs: the cache, the bands, the drivers.

Side files (`x.tif.aux.xml`, GDAL's "PAM") stay enabled: they carry nodata, CRS, scale and category names, and are part of
a file's identity. GDAL writes them only where statistics are computed through GDAL or a driver cannot hold what is set;
Terracite reads datasets read-only and computes its own statistics, so that nothing is ever written next to the data.
"""

from __future__ import annotations

import logging
import os
import sys

from tools.errors import ConfigurationError
from tools.settings import ToolSettings
from tools.storage.drivers import skipped

_log = logging.getLogger(__name__)

OPTIONS: dict[str, str] = {
    # PROJ must not fetch grids: the same call would give other coordinates with and without a network.
    "PROJ_NETWORK": "OFF",
    # Nor may it use grids that somebody once fetched into a home folder: the same call would differ from user to user.
    "PROJ_SKIP_READ_USER_WRITABLE_DIRECTORY": "YES",
    # No settings from a file: neither ~/.gdal/gdalrc nor that of the machine is read where another one is named.
    "GDAL_CONFIG_FILE": os.devnull,
    # GDAL must not reach the network through a file that names a URL (VRT, catalogues): no name is allowed to /vsicurl/ and its kin.
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
    # What opens addresses past that check (/vsiswift/, drivers, CRSs given as URL) goes by a proxy of a kind that does not exist.
    "GDAL_HTTP_PROXY": "off://none",
    "GDAL_HTTPS_PROXY": "off://none",
    # No password of ~/.netrc is sent anywhere.
    "GDAL_HTTP_NETRC": "NO",
    # Code inside a VRT must never run, nor may a VRT read any file as raw pixels.
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_VRT_ENABLE_RAWRASTERBAND": "NO",
    # No plugins of the machine: the formats that open are those of the pinned wheels.
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_PYTHON_DRIVER_PATH": "disable",
    # No extensions into SQLite.
    "OGR_SQLITE_LOAD_EXTENSIONS": "NO",
    # Masks (.msk), side files and world files are found by listing the folder; an ambient EMPTY_DIR would hide them.
    "GDAL_DISABLE_READDIR_ON_OPEN": "FALSE",
    # See the module's docstring: nodata, CRS and categories may stand in .aux.xml.
    "GDAL_PAM_ENABLED": "YES",
    # A pixel-is-point GeoTIFF is shifted by half a pixel on reading, as its specification says; some set-ups switch that off.
    "GTIFF_POINT_GEO_IGNORE": "FALSE",
    # A Shapefile without its index is reported, not silently rewritten on disk.
    "SHAPE_RESTORE_SHX": "NO",
    # What is written states no time of writing, as a GeoPackage would: equal content gives equal bytes.
    "OGR_CURRENT_DATE": "1970-01-01T00:00:00.000Z",
    # One feature of a GeoJSON may take at most so many MB of memory (GDAL's default, which may be lifted outside).
    "OGR_GEOJSON_MAX_OBJ_SIZE": "200",
    # A progressive JPEG is unpacked as a whole: not beyond libjpeg's own bound, nor with endless scans (GDAL's defaults).
    "GDAL_ALLOW_LARGE_LIBJPEG_MEM_ALLOC": "NO",
    "GDAL_JPEG_MAX_ALLOWED_SCAN_NUMBER": "100",
    # Calls run side by side already; threads inside one multiply its memory.
    "GDAL_NUM_THREADS": "1",
    # Errors arrive as exceptions; debug text, and a driver to skip that one of the two GDALs does not know, would land on
    # the command line's standard error.
    "CPL_DEBUG": "OFF",
    "CPL_LOG": os.devnull,
}
"""Option → value, each with its reason; `bootstrap` adds those that follow from settings."""

AMBIENT = (
    *("GDAL", "OGR", "OSR_", "CPL_", "PROJ_", "VSI", "VRT_", "GTIFF_", "TIFF_", "HFA_", "JP2OPENJPEG_", "JPEG_", "PNG_", "WEBP_", "DTED_", "RAW_"),
    *("AAIGRID_", "PCRASTER_", "SHAPE_", "GPKG_", "GEOJSON_", "NETCDF_", "HDF5_", "GRIB_", "COG_", "SPATIALITE", "RPC_", "GEOLOC_", "MITAB_"),
)  # fmt: skip
"""How the names of options begin that only GDAL and PROJ know."""
AMBIENT_NAMES = frozenset(
    """
ALPHA_OVERVIEW ATTRIBUTES_SKIP BIGTIFF_OVERVIEW BLOCKXSIZE BLOCKYSIZE CENTER_LONG CHECK_DISK_FREE_SPACE CHECK_WITH_INVERT_PROJ
COMPRESS_OVERVIEW CONVERT_YCBCR_TO_RGB DUMP_JP2_BOXES ESRI_XML_PAM FORCE_BLOCKSIZE GEOMETRY_AS_COLLECTION GMLJP2OVERRIDE
INTERLEAVE_OVERVIEW JPEGMEM PHOTOMETRIC_OVERVIEW PREDICTOR_OVERVIEW PYTHONSO REPORT_COMPD_CS SPARSE_OK_OVERVIEW
SQLITE_BUSY_TIMEOUT SQLITE_LIST_ALL_TABLES SQLITE_USE_OGR_VFS SQLITE_USE_URI TAB_APPROX_GEOTRANSFORM THRESHOLD USE_OSR_FIND_MATCHES
USE_RRD USE_SPILL USE_TILE_AS_BLOCK
""".split()
)
"""Further options of the formats that we read (after GDAL's port/cpl_known_config_options.h). Keys of cloud stores (AWS_…,
AZURE_…) stay: other libraries of the process need them, and GDAL, which reaches no store, cannot use them."""


def bootstrap() -> None:
    """Set the options in the environment of this process and its children; calling it again changes nothing.

    GDAL's block cache is the setting TERRACITE_GDAL_CACHE_MB (its own default takes 5 % of the machine's memory), its most
    bands TERRACITE_MAX_BANDS; drivers of formats that need trust register if TERRACITE_TRUSTED_FORMATS names them.
    Raises ConfigurationError where rasterio or pyogrio was imported before the options were set.
    """
    if all(os.environ.get(name) == value for name, value in OPTIONS.items()) and "GDAL_CACHEMAX" in os.environ:
        return
    late = [name for name in ("rasterio", "pyogrio") if name in sys.modules]
    if late:
        raise ConfigurationError(
            f"GDAL's options came too late: {' and '.join(late)} was imported before them.",
            hint="Call tools.storage.bootstrap.bootstrap() before importing rasterio, pyogrio or geopandas' readers.",
        )
    _forget_ambient()
    logging.getLogger("rasterio._env").addFilter(_is_news)
    os.environ.update(OPTIONS, **_by_settings(ToolSettings()))
    if "pyproj" in sys.modules:
        # It read PROJ_NETWORK when it was imported; unlike GDAL's, its switch can still be turned.
        from pyproj.network import set_network_enabled  # type: ignore[attr-defined]  # public, though not in __all__

        set_network_enabled(active=False)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether rasterio logs something that matters: it registers drivers twice, and then misses each that was skipped before."""
    return "to unload from GDAL_SKIP" not in record.getMessage()


def _by_settings(settings: ToolSettings) -> dict[str, str]:
    drivers = ",".join(skipped(name.strip() for name in settings.trusted_formats.split(",")))
    return {
        "GDAL_CACHEMAX": str(settings.gdal_cache_mb),
        "GDAL_MAX_BAND_COUNT": str(settings.max_bands),
        # Either list would do: older GDALs know rasters by the first and layers by the second.
        "GDAL_SKIP": drivers,
        "OGR_SKIP": drivers,
    }


def _forget_ambient() -> None:
    """Take out of the environment every option of GDAL and PROJ that somebody set for other programs."""
    found = sorted(name for name in os.environ if name.startswith(AMBIENT) or name in AMBIENT_NAMES)
    for name in found:
        del os.environ[name]
    if found:
        _log.info("options of GDAL and PROJ that the environment held are not used: names=%s", ",".join(found))
