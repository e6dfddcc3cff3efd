"""Call query_vector with SQL on files as the runner does, without store and key, and the small files that its tests share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
from shapely.geometry import Point, box

from tools.contract import Declared, Source, ToolContext, ToolOutput
from tools.memo.validation import validated
from tools.registry import load


def files(folder: Path) -> dict[str, Path]:
    """Write five clinics (the last without a place), two districts in another CRS, and prices by kind; return name → file."""
    clinics = gpd.GeoDataFrame(
        {"name": ["Ash", "Birch", "Cedar", "Elm", "Fir"], "kind": ["x", "y", "x", "y", "x"], "beds": [1, 2, 3, None, 5]},
        geometry=[Point(7.1, 50.1), Point(7.6, 50.1), Point(7.2, 50.2), Point(9, 9), None],
        crs=4326,
    )
    clinics.to_parquet(folder / "clinics.parquet")
    districts = gpd.GeoDataFrame({"zone": ["North", "South"]}, geometry=[box(7, 50, 7.5, 50.5), box(7.5, 50, 8, 50.5)], crs=4326)
    districts.to_crs(32632).to_parquet(folder / "districts.parquet")
    (folder / "prices.csv").write_text("kind,label,price\nx,Ex,1.5\ny,Why,2.5\n")
    return {"clinics": folder / "clinics.parquet", "districts": folder / "districts.parquet", "prices": folder / "prices.csv"}


def query(
    folder: Path, views: Mapping[str, Path], sql: str, *, declared: Mapping[str, Declared] | None = None, **params: Any
) -> ToolOutput:
    """Run the tool with all of `views`; its files land in a new folder inside `folder`."""
    tool = load("query_vector")
    out = folder / f"call-{len(list(folder.glob('call-*')))}"
    out.mkdir()
    known = declared or {}
    sources = {name: Source(name, "vector", path, "xxh3:0", declared=known.get(name, Declared())) for name, path in views.items()}
    given = validated(tool, {"sql": sql, "views": {name: name for name in views}, **params})
    return tool.run(given, ToolContext(out, sources))


def rows(output: ToolOutput) -> list[tuple[Any, ...]]:
    """Return the rows of a result as tuples."""
    return [tuple(row.values()) for row in output.data["rows"]]


def facts(output: ToolOutput) -> list[tuple[Any, ...]]:
    """Return name, value, unit and the subject's values of every fact."""
    return [(fact.name, fact.value, fact.unit, *fact.subject.values()) for fact in output.facts]
