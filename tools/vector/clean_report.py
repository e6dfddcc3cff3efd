"""The output of the tool `clean`: the cleaned layer, how many features and cells each step changed, and which."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.geo.measure import area_method
from tools.geo.vicinity import lonlat_bounds
from tools.storage.vectors import write_layer, write_table
from tools.vector.changes import Change, Done
from tools.vector.cleaning import Cleaned, is_layer

if TYPE_CHECKING:
    import geopandas
    import pandas

FILE = "cleaned.parquet"
MOST_SHOWN = 50
"""Up to so many changes of each step are told one by one."""
SAYS: dict[str, dict[str, str]] = {
    "missing_geometry": {"removed": "features without geometry were dropped"},
    "invalid_geometry": {"changed": "invalid geometries were repaired", "removed": "that enclose nothing were dropped"},
    "mixed_geometry": {
        "changed": "features got their kind in a column",
        "removed": "of another kind were dropped",
        "added": "came from splitting collections",
    },
    "slivers": {"removed": "slivers were dropped", "changed": "features lost sliver parts"},
    "winding": {"changed": "features had rings wound the other way"},
    "text": {"changed": "text cells were tidied"},
    "duplicates": {"removed": "duplicates were dropped"},
    "numbers": {"changed": "text cells became numbers"},
}
"""Step → what it counts, and how that is said after its number."""


def report(before: pandas.DataFrame, cleaned: Cleaned, context: ToolContext) -> ToolOutput:
    """Write the cleaned layer, where features are left, and tell every change."""
    frame = cleaned.frame
    left, has_geometry = len(frame) > 0, is_layer(frame)
    if left:
        (write_layer if has_geometry else write_table)(context.folder / FILE, frame)
    facts = [Fact("features before", len(before), "count"), Fact("features after", len(frame), "count")]
    said = [sentence for done in cleaned.done for sentence in (*done.lost, *done.left)]
    return ToolOutput(
        summary=f"{len(before):,} features before, {len(frame):,} after. {_sentences(cleaned)}",
        facts=(*facts, *(fact for done in cleaned.done for fact in _facts(done))),
        outcome=Outcome.VALUE if left else Outcome.TRUE_ZERO,
        files=(FILE,) if left else (),
        kind="text" if not left else "vector" if has_geometry else "table",
        warnings=tuple(said),
        method={
            **(area_method(frame.crs) if has_geometry else {}),
            "steps": [done.step for done in cleaned.done],
            "repeated": "until no step finds anything",
        },
        data={"changes": {done.step: _shown(done) for done in cleaned.done if not done.is_nothing}},
        bbox=_bbox(frame if left else before) if has_geometry else None,
    )


def _facts(done: Done) -> list[Fact]:
    """Return what a step counted, zeros too: that nothing was wrong is an answer."""
    subject = {"step": done.step}
    facts = [Fact(name, count, "count", subject) for name, count in _counts(done).items()]
    columns = Counter(change.column for change in done.changed if change.column)
    if done.step in ("text", "numbers"):
        facts += [Fact("changed", count, "count", {**subject, "column": column}) for column, count in columns.items()]
    return [*facts, *(Fact("area", area, "m2", {**subject, "of": of}) for of, area in _summed(done))]


def _summed(done: Done) -> list[tuple[str, float]]:
    total: dict[str, float] = {}
    for of, area in done.measures:
        total[of] = total.get(of, 0.0) + area
    return list(total.items())


def _sentences(cleaned: Cleaned) -> str:
    told = [_sentence(done) for done in cleaned.done if not done.is_nothing]
    return f"{'; '.join(told)}." if told else "Nothing had to be changed."


def _sentence(done: Done) -> str:
    return ", ".join(f"{count:,} {SAYS[done.step][name]}" for name, count in _counts(done).items() if count)


def _counts(done: Done) -> dict[str, int]:
    """Return the counts that a step has."""
    counts = {"changed": len(done.changed), "removed": len(done.removed), "added": done.added}
    return {name: counts[name] for name in SAYS[done.step]}


def _shown(done: Done) -> list[dict[str, Any]]:
    """Return the first changes as JSON objects."""
    return [_row(change) for change in (*done.changed, *done.removed)[:MOST_SHOWN]]


def _row(change: Change) -> dict[str, Any]:
    row = {name: value for name, value in asdict(change).items() if value not in ("", None)}
    return {**row, "after": None} if change.before is not None and change.after is None else row


def _bbox(frame: geopandas.GeoDataFrame) -> tuple[float, float, float, float] | None:
    if frame.geometry.isna().all() or frame.geometry.is_empty.all():
        return None
    left, bottom, right, top = (float(value) for value in frame.total_bounds)
    return lonlat_bounds((left, bottom, right, top), frame.crs)
