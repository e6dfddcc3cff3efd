"""The record of a registered dataset: all that is known of a file without reading it again."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Bounds = tuple[float, float, float, float]
Value = str | int | float | bool


class _Record(BaseModel):
    # Infinity and NaN would be stored as null, and the record could not be read again.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Band(_Record):
    """One band of a raster."""

    index: int
    """1-based."""
    name: str | None = None
    """The file's description of the band."""
    role: str | None = None
    """Role, e.g. green, swir1: declared, or a description that is a known role."""
    dtype: str
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    unit: str = "unspecified"
    value_kind: Literal["categorical", "continuous", "unknown"]
    """Declared, else from a palette or category table, else continuous for floats and unknown for integers."""
    minimum: float | None = None
    """Of a decimated read; for orientation only, never a fact."""
    maximum: float | None = None
    classes: dict[str, str] = Field(default_factory=dict)
    """Class value (as text) → label, where the file or the user names classes; label may equal the value."""


class Column(_Record):
    """One attribute of a vector layer or table."""

    name: str
    type: Literal["integer", "real", "text", "boolean", "date", "datetime", "other"]
    distinct: int
    """Distinct values that are not null."""
    nulls: int
    values: tuple[Value, ...] = ()
    """All distinct values where there are at most 60, else the first 12 in order of appearance."""
    minimum: Value | None = None
    maximum: Value | None = None


class Network(_Record):
    """What a network takes and gives, from its card (see `tools.storage.network_card`)."""

    architecture: str
    encoder: str
    bands: tuple[str, ...]
    """Roles or names, in the order in which the network takes them."""
    unit: str
    """What the bands must hold, in words."""
    classes: dict[str, str]
    """Index of the output (as text) → label."""
    resolution_m: float
    """Size of a pixel on the ground, in m."""
    resolution_tolerance: float
    """How many times coarser or finer a raster may be."""
    training: str | None = None


class SceneCollection(_Record):
    """One collection of a catalogue of scenes, as the catalogue describes it."""

    id: str
    title: str | None = None
    bbox: Bounds | None = None
    """West, south, east, north in degrees; its overall extent."""
    time: tuple[str | None, str | None] | None = None
    """First and last instant; None for an end that is open."""
    licence: str | None = None
    attribution: str | None = None
    """Its producers and licensors."""


class Content(_Record):
    """What a file says of itself, together with what was declared about it: all of a record but its registration."""

    kind: Literal["raster", "vector", "table", "document", "catalogue", "network"]
    driver: str
    crs: str | None = None
    """AUTH:CODE or WKT2; None where unknown."""
    bbox: Bounds | None = None
    """West, south, east, north in degrees (EPSG:4326), west greater than east across the antimeridian; None where the CRS is unknown."""
    bounds: Bounds | None = None
    """Left, bottom, right, top in `crs`."""
    time: tuple[str, str] | None = None
    """First and last instant, ISO 8601, where declared or known."""
    licence: str | None = None
    attribution: str | None = None
    warnings: tuple[str, ...] = ()
    width: int | None = None
    height: int | None = None
    resolution: tuple[float, float] | None = None
    """Pixel width and height in units of the CRS."""
    bands: tuple[Band, ...] = ()
    geometry_type: str | None = None
    """Point, LineString, Polygon (each also for its Multi form), GeometryCollection, or Mixed; None where there is no geometry."""
    feature_count: int | None = None
    """Features of a layer, rows of a table."""
    columns: tuple[Column, ...] = ()
    name_column: str | None = None
    """Column that names the features: declared, else the most name-like text column, else None."""
    network: Network | None = None
    collections: tuple[SceneCollection, ...] = ()
    """Of a catalogue of scenes."""
    conforms_to: tuple[str, ...] = ()
    """Conformance classes that an API declares."""


class DatasetRecord(Content):
    """A registered source."""

    id: str
    title: str
    path: str
    """Of a file; or the address of a catalogue on another machine."""
    origin: str | None = None
    """Address that the file was fetched from."""
    layer: str | None = None
    digest: str
    bytes: int
    """Size of the file with its side files."""
    declared: dict[str, object] = Field(default_factory=dict)
    """The fields of `tools.contract.Declared` that the user gave, as JSON."""
