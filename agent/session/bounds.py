"""Keep the session block within what a language model should read: the least useful is left out first, and it is said.

The planner reads the block whole; a model asks `describe_dataset` or `list_datasets` for the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from agent.state import Json
from tools.catalog.naming import crs_name

MAX_BYTES = 24_000
"""Of the whole block as JSON: 6,000 tokens at four bytes each."""
RESULT_BYTES = 6_000
"""Of the results of earlier runs."""
LONGEST_TEXT = 120
LONGEST_ANSWER = 2_000
RESULT_FACTS = 8
UNREAD = {"data", "method", "warnings", "files", "version", "fact_count", "n"}
"""Of an earlier result; its number of then would be taken for a citation of now."""
MOST_CODES = 12
"""Numbers of a column that may be codes; more are measurements."""
PLAIN: Mapping[str, object] = {"scale": 1.0, "offset": 0.0, "unit": "unspecified", "nulls": 0, "match": "all"}
"""Values that say nothing where they stand under these names."""
HEADLINE = ("id", "title", "kind", "time", "feature_count", "focus")

_LEVELS = ((0, 3), (0, 4), (1, 4), (2, 4), (3, 4), (4, 4))
"""(level of datasets in focus, level of the others), from the fullest."""


def bounded(session: Mapping[str, Any], max_bytes: int = MAX_BYTES) -> Json:  # Any: JSON
    """Return the block with at most `max_bytes`, datasets in focus the fullest.

    A dataset of which something was left out has `shortened`; `more_datasets` counts those that are not there at all.
    """
    results = _results(session["results"])
    frame = {**session, "results": results, "previous": _previous(session["previous"]), "datasets": []}
    room = max_bytes - _size(frame)
    datasets = session["datasets"]
    for in_focus, others in _LEVELS:
        shown = list(_first((_SHORTER[in_focus if each["focus"] else others](_plain(each)) for each in datasets), room))
        if len(shown) == len(datasets):
            return {**frame, "datasets": shown}
    return {**frame, "datasets": shown, "more_datasets": len(datasets) - len(shown)}


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").encode())


def _first(parts: Iterable[Json], room: int) -> Iterator[Json]:
    """Yield parts from the first as long as there is room."""
    for part in parts:
        room -= _size(part) + 1
        if room < 0:
            return
        yield part


def _plain(value: Any, name: str = "") -> Any:  # Any: JSON
    """Drop what says nothing: nulls, empty lists, defaults, bounds beside the extent, samples of measurements; round extents to a metre."""
    if name == "bbox" and value:
        return [round(edge, 5) for edge in value]
    if name == "crs" and isinstance(value, str):
        return crs_name(value)
    if isinstance(value, dict):
        left_out = {"bounds", "values"} if _is_measured(value) else {"bounds"}
        kept = {key: _plain(each, key) for key, each in value.items() if key not in left_out and each not in (None, [], {}, ())}
        return {key: each for key, each in kept.items() if key not in PLAIN or each != PLAIN[key]}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _is_measured(column: Mapping[str, Any]) -> bool:  # Any: JSON
    """Whether a column holds so many numbers that its range says more than samples."""
    return column.get("type") in ("integer", "real") and column.get("distinct", 0) > MOST_CODES


def _with_values(most: int) -> Callable[[Json], Json]:
    """Return a function that keeps so many sample values of a column and classes of a band, and cuts long texts."""

    def shorten(dataset: Json) -> Json:
        short = _cut_texts(dataset)
        for part, listed in (("columns", "values"), ("bands", "classes")):
            if part in dataset:
                short[part] = [_fewer(each, listed, most) for each in short[part]]
        return {**short, "shortened": True} if short != dataset else dataset

    return shorten


def _fewer(part: Json, listed: str, most: int) -> Json:
    value = part.get(listed)
    if isinstance(value, dict):
        return {**part, listed: dict(list(value.items())[:most])}
    return {**part, listed: value[:most]} if value else part


def _cut_texts(value: Any) -> Any:  # Any: JSON
    if isinstance(value, dict):
        return {key: _cut_texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_cut_texts(each) for each in value]
    return f"{value[:LONGEST_TEXT]}…" if isinstance(value, str) and len(value) > LONGEST_TEXT else value


def _names_only(dataset: Json) -> Json:
    short = {key: value for key, value in _cut_texts(dataset).items() if key not in ("columns", "bands", "warnings", "collections")}
    for part in ("columns", "bands", "collections"):
        if part in dataset:
            short[part] = [str(each.get("name") or each.get("id") or each.get("index"))[:LONGEST_TEXT] for each in dataset[part]]
    return {**short, "shortened": True}


def _headline(dataset: Json) -> Json:
    return {**{key: _cut_texts(dataset[key]) for key in HEADLINE if key in dataset}, "shortened": True}


_SHORTER: tuple[Callable[[Json], Json], ...] = (_with_values(60), _with_values(12), _with_values(3), _names_only, _headline)
"""Level → what is left of a dataset."""


def _results(results: Sequence[Json]) -> list[Json]:
    """Return earlier results, newest in most detail, as many of the last as there is room for; oldest first, as they were."""
    short = [{key: value for key, value in result.items() if key not in UNREAD} for result in results]
    short = [{**result, "facts": result["facts"][:RESULT_FACTS]} for result in short]
    return list(reversed(list(_first(list(reversed(short)), RESULT_BYTES))))


def _previous(previous: Json | None) -> Json | None:
    if previous is None:
        return None
    answer = previous["answer"]
    cut = answer if len(answer) <= LONGEST_ANSWER else f"{answer[:LONGEST_ANSWER]}…"
    return {"question": previous["question"][:LONGEST_ANSWER], "answer": cut, "cited": previous["cited"]}
