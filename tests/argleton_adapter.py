"""Terracite as Argleton asks it: each operation of a probe's call is a few calls of public tools, with the literals of the call.

Files are added with nothing declared. No CRS, resampling, layer, nodata value or column is chosen here; where a name stands in
the call ("W-1"), `find_place` tells in which column it is. Whether an extent is one on the ground or in the plane of the layer's
CRS is part of what an operation means: Argleton derives its numbers in the plane wherever it gives them to a hundredth.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from argleton.model import Outcome

from tools.catalog.datasets import Datasets
from tools.catalog.records import DatasetRecord
from tools.contract import Artifact
from tools.contract import Outcome as ToolOutcome
from tools.errors import TerraciteError
from tools.runner import Runner
from tools.workspace import open_workspace


class Asked(Protocol):
    """What is used of a probe."""

    operation: str
    arguments: tuple[str, ...]


class RefusalError(Exception):
    """The product gives no number, in its own words."""


class Session:
    """One workspace for one probe."""

    def __init__(self, folder: Path, call: Asked) -> None:
        self.folder = folder
        self.words = [text for text in call.arguments if "=" not in text]
        """Files and names, in the order of the call."""
        self.literals = dict(text.split("=", 1) for text in call.arguments if "=" in text)
        workspace = open_workspace(root=folder / ".terracite")
        self.datasets = Datasets(workspace)
        self.runner = Runner(workspace, self.datasets)
        self.warnings: list[str] = []

    def records(self, position: int = 0) -> tuple[DatasetRecord, ...]:
        """Add a file of the call; return a record per layer."""
        report = self.datasets.add(self.folder / self.words[position])
        if report.refused:
            raise RefusalError(f"{report.refused[0].message} {report.refused[0].hint}")
        return report.records

    def data(self, position: int = 0) -> str:
        """Add a file of the call that holds one dataset; return its id."""
        (record,) = self.records(position)
        return record.id

    def ask(self, tool: str, **params: Any) -> Artifact:
        """Call a tool; what it warns of is kept, and what is no answer is a refusal."""
        artifact = self.runner.run(tool, params).artifact
        self.warnings += artifact.warnings
        if artifact.outcome not in (ToolOutcome.VALUE, ToolOutcome.TRUE_ZERO):
            raise RefusalError(" ".join((artifact.summary, *artifact.warnings)))
        return artifact

    def number(self, tool: str, fact: str, /, **params: Any) -> float:
        """Call a tool; return the only fact of a name that is about everything asked for."""
        return fact_of(self.ask(tool, **params), fact)

    def row_of(self, dataset: str, name: str) -> dict[str, Any]:
        """Return the condition that a feature is called `name`, as the layer itself calls it."""
        found = self.ask("find_place", name=name, layers=[dataset]).data["candidates"]
        if len(found) != 1:
            raise RefusalError(f"{name!r} names {len(found)} things in {dataset}.")
        return {"column": found[0]["column"], "op": "=", "value": found[0]["value"]}


def fact_of(artifact: Artifact, name: str, **subject: str) -> float:
    """Return the value of the only fact of a name and subject."""
    (value,) = [fact.value for fact in artifact.facts if fact.name == name and dict(fact.subject) == subject]
    return value


def measure(name: str, surface: str) -> Callable[[Session], float]:
    """Return an operation: one measure over all features of the only file."""
    return lambda s: s.number("query_vector", name, layer=s.data(), measures=[{"aggregate": name}], surface=surface)


def overlay(operation: str) -> Callable[[Session], float]:
    """Return an operation: the area of the first layer with respect to the second, in the plane."""
    return lambda s: s.number("overlay", "area", operation=operation, layer=s.data(), other=s.data(1), surface="plane")


def points_inside(s: Session, points: int = 0, polygons: int = 1) -> float:
    within = [{"predicate": "intersects", "other": s.data(polygons)}]
    return s.number("query_vector", "count", layer=s.data(points), spatial=within, measures=[{"aggregate": "count"}])


def feature_count(s: Session) -> float:
    records = s.records()
    (layer,) = [record for record in records if len(records) == 1 or record.layer == s.literals["layer"]]
    return s.number("query_vector", "count", layer=layer.id, measures=[{"aggregate": "count"}])


def count_within_distance(s: Session) -> float:
    layer = s.data()
    target = s.row_of(layer, s.literals["target"])
    near = {
        "predicate": "within_distance",
        "other": layer,
        "where": {"conditions": [target]},
        "distance_m": float(s.literals["distance_meters"]),
    }
    others = {"conditions": [{**target, "op": "!="}]}
    return s.number("query_vector", "count", layer=layer, where=others, spatial=[near], measures=[{"aggregate": "count"}])


def class_area(s: Session) -> float:
    (record,) = s.records()
    grid = s.ask("reproject", source=record.id, crs=record.crs, resolution=float(s.literals["resolution"]))
    patches = s.ask("polygonize", raster=grid.ref)
    own = {"conditions": [{"column": "value", "op": "=", "value": float(s.literals["class"])}]}
    return s.number("query_vector", "area", layer=patches.ref, where=own, measures=[{"aggregate": "area"}], surface="plane")


def ndvi_mean(s: Session) -> float:
    bands = {"red": int(s.literals["red_band"]), "nir": int(s.literals["nir_band"])}
    return s.number("spectral_index", "mean", raster=s.data(), index="NDVI", bands=bands)


def district(s: Session) -> str:
    shared = s.ask("overlay", operation="intersection", layer=s.data(1), other=s.data(), surface="plane")
    listed = s.ask("query_vector", layer=shared.ref, order_by="area", descending=True, limit=1)
    return str(listed.data["rows"][0]["feature"])


def latitude(s: Session, *, station: str | None = None) -> float:
    layer = s.data()
    where = {"conditions": [] if station is None else [s.row_of(layer, station)]}
    listed = s.ask("query_vector", layer=layer, where=where, select=["@latitude"])
    (value,) = [fact.value for fact in listed.facts if fact.name == "latitude"]
    return value


def rate(s: Session) -> float:
    found = s.ask("query_vector", layer=s.data(), measures=[{"aggregate": "mean"}])
    (value,) = [fact.value for fact in found.facts if fact.name.startswith("mean")]
    return value


def total(s: Session) -> float:
    joined = s.ask("join", operation="attributes", layer=s.data(), other=s.data(1))
    found = s.ask("query_vector", layer=joined.ref, measures=[{"aggregate": "sum"}])
    (value,) = [fact.value for fact in found.facts if fact.name.startswith("sum")]
    return value


def joined_area(s: Session) -> float:
    joined = s.ask("join", operation="attributes", layer=s.data(), other=s.data(1))
    return s.number("query_vector", "area", layer=joined.ref, measures=[{"aggregate": "area"}], surface="plane")


def thiessen(s: Session) -> float:
    cells = s.ask("shapes", operation="voronoi", layer=s.data())
    here = [{"predicate": "intersects", "other": s.data(1)}]
    listed = s.ask("query_vector", layer=cells.ref, spatial=here, select=[s.words[2]])
    (value,) = [fact.value for fact in listed.facts if fact.name == s.words[2]]
    return value


def corner_area(s: Session) -> float:
    parcel = s.ask("shapes", operation="points_to_polygon", layer=s.data())
    return s.number("query_vector", "area", layer=parcel.ref, measures=[{"aggregate": "area"}])


def covered_area(s: Session) -> float:
    return fact_of(s.ask("describe_dataset", dataset=s.data()), "area", of="extent", surface="plane")


OPERATIONS: dict[str, Callable[[Session], float | str]] = {
    "raster_mean": lambda s: s.number("zonal_stats", "mean", raster=s.data(), statistics=["mean"]),
    "planar_area_m2": measure("area", "plane"),
    "points_in_polygon_count": points_inside,
    "feature_count": feature_count,
    "count_within_distance": count_within_distance,
    "ground_area_m2": measure("area", "ellipsoid"),
    "class_area_m2": class_area,
    "ndvi_mean": ndvi_mean,
    "buildable_area_m2": measure("area", "plane"),
    "total_ground_area_m2": measure("area", "plane"),
    "pipe_length_m": measure("length_3d", "plane"),
    "district_of_parcel": district,
    "wells_in_districts": points_inside,
    "latitude_decimal": lambda s: latitude(s, station=s.literals["station"]),
    "area_unemployment_rate_pct": rate,
    "total_population": total,
    "flooded_farmland_m2": overlay("intersection"),
    "sheet_area_m2": joined_area,
    "wgs84_latitude": latitude,
    "thiessen_value_mm": thiessen,
    "parcel_area_m2": corner_area,
    "lowest_cell_easting": lambda s: fact_of(s.ask("histogram", raster=s.data()), "x", of="minimum"),
    "ships_in_zone": lambda s: points_inside(s, points=1, polygons=0),
    "mean_slope_degrees": lambda s: s.number("terrain", "mean", raster=s.data(), operation="slope"),
    "pipe_length_total_m": measure("length", "plane"),
    "field_area_m2": measure("area", "ellipsoid"),
    "workable_area_m2": overlay("difference"),
    "raster_ground_area_m2": covered_area,
    "net_plot_area_m2": measure("area", "plane"),
}


class Adapter:
    """A system under Argleton's test."""

    name = "terracite"

    def run(self, probe: Asked, workdir: Path) -> Outcome:
        """Answer a probe from the files in `workdir`; a refusal keeps the product's words, an error of ours goes up."""
        operation = OPERATIONS.get(probe.operation)
        if operation is None:
            return Outcome(unsupported=True)
        session = Session(workdir, probe)
        try:
            return Outcome(answer=operation(session), warnings=session.warnings)
        except RefusalError as refusal:
            return Outcome(refusal=str(refusal))
        except TerraciteError as error:
            return Outcome(refusal=str(error))
