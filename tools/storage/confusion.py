"""Confusion matrices: in a table that somebody registered, and in the tag of a class raster whose network was tested."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.contract import Source
from tools.errors import DataError
from tools.geo.accuracy import ConfusionMatrix
from tools.storage.class_labels import value_text

if TYPE_CHECKING:
    import pandas

TAG = "TERRACITE_CONFUSION"
"""Band tag that holds `{"labels": […], "counts": [[…], …]}`."""
_FORM = "First column: class of the map; then a column of counts for each class of the reference, named alike; no totals."


def as_tag(matrix: ConfusionMatrix) -> str:
    """Return a matrix as its tag holds it."""
    return json.dumps({"labels": matrix.labels, "counts": matrix.counts}, ensure_ascii=False)


def from_tag(text: str) -> ConfusionMatrix | None:
    """Read our own tag; in a file of others it may hold anything, and then tells nothing."""
    try:
        found = json.loads(text)
        labels, counts = tuple(map(str, found["labels"])), tuple(tuple(map(int, row)) for row in found["counts"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    is_square = len(counts) == len(labels) and all(len(row) == len(labels) and min(row) >= 0 for row in counts)
    return ConfusionMatrix(labels, counts) if labels and is_square else None


def read_confusion(source: Source) -> ConfusionMatrix:
    """Read a matrix of counts from a table, whose first column names the classes of the map, the others those of the reference.

    Raises DataError for a table of another form.
    """
    from tools.storage.vectors import read_rows

    frame = read_rows(source)
    labels = tuple(_text(value) for value in frame.iloc[:, 0])
    columns = {_text(name): frame[name] for name in frame.columns[1:]}
    if not labels or len(set(labels)) < len(labels) or set(labels) != set(columns):
        apart = sorted(set(labels) ^ set(columns))
        raise DataError(
            f"The table {source.path.name!r} is no confusion matrix: its rows and columns are not the same classes ({', '.join(apart) or 'some twice'}).",
            hint=_FORM,
        )
    return ConfusionMatrix(labels, tuple(zip(*(_counts(columns[label], label, source) for label in labels), strict=True)))


def _counts(column: pandas.Series[object], label: str, source: Source) -> tuple[int, ...]:
    values = column.tolist()
    if not all(isinstance(value, (int, float)) and value >= 0 and float(value).is_integer() for value in values):
        raise DataError(f"The column {label!r} of the confusion matrix {source.path.name!r} holds no counts of places.", hint=_FORM)
    return tuple(int(value) for value in values)


def _text(value: object) -> str:
    return value_text(value) if isinstance(value, (int, float)) else str(value).strip()
