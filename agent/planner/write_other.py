"""Write what is known of datasets, and that a map was drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.planner.atlas import Atlas, Collection, Dataset
from agent.planner.figures import figure, listing, number_text
from agent.planner.ledger import Message
from agent.planner.pieces import Piece

MOST_COLLECTIONS = 12
"""Collections of a catalogue that are listed."""
_SHAPES = {"point": "points", "line": "lines", "polygon": "polygons", "mixed": "features of mixed shape"}


def write_catalog(piece: Piece, atlas: Atlas) -> list[str]:
    """List the datasets with their kind."""
    message = piece.parts[0].message
    if not atlas.datasets:
        return [f"No dataset is registered yet [{message.n}]. Add files with `terracite add PATH`, or name them with `--data PATH`."]
    return [f"Registered datasets [{message.n}]:", *(f"- {dataset.id}: {_kind(dataset)} [{message.n}]" for dataset in atlas.datasets)]


def _kind(dataset: Dataset) -> str:
    if dataset.is_vector:
        columns = f"; columns {listing(column.name for column in dataset.columns[:12])}" if dataset.columns else ""
        return f"layer of {_SHAPES[dataset.geometry or 'mixed']}{columns}"
    if dataset.is_raster:
        classes = [label for band in dataset.bands for label in band.classes.values() if not any(char.isdigit() for char in label)]
        return f"raster; classes {listing(classes[:12])}" if classes else "raster of values"
    if dataset.kind == "catalogue":
        return f"catalogue of scenes; collections {_collections(dataset)}"
    if dataset.kind == "network":
        return f"network that tells {listing(dataset.classes)}" if dataset.classes else "network"
    return dataset.kind


def _collections(dataset: Dataset) -> str:
    """List the ids of the collections, the first of many."""
    names = [collection.id for collection in dataset.collections]
    return f"{', '.join(names[:MOST_COLLECTIONS])} and more" if len(names) > MOST_COLLECTIONS else listing(names) or "none"


def write_describe(piece: Piece, atlas: Atlas) -> list[str]:
    """Describe datasets: kind, CRS, size, columns or bands."""
    lines: list[str] = []
    for part, ref in zip(piece.parts, piece.frame.refs, strict=True):
        lines += _described(atlas.get(ref), part.message)
    return lines


def _described(dataset: Dataset, message: Message) -> list[str]:
    n = message.n
    # The id stands in an item of its own: above the numbers it could be taken for what they are about.
    lines = [
        f"Description [{n}]:",
        f"- dataset: {dataset.id} [{n}]",
        f"- kind: {_kind(dataset)} [{n}]" if not dataset.columns else f"- kind: {_kind(dataset).partition(';')[0]} [{n}]",
    ]
    if dataset.crs:
        lines.append(f"- CRS: {_crs(dataset.crs)} [{n}]")
    lines += [f"- collection {one.id}: {one.title}{_span(one)} [{n}]" for one in dataset.collections[: 2 * MOST_COLLECTIONS]]
    lines += [f"- {column.name} ({column.type}){_examples(column.values)} [{n}]" for column in dataset.columns]
    return [*lines, *_facts(message)]


def _span(collection: Collection) -> str:
    """Say which days a collection covers, as far as it tells."""
    first, last = (str(one)[:10] if one else "" for one in (*collection.time, None, None)[:2])
    return f", from {first}{f' to {last}' if last else ' on'}" if first else f", until {last}" if last else ""


def _crs(text: str) -> str:
    return text if len(text) <= 20 else text.partition('"')[2].partition('"')[0] or "a system of its own"


def _examples(values: tuple[Any, ...]) -> str:  # Any: JSON scalars
    words = [value for value in values if isinstance(value, str) and value and not any(char.isdigit() for char in value)]
    return f", such as {listing(words[:6])}" if words else ""


def _facts(message: Message) -> list[str]:
    """Write the numbers of a description that belong to the dataset as a whole."""
    names: Mapping[str, str] = {
        "count": "number of features",
        "width": "width in pixels",
        "height": "height in pixels",
        "bands": "number of bands",
    }
    lines = [
        f"- {names[fact.name]}: {number_text(fact.value)} [{message.n}]"
        for fact in message.facts
        if fact.name in names and not fact.subject
    ]
    wanted = ("resolution", "valid_share", "min", "max", "mean")
    more = [fact for fact in message.facts if fact.name in wanted and not fact.subject]
    words = {"valid_share": "valid share", "min": "minimum", "max": "maximum"}
    return [*lines, *(f"- {words.get(fact.name, fact.name)}: {figure(fact, fact.unit)} [{message.n}]" for fact in more)]


def write_map(piece: Piece, atlas: Atlas) -> list[str]:
    """Say that a map was drawn."""
    message = piece.parts[0].message
    sources = [ref for ref in piece.frame.refs if atlas.has(ref)]
    of = f" of {listing(sources)}" if sources else " of the result"
    return [f"The map{of} is drawn [{message.n}]."]
