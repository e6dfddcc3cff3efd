"""What a tool is, what it returns, and what is stored of it: frozen values that are safe to write as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from pydantic import BaseModel

Unit = Literal[
    "m2", "ha", "km2", "acre", "mi2", "ft2", "m", "km", "cm", "mm", "ft", "mi",
    "1", "%", "count", "degree", "degC", "K", "s", "day", "unspecified",
]  # fmt: skip
"""The closed list of units. `1` is a pure ratio or index; `unspecified` is a value whose file states no unit."""

UNITS: tuple[str, ...] = get_args(Unit)

ToolKind = Literal["pure", "observation"]
CacheState = Literal["hit", "computed", "observed"]
SourceKind = Literal["raster", "vector", "table", "document", "map", "text", "items", "catalogue", "asset", "network"]
"""`asset`: one file of a STAC item; `network`: weights with their card."""
Scalar = str | int | float | bool | None
Georeferencing = Literal["internal", "sidecar"]
"""`internal`: the GeoTIFF's own tags; `sidecar`: GDAL's `.aux.xml` beside it."""


class Outcome(StrEnum):
    """How a question or a tool call ended; no data, outside, nothing found and zero are four different things."""

    VALUE = "value"
    TRUE_ZERO = "true_zero"
    """The area was covered by data and nothing is there: an answer."""
    NO_COVERAGE = "no_coverage"
    """The data does not reach the place, or every pixel there is nodata: no number."""
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Fact:
    """One named number in an artifact."""

    name: str
    """The quantity: `area`, `share`, `mean`, `count`, `length`, `distance`, `valid_share`, or a column's name."""
    value: float | int
    unit: Unit
    """Areas are always m2, lengths and distances always m, shares always %; answers convert."""
    subject: Mapping[str, str] = field(default_factory=dict)
    """What the number is about, e.g. {"zone": "North", "class": "water"}; empty means everything asked for."""
    path: str = ""
    """Where it stands in its artifact, e.g. `facts/12`; given by the runner."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the fields of this fact."""
        return {"name": self.name, "value": self.value, "unit": self.unit, "subject": dict(self.subject), "path": self.path}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Fact:
        """Read back what `to_json` wrote."""
        return Fact(data["name"], data["value"], data["unit"], dict(data["subject"]), data["path"])


@dataclass(frozen=True)
class ToolOutput:
    """What a tool function returns; its files lie in the folder it was given."""

    summary: str
    """One sentence, in plain words, without any dataset's title (titles are joined when cited)."""
    facts: tuple[Fact, ...] = ()
    outcome: Outcome = Outcome.VALUE
    files: tuple[str, ...] = ()
    """Names of the files written into the call's folder; the first is the main one. `facts.parquet` is the runner's."""
    kind: Literal["raster", "vector", "table", "map", "text", "items"] = "text"
    """What the main file is, so that later calls can take this artifact as an input; `items` are STAC items as GeoJSON."""
    warnings: tuple[str, ...] = ()
    """What the reader must know: repaired geometry, overlaps, partial coverage, assumed kinds."""
    method: Mapping[str, Any] = field(default_factory=dict)
    """How it was measured: area method and its reason, weighting, transformations, pixel size (JSON-safe)."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """A small JSON-safe payload (rows, candidates, class table) for the caller; facts stay the only citable numbers."""
    bbox: tuple[float, float, float, float] | None = None
    """Extent as west, south, east, north in degrees (EPSG:4326)."""


@dataclass(frozen=True)
class StoredFile:
    """A file of an artifact."""

    path: str
    """Relative to the artifact's folder."""
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Artifact:
    """The immutable result of one tool call, as read back and verified."""

    key: str
    tool: str
    kind: str
    outcome: Outcome
    summary: str
    folder: Path
    files: tuple[StoredFile, ...]
    facts: tuple[Fact, ...]
    """The first `INLINE_FACTS` facts; `fact_count` says how many there are, `facts.parquet` holds all."""
    fact_count: int
    warnings: tuple[str, ...]
    method: Mapping[str, Any]
    data: Mapping[str, Any]
    bbox: tuple[float, float, float, float] | None
    record: Mapping[str, Any]
    """The whole record: `spec` is exactly what was hashed into the key; the rest is lineage, time, versions."""

    @property
    def ref(self) -> str:
        """The short name by which later calls may take this artifact as input."""
        return f"a:{self.key[:12]}"

    @property
    def main_file(self) -> Path | None:
        """The full path of the first file, or None where there is none."""
        return self.folder / self.files[0].path if self.files else None


INLINE_FACTS = 100


@dataclass(frozen=True)
class Result:
    """One finished tool call."""

    artifact: Artifact
    cache: CacheState
    seconds: float
    note: str = ""
    """What interfaces must say of the call beside the artifact: a stored result was damaged and computed again."""


@dataclass(frozen=True)
class Declared:
    """What a user said about a file that the file does not say itself; it is part of the input's identity."""

    crs: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    """(left, bottom, right, top) in `crs`, for a raster without georeferencing."""
    bands: Mapping[str, int] = field(default_factory=dict)
    """Band role → 1-based index, e.g. {"green": 3}."""
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    kind: Literal["categorical", "continuous"] | None = None
    unit: Unit | None = None
    classes: Mapping[str, str] = field(default_factory=dict)
    """Class value (as text) → label."""
    x_column: str | None = None
    y_column: str | None = None
    geometry_column: str | None = None
    name_column: str | None = None
    georeferencing: Georeferencing | None = None
    """Which is right where a GeoTIFF's tags and its side file place it differently."""


@dataclass(frozen=True)
class Source:
    """An input after the runner resolved its name: a real file, a remote asset or a catalogue, with its identity."""

    ref: str
    """How the caller named it; never part of a key."""
    kind: SourceKind
    path: Path
    """The file; `Path()` for what is only at a `url`."""
    digest: str
    """Content digest over the file and its sidecars, e.g. `xxh3:…`; of a remote asset the strongest identity known."""
    layer: str | None = None
    declared: Declared = field(default_factory=Declared)
    title: str = ""
    attribution: str = ""
    producer: str | None = None
    """Key of the artifact this is, where it is one."""
    url: str | None = None
    """Address of a remote asset or catalogue, without signature or credentials."""
    item: Mapping[str, Any] = field(default_factory=dict)
    """Of an asset: its STAC item (a JSON object, hrefs absolute and unsigned) and under `asset` the key of the asset.

    Of a catalogue at an address: what was known of it when it was added, as fields of `tools.catalog.records.Content`.
    """


class Catalog(Protocol):
    """The registered datasets, as the observation tools see them."""

    def records(self) -> tuple[Mapping[str, Any], ...]:
        """Return every dataset record as a JSON object, sorted by id."""

    def resolve(self, ref: str) -> Source:
        """Return the source behind a dataset id; raise NotFoundError with the nearest ids."""


@dataclass(frozen=True)
class Found:
    """One thing that memory holds: a passage of a document, or an earlier result."""

    kind: Literal["passage", "result"]
    text: str
    """The passage word for word, or what is known of the result in one paragraph."""
    ref: str
    """Dataset id of the document, or `a:KEY` of the result."""
    title: str
    score: float
    """Cosine similarity to the query, at most 1; higher is nearer."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Of a passage: heading, page, start, end; of a result: tool, params, outcome, bbox, time."""


class Memory(Protocol):
    """Search by meaning over documents and earlier results, as the observation tool `search_knowledge` sees it."""

    def search(
        self,
        query: str,
        *,
        kinds: tuple[str, ...] = (),
        within: tuple[str, ...] = (),
        bbox: tuple[float, float, float, float] | None = None,
        time: tuple[str, str] | None = None,
        limit: int = 8,
        progress: Callable[[float], None] = ...,
    ) -> tuple[Found, ...]:
        """Return what is nearest in meaning, best first, words that are shared counting as well; `bbox` (degrees) and `time` (ISO 8601) keep what they touch.

        `within` are dataset ids: only passages of these documents, and results made of nothing else than these datasets.

        A document of which no time is known, or no place, is kept: it may speak of any. `progress` is told the share that is
        done where much must be read first, and may raise.
        """

    def gaps(self) -> tuple[str, ...]:
        """Say what the last search could not look at and why, a sentence each."""


def _no_progress(share: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class ToolContext:
    """What a tool function is given beside its parameters."""

    folder: Path
    """Private folder for the files of this call."""
    sources: Mapping[str, Source]
    """Every reference in the parameters → its source."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """Every fact reference in the parameters → the fact."""
    catalog: Catalog | None = None
    """Only for observation tools."""
    memory: Memory | None = None
    """Only for observation tools."""
    progress: Callable[[float], None] = _no_progress
    """Tell the share that is done, 0 to 1; raises where the caller no longer wants the result. Cheap: call it per window."""

    def source(self, ref: str) -> Source:
        """Return the resolved source of a reference that stands in the parameters."""
        return self.sources[ref]


@dataclass(frozen=True)
class Needs:
    """What the bytes of one call depend on beside its tool's own libraries."""

    libraries: tuple[str, ...] = ()
    """Distributions that only such calls use, e.g. ("torch",)."""
    device: str | None = None
    """Class of the device that computes, where results differ by it, e.g. `cpu x86_64`."""


@dataclass(frozen=True)
class Tool:
    """The single definition of a tool, from which every interface is made."""

    name: str
    params: type[BaseModel]
    run: Callable[[Any, ToolContext], ToolOutput]
    kind: ToolKind
    libraries: tuple[str, ...] = ()
    """Distributions whose versions shape the bytes, e.g. ("rasterio", "pyproj")."""
    resolve: Callable[[Any, Mapping[str, Source]], Any] | None = None
    """Completes partial parameters (a grid, an attribution line) against the sources, before the key is made."""
    place: Literal["worker", "network", "here"] = "worker"
    """Where it runs: confined in a worker; in one that may reach allowed hosts; or here, since it opens no foreign file."""
    goes_online: Callable[[], bool] | None = None
    """Whether a call of place `worker` needs allowed hosts as the settings are now; None: never."""
    needs: Callable[[Any], Needs] | None = None
    """Tells from validated parameters what a call needs beside `libraries`; imports nothing heavy, since a hit asks too."""

    @property
    def description(self) -> str:
        """What the tool does, from the docstring of its parameter model."""
        return " ".join((self.params.__doc__ or "").split())
