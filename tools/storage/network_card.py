"""The card of a network: what it wants to see and what it says, as JSON beside its weights (`x.card.json` for `x.safetensors`).

A number that goes into the network is `(value / divide_by - mean) / std`, where `value` is the band's true value: what a
reader of the raster sees, after the scale and offset that the file or the user states.
"""

from __future__ import annotations

import difflib
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tools.geo.accuracy import ConfusionMatrix
from tools.geo.roles import canonical_role
from tools.storage.network_names import ARCHITECTURES, ENCODERS, is_encoder

Option = bool | int | float | str | tuple[int, ...]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Scaling(_Strict):
    """From true values to what the network was trained on; a list has one number per band, in the order of the bands."""

    divide_by: float = Field(default=1.0, gt=0)
    mean: tuple[float, ...] = ()
    """Empty: 0. In units after the division, as `std`."""
    std: tuple[float, ...] = ()
    """Empty: 1."""

    @field_validator("std")
    @classmethod
    def _positive(cls, std: tuple[float, ...]) -> tuple[float, ...]:
        if any(value <= 0 for value in std):
            raise ValueError("every number must be greater than 0")
        return std


class NetworkCard(_Strict):
    """All that must be known of a segmentation network beside its weights."""

    architecture: str
    """A class of segmentation-models-pytorch, e.g. Unet."""
    encoder: str
    """One of its encoders, e.g. resnet18, or tu-NAME of timm."""
    options: dict[str, Option] = Field(default_factory=dict)
    """More arguments of the class, e.g. decoder_channels; those that the card states elsewhere are refused when it is built."""
    bands: tuple[str, ...] = Field(min_length=1, max_length=64)
    """Band roles (green, nir, swir1, …) or names, in the order in which the network takes them."""
    unit: str = Field(min_length=1, max_length=60)
    """What the bands hold, in words: `reflectance`, `reflectance x10000`, `dB`."""
    value_range: tuple[float, float]
    """Lowest and highest value that is usual in training; a raster of quite another range is refused."""
    scaling: Scaling = Scaling()
    classes: dict[str, str] = Field(min_length=2, max_length=255)
    """Index of the output (as text, from 0) → label. Two classes may share one output, which then tells class 1."""
    resolution_m: float = Field(gt=0)
    """Size of a pixel on the ground, in m."""
    resolution_tolerance: float = Field(default=1.5, ge=1)
    """How many times coarser or finer a raster may be."""
    nodata_fill: Literal["mean"] | float = "mean"
    """What stands in for missing pixels: the mean of the raster's band, or a true value."""
    weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of the file of weights."""
    licence: str | None = Field(default=None, max_length=200)
    attribution: str | None = Field(default=None, max_length=500)
    training: str | None = Field(default=None, max_length=2000)
    """On what it was trained, and how well it did."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """Counts of a sample that tested it: a row per class it said, a column per true class, in the order of the outputs; empty: unknown."""

    @field_validator("architecture")
    @classmethod
    def _known_architecture(cls, name: str) -> str:
        if name not in ARCHITECTURES:
            raise ValueError(f"there is no architecture of that name{_nearest(name, ARCHITECTURES)}")
        return name

    @field_validator("encoder")
    @classmethod
    def _known_encoder(cls, name: str) -> str:
        if not is_encoder(name):
            raise ValueError(f"there is no encoder of that name{_nearest(name, ENCODERS)}")
        return name

    @field_validator("bands")
    @classmethod
    def _bands_differ(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        if not all(role.strip() for role in bands) or len({canonical_role(role) for role in bands}) < len(bands):
            raise ValueError("every band must have a role of its own")
        return bands

    @field_validator("classes")
    @classmethod
    def _classes_are_counted(cls, classes: dict[str, str]) -> dict[str, str]:
        if set(classes) != {str(index) for index in range(len(classes))}:
            raise ValueError(f"the indices must be 0 to {len(classes) - 1}")
        labels = {label.strip().casefold() for label in classes.values()}
        if "" in labels or len(labels) < len(classes) or max(map(len, classes.values())) > 80:
            raise ValueError("every class must have a label of its own, of at most 80 characters")
        return classes

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.value_range[0] >= self.value_range[1]:
            raise ValueError("value_range must be the lowest and the highest value, in this order")
        for name, given in (("mean", self.scaling.mean), ("std", self.scaling.std)):
            if given and len(given) != len(self.bands):
                raise ValueError(f"scaling.{name} has {len(given)} numbers for {len(self.bands)} bands")
        return self

    @model_validator(mode="after")
    def _matrix_is_square(self) -> Self:
        size = len(self.classes)
        if self.confusion and (len(self.confusion) != size or any(len(row) != size or min(row) < 0 for row in self.confusion)):
            raise ValueError("confusion must hold a count for every class in every row")
        return self

    @property
    def tested(self) -> ConfusionMatrix | None:
        """What a test of the network found, where the card says it."""
        return ConfusionMatrix(self.labels, self.confusion) if self.confusion else None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of the outputs."""
        return tuple(self.classes[str(index)] for index in range(len(self.classes)))


def _nearest(name: str, known: tuple[str, ...] | frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=3)
    return f"; nearest: {', '.join(near)}" if near else ""
