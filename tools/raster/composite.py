"""Join several images of a place into one, without clouds and shadows where a quality band tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from tools.contract import Fact, Outcome, Source, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import Params, RasterRef

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from tools.geo.clouds import Seen
    from tools.raster.layers import Layer
    from tools.raster.stacked import Joined

FILE = "composite.tif"
OBSERVATIONS = "observations"
"""Name of the extra band: how many images each pixel is made of."""


class CompositeParams(Params):
    """Join 2 or more images of one place (same grid) into one image, pixel by pixel: the median, mean, minimum, maximum or first clear value of every band. Clouds and shadows are left out where the images have a band scl or qa_pixel. Tells how many clear observations there are; the result has the bands of the images and a band 'observations'."""

    rasters: list[RasterRef] = Field(min_length=2, max_length=60, description="The images, in the order that 'first' goes by.")
    method: Literal["median", "mean", "minimum", "maximum", "first"] = Field(
        default="median", description="How the clear values of a pixel become one; 'median' is robust against clouds that were missed."
    )
    bands: list[str] = Field(
        default_factory=list,
        description="Roles or names of the bands to join, e.g. ['red', 'nir']; default: all measured bands they share.",
    )
    mask: Literal["auto", "none", "clear", "clear_land", "clear_water"] = Field(
        default="auto",
        description="Which pixels count, told by the band scl or qa_pixel of every image. 'auto': 'clear' where all images have one, else 'none'. 'clear': no cloud, shadow or cirrus; 'clear_land': of these vegetation and bare ground; 'clear_water': of these water.",
    )


def resolve(params: CompositeParams, sources: Mapping[str, Source]) -> CompositeParams:
    """Settle bands and mask, so that the key holds what is really done; raise ParameterError where the images do not fit together."""
    from tools.raster.layers import shared_bands
    from tools.storage.observations import find_quality

    images = [sources[ref] for ref in params.rasters]
    has_quality = all(find_quality(image, {}) for image in images)
    mask = params.mask if params.mask != "auto" else "clear" if has_quality else "none"
    return params.model_copy(update={"bands": shared_bands(images, params.bands), "mask": mask})


def run(params: CompositeParams, context: ToolContext) -> ToolOutput:
    """Write the bands as float32 with NaN for nodata, and the band `observations`.

    An image counts at a pixel with all its bands or not at all. Facts: `mean` and `min` of the observations (count, subject
    band observations), `mean` of every band, `valid_share` (% of the area with an observation). The outcome is no coverage
    where no image has a clear pixel.
    Raises ParameterError for different grids, a band that an image does not have, and classes in any method but `first`.
    """
    from tools.raster.layers import layer_of
    from tools.raster.output import check_same_grid
    from tools.raster.stacked import join_strips
    from tools.storage.cog import BandMark, write_cog
    from tools.storage.limits import check_output_size

    kept = None if params.mask == "none" else cast("Seen", params.mask)  # `resolve` settled what auto means
    layers = [layer_of(context.source(ref), params.bands, kept) for ref in params.rasters]
    check_same_grid({layer.source.ref: layer.grid for layer in layers})
    grid = layers[0].grid
    check_output_size(grid, len(params.bands) + 1)
    _check_kinds(layers, params)
    joined = join_strips(layers, params.method, context.progress)
    marks = [BandMark(name, classes=layers[0].classes.get(name, {})) for name in (*params.bands, OBSERVATIONS)]
    write_cog(context.folder / FILE, joined.bands, grid, marks, nodata=float("nan"))
    return _output(params, layers, joined, grid)


def _check_kinds(layers: Sequence[Layer], params: CompositeParams) -> None:
    if params.method == "first":
        return
    for layer in layers:
        if layer.classes:
            raise ParameterError(
                f"The band {next(iter(layer.classes))!r} of {layer.source.ref!r} holds classes, which have no {params.method}.",
                hint="Use method 'first', or leave the band out with 'bands'.",
            )


def _output(params: CompositeParams, layers: Sequence[Layer], joined: Joined, grid: GeoBox) -> ToolOutput:
    from tools.raster.output import bbox_degrees, weighting

    seen, share = joined.observations, Fact("valid_share", joined.valid_share, "%")
    counted = {"band": OBSERVATIONS}
    observed = (
        Fact("mean", seen.mean, "count", counted),
        Fact("min", seen.minimum, "count", counted),
        Fact("max", seen.maximum, "count", counted),
    )
    valid = joined.valid_share > 0
    quality = layers[0].quality
    return ToolOutput(
        summary=f"Joined {len(layers)} images by {params.method} of what each pixel has."
        if valid
        else "No image has a clear pixel with data.",
        facts=(Fact("count", len(layers), "count", {"of": "images"}), *observed, *joined.facts(params.bands), share) if valid else (share,),
        outcome=Outcome.VALUE if valid else Outcome.NO_COVERAGE,
        files=(FILE,),
        kind="raster",
        warnings=_warnings(params, joined),
        method={
            "method": params.method,
            "bands": params.bands,
            "mask": quality.text if quality else "none",
            "observation": "an image counts at a pixel with all its bands or not at all",
            **weighting(seen),
        },
        bbox=bbox_degrees(grid),
    )


def _warnings(params: CompositeParams, joined: Joined) -> tuple[str, ...]:
    found = [] if params.mask != "none" else ["No quality band was used: clouds and shadows count like clear pixels."]
    if 0 < joined.valid_share < 100:
        found.append(f"{100 - joined.valid_share:.2f} % of the area has no observation and is nodata.")
    return tuple(found)


TOOL = Tool("composite", CompositeParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "numpy"), resolve=resolve)
