"""How people ask for something to be made: exports, simpler or new shapes, joins, contours, values at points, extremes."""

from __future__ import annotations

import re
from collections.abc import Mapping

N = r"(?P<n>\d+(?:[.,]\d+)*) ?(?P<unit>m|km|ft|mi|metres?|meters?|kilometres?|kilometers?|feet|foot|miles?)?(?!\w)"
_CRS = r"(?P<crs>EPSG:\s?\d+|WGS ?84|web mercator|UTM(?: zone)? \d{1,2} ?[NS]?)"
_FORMAT = r"(?P<format>geo ?packages?|gpkg|geo ?json|shape ?files?|shp|flat ?geo ?buf|fgb|geo ?parquet|parquet|kml|csv|cog|cloud[- ]optimi[sz]ed geotiff|geo ?tiff?|tif)"
_MAKE = r"(?:(?:make|draw|create|compute|calculate|build|derive|get|show|give|find|generate|construct|produce|what (?:is|are))(?: me)? )?(?:the |an? )?"
_EACH = r"(?P<all>all (?:of )?(?:the )?)?(?:each (?:of (?:the )?)?|every |the )?"
_HIGH = r"highest|deepest|warmest|hottest|wettest|largest|greatest|steepest|maximum"
_LOW = r"lowest|shallowest|coldest|driest|smallest|least|flattest|minimum"
_STAT = r"(?:(?P<stat>mean|average|median|highest|lowest|maximum|minimum|max|min) )?"

VERBS = r"export|save|write|convert|download|store|clean|repair|fix|tidy|simplify|generali[sz]e|buffer|dissolve|reproject|transform|join|draw contours|make contours|contour"
"""Words that open a further task behind `and` or `then`."""

FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (verb, re.compile(rf"^(?:{pattern})$", re.IGNORECASE))
    for verb, pattern in (
        ("export", rf"(?:export|save|write|convert|download|store|give me|provide|turn) (?:the )?(?P<what>.+?) (?:as|to|into|in) (?:an? )?{_FORMAT}(?: file| format)?(?: (?:in|with|using|projected to) {_CRS})?"),
        ("export", r"export (?:the )?(?P<what>.+)"),
        ("clean", r"(?:clean(?: up)?|repair|fix|tidy(?: up)?|sanit[iy]se) (?:the )?(?:(?:invalid )?(?:geometr(?:y|ies)|shapes|polygons|errors|problems) (?:of|in) (?:the )?)?(?P<what>.+)"),
        ("clean", r"remove (?:the )?(?:duplicates?|duplicate features|slivers?|empty geometries)(?: (?:and|or) (?:duplicates?|slivers?|empty geometries))* (?:from|in|of) (?:the )?(?P<what>.+)"),
        ("simplify", rf"(?:simplify|generali[sz]e) (?:the )?(?P<what>.+?)(?: (?:to|with|by|at|using)(?: an?)?(?: tolerance(?: of)?)? {N}(?: tolerance)?)?"),
        ("buffer", rf"buffer (?:the )?(?P<what>.+?) (?:by|with|to|at)(?: a distance of)? {N}"),
        ("buffer", rf"{_MAKE}(?:buffers?|zones?) of {N} (?:around|about|of) {_EACH}(?P<what>.+)"),
        ("buffer", rf"{_MAKE}{N}[- ]buffers? (?:around|of|about) {_EACH}(?P<what>.+)"),
        ("dissolve", r"(?:dissolve|merge|aggregate) (?:the )?(?P<what>.+?) (?:by|on|per|to) (?:their |its |the )?(?P<column>[^,;]+?)"),
        ("reproject", rf"(?:reproject|project|transform|convert|warp) (?:the )?(?P<what>.+?) (?:in)?to {_CRS}"),
        ("contour", rf"{_MAKE}(?:elevation |height )?contours?(?: lines?)?(?: (?:of|for|from) (?:the )?(?P<what>.+?))?(?: (?:every|each|at|with)(?: an?| intervals? of| an interval of| every)? {N}(?: intervals?| steps?)?)?"),
        ("contour", rf"{_MAKE}(?:elevation |height )?contours?(?: lines?)? (?:every|each|at|with)(?: an?| intervals? of| an interval of| every)? {N}(?: intervals?| steps?)? (?:of|for|from|on) (?:the )?(?P<what>.+?)"),
        ("contour", rf"{_MAKE}{N} contours?(?: lines?)?(?: (?:of|for|from) (?:the )?(?P<what>.+?))?"),
        ("voronoi", rf"{_MAKE}(?:thiessen|voronoi)(?: polygons?| cells?| diagrams?| zones?)? (?:of|for|around|from) {_EACH}(?P<what>.+?)(?: (?:clipped|cut|limited|restricted) (?:to|by) (?:the )?(?P<within>.+?))?"),
        ("shape", rf"{_MAKE}(?:area of (?:the )?)?(?P<shape>convex hulls?|concave hulls?|centroids?|points? on (?:the )?surface|envelopes?|(?:smallest|minimum)(?: bounding| enclosing)? circles?|boundar(?:y|ies) lines?) (?:of|around|for|about) {_EACH}(?P<what>.+)"),
        ("explode", r"(?:explode|split) (?:the )?(?P<what>.+?)(?: into (?:their )?(?:single |simple |separate )?parts?)"),
        ("thiessen", r"(?:(?:what (?:is|are)|show|give|compute|calculate|estimate)(?: me)? )?(?:the )?(?:areal |area[- ]weighted )?(?P<stat>mean |average )?(?P<column>.+?) (?:of|in|for|by|per|over) (?:each |every |all )?(?:the )?(?P<zones>.+?) (?:by|using|with|from|through) (?:the )?(?:thiessen|voronoi)(?: polygons?| cells?| methods?| weights?| weighting)*(?: (?:of|around|from|for) (?:the )?(?P<what>.+))?"),
        ("join", r"(?:join|link|attach) (?:the )?(?:table |layer |file |columns of (?:the )?)?(?P<a>.+?) (?:to|with|onto|and) (?:the )?(?P<b>.+?)(?: (?:by|on|using|via|over)(?: the| their)?(?: column| key)? (?P<key>\w+))?(?:(?:,|;|\.|:)? ?(?:and |then |, )*(?:(?:show|give|tell|report|compute|calculate|list|what (?:is|are)|sum|find)(?: me| up)? )*(?:the )?(?P<stat>total|sum of|overall|mean|average) (?:of )?(?:the )?(?P<column>[^,;]+?)(?: (?:by|per|for each|of each|in each|for every|of every) (?P<group>.+?))?)?"),
        ("extremes", rf"where (?:is|are|was|lies)(?: the)? (?:(?P<up>{_HIGH})|{_LOW}) (?:(?:point|place|spot|pixel|ground|part|value)s? (?:of|in|on) )?(?:the )?(?P<what>.+)"),
        ("extremes", rf"where (?:is|are|was|lies)(?: the)? (?:(?P<up>{_HIGH})|{_LOW}) (?:point|place|spot|ground|elevation)"),
        ("extremes", rf"where (?:is|are|was)(?: the)? (?P<what>.+?) (?:the )?(?:(?P<up>{_HIGH})|{_LOW})"),
        ("extremes", rf"what (?:is|are|was) the (?:(?P<up>{_HIGH})|{_LOW}) (?:point|place|spot|pixel)s? (?:of|in|on) (?:the )?(?P<what>.+)"),
        ("histogram", rf"{_MAKE}(?:(?P<sure>histogram)|(?:frequency )?distribution) of (?:the )?(?:values of (?:the )?)?(?P<what>.+?)(?: (?:in|with|using) (?P<n>\d+) (?:bins|classes|intervals))?"),
        ("ranked", rf"(?:which|what) (?P<points>.+?) (?:has|have|is|are|lies|lie|stands?|sits?)(?: at| on)? (?:the )?(?:(?P<up>{_HIGH})|{_LOW})(?: (?:mean )?(?P<raster>.+))?"),
        ("sample", rf"(?:what|which) (?:is|are|was|were) (?:the )?{_STAT}(?P<raster>.+?) (?:at|under|beneath) {_EACH}(?P<points>.+)"),
        ("sample", rf"(?:what|which) (?P<raster>.+?) (?:is|are|lies|lie) (?:at|under|beneath) {_EACH}(?P<points>.+)"),
        ("sample", rf"(?:read|sample|extract|get|list|tell me|show|give)(?: me)? (?:the )?{_STAT}(?P<raster>.+?) (?:at|under|beneath|for) {_EACH}(?P<points>.+)"),
        ("sample", rf"how high(?: above sea level)? (?:is|are|lies?|lie) {_EACH}(?P<points>.+?)(?: above sea level)?"),
    )
)  # fmt: skip
"""What is asked for → how; the first that fits and whose names are known counts."""

SHAPES: Mapping[str, str] = {
    "convex": "convex_hull", "concave": "concave_hull", "centroid": "centroid", "point": "point_on_surface", "envelope": "envelope",
    "smallest": "minimum_circle", "minimum": "minimum_circle", "boundar": "boundary",
}  # fmt: skip
"""Beginning of the words for a shape → operation of `shapes`."""

FORMATS: Mapping[str, str] = {
    "geopackage": "gpkg", "gpkg": "gpkg", "geojson": "geojson", "shapefile": "shapefile", "shp": "shapefile", "flatgeobuf": "flatgeobuf",
    "fgb": "flatgeobuf", "geoparquet": "geoparquet", "parquet": "geoparquet", "kml": "kml", "csv": "csv", "cog": "cog",
    "cloudoptimizedgeotiff": "cog", "cloudoptimisedgeotiff": "cog", "geotiff": "geotiff", "geotif": "geotiff", "tif": "geotiff",
}  # fmt: skip
"""Word for a format, without blanks, hyphens and plural → format of `export`."""

PRONOUNS = frozenset("it that this them these those result results answer layer".split())
"""Words for what was made before."""
