"""GDAL's and PROJ's options, in their one place; set before rasterio or pyogrio is imported.

Both libraries carry a GDAL of their own, and both read the environment of the process: options set there, and early,
reach both. Options set later through one library reach only that one. Explicit options here win over whatever the
environment held before, because they decide what is read; the size of the cache is a setting of ours.

Side files (`x.tif.aux.xml`, GDAL's "PAM") stay enabled: they carry nodata, CRS, scale and category names, and are part of
a file's identity. GDAL writes them only where statistics are computed through GDAL or a driver cannot hold what is set;
Terracite reads datasets read-only and computes its own statistics, so that nothing is ever written next to the data.
"""

from __future__ import annotations

import os
import sys

from tools.errors import ConfigurationError
from tools.settings import ToolSettings

OPTIONS: dict[str, str] = {
    # PROJ must not fetch grids: the same call would give other coordinates with and without a network.
    "PROJ_NETWORK": "OFF",
    # Nor may it use grids that somebody once fetched into a home folder: the same call would differ from user to user.
    "PROJ_SKIP_READ_USER_WRITABLE_DIRECTORY": "YES",
    # GDAL must not reach the network through a file that names a URL (VRT, catalogues): no name is allowed to /vsicurl/.
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
    # Code inside a VRT must never run.
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    # No plugins of the machine: the formats that open are those of the pinned wheels.
    "GDAL_DRIVER_PATH": "disable",
    # Masks (.msk), side files and world files are found by listing the folder; an ambient EMPTY_DIR would hide them.
    "GDAL_DISABLE_READDIR_ON_OPEN": "FALSE",
    # See the module's docstring: nodata, CRS and categories may stand in .aux.xml.
    "GDAL_PAM_ENABLED": "YES",
    # A pixel-is-point GeoTIFF is shifted by half a pixel on reading, as its specification says; some set-ups switch that off.
    "GTIFF_POINT_GEO_IGNORE": "FALSE",
    # A Shapefile without its index is reported, not silently rewritten on disk.
    "SHAPE_RESTORE_SHX": "NO",
    # One feature of a GeoJSON may take at most so many MB of memory (GDAL's default, which may be lifted outside).
    "OGR_GEOJSON_MAX_OBJ_SIZE": "200",
    # Errors arrive as exceptions; debug text would land on the command line's standard error.
    "CPL_DEBUG": "OFF",
}
"""Option → value, each with its reason; `GDAL_CACHEMAX` is added by `bootstrap`."""


def bootstrap() -> None:
    """Set the options in the environment of this process and its children; calling it again changes nothing.

    GDAL's block cache is the setting TERRACITE_GDAL_CACHE_MB (its own default takes 5 % of the machine's memory).
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
    os.environ.update(OPTIONS, GDAL_CACHEMAX=str(ToolSettings().gdal_cache_mb))
    if "pyproj" in sys.modules:
        # It read PROJ_NETWORK when it was imported; unlike GDAL's, its switch can still be turned.
        from pyproj.network import set_network_enabled  # type: ignore[attr-defined]  # public, though not in __all__

        set_network_enabled(active=False)
