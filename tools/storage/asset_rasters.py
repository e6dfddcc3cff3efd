"""Assets and registered rasters alike, opened for reading: where their pixels are and how each band is to be understood.

The file's own nodata, scale and offset win; the catalogue's are used where the file says nothing; known products fill in what
both leave out. What disagrees, and what was assumed, is said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tools.contract import Source
from tools.errors import DataError
from tools.geo.roles import ALIASES, QUALITY_ROLES, band_roles
from tools.storage.class_labels import class_labels
from tools.storage.declared import check_located
from tools.storage.http import Remote
from tools.storage.item_assets import BandSpec, band_specs, plain_name
from tools.storage.ranges import WHOLE_BYTES, Budget, Pin, RemoteFile
from tools.storage.rasters import ValueKind, crs_of, open_raster, value_kind
from tools.storage.remote_rasters import open_remote

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox
    from rasterio.io import DatasetReader

RAW_TYPES = ("int16", "uint16", "int32", "uint32")
"""Types in which reflectance and the like are stored scaled; bytes are pictures."""
MOSTLY = 0.9
"""Share of a file from which on it is taken whole, so that its checksum can be verified."""


@dataclass(frozen=True)
class AssetBand:
    """One band of a file and how its stored values are read."""

    index: int
    """1-based."""
    name: str
    dtype: str
    scale: float
    offset: float
    """True value = stored value * scale + offset."""
    nodata: float | None
    """In stored values."""
    unit: str
    classes: Mapping[int, str]
    kind: ValueKind
    """Categorical are classes and codes; unknown are whole numbers of which nobody says what they are."""

    @property
    def is_scaled(self) -> bool:
        """Whether stored and true values differ."""
        return (self.scale, self.offset) != (1.0, 0.0)


@dataclass(frozen=True)
class AssetInfo:
    """What a file is."""

    grid: GeoBox
    bands: tuple[AssetBand, ...]
    """Those that are meant: all of the file, or one."""
    overviews: tuple[int, ...]
    """How much coarser each overview is, finest first."""
    warnings: tuple[str, ...]


class Fetcher:
    """Opens the files of one tool call, local and remote, within one budget of bytes; `alive` as in `Budget`."""

    def __init__(self, remote: Remote, limit: int, alive: Callable[[], None]) -> None:
        self.budget = Budget(limit, alive=alive)
        self._remote = remote
        self._files: dict[str, RemoteFile] = {}

    @contextmanager
    def opened(self, source: Source, overview: int | None = None) -> Iterator[DatasetReader]:
        """Open a file, or an overview (from 0) of a remote one; its place on the ground is known.

        Raises what `open_raster` and `open_remote` raise, and MissingCrsError.
        """
        if source.url is None:
            with open_raster(source) as dataset:
                yield dataset
            return
        with open_remote(self.file(source), overview) as dataset:
            check_located(dataset, Path(urlsplit(source.url).path))
            yield dataset

    def file(self, source: Source) -> RemoteFile:
        """Return the remote file of a source; what was read of its header is kept for the next time."""
        from tools.storage.signing import signer_for

        url = source.url or ""
        if url not in self._files:
            pin = Pin(**source.item.get("pin", {}))
            self._files[url] = RemoteFile(self._remote, url, self.budget, pin=pin, signer=signer_for(url))
        return self._files[url]

    def take_whole(self, source: Source, wanted: int) -> None:
        """Fetch a remote file whole, and verify its checksum, where `wanted` bytes are nearly all of it."""
        file = self.file(source)
        if source.item["pin"]["checksum"] and wanted >= MOSTLY * file.size and file.size <= WHOLE_BYTES:
            file.fetch_whole()


def asset_info(dataset: DatasetReader, source: Source) -> AssetInfo:
    """Return what an opened file is; raise DataError where it does not have the band that is meant."""
    from odc.geo.geobox import GeoBox

    named = _names(dataset, source)
    specs = band_specs(source.item, source.item["asset"]) if source.kind == "asset" else ()
    chosen = [index for index, name in enumerate(named, start=1) if _is_meant(dataset, source, index, name, len(specs))]
    if not chosen:
        raise DataError(
            f"The file has {dataset.count} band(s), and none is {source.layer!r}, though its catalogue says so.",
            hint="Name the file by its own key instead of the band's role.",
        )
    warnings: list[str] = []
    bands = []
    for index in chosen:
        spec = specs[index - 1] if index <= len(specs) else BandSpec(named[index - 1])
        bands.append(_band(dataset, source, index, spec if specs else BandSpec(named[index - 1]), warnings))
    raw = ", ".join(band.name for band in bands if band.name in ALIASES and not band.is_scaled and band.dtype in RAW_TYPES)
    if raw and source.kind == "asset":
        warnings.append(f"Neither file nor catalogue says how the whole numbers of {raw} become true values; they are left as they are.")
    return AssetInfo(
        grid=GeoBox(dataset.shape, dataset.transform, crs_of(dataset)),
        bands=tuple(bands),
        overviews=tuple(dataset.overviews(1)),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _is_meant(dataset: DatasetReader, source: Source, index: int, name: str, described: int) -> bool:
    """Tell whether a band is read: the one that is named, or all but an alpha band that is only a mask."""
    if source.kind == "asset" and source.layer is not None:
        return name == source.layer
    is_alpha = dataset.colorinterp[index - 1].name == "alpha" and dataset.nodatavals[index - 1] is None
    return dataset.count == 1 or not is_alpha or index <= described or index in source.declared.bands.values()


def _names(dataset: DatasetReader, source: Source) -> list[str]:
    """Return a name per band: the catalogue's of an asset; else role, description, or its number.

    Never the name of the dataset: equal inputs give equal bytes, whatever they are called.
    """
    if source.kind == "asset":
        key = source.item["asset"]
        names = [spec.name for spec in band_specs(source.item, key)]
        return names[: dataset.count] + [f"{plain_name(key)}_{index}" for index in range(len(names) + 1, dataset.count + 1)]
    roles = {band: role for role, band in band_roles(dataset.descriptions, source.declared.bands).items()}
    return [
        roles.get(index) or (plain_name(description) if description else f"band_{index}")
        for index, description in enumerate(dataset.descriptions, start=1)
    ]


def _band(dataset: DatasetReader, source: Source, index: int, spec: BandSpec, warnings: list[str]) -> AssetBand:
    dtype = dataset.dtypes[index - 1]
    classes = {int(value): label for value, label in class_labels(dataset, index, source).items() if re.fullmatch("-?[0-9]{1,18}", value)}
    kind = value_kind(dataset, index, source)
    is_quality = spec.is_quality or spec.name in QUALITY_ROLES
    scale, offset = (1.0, 0.0) if is_quality else _scaling(dataset, index, spec, warnings)
    if is_quality:
        kind = "categorical"
    elif kind == "unknown" and (spec.name in ALIASES or (scale, offset) != (1.0, 0.0)):
        kind = "continuous"
    return AssetBand(
        index=index,
        name=spec.name,
        dtype=dtype,
        scale=scale,
        offset=offset,
        nodata=_nodata(dataset, index, spec, warnings),
        unit=source.declared.unit or dataset.units[index - 1] or spec.unit,
        classes=classes or spec.classes,
        kind=kind,
    )


def _scaling(dataset: DatasetReader, index: int, spec: BandSpec, warnings: list[str]) -> tuple[float, float]:
    """Return scale and offset: the file's own, else the catalogue's."""
    own = (float(dataset.scales[index - 1]), float(dataset.offsets[index - 1]))
    said = None if spec.scale is None and spec.offset is None else (spec.scale or 1.0, spec.offset or 0.0)
    if own != (1.0, 0.0):
        if said is not None and not all(math.isclose(one, other, abs_tol=1e-12) for one, other in zip(own, said, strict=True)):
            warnings.append(
                f"For {spec.name} the file states scale {own[0]:g} and offset {own[1]:g}, its catalogue {said[0]:g} and {said[1]:g}; "
                "the file's were used."
            )
        return own
    if spec.note:
        warnings.append(spec.note)
    return said or own


def _nodata(dataset: DatasetReader, index: int, spec: BandSpec, warnings: list[str]) -> float | None:
    """Return the value for nodata: the file's own, else the catalogue's where the band's type can hold it."""
    own = dataset.nodatavals[index - 1]
    if own is not None:
        if spec.nodata is not None and not (own == spec.nodata or (math.isnan(own) and math.isnan(spec.nodata))):
            warnings.append(f"For {spec.name} the file states nodata {own:g}, its catalogue {spec.nodata:g}; the file's was used.")
        return float(own)
    if spec.nodata is None:
        return None
    from rasterio.dtypes import in_dtype_range

    if in_dtype_range(spec.nodata, dataset.dtypes[index - 1]):
        return spec.nodata
    return None
