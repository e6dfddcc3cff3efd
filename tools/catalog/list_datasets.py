"""Say what data is registered here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from tools.catalog.naming import counted, crs_name
from tools.contract import Fact, Tool, ToolContext, ToolOutput
from tools.errors import ConfigurationError
from tools.geotypes import Params

LISTED = ("id", "title", "kind", "bbox", "time", "resolution", "feature_count", "geometry_type", "name_column", "network", "warnings")
"""Fields of a record that are listed as they are; CRS, bands and columns are shortened."""

MOST_COLLECTIONS = 30
"""Most collections of a catalogue that are listed; describe_dataset has all."""


class ListDatasetsParams(Params):
    """List the registered datasets: id, title, kind, extent, CRS, time."""

    text: str | None = Field(default=None, description="Only datasets whose id, title, columns or classes contain this text.")
    kind: Literal["raster", "vector", "table", "document", "catalogue", "network"] | None = Field(
        default=None, description="Only datasets of this kind."
    )


def run(params: ListDatasetsParams, context: ToolContext) -> ToolOutput:
    """List the datasets; see `ListDatasetsParams`."""
    if context.catalog is None:
        raise ConfigurationError(
            "The list of datasets needs the catalogue, which this call was not given.", hint="Run it through tools.runner."
        )
    records = [record for record in context.catalog.records() if _is_wanted(record, params)]
    kinds = Counter(str(record["kind"]) for record in records)
    total = Fact("count", len(records), "count")
    by_kind = [Fact("count", count, "count", {"kind": kind}) for kind, count in sorted(kinds.items())]
    return ToolOutput(
        summary=_summary(kinds, params),
        # With one kind, its count is the total: the same number twice could not be told apart.
        facts=(total, *(by_kind if len(by_kind) > 1 else ())),
        data={"datasets": [_listed(record) for record in records]},
    )


def _is_wanted(record: Mapping[str, Any], params: ListDatasetsParams) -> bool:
    if params.kind is not None and record["kind"] != params.kind:
        return False
    return params.text is None or any(params.text.casefold() in text.casefold() for text in _texts(record))


def _texts(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a dataset can be found by: id, title, columns and their text values, bands and classes."""
    yield from (record["id"], record["title"])
    for column in record["columns"]:
        yield column["name"]
        yield from (value for value in column["values"] if isinstance(value, str))
    for band in record["bands"]:
        yield from (text for text in (band["name"], band["role"]) if text)
        yield from band["classes"].values()
    network = record.get("network")  # a record of an earlier version has none
    if network:
        yield from (*network["bands"], *network["classes"].values())
    for collection in record.get("collections") or ():
        yield from (text for text in (collection["id"], collection["title"]) if text)


def _listed(record: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: record[name] for name in LISTED if record.get(name) not in (None, [], ())}
    if record["crs"] is not None:
        shown["crs"] = crs_name(record["crs"])
    if record["columns"]:
        shown["columns"] = [f"{column['name']} ({column['type']})" for column in record["columns"]]
    if record["bands"]:
        shown["bands"] = [
            {name: band[name] for name in ("index", "name", "role", "unit", "value_kind", "classes") if band[name]}
            for band in record["bands"]
        ]
    if record.get("collections"):  # a record of an earlier version has none
        shown["collections"] = [_named(one) for one in record["collections"][:MOST_COLLECTIONS]]
        shown["collection_count"] = len(record["collections"])
    return shown


def _named(collection: Mapping[str, Any]) -> dict[str, Any]:
    return {name: collection[name] for name in ("id", "title", "time") if collection[name] is not None}


def _summary(kinds: Mapping[str, int], params: ListDatasetsParams) -> str:
    if not kinds:
        narrowed = params.text is not None or params.kind is not None
        return "No registered dataset fits." if narrowed else "No dataset is registered."
    return f"Registered: {', '.join(counted(count, kind) for kind, count in sorted(kinds.items()))}."


TOOL = Tool("list_datasets", ListDatasetsParams, run, "observation", place="here")
