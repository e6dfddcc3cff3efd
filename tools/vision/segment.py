"""Divide a raster into classes: by a registered network, or by an index and a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from tools.contract import Needs, Source, Tool, ToolContext, ToolOutput
from tools.geotypes import BandRoles, IndexName, NetworkRef, Params, PixelMask, RasterRef

if TYPE_CHECKING:
    from tools.vision.classes import Segmentation

DEFAULT_INDEX: IndexName = "MNDWI"


class SegmentParams(Params):
    """Divide a scene into classes and tell the area and share of each: by a registered network where one fits the bands and the resolution, else by an index above a threshold (default: water, MNDWI above 0). The class raster can be used in zonal_stats, change and render_map."""

    raster: RasterRef
    network: NetworkRef | None = Field(default=None, description="A registered network; none: by an index.")
    index: IndexName | None = Field(
        default=None, description="Without a network: the index, default MNDWI (water). NDVI: vegetation, NDSI: snow, NDBI: built-up."
    )
    threshold: float = Field(default=0.0, description="Without a network: the class is where the index is greater than this.")
    bands: BandRoles = Field(default_factory=dict)
    mask: PixelMask = "none"

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if self.network is not None and (self.index is not None or self.threshold != 0):
            raise ValueError("'index' and 'threshold' are for calls without a 'network'; give either")
        return self


def resolve(params: SegmentParams, sources: Mapping[str, Source]) -> SegmentParams:
    """Settle index and bands, so that the key holds what is really done; raise ParameterError for a role that no band has."""
    from tools.geo.indices import INDICES
    from tools.storage.band_roles import bands_of
    from tools.storage.networks import read_card
    from tools.storage.observations import quality_of

    raster = sources[params.raster]
    index = None if params.network else params.index or DEFAULT_INDEX
    roles = INDICES[index].roles if index else read_card(sources[params.network or ""].path).bands
    bands = bands_of(raster, roles, params.bands)
    if params.mask != "none":
        quality = quality_of(raster, params.bands, params.mask)
        bands[quality.role] = quality.band
    return params.model_copy(update={"index": index, "bands": bands})


def needs(params: SegmentParams) -> Needs:
    """Return what a call needs beside the libraries of all: with a network torch and a device, by an index nothing."""
    from tools.vision.device import network_needs

    return network_needs() if params.network else Needs()


def run(params: SegmentParams, context: ToolContext) -> ToolOutput:
    """Write the class raster; see `tools.vision.classes.finished` for facts and outcomes.

    Raises ParameterError where raster and network or index do not fit, DataError where the network is not as its card says,
    LimitError for a raster that is too large, ConfigurationError where the device of the key is not there.
    """
    from tools.storage.limits import check_output_size
    from tools.storage.rasters import raster_info
    from tools.vision.classes import finished

    grid = raster_info(context.source(params.raster)).grid
    check_output_size(grid)
    return finished(_found(params, context), grid, context)


def _found(params: SegmentParams, context: ToolContext) -> Segmentation:
    from tools.storage.observations import quality_of

    raster = context.source(params.raster)
    quality = None if params.mask == "none" else quality_of(raster, params.bands, params.mask)
    if params.network is None:
        from tools.geo.indices import INDICES
        from tools.vision.by_index import Rule, segment_by_index

        name = params.index or DEFAULT_INDEX
        bands = {role: params.bands[role] for role in INDICES[name].roles}
        return segment_by_index(raster, Rule(name, params.threshold, bands, quality), context.progress)
    from tools.vision.by_network import segment_by_network

    network = context.source(params.network)
    return segment_by_network(raster, network, bands=params.bands, quality=quality, progress=context.progress)


TOOL = Tool("segment", SegmentParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "numpy"), resolve=resolve, needs=needs)
