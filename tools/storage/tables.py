"""Read delimited text: separator, encoding and column types found from the content, coordinates in `tools.storage.locating`."""

from __future__ import annotations

import csv
import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import DataError, LimitError
from tools.settings import current_settings
from tools.storage.json_text import check_text_size
from tools.storage.paths import real_file

if TYPE_CHECKING:
    import pandas

SEPARATORS = (",", ";", "\t", "|")
NULLS = ["", "NaN", "nan", "NULL", "null"]
"""Cells that hold nothing. `NA` is not among them: it is Namibia's code."""

NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?")
"""A number without leading zeros: `007` is a code and stays text."""
LONG_CODE = re.compile(r"[+-]?\d{16,}")
"""More digits than a real number holds: a code, which stays text."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
MOST_HEADER = 1 << 20
"""Characters in which the first row must end."""
CELL_BYTES = 8
"""What a cell takes in memory at least."""


def read_table(path: Path) -> pandas.DataFrame:
    """Read a delimited text file with typed columns; rows keep their order.

    Integers, reals, booleans and ISO dates are recognised where every cell of a column fits; all else is text.
    Raises DataError where it is no table.
    """
    import pandas

    file = real_file(path)
    check_text_size(file)
    text = _decoded(file)
    separator = _separator(text, file.suffix.lower())
    _check_size(file, text, separator)
    try:
        with warnings.catch_warnings():
            # Rows longer than the header: pandas would take the first column for an index, or drop the last.
            warnings.simplefilter("error", pandas.errors.ParserWarning)
            frame = pandas.read_csv(
                io.StringIO(text), sep=separator, dtype=str, index_col=False, keep_default_na=False, na_values=NULLS, skipinitialspace=True,
                nrows=current_settings().max_features + 1,
            )  # fmt: skip
    except (pandas.errors.ParserError, pandas.errors.ParserWarning, pandas.errors.EmptyDataError) as error:
        raise DataError(
            f"The table {file.name!r} cannot be read ({str(error).strip()}).", hint="Every row needs as many cells as the header."
        ) from error
    frame.columns = [str(name).strip() for name in frame.columns]
    comma = separator == ";" and _has_decimal_commas(frame)
    return frame.apply(lambda column: _typed(column.str.strip(), comma))


def _check_size(file: Path, text: str, separator: str) -> None:
    """Compare the columns of the header, and the cells of all rows, with the limits: a short row takes as many cells as a long one."""
    settings = current_settings()
    try:
        # A header whose quotes do not end would be the whole file; no list of names is longer than this.
        header = next(csv.reader(io.StringIO(text[:MOST_HEADER], newline=None), delimiter=separator, skipinitialspace=True), [])
    except csv.Error as error:
        raise DataError(f"The table {file.name!r} has a broken header ({error}).", hint="The first row names the columns.") from error
    if len(header) > settings.max_columns:
        raise LimitError(
            f"The table {file.name!r} has more than {settings.max_columns:,} columns, the limit.",
            hint="Export the columns that are needed, or raise TERRACITE_MAX_COLUMNS.",
        )
    rows = min(text.count("\n") + text.count("\r") + 1, settings.max_features + 1)
    if rows * len(header) * CELL_BYTES > settings.max_unpacked_bytes:
        raise LimitError(
            f"The table {file.name!r} has more than {settings.max_unpacked_bytes:,} bytes of cells ({rows:,} rows of {len(header):,} columns).",
            hint="Export the columns that are needed, or raise TERRACITE_MAX_UNPACKED_BYTES.",
        )


def _decoded(file: Path) -> str:
    """Decode as UTF-8, else as Windows-1252, the common encoding of spreadsheets in western languages."""
    content = file.read_bytes()
    if b"\0" in content:
        raise DataError(f"The file {file.name!r} is not text.", hint="Export the table again as CSV in UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _separator(text: str, suffix: str) -> str:
    """Return the separator that occurs most often in the header; the first of SEPARATORS on a draw."""
    header = text.partition("\n")[0]
    return "\t" if suffix == ".tsv" else max(SEPARATORS, key=header.count)


def _has_decimal_commas(frame: pandas.DataFrame) -> bool:
    pattern = r"[+-]?\d+,\d+"
    cells = frame.stack()
    return bool(cells.str.fullmatch(pattern).any()) and not bool(cells.str.fullmatch(r"[+-]?\d+\.\d+").any())


def _typed(column: pandas.Series[Any], comma: bool) -> pandas.Series[Any]:
    import pandas

    filled = column.dropna()
    if filled.empty:
        return column
    plain = filled.str.replace(",", ".") if comma else filled
    if plain.str.fullmatch(NUMBER).all():
        return column if plain.str.fullmatch(LONG_CODE).any() else _as_numbers(column.str.replace(",", ".") if comma else column)
    if filled.str.lower().isin(["true", "false"]).all() and len(filled) == len(column):
        return column.str.lower() == "true"
    if filled.str.fullmatch(DATE).all():
        mixed = filled.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True) & filled.str.contains(":")
        return pandas.to_datetime(column, format="ISO8601", utc=True if mixed.any() else None)
    return column


def _as_numbers(column: pandas.Series[Any]) -> pandas.Series[Any]:
    """Return text as numbers; a minus before a zero stays, as in -0 degrees 30 minutes."""
    import pandas

    return column.astype(float) if column.eq("-0").any() else pandas.to_numeric(column)
