"""The vocabulary of tool parameters: references, CRS text, conditions, distances, and how each enters a key.

`memo` knows only the `CANONICAL` protocol below; nothing geographic lives there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Params(BaseModel):
    """Base of every tool's parameters: frozen, unknown fields refused, no NaN or infinity, defaults of the declared type.

    A default of 1 in a float field becomes 1.0, so that leaving it out and giving it are the same call.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


@dataclass(frozen=True)
class Reference:
    """Marks a text parameter that names an input; the runner resolves it, the key holds its content."""

    kind: Literal["raster", "vector", "rows", "any", "fact", "asset", "catalogue", "network"]
    """`rows`: a vector layer or a table without geometry."""


@dataclass(frozen=True)
class Canonical:
    """Marks a text parameter whose key form is made by the encoder registered under `name`."""

    name: str


RasterRef = Annotated[str, Reference("raster"), Field(min_length=1, description="A raster: dataset id, or a:KEY of an earlier result.")]
VectorRef = Annotated[
    str, Reference("vector"), Field(min_length=1, description="A vector layer: dataset id, or a:KEY of an earlier result.")
]
RowsRef = Annotated[
    str, Reference("rows"), Field(min_length=1, description="A vector layer or a table: dataset id, or a:KEY of an earlier result.")
]
AnyRef = Annotated[str, Reference("any"), Field(min_length=1, description="Any dataset id, or a:KEY of an earlier result.")]
FactRef = Annotated[
    str,
    Reference("fact"),
    Field(pattern=r"^a:[0-9a-f]{8,64}#facts/[0-9]{1,9}$", description="One number of an earlier result: a:KEY#facts/N."),
]
CatalogueRef = Annotated[
    str,
    Reference("catalogue"),
    Field(min_length=1, description="A catalogue of scenes: dataset id, 'earth-search' or 'planetary-computer'."),
]
AssetRef = Annotated[
    str,
    Reference("asset"),
    Field(
        min_length=1, description="One file of a scene, a:KEY#items/N/ASSET (N and asset names: result of search_stac); or a raster's id."
    ),
]
NetworkRef = Annotated[str, Reference("network"), Field(min_length=1, description="A registered network: dataset id.")]


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


IndexName = Annotated[
    Literal[
        "NDVI", "NDWI", "MNDWI", "NDMI", "NBR", "NBR2", "NDBI", "NDSI", "EVI", "EVI2", "SAVI", "MSAVI",
        "GNDVI", "NDRE", "BSI", "AWEI_NSH", "AWEI_SH",
    ],
    BeforeValidator(_upper),
    Field(description="A spectral index. Water: MNDWI (green, swir1), NDWI (green, nir). Vegetation: NDVI (nir, red). Burns: NBR. Snow: NDSI."),
]  # fmt: skip
BandRoles = Annotated[
    dict[str, int],
    Field(
        description='Role → band number from 1, e.g. {"green": 2, "swir1": 5}; only where the dataset does not say it itself. Roles: blue, green, red, rededge1, nir, swir1, swir2, scl, qa_pixel.'
    ),
]
PixelMask = Annotated[
    Literal["none", "clear", "clear_land", "clear_water"],
    Field(
        description="Which pixels count, told by the band of role scl (Sentinel-2) or qa_pixel (Landsat) of the same raster. 'clear': no cloud, shadow or cirrus; 'clear_land': of these vegetation and bare ground; 'clear_water': of these water; 'none': all."
    ),
]


LONGEST_CRS = 20_000
"""Longest text of a CRS, in characters; the WKT2 of a compound one with its area of use has three thousand."""
CRS_FILE = re.compile(
    r'(?:PARAMETERFILE\s*\[\s*"[^"]*"|"PROJ4_GRIDS")\s*,\s*"[^"]*[/\\~]'
    r"|\binit=(?!(?:epsg|esri|ogc|iau):)|(?:grids|model|file)=[^\s\"]*[/\\~]",
    re.IGNORECASE,
)
"""A grid, a model or a list of definitions that PROJ would open where the text says, instead of among its own data."""


def crs_names_file(text: str) -> bool:
    """Whether the text of a CRS, as WKT or of PROJ, names a file by its path."""
    return CRS_FILE.search(text) is not None


def norm_crs(text: str) -> str:
    """Accept any text PROJ understands, but none that names files; return `AUTH:CODE` where it is exactly that system, else WKT2."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    if len(text) > LONGEST_CRS:
        raise ValueError(f"a coordinate reference system of {len(text):,} characters is longer than {LONGEST_CRS:,}; give e.g. EPSG:4326")
    try:
        crs = None if crs_names_file(text) else CRS.from_user_input(text)
    except (CRSError, RecursionError) as error:  # the latter: JSON that nests deeply
        raise ValueError(f"unknown coordinate reference system {text[:200]!r}; give e.g. EPSG:4326 or EPSG:32632") from error
    if crs is None or crs_names_file(crs.to_wkt()):
        raise ValueError(f"the coordinate reference system {text[:200]!r} names a file by its path; give e.g. EPSG:4326 or EPSG:32632")
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else crs.to_wkt("WKT2_2019")


CrsText = Annotated[str, AfterValidator(norm_crs), Canonical("crs"), Field(description="A coordinate reference system, e.g. EPSG:32632.")]

Surface = Literal["ellipsoid", "plane"]
"""`ellipsoid`: as on the ground; `plane`: in the projected CRS of the layer itself, in metres."""
SurfaceChoice = Annotated[
    Surface,
    Field(description="Measure on the ground (ellipsoid), or in the plane of the layer's own projected CRS: only where that is asked for."),
]

CANONICAL: dict[str, Callable[[Any], Any]] = {"crs": norm_crs}
"""Encoder name → function to a JSON-safe normal form."""

MOST_CONDITIONS = 100
"""Most tests of one filter."""
MOST_VALUES = 10_000
"""Most values of one list of a filter."""
LONGEST_TEXT = 10_000
"""Longest text of a filter, in characters."""
INTEGERS = range(-(2**63), 2**64)
"""Whole numbers that a column of any format can hold."""

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "is null", "is not null"]


class Condition(Params):
    """One test of a column."""

    column: str = Field(
        min_length=1,
        description="Column name; or the feature's own geodesic '@area_m2', '@length_m' (lines), '@perimeter_m' (polygons).",
    )
    op: Operator = Field(description="Text is compared without case; 'contains': part of the text.")
    value: str | int | float | bool | list[str | int | float | bool] | None = Field(
        default=None, description="A list for 'in' and 'not in'; none for the null tests."
    )

    @model_validator(mode="after")
    def _value_fits_operator(self) -> Condition:
        if self.op in ("in", "not in"):
            if not isinstance(self.value, list) or not self.value:
                raise ValueError(f"operator {self.op!r} on column {self.column!r} needs a list of values")
        elif self.op in ("is null", "is not null"):
            if self.value is not None:
                raise ValueError(f"operator {self.op!r} on column {self.column!r} takes no value")
        elif self.value is None or isinstance(self.value, list):
            raise ValueError(f"operator {self.op!r} on column {self.column!r} needs one value")
        return self

    @model_validator(mode="after")
    def _is_bounded(self) -> Condition:
        values = self.value if isinstance(self.value, list) else [self.value]
        if len(values) > MOST_VALUES:
            raise ValueError(f"a condition takes at most {MOST_VALUES:,} values and got {len(values):,}")
        if any(len(text) > LONGEST_TEXT for text in (self.column, *values) if isinstance(text, str)):
            raise ValueError(f"a column or value of a condition is longer than {LONGEST_TEXT:,} characters")
        if any(isinstance(value, int) and value not in INTEGERS for value in values):
            raise ValueError("a whole number of a condition needs more than 64 bits")
        return self


class Where(Params):
    """Tests of columns; all must hold unless `match` is any."""

    conditions: list[Condition] = Field(default_factory=list, description="Tests of columns.")
    match: Literal["all", "any"] = Field(default="all", description="Whether all or any must hold.")

    @model_validator(mode="after")
    def _is_bounded(self) -> Where:
        if len(self.conditions) > MOST_CONDITIONS:
            raise ValueError(
                f"a filter takes at most {MOST_CONDITIONS} conditions and got {len(self.conditions):,}; use 'in' for many values"
            )
        return self


EVERYTHING = Where()
