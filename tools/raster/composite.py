"""Join several images into one, a composite or a mosaic, without clouds and shadows where a quality band tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import AfterValidator, Field, model_validator

from tools.contract import Fact, Outcome, Source, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import CrsText, Params, RasterRef

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from tools.geo.clouds import Seen
    from tools.raster.layers import Layer
    from tools.raster.stacked import Joined, Plan


def _a_day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


Day = Annotated[str, AfterValidator(_a_day)]
FILE = "composite.tif"
OBSERVATIONS = "observations"
"""Name of the extra band: how many images each pixel is made of."""
MUCH_COARSER = 1.5
"""From this ratio of pixel sizes on it is said that pixels are picked, not averaged."""


class CompositeParams(Params):
    """Join 2 or more images into one image (composite, mosaic): per pixel the median, mean, minimum or maximum of the clear values, or all bands from one image: the first, last, least cloudy, nearest to a date or greenest. Images on other grids are brought onto that of the first. Clouds and shadows are left out where the images have a band scl or qa_pixel. Tells how many clear observations there are; the result has the bands of the images and a band 'observations'."""

    rasters: list[RasterRef] = Field(min_length=2, max_length=60, description="The images, in the order that 'first' and 'last' go by.")
    method: Literal["median", "mean", "minimum", "maximum", "first", "last", "least_cloud", "nearest_date", "greenest"] = Field(
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
    dates: list[Day] = Field(default_factory=list, description="For 'nearest_date': the date of each image, YYYY-MM-DD.")
    date: Day | None = Field(default=None, description="For 'nearest_date': the date wanted.")
    like: RasterRef | None = Field(
        default=None, description="Raster whose grid to take; none = pixels of the first image, over all images."
    )
    crs: CrsText | None = Field(default=None, description="CRS of the result; none = that of the first image.")
    resolution: float | None = Field(default=None, gt=0, description="Pixel size in units of the CRS; none = that of the first image.")

    @model_validator(mode="after")
    def _fits(self) -> CompositeParams:
        wants = self.method == "nearest_date"
        if wants != bool(self.dates) or wants != (self.date is not None) or (wants and len(self.dates) != len(self.rasters)):
            raise ValueError("'nearest_date' needs 'date', and 'dates' with one date for each image; no other method takes them")
        if self.like is not None and (self.crs is not None or self.resolution is not None):
            raise ValueError("the grid is that of 'like': leave 'crs' and 'resolution' out")
        return self


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

    An image counts at a pixel with all its bands or not at all. Facts: `mean`, `min` and `max` of the observations (count, subject
    band observations), `mean` of every band, `valid_share` (% of the area with an observation); of methods that pick, the `share` of each
    image (subject image N, in the order given), and of `least_cloud` how much of each was hidden. The outcome is no coverage
    where no image has a clear pixel.
    Raises ParameterError for a band that an image does not have, classes in any method that mixes, and a method whose bands or
    mask are not there; LimitError for a composite that is too large.
    """
    from tools.raster.layers import layer_of
    from tools.raster.stacked import Plan, write_composite
    from tools.storage.cog import BandMark
    from tools.storage.limits import check_output_size
    from tools.storage.observed import together

    kept = None if params.mask == "none" else cast("Seen", params.mask)  # `resolve` settled what auto means
    layers = [layer_of(context.source(ref), params.bands, kept) for ref in params.rasters]
    _check_method(layers, params)
    grid = _grid(params, context, layers)
    check_output_size(grid, len(params.bands) + 1)
    order, hidden = _order(params, layers)
    plan = Plan([layers[number] for number in order], [number + 1 for number in order], params.bands, params.method, grid)
    seen = together(layer.observed for layer in layers)
    marks = [BandMark(name, classes=layers[0].classes.get(name, {}), observed=seen) for name in (*params.bands, OBSERVATIONS)]
    joined = write_composite(context.folder / FILE, plan, marks, context.progress)
    return _output(params, plan, joined, hidden)


def _check_method(layers: Sequence[Layer], params: CompositeParams) -> None:
    from tools.raster.compositing import PICKS

    if params.method == "least_cloud" and params.mask == "none":
        raise ParameterError(
            "How cloudy the images are is told by a band scl or qa_pixel, which not all of them have.", hint="Choose another method."
        )
    if params.method == "greenest" and not {"red", "nir"} <= set(params.bands):
        raise ParameterError(
            f"The greenest pixel is found by the bands red and nir, and the bands are: {', '.join(params.bands)}.",
            hint="Name the bands of each image: terracite add PATH --bands red=1,nir=2; or choose another method.",
        )
    for layer in layers:
        if layer.classes and params.method not in PICKS:
            raise ParameterError(
                f"The band {next(iter(layer.classes))!r} of {layer.source.ref!r} holds classes, which have no {params.method}.",
                hint="Use method 'first', or leave the band out with 'bands'.",
            )


def _grid(params: CompositeParams, context: ToolContext, layers: Sequence[Layer]) -> GeoBox:
    from pyproj import CRS

    from tools.geo.grid import grid_difference
    from tools.geo.read_grid import union_grid
    from tools.storage.rasters import raster_info

    if params.like is not None:
        return raster_info(context.source(params.like)).grid
    grids = [layer.grid for layer in layers]
    if params.crs is None and params.resolution is None and not any(grid_difference(grids[0], other) for other in grids[1:]):
        return grids[0]
    return union_grid(grids, crs=None if params.crs is None else CRS.from_user_input(params.crs), resolution=params.resolution)


def _order(params: CompositeParams, layers: Sequence[Layer]) -> tuple[list[int], list[float]]:
    """Return the images in the order in which they are picked from, and of `least_cloud` the hidden share of each, 0 to 1."""
    from tools.storage.observations import hidden_share

    numbers = list(range(len(layers)))
    if params.method == "last":
        return numbers[::-1], []
    if params.method == "nearest_date" and params.date is not None:
        wanted, days = date.fromisoformat(params.date), [date.fromisoformat(text) for text in params.dates]
        return sorted(numbers, key=lambda number: (abs((days[number] - wanted).days), number)), []
    if params.method == "least_cloud":
        hidden = [hidden_share(layer.source, layer.quality) for layer in layers if layer.quality is not None]
        return sorted(numbers, key=lambda number: (hidden[number], number)), hidden
    return numbers, []


def _output(params: CompositeParams, plan: Plan, joined: Joined, hidden: list[float]) -> ToolOutput:
    from tools.raster.output import bbox_degrees, size_facts, weighting

    seen, share = joined.observations, Fact("valid_share", joined.valid_share, "%")
    counted = {"band": OBSERVATIONS}
    observed = (
        Fact("count", len(plan.layers), "count", {"of": "images"}),
        Fact("mean", seen.mean, "count", counted),
        Fact("min", seen.minimum, "count", counted),
        Fact("max", seen.maximum, "count", counted),
        *(Fact("share", 100 * part, "%", {"image": str(number), "of": "hidden by the mask"}) for number, part in enumerate(hidden, 1)),
    )
    valid = joined.valid_share > 0
    return ToolOutput(
        summary=f"Joined {len(plan.layers)} images by {params.method} of what each pixel has."
        if valid
        else "No image has a clear pixel with data.",
        facts=(*observed, *joined.facts(params.bands), share, *size_facts(plan.grid)) if valid else (share,),
        outcome=Outcome.VALUE if valid else Outcome.NO_COVERAGE,
        files=(FILE,),
        kind="raster",
        warnings=_warnings(params, plan, joined),
        method={**_method(params, plan), **weighting(seen)},
        bbox=bbox_degrees(plan.grid),
    )


def _method(params: CompositeParams, plan: Plan) -> dict[str, Any]:
    from tools.geo.grid import crs_of, shares_pixels

    quality = plan.layers[0].quality
    images = zip(plan.positions, plan.layers, strict=True)
    moved = sorted(number for number, layer in images if not shares_pixels(plan.grid, layer.grid))
    return {
        "method": params.method,
        "bands": params.bands,
        "mask": quality.text if quality else "none",
        "observation": "an image counts at a pixel with all its bands or not at all",
        "grid": {"crs": crs_of(plan.grid).name, "resolution": abs(float(plan.grid.resolution.x)), "shape": list(plan.grid.shape)},
        "images on other pixels": moved,
        "resampling": "nearest, so that no hidden pixel enters a clear one" if moved else "none, the pixels coincide",
    }


def _warnings(params: CompositeParams, plan: Plan, joined: Joined) -> tuple[str, ...]:
    from tools.storage.warping import Onto

    found = [] if params.mask != "none" else ["No quality band was used: clouds and shadows count like clear pixels."]
    if 0 < joined.valid_share < 100:
        found.append(f"{100 - joined.valid_share:.2f} % of the area has no observation and is nodata.")
    if any(min(Onto.between(layer.grid, plan.grid).scale) < 1 / MUCH_COARSER for layer in plan.layers):
        found.append(
            "Pixels are coarser than those of an image: each takes the nearest one of it, not their average; average with reproject first."
        )
    return tuple(found)


TOOL = Tool("composite", CompositeParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "numpy", "shapely"), resolve=resolve)
