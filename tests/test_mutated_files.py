"""Damaged files of every format, registered and used through worker processes: only our own errors come out, and no hang.

What each case is follows from its format and number alone: `damage(folder, name, format, Random("format number"))`.
"""

from __future__ import annotations

import shutil
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from mutated_seeds import FORMATS, FURTHER, write_sound_raster, write_zones
from mutations import damage
from tools.catalog.datasets import Datasets
from tools.catalog.records import DatasetRecord
from tools.errors import DeadlineError, InternalError, TerraciteError
from tools.execution import executor_of
from tools.runner import Runner
from tools.settings import ToolSettings
from tools.workers.pool import Pool
from tools.workspace import open_workspace

CASES = 150
"""Damaged files of each of the ten formats: 1,500 together."""
FURTHER_CASES = 50
DEADLINE_S = 60.0
"""The files are of some kilobytes: what takes so long would never end."""


@dataclass(frozen=True)
class Bench:
    """A workspace whose calls run in workers, a sound layer and raster in it, and whole files to be damaged."""

    datasets: Datasets
    runner: Runner
    folder: Path

    def whole(self, form: str, number: int) -> Path:
        """Write the whole files of a format into a folder of their own; return the one to be registered."""
        name, write = {**FORMATS, **FURTHER}[form]
        seed = self.folder / f"{form} seed"
        if not seed.exists():
            seed.mkdir()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # GDAL notes what a format cannot hold
                write(seed)
        return Path(shutil.copytree(seed, self.folder / f"{form} {number}")) / name

    def damaged(self, form: str, number: int) -> Path:
        """Return file `number` of a format, as it is in every run."""
        path = self.whole(form, number)
        damage(path.parent, path.name, form, Random(f"{form} {number}"))
        return path

    def outcomes(self, path: Path, turn: int) -> Iterator[str]:
        """Register a file and use what was registered by the tool whose turn it is; yield `read` or the code of the error."""
        report = self.datasets.add(path)
        yield from (refusal.code for refusal in report.refused)
        for record in report.records:
            uses = _uses(record)
            name, params = uses[turn % len(uses)]
            yield _answered(self.runner, name, params)


def _uses(record: DatasetRecord) -> list[tuple[str, dict[str, object]]]:
    """Return calls of tools that read all of a dataset of this kind."""
    ref = record.id
    by_kind: dict[str, list[tuple[str, dict[str, object]]]] = {
        "raster": [
            ("zonal_stats", {"raster": ref, "zones": "zones", "statistics": ["mean", "median"]}),
            ("classify", {"raster": ref, "classes": [{"label": "low", "max": 3.0}]}),
            ("render_map", {"layers": [{"source": ref}]}),
            ("reproject", {"source": ref, "crs": "EPSG:3857"}),
            ("polygonize", {"raster": ref}),
            ("describe_dataset", {"dataset": ref}),
        ],
        "vector": [
            ("query_vector", {"layer": ref, "measures": [{"aggregate": "count"}]}),
            ("zonal_stats", {"raster": "sound", "zones": ref, "statistics": ["mean"]}),
            ("overlay", {"operation": "intersection", "layer": ref, "other": "zones"}),
            ("render_map", {"layers": [{"source": ref}]}),
            ("describe_dataset", {"dataset": ref}),
        ],
    }
    return by_kind.get(record.kind, [("describe_dataset", {"dataset": ref})])


def _answered(runner: Runner, name: str, params: dict[str, object]) -> str:
    try:
        runner.run(name, params)
    except InternalError:
        raise
    except TerraciteError as error:
        return error.code
    return "read"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    workspace = open_workspace(root=tmp_path / "ws", settings=ToolSettings(workers=1, tool_deadline_s=DEADLINE_S))
    executor = executor_of(workspace)
    assert isinstance(executor, Pool)
    with executor:
        datasets = Datasets(workspace, executor)
        found = Bench(datasets, Runner(workspace, datasets, executor=executor), tmp_path)
        datasets.add(write_zones(tmp_path / "zones.gpkg"), id="zones")
        datasets.add(write_sound_raster(tmp_path / "sound.tif"), id="sound")
        yield found


def _survived(bench: Bench, form: str, numbers: range) -> Counter[str]:
    """Use the damaged files of these numbers; fail, naming the file, for an error that is not ours or one without end."""
    counts: Counter[str] = Counter()
    for number in numbers:
        path = bench.damaged(form, number)
        begin = time.monotonic()
        try:
            counts.update(bench.outcomes(path, number))
        except Exception as error:  # noqa: BLE001 - whatever comes out of a damaged file is the finding
            pytest.fail(f"{form} {number}: {type(error).__name__}: {error}")
        assert time.monotonic() - begin < DEADLINE_S, f"{form} {number}"
    return counts


@pytest.mark.heavy
@pytest.mark.parametrize("form", [*FORMATS, *FURTHER])
def test_whole_files_are_registered_and_read(bench: Bench, form: str) -> None:
    refused = "bad_data" if form == "network" else "read"  # its weights are too small to be a network's
    assert set(bench.outcomes(bench.whole(form, 0), 0)) == {refused}


@pytest.mark.heavy
@pytest.mark.parametrize("form", FORMATS)
def test_damaged_files_end_in_an_answer_or_in_an_error_of_ours(bench: Bench, form: str) -> None:
    counts = _survived(bench, form, range(1, CASES + 1))
    assert counts[DeadlineError.code] == 0
    # Not all is refused, nor all passed over: the edits reach what lies behind the first check.
    assert counts["read"] > CASES / 20
    assert counts["bad_data"] > CASES / 20


@pytest.mark.heavy
@pytest.mark.parametrize("form", FURTHER)
def test_damaged_headers_catalogues_and_cards_end_in_an_answer_or_in_an_error_of_ours(bench: Bench, form: str) -> None:
    assert _survived(bench, form, range(1, FURTHER_CASES + 1))["bad_data"] > 0


def test_a_few_damaged_files_of_every_format_end_in_an_answer_or_in_an_error_of_ours(bench: Bench) -> None:
    counts: Counter[str] = Counter()
    for form in FORMATS:
        counts += _survived(bench, form, range(1, 4))
    assert counts["read"] > 0
    assert counts["bad_data"] > 0
    # The service goes on as before.
    assert _answered(bench.runner, "zonal_stats", {"raster": "sound", "zones": "zones", "statistics": ["mean"]}) == "read"
