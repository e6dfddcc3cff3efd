"""The images of a composite: which of their bands are meant by a name, and which band tells what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.contract import Source
from tools.errors import ParameterError
from tools.geo.clouds import Seen
from tools.geo.roles import QUALITY_ROLES, band_roles, canonical_role
from tools.raster.composite import OBSERVATIONS
from tools.storage.band_roles import band_of
from tools.storage.observations import Quality, quality_of
from tools.storage.observed import Observed, together
from tools.storage.rasters import open_raster, raster_info

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

UNNAMED = "band"
"""Bands that have neither role nor description are called band1, band2, …"""


@dataclass(frozen=True)
class Layer:
    """One image."""

    source: Source
    grid: GeoBox
    bands: Mapping[str, int]
    """Name in the composite → 1-based band."""
    quality: Quality | None
    classes: Mapping[str, Mapping[str, str]]
    """Name of every band of classes → value text → label."""
    observed: Observed | None = None


def shared_bands(images: Sequence[Source], asked: Sequence[str]) -> list[str]:
    """Return the names of the bands to join: those asked for, else all that the images share but quality bands.

    Raises ParameterError where the images share none, or nothing names their bands and they differ in number.
    """
    if asked:
        return list(dict.fromkeys(canonical_role(name) for name in asked))
    named = [_names(image) for image in images]
    shared = [name for name in named[0] if all(name in others for others in named[1:])]
    if not shared or (shared[0].startswith(UNNAMED) and len({len(names) for names in named}) > 1):
        listed = "; ".join(f"{image.ref!r} has {', '.join(names) or 'none'}" for image, names in zip(images[:4], named, strict=False))
        raise ParameterError(
            f"The images do not share their bands: {listed}.", hint="Name the bands of each: terracite add PATH --bands red=1,nir=2."
        )
    return shared


def layer_of(source: Source, names: Sequence[str], kept: Seen | None) -> Layer:
    """Return an image with the bands of these names; raise ParameterError for one that it does not have."""
    own = _names(source)
    bands = {name: own[name] if name in own else band_of(source, name) for name in names}
    infos = {name: raster_info(source, band) for name, band in bands.items()}
    classes = {name: info.classes for name, info in infos.items() if info.value_kind == "categorical"}
    quality = quality_of(source, {}, kept) if kept else None
    return Layer(source, infos[names[0]].grid, bands, quality, classes, together(info.observed for info in infos.values()))


def _names(source: Source) -> dict[str, int]:
    """Return name → band of every band that measures: by role, else by description, else by position."""
    with open_raster(source) as dataset:
        descriptions = dataset.descriptions
    roles = {band: role for role, band in band_roles(descriptions, source.declared.bands).items()}
    said = [canonical_role(text or "") for text in descriptions]
    own = {band: name for band, name in enumerate(said, start=1) if said.count(name) == 1}  # alike, they name none
    names = {roles.get(band) or own.get(band) or f"{UNNAMED}{band}": band for band in range(1, len(said) + 1)}
    return {name: band for name, band in names.items() if name not in (*QUALITY_ROLES, OBSERVATIONS)}
