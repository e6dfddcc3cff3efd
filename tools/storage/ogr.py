"""Read layers through GDAL: checked files only, by the one driver that the suffix names, and nothing written beside them.

GDAL is given a file after its first bytes, its headers and its own code were looked at here. pyogrio names no driver when
it opens; the drivers that are left in this process are few (see `bootstrap`), and one that does not belong to the suffix
is refused before a feature is read.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import DataError, LimitError, TerraciteError
from tools.settings import current_settings
from tools.storage import formats, kml
from tools.storage.bootstrap import bootstrap
from tools.storage.crs import check_crs_text

if TYPE_CHECKING:
    import pandas

MOST_LAYERS = 1_000
LEAST_FEATURE_BYTES = 12
"""Of a FlatGeobuf: its length, and an empty table of flatbuffers."""
LONGEST_REASON = 200
"""Characters of a reader's own words; some of them quote the file."""
EXACT = 2**53
"""Above it not every whole number is a real number."""
CELL_BYTES = 8
"""What a cell takes in memory at least."""


@dataclass(frozen=True)
class Checked:
    """A file that GDAL may open."""

    path: Path
    form: Path | bytes
    """The file, or an image of it in memory."""
    most: tuple[int, int] | None = None
    """Features and columns cannot be more, where that is known before GDAL looks."""
    options: dict[str, str] = field(default_factory=dict)
    """GDAL's open options."""
    encoding: str | None = None
    """Of the texts, where the file does not state it."""


def checked(path: Path) -> Checked:
    """Check the content of a real file before any driver sees it; raise DataError or LimitError.

    What is refused: other first bytes than the suffix's, headers that do not fit the file, code in a GeoPackage, JSON that
    is too deep or names a CRS by address, KML that is more than a file.
    """
    suffix = path.suffix.lower()
    if suffix == ".gpkg":
        from tools.storage.geopackage import readable_form
        from tools.storage.sqlite_log import keeps_log

        form = readable_form(path)
        return Checked(path, form, options={"IMMUTABLE": "YES"} if isinstance(form, Path) and keeps_log(form) else {})
    if suffix in (".shp", ".dbf"):
        from tools.storage.shapefile import check_shapefile, guessed_encoding

        check_shapefile(path)
        return Checked(path, path, encoding=guessed_encoding(path))
    if suffix in formats.JSON:
        from tools.storage.json_text import check_json

        return Checked(path, path, most=check_json(path))
    if suffix == ".fgb":
        _check_flatgeobuf(path)
    elif suffix == ".kml":
        kml.check_kml(path)
    return Checked(path, path)


def _check_flatgeobuf(path: Path) -> None:
    """Check the length of the header, and its texts: magic of 8 bytes, length, header (https://flatgeobuf.org, "Specification")."""
    limit = current_settings().max_header_bytes
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(12)[8:], "little")
        if length > path.stat().st_size:
            raise DataError(f"The FlatGeobuf {path.name!r} is cut short.", hint="Fetch or export it again.")
        if length > limit:
            raise LimitError(
                f"The header of {path.name!r} has {length:,} bytes, more than {limit:,}.",
                hint="Export the columns that are needed, or raise TERRACITE_MAX_HEADER_BYTES.",
            )
        check_crs_text(repr(path.name), stream.read(length).decode("latin-1"))


def layer_names(file: Checked) -> tuple[str, ...]:
    """Return the layers in the order of the file; raise LimitError for more than MOST_LAYERS."""
    from pyogrio.errors import DataLayerError

    names: list[str] = []
    while len(names) <= MOST_LAYERS:
        try:
            names.append(str(_info(file, len(names))["layer_name"]))
        except DataLayerError:
            return tuple(names)
    raise LimitError(f"The file {file.path.name!r} holds more than {MOST_LAYERS:,} layers.", hint="Export the layers that are needed.")


def read_layer(file: Checked, layer: str | None) -> pandas.DataFrame:
    """Read a layer; raise LimitError for more columns or cells than the settings allow.

    Of more features than the setting `max_features` one too many is returned, so that the caller notices.
    """
    import pyogrio

    settings = current_settings()
    if file.most is None or not _surely_fits(*file.most):
        info = _info(file, layer, force_feature_count=True)
        features = _features(file, int(info["features"]), settings.max_features + 1)
        _check_size(file, len(info["fields"]), features)
    else:
        features, _ = file.most
    # pyogrio makes room for so many features, in every column, before it reads the first.
    room = min(features, settings.max_features + 1)
    given = {"layer": layer, "max_features": room or None, "encoding": file.encoding, **file.options}
    frame = _with_exact_integers(pyogrio.read_dataframe(file.form, **given), file, given)
    return kml.without_defaults(frame) if file.path.suffix.lower() == ".kml" else frame


def _with_exact_integers(frame: pandas.DataFrame, file: Checked, given: Mapping[str, Any]) -> pandas.DataFrame:
    """Let whole numbers that a gap in their column made reals, and that a real cannot hold, be text: they are codes."""
    import pyogrio

    large = [name for name, column in frame.items() if column.dtype.kind == "f" and (column.abs() >= EXACT).any()]
    if not large:
        return frame
    info = _info(file, given["layer"])
    whole = {name for name, kind in zip(info["fields"], info["ogr_types"], strict=True) if kind == "OFTInteger64"}
    exact = [name for name in large if name in whole]
    if not exact:
        return frame
    _, table = pyogrio.read_arrow(file.form, columns=exact, read_geometry=False, **given)
    return frame.assign(**{str(name): table.column(name).cast("string").to_pandas().to_numpy() for name in exact})


def tags(file: Checked, layer: str | None) -> dict[str, str]:
    """Return the metadata of the file and the layer."""
    info = _info(file, layer)
    return {**(info.get("dataset_metadata") or {}), **(info.get("layer_metadata") or {})}


def _info(file: Checked, layer: str | int | None, *, force_feature_count: bool = False) -> dict[str, Any]:
    """Return what GDAL says of a layer; raise DataError where another driver than the suffix's says it."""
    import pyogrio

    info: dict[str, Any] = pyogrio.read_info(file.form, layer=layer, force_feature_count=force_feature_count, **file.options)
    form = formats.BY_SUFFIX[file.path.suffix.lower()]
    if info["driver"] not in form.drivers:
        raise DataError(
            f"The file {file.path.name!r} is not what its name says: it is of the format {info['driver']}.",
            hint="Give it the suffix of its format.",
        )
    return info


def _features(file: Checked, stated: int, most: int) -> int:
    """Return how many features there are, or `most`; raise DataError where a FlatGeobuf states more than its bytes can be."""
    if file.path.suffix.lower() == ".fgb" and stated * LEAST_FEATURE_BYTES > file.path.stat().st_size:
        raise DataError(
            f"The layer {file.path.name!r} states {stated:,} features, which do not fit into it.", hint="Fetch or export it again."
        )
    return most if stated < 0 else min(stated, most)


def _surely_fits(features: int, columns: int) -> bool:
    """Tell whether so many features and columns reach no limit, so that GDAL need not look at the layer twice."""
    settings = current_settings()
    return columns <= settings.max_columns and CELL_BYTES * features * columns <= settings.max_unpacked_bytes


def _check_size(file: Checked, columns: int, features: int) -> None:
    """Compare columns, and the memory of all cells, with the limits."""
    settings, name = current_settings(), file.path.name
    if columns > settings.max_columns:
        raise LimitError(
            f"The layer {name!r} has {columns:,} columns, more than {settings.max_columns:,}.",
            hint="Export the columns that are needed, or raise TERRACITE_MAX_COLUMNS.",
        )
    if CELL_BYTES * columns * features > settings.max_unpacked_bytes:
        raise LimitError(
            f"The layer {name!r} has {features:,} features of {columns:,} columns, more than {settings.max_unpacked_bytes:,} bytes.",
            hint="Export the columns that are needed, or raise TERRACITE_MAX_UNPACKED_BYTES.",
        )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what the readers raise for a broken file into DataError; their warnings concern storage, not values."""
    bootstrap()
    import pyarrow
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
    from pyproj.exceptions import ProjError
    from shapely.errors import ShapelyError

    named = (DataSourceError, DataLayerError, FeatureError, FieldError, GeometryError, ProjError, ShapelyError, pyarrow.ArrowException)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except TerraciteError:
        raise
    # The plain ones come from geopandas, pandas, pyogrio and pyarrow, which trust a file's metadata: `geo` that is a list, a
    # footer of no layers, a year of 40000.
    except (
        *named,
        ArithmeticError,
        AttributeError,
        LookupError,
        NotImplementedError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        reason = str(error).partition(";")[0].replace(f"'{path}'", "it is").replace(str(path), path.name).strip().removesuffix(".")
        raise DataError(
            f"The file {path.name!r} cannot be read ({reason[:LONGEST_REASON]}).",
            hint="It may be damaged or incomplete; fetch or export it again.",
        ) from error
