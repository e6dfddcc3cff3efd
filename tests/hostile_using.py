"""Register a file and use it by every tool that could open it; and find everything that it brought about meanwhile."""

from __future__ import annotations

import json
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hostile_bait import BYTE, PIXEL, TEXT, Bait, CanaryHost, changes, listing
from tools import registry
from tools.catalog.datasets import Datasets
from tools.contract import Result, Source, ToolContext
from tools.errors import TerraciteError
from tools.runner import Runner
from tools.storage import formats
from tools.workers.job import Executor, InProcess
from tools.workspace import Workspace, open_workspace

Call = tuple[str, dict[str, Any]]
"""Tool and parameters; `FILE` stands for the file that is tried, `RASTER` and `LAYER` for harmless ones."""
FILE, RASTER, LAYER = "the_file", "own_raster", "own_layer"

RASTER_CALLS: tuple[Call, ...] = (
    ("zonal_stats", {"raster": FILE, "statistics": ["mean", "min", "max"]}),
    ("reproject", {"source": FILE, "crs": "EPSG:32631", "resolution": 40.0}),
    ("describe_dataset", {"dataset": FILE}),
    ("reproject", {"source": FILE, "crs": "EPSG:4326"}),
    ("reproject", {"source": RASTER, "like": FILE}),
    ("zonal_stats", {"raster": FILE, "zones": LAYER, "classes": True}),
    ("classify", {"raster": FILE, "classes": [{"label": "all", "min": 0}]}),
    ("raster_calc", {"expression": "a + 0", "rasters": {"a": {"raster": FILE}}}),
    ("raster_calc", {"expression": "a + b", "rasters": {"a": {"raster": RASTER}, "b": {"raster": FILE}}}),
    ("spectral_index", {"raster": FILE, "index": "NDVI", "bands": {"red": 1, "nir": 1}}),
    ("polygonize", {"raster": FILE}),
    ("change", {"before": FILE, "after": RASTER}),
    ("composite", {"rasters": [FILE, RASTER]}),
    ("read_asset", {"assets": [FILE]}),
    ("stack", {"bands": [{"raster": RASTER}, {"raster": FILE}]}),
    ("contour", {"raster": FILE, "interval": 50.0}),
    ("segment", {"raster": FILE, "bands": {"green": 1, "swir16": 1}}),
    ("render_map", {"layers": [{"source": FILE}]}),
)
"""The first few see whatever the others see: the pixels, the overviews, the notes."""
VECTOR_CALLS: tuple[Call, ...] = (
    ("query_vector", {"layer": FILE, "measures": [{"aggregate": "count"}, {"aggregate": "sum", "column": "people"}]}),
    ("query_vector", {"layer": FILE}),
    ("describe_dataset", {"dataset": FILE}),
    ("query_vector", {"layer": LAYER, "spatial": [{"other": FILE, "predicate": "intersects"}]}),
    ("overlay", {"operation": "buffer", "layer": FILE, "distance_m": 5.0}),
    ("overlay", {"operation": "intersection", "layer": LAYER, "other": FILE}),
    ("query_vector", {"sql": "SELECT name, people FROM t", "views": {"t": FILE}}),
    ("find_place", {"name": "Adam", "layers": [FILE]}),
    ("zonal_stats", {"raster": RASTER, "zones": FILE, "statistics": ["mean"]}),
    ("read_asset", {"assets": [RASTER], "area": FILE}),
    ("rasterize", {"layer": FILE, "operation": "count", "like": RASTER}),
    ("sample", {"raster": RASTER, "points": FILE}),
    ("render_map", {"layers": [{"source": FILE}]}),
)
DOCUMENT_CALLS: tuple[Call, ...] = (("describe_dataset", {"dataset": FILE}),)
CALLS: Mapping[str, tuple[Call, ...]] = {
    "raster": RASTER_CALLS,
    "vector": VECTOR_CALLS,
    "document": DOCUMENT_CALLS,
    "network": DOCUMENT_CALLS,
}


@dataclass(frozen=True)
class Bench:
    """A workspace with what registers files and what runs tools, in this process or in workers."""

    workspace: Workspace
    datasets: Datasets
    runner: Runner
    in_process: bool

    @staticmethod
    def over(folder: Path, executor: Executor) -> Bench:
        """Open a workspace, as an agent does."""
        workspace = open_workspace(root=folder)
        datasets = Datasets(workspace, executor)
        return Bench(workspace, datasets, Runner(workspace, datasets, executor=executor), isinstance(executor, InProcess))


STARTS = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork", "os.forkpty", "pty.spawn")
_started: list[str] = []


def _notice(event: str, arguments: tuple[object, ...]) -> None:
    if event in STARTS:
        _started.append(f"{event} {arguments[:1]}")


sys.addaudithook(_notice)


@dataclass
class Tried:
    """What came of it."""

    said: list[str] = field(default_factory=list)
    """Every record, refusal, result and error, as text."""
    results: list[Result] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    """Exceptions that are no errors of ours."""

    def __add__(self, other: Tried) -> Tried:
        return Tried(self.said + other.said, self.results + other.results, self.unexpected + other.unexpected)


def try_file(bench: Bench, path: Path | str, only: int | None = None) -> Tried:
    """Register a file and call the tools on it, all or the first `only`; where it is refused, call them on the file itself."""
    tried = Tried()
    calls = CALLS[formats.kind_of(Path(path))][:only]
    with _noted(tried):
        report = bench.datasets.add(path)
        tried.said += [record.model_dump_json() for record in report.records] + [json.dumps(one.to_json()) for one in report.refused]
        for record in report.records:
            for tool, params in CALLS.get(record.kind, calls)[:only]:
                with _noted(tried):
                    tried.results.append(bench.runner.run(tool, _named(params, record.id)))
        if bench.in_process and not report.records:
            _try_directly(bench, Path(path), calls, tried)
    tried.said += [json.dumps(dict(result.artifact.record), default=str) for result in tried.results]
    return tried


def try_name(bench: Bench, name: str) -> Tried:
    """Give a text for a file's name, for a dataset's, and for that of a part of a result."""
    tried = try_file(bench, name, only=2)
    for tool, params in (RASTER_CALLS[0], VECTOR_CALLS[0], RASTER_CALLS[13], RASTER_CALLS[2]):
        tried += try_call(bench, tool, _named(params, name))
    return tried


def try_catalogue(bench: Bench, catalogue: Path | str) -> Tried:
    """Register a catalogue, search it, and read the first file of the first scene."""
    tried = Tried()
    with _noted(tried):
        report = bench.datasets.add(catalogue)
        tried.said += [record.model_dump_json() for record in report.records] + [json.dumps(one.to_json()) for one in report.refused]
        for record in report.records:
            tried += try_call(bench, "search_stac", {"catalogue": record.id})
        for found in list(tried.results):
            for name in next(iter(_scenes(found)), {}):
                tried += try_call(bench, "read_asset", {"assets": [f"{found.artifact.ref}#items/0/{name}"]})
    return tried


def _scenes(found: Result) -> list[dict[str, Any]]:
    """Return the files of every scene that was found."""
    items = json.loads((found.artifact.main_file or Path()).read_text())["features"]
    return [dict(item["assets"]) for item in items]


def try_call(bench: Bench, tool: str, params: Mapping[str, Any]) -> Tried:
    """Make one call."""
    tried = Tried()
    with _noted(tried):
        result = bench.runner.run(tool, params)
        tried.results.append(result)
        tried.said.append(json.dumps(dict(result.artifact.record), default=str))
    return tried


def _try_directly(bench: Bench, path: Path, calls: tuple[Call, ...], tried: Tried) -> None:
    """Call the tools as if the file had been registered before it was changed into this one."""
    known = {ref: bench.datasets.resolve(ref) for ref in (RASTER, LAYER)}
    folder = bench.workspace.root / "direct"
    for place, (name, params) in enumerate(calls):
        with _noted(tried):
            tool = registry.load(name)
            sources = {**known, FILE: Source(FILE, _kind(path), path, "xxh3:0")}
            asked = tool.params.model_validate(params)
            complete = tool.resolve(asked, sources) if tool.resolve else asked
            here = folder / str(place)
            here.mkdir(parents=True, exist_ok=True)
            output = tool.run(complete, ToolContext(here, sources, catalog=bench.datasets))
            tried.said.append(repr(output))


def _kind(path: Path) -> Any:  # Any: one of SourceKind
    return formats.kind_of(path)


def _named(params: Mapping[str, Any], ref: str) -> dict[str, Any]:
    named: dict[str, Any] = json.loads(json.dumps(params).replace(f'"{FILE}"', json.dumps(ref)))
    return named


@contextmanager
def _noted(tried: Tried) -> Iterator[None]:
    """Keep an error of ours as what was said; anything else is a fault of ours and is kept as such."""
    try:
        yield
    except TerraciteError as error:
        tried.said.append(json.dumps(error.to_json()))
    except Exception as error:  # noqa: BLE001 - the corpus is looking for these
        tried.unexpected.append("".join(traceback.format_exception(error)))


@dataclass(frozen=True)
class Watch:
    """What is compared before and after: everything below a root but the workspace, and the contacts of the host."""

    root: Path
    workspace: Path
    bait: Bait
    host: CanaryHost
    before: dict[str, tuple[object, ...]]
    contacts: int
    started: int

    @staticmethod
    def begin(root: Path, workspace: Path, bait: Bait, host: CanaryHost) -> Watch:
        """Look before anything is tried."""
        return Watch(root, workspace, bait, host, listing(root, workspace), len(host.contacts), len(_started))

    def effects(self, said: list[str], logged: str) -> list[str]:
        """Return everything that was brought about: what was shown, asked, written, started."""
        text = "\n".join([*said, logged])
        return [
            *[f"touched {path}" for path in changes(self.before, listing(self.root, self.workspace))],
            *[f"asked the host: {contact}" for contact in self.host.contacts[self.contacts :]],
            *[f"started {one}" for one in _started[self.started :]],
            *(["showed the text"] if TEXT in text else []),
            *(["showed the pixels"] if any(_has_pixel(one) for one in said) else []),
            *[f"holds the bait: {path}" for path in _holding(self.workspace)],
        ]


_NUMBERS = re.compile(rf'(?<![\w.]){PIXEL}(?:\.0+)?(?![\w.])|"value": {BYTE}(?:\.0+)?(?![\w.])')


def _has_pixel(text: str) -> bool:
    return _NUMBERS.search(text) is not None


def _holding(workspace: Path) -> Iterator[str]:
    for path in sorted(workspace.rglob("*")):
        if path.is_file() and not path.is_symlink() and _holds(path):
            yield str(path.relative_to(workspace))


def _holds(path: Path) -> bool:
    content = path.read_bytes()
    if TEXT.encode() in content:
        return True
    if path.suffix == ".tif" and content[:4] in (b"II*\0", b"II+\0"):
        import numpy as np
        import rasterio

        with rasterio.open(path) as dataset:
            return bool(np.isin(dataset.read(), (PIXEL, BYTE)).any())
    if content[:4] == b"PAR1":
        import pyarrow.parquet

        rows = repr(pyarrow.parquet.read_table(path).to_pylist())
        return TEXT in rows or _has_pixel(rows)
    return False
