"""Argleton's fixtures under other names: every file, layer and column is called differently, and the call names them so too.

A column that is known by its name alone (a latitude, a rate and its base) gets another name of the same meaning; all others
become letters without any. Geometries, values and the files' own encodings stay what they were.
"""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from argleton.model import Outcome, Probe

from argleton_adapter import Adapter

SAME_MEANING = {
    "latitude": "Lat",
    "longitude": "Lng",
    "lat_deg": "latitude_d",
    "lat_min": "latitude_m",
    "lat_sec": "latitude_s",
    "lat_hem": "latitude_hemisphere",
    "lon_deg": "longitude_d",
    "lon_min": "longitude_m",
    "lon_sec": "longitude_s",
    "lon_hem": "longitude_hemisphere",
    "labour_force": "active_population",
    "unemployment_rate_pct": "jobless_percent",
    "population": "inhabitants",
    "district": "borough",
}
"""Column → a name that says the same."""


@dataclass(frozen=True)
class Renamed:
    """A probe's call over files of other names."""

    operation: str
    arguments: tuple[str, ...]


class RenamedAdapter(Adapter):
    """The same system, asked over renamed fixtures."""

    def run(self, probe: Probe, workdir: Path) -> Outcome:  # type: ignore[override]
        """Rename what the probe built, in a folder of its own, and answer from there."""
        folder = workdir / "renamed"
        folder.mkdir()
        names = Names()
        for file in sorted(workdir.iterdir()):
            if file.is_file():
                rename(file, folder, names)
        return super().run(Renamed(probe.operation, tuple(names.in_call(text) for text in probe.arguments)), folder)


class Names:
    """New names for old, the same wherever the old one stands."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.layers: dict[str, str] = {}
        self.columns: dict[str, str] = {}

    def file(self, name: str) -> str:
        """Return the new name of a file; of side files the stem follows that of the file."""
        stem, suffix = name.split(".", 1)
        return f"{self.files.setdefault(stem, f'input_{len(self.files) + 7}')}.{suffix}"

    def layer(self, name: str) -> str:
        """Return the new name of a layer."""
        return self.layers.setdefault(name, f"sheet {len(self.layers) + 3}")

    def column(self, name: str) -> str:
        """Return the new name of a column."""
        return self.columns.setdefault(name, SAME_MEANING.get(name, f"q{chr(97 + len(self.columns))}"))

    def in_call(self, text: str) -> str:
        """Return an argument of the call with the new names."""
        key, equals, value = text.rpartition("=")
        if key == "layer":
            return f"layer={self.layer(value)}"
        if equals:
            return text
        return self.columns.get(text) or self.file(text)


def rename(file: Path, folder: Path, names: Names) -> None:
    """Copy a fixture under its new name, with new names inside."""
    target = folder / names.file(file.name)
    INSIDE.get(file.suffix, lambda source, copy, _: shutil.copy(source, copy))(file, target, names)


def _csv(file: Path, target: Path, names: Names) -> None:
    with file.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    with target.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([[names.column(name) for name in header], *rows])


def _geojson(file: Path, target: Path, names: Names) -> None:
    document = json.loads(file.read_text(encoding="utf-8"))
    for feature in document["features"]:
        feature["properties"] = {names.column(name): value for name, value in feature["properties"].items()}
    target.write_text(json.dumps(document), encoding="utf-8")


def _geopackage(file: Path, target: Path, names: Names) -> None:
    """Rename tables and columns in place, so that every geometry keeps its bytes; GDAL's triggers and indexes go, GDAL needs none."""
    shutil.copy(file, target)
    with sqlite3.connect(target) as base:
        for (trigger,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            base.execute(f'DROP TRIGGER "{trigger}"')
        for (index,) in base.execute("SELECT name FROM sqlite_master WHERE name LIKE 'rtree_%' AND sql LIKE 'CREATE VIRTUAL%'").fetchall():
            base.execute(f'DROP TABLE "{index}"')
        base.execute("DELETE FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'")
        for table, identifier in base.execute("SELECT table_name, identifier FROM gpkg_contents").fetchall():
            _rename_table(base, table, names.layer(identifier), names)
    base.close()


def _rename_table(base: sqlite3.Connection, table: str, name: str, names: Names) -> None:
    (geometry,) = base.execute("SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (table,)).fetchone()
    for _, column, *_ in base.execute(f'PRAGMA table_info("{table}")').fetchall():
        if column not in ("fid", geometry):
            base.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "{names.column(column)}"')
    base.execute(f'ALTER TABLE "{table}" RENAME TO "{name}"')
    base.execute("UPDATE gpkg_contents SET table_name = ?, identifier = ? WHERE table_name = ?", (name, name, table))
    for known in ("gpkg_geometry_columns", "gpkg_ogr_contents", "gpkg_extensions"):
        base.execute(f"UPDATE {known} SET table_name = ? WHERE table_name = ?", (name, table))


INSIDE: Mapping[str, Callable[[Path, Path, Names], object]] = {".csv": _csv, ".geojson": _geojson, ".gpkg": _geopackage}
"""Suffix → how to copy a file with other names inside; all others hold none that anything depends on."""
