"""What a vector format cannot hold, and the frame brought to what it can: types, names, texts. Each change is told in a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from tools.errors import ParameterError

if TYPE_CHECKING:
    import pandas

VectorFormat = Literal["geojson", "gpkg", "shapefile", "flatgeobuf", "geoparquet", "kml", "csv"]


@dataclass(frozen=True)
class Limits:
    """What a format holds."""

    suffix: str
    driver: str | None
    """GDAL's, None for what is written without GDAL."""
    degrees_only: bool = False
    """Its coordinates are longitude and latitude of WGS 84, whatever else is asked for."""
    name_bytes: int | None = None
    """Longest column name in UTF-8."""
    text_bytes: int | None = None
    """Longest text in UTF-8."""
    has_blanks: bool = True
    """Whether an empty text differs from none, and spaces at the end of a text stay."""
    has_times: bool = True
    """Whether it holds an instant, not only a day."""
    has_infinity: bool = True
    has_geometry_mix: bool = True
    """Whether one layer holds points, lines and polygons together."""
    most_integer: int = 2**63 - 1
    """Largest whole number, and its negative."""
    digits: int = 17
    """Significant digits of a real number."""
    reserved: tuple[str, ...] = ()
    """Column names, in lower case, that mean something else in it."""
    ignores_case: bool = False
    """Whether names that differ in case only are the same to it."""


FORMATS: Mapping[VectorFormat, Limits] = {
    "geojson": Limits(".geojson", "GeoJSON", degrees_only=True, has_infinity=False, ignores_case=True),
    "gpkg": Limits(".gpkg", "GPKG", reserved=("fid", "geom"), ignores_case=True),
    "shapefile": Limits(
        ".shp", "ESRI Shapefile", name_bytes=10, text_bytes=254, has_blanks=False, has_times=False, has_infinity=False, has_geometry_mix=False,
        most_integer=10**18 - 1, ignores_case=True,
    ),
    "flatgeobuf": Limits(".fgb", "FlatGeobuf", ignores_case=True),
    "geoparquet": Limits(".parquet", None),
    "kml": Limits(
        ".kml", "LIBKML", degrees_only=True, has_blanks=False, has_times=False, most_integer=2**31 - 1, digits=15, ignores_case=True,
        reserved=("id", "timestamp", "begin", "end", "altitudemode", "tessellate", "extrude", "visibility", "draworder", "icon"),
    ),
    "csv": Limits(".csv", None, has_blanks=False),
}  # fmt: skip


@dataclass(frozen=True)
class Fitted:
    """A frame as a format can hold it."""

    frame: pandas.DataFrame
    names: Mapping[str, str] = field(default_factory=dict)
    """Column before → column in the file, every one."""
    changes: tuple[str, ...] = ()

    def changed(self, column: str, values: pandas.Series[Any], what: str) -> Fitted:
        """Return it with other values in one column, and why."""
        return replace(self, frame=self.frame.assign(**{column: values}), changes=(*self.changes, f"column {column!r}: {what}"))


def fitted(frame: pandas.DataFrame, columns: Iterable[str], form: VectorFormat) -> Fitted:
    """Bring the attribute `columns` of a frame to what the format holds; raise ParameterError where a number would change."""
    limits, made = FORMATS[form], Fitted(frame)
    for name in columns:
        made = _with_type(made, name, form, limits)
    names = _names(list(columns), limits)
    renamed = {old: new for old, new in names.items() if old != new}
    if renamed:
        told = ", ".join(f"{old!r} is {new!r}" for old, new in renamed.items())
        made = replace(made, frame=made.frame.rename(columns=renamed), changes=(*made.changes, f"names of columns: {told}"))
    return replace(made, names=names)


def _with_type(made: Fitted, name: str, form: VectorFormat, limits: Limits) -> Fitted:
    column = made.frame[name]
    if column.dtype.kind == "M":
        return made if form == "geoparquet" else _with_times(made, name, form, limits)
    if column.dtype.kind == "O":
        made = _with_plain_objects(made, name, form)
        column = made.frame[name]
    if column.dtype.kind in "iu":
        return _with_integers(made, name, limits)
    if column.dtype.kind == "f":
        return _with_reals(made, name, form, limits)
    return _with_short_texts(made, name, limits) if set(map(type, column.dropna())) == {str} else made


def _with_times(made: Fitted, name: str, form: VectorFormat, limits: Limits) -> Fitted:
    """Let days be days, and instants text of ISO 8601 where the format has none."""
    column = made.frame[name]
    present = column.dropna()
    if column.dt.tz is None and (present == present.dt.normalize()).all():
        dates = column.dt.date.astype(object).where(column.notna(), None)
        return replace(made, frame=made.frame.assign(**{name: _text(dates, date.isoformat) if form in ("kml", "csv") else dates}))
    if limits.has_times and form != "csv":
        return made
    return made.changed(name, _text(column, lambda moment: str(moment.isoformat())), "times are text of ISO 8601")


def _text(column: pandas.Series[Any], write: Any) -> pandas.Series[Any]:  # Any: a function of one cell
    return column.astype(object).where(column.notna(), None).map(write, na_action="ignore")


def _with_plain_objects(made: Fitted, name: str, form: VectorFormat) -> Fitted:
    """Write lists and mappings as JSON, truth with gaps as such, days as days."""
    import pandas

    column = made.frame[name]
    kinds = set(map(type, column.dropna()))
    if kinds <= {bool}:
        return replace(made, frame=made.frame.assign(**{name: column.astype("boolean")}))
    if kinds <= {date}:
        times = replace(made, frame=made.frame.assign(**{name: pandas.to_datetime(column)}))
        return _with_type(times, name, form, FORMATS[form])
    if kinds <= {str} or form == "geoparquet":
        return made
    return made.changed(name, _text(column, _json), "lists and other values that are not plain are text of JSON")


def _json(value: Any) -> str:  # Any: whatever a cell holds
    plain = value.tolist() if hasattr(value, "tolist") else value
    return plain if isinstance(plain, str) else json.dumps(plain, default=str, ensure_ascii=False)


def _with_integers(made: Fitted, name: str, limits: Limits) -> Fitted:
    """Let whole numbers be as short as the format's; larger ones are text."""
    column = made.frame[name]
    present = column.dropna()
    if limits.driver is None or present.empty:
        return made
    if max(-int(present.min()), int(present.max())) > limits.most_integer:
        return made.changed(name, _text(column, str), "whole numbers that do not fit are text")
    if limits.most_integer < 2**31:
        narrow = "Int32" if len(present) < len(column) else "int32"
        return replace(made, frame=made.frame.assign(**{name: column.astype(narrow)}))
    return made


def _with_reals(made: Fitted, name: str, form: VectorFormat, limits: Limits) -> Fitted:
    """Make whole numbers with gaps integers again; leave out what is infinite where nothing infinite can be written."""
    import numpy as np

    column = made.frame[name]
    infinite = int(np.isinf(column).sum())
    if infinite and not limits.has_infinity:
        made = made.changed(name, column.where(~np.isinf(column)), f"{infinite} infinite values are left out")
        infinite, column = 0, made.frame[name]
    present = column.dropna()
    if 0 < len(present) < len(column) and not infinite and (present % 1 == 0).all() and (present.abs() < 2**53).all():
        return _with_integers(replace(made, frame=made.frame.assign(**{name: column.astype("Int64")})), name, limits)
    if form == "shapefile":
        _check_dbf_reals(name, present)
    if limits.digits < 17 and any(float(f"{value:.{limits.digits}g}") != value for value in present):
        return replace(made, changes=(*made.changes, f"column {name!r}: numbers keep {limits.digits} digits"))
    return made


def _check_dbf_reals(name: str, present: pandas.Series[Any]) -> None:
    """Raise ParameterError for reals that a dBASE table of GDAL, 24 digits of which 15 decimals, would change."""
    if (present.abs() >= MOST_DBF_REAL).any() or ((present.round(15) - present).abs() > LOST_SHARE * present.abs()).any():
        raise ParameterError(
            f"The column {name!r} holds numbers that are too large or too small for a Shapefile, which would change them.",
            hint="Choose another format (gpkg, geoparquet), or leave the column out with 'columns'.",
        )


MOST_DBF_REAL = 1e20
LOST_SHARE = 1e-9
"""Of a number, that may be lost to rounding."""


def _with_short_texts(made: Fitted, name: str, limits: Limits) -> Fitted:
    """Take out what the format has no sign for, and cut what is too long."""
    column = made.frame[name]
    texts = column.astype(object).where(column.notna(), None)
    unwritable = NO_XML if limits.driver == "LIBKML" else NO_TEXT
    wrong = int(texts.str.contains(unwritable).sum()) if limits.suffix != ".parquet" else 0
    if wrong:
        texts = texts.str.replace(unwritable, "", regex=True)
        made = made.changed(name, texts, f"control characters are taken out of {wrong} texts")
    blanks = 0 if limits.has_blanks else int((texts.str.rstrip() != texts)[texts.notna()].sum() + (texts == "").sum())
    if blanks:
        made = replace(made, changes=(*made.changes, f"column {name!r}: {blanks} texts are empty or end in spaces, which are lost"))
    most = limits.text_bytes
    long = 0 if most is None else sum(len(text.encode()) > most for text in texts.dropna())
    if most is None or not long:
        return made
    return made.changed(name, texts.map(lambda text: _cut(text, most), na_action="ignore"), f"{long} texts are cut after {most} bytes")


NO_TEXT = re.compile("\0")
"""Ends a text in most libraries."""
NO_XML = re.compile("[\0-\x08\x0b\x0c\r\x0e-\x1f\ufffe\uffff]")
"""What XML 1.0, section 2.2, does not allow, and the carriage return, which its readers change."""


def _cut(text: str, most: int) -> str:
    """Return the longest beginning that takes at most so many bytes; no character is split."""
    return text.encode()[:most].decode(errors="ignore")


def _names(columns: list[str], limits: Limits) -> dict[str, str]:
    """Return column → its name in the file: short enough, none twice, none reserved; columns that fit keep theirs."""
    key = str.casefold if limits.ignores_case else str
    taken, names = set(limits.reserved), dict[str, str]()
    for column in sorted(columns, key=lambda column: not _fits(column, limits)):
        name, number = _cut(column, limits.name_bytes or len(column.encode())), 1
        while key(name) in taken:
            number += 1
            room = (limits.name_bytes or len(column.encode()) + 8) - len(f"_{number}")
            name = f"{_cut(column, room)}_{number}"
        taken.add(key(name))
        names[column] = name
    return {column: names[column] for column in columns}


def _fits(column: str, limits: Limits) -> bool:
    return limits.name_bytes is None or len(column.encode()) <= limits.name_bytes
