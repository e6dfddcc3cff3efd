"""Files, names, addresses and expressions that mean harm bring nothing about; the nearest harmless ones work.

An effect is: content of a file elsewhere in a result, record, error or log; a connection to a host that nobody named; a file that is
created, changed or removed outside the workspace; a process that is started.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import rasterio

import hostile_layers
import hostile_names
import hostile_rasters
import hostile_vectors
import hostile_virtual
from agent import Agent
from agent.knowledge.documents import read_document
from hostile_bait import (
    NAMES,
    OWN,
    PEOPLE,
    Bait,
    CanaryHost,
    FileCase,
    canary_host,
    changes,
    listing,
    settle,
    write_bait,
    write_layer,
    write_raster,
)
from hostile_names import AddressCase, CallCase, NameCase
from hostile_using import LAYER, RASTER, Bench, Tried, Watch, try_call, try_catalogue, try_file, try_name
from range_server import Fault, RangeServer
from tools.catalog.datasets import Datasets
from tools.execution import executor_of
from tools.settings import ToolSettings
from tools.workers.job import Executor, InProcess, Job
from tools.workspace import open_workspace

FILES = (*hostile_rasters.CASES, *hostile_vectors.CASES, *hostile_vectors.DOCUMENTS, *hostile_vectors.ARCHIVES)
LINKED = (*hostile_rasters.LINKED, *hostile_vectors.LINKED)
BOMBS = (*hostile_rasters.BOMBS, *hostile_vectors.WIDE)
TWINS = tuple(dict.fromkeys((case.twin, case.trusted) for case in FILES))
OPEN: dict[str, str] = {}
"""Cases that still do harm, with the part of the code where the hole is."""


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where everything plays: with the bait, a home, a folder for temporary files, and what is harmless."""
    folder = tmp_path_factory.mktemp("ground")
    write_bait(folder / "elsewhere")
    for name in ("home", "tmp", "own"):
        (folder / name).mkdir()
    own = write_raster(folder / "own" / "own.tif"), write_layer(folder / "own" / "own.geojson")
    settle(folder)
    datasets = Datasets(open_workspace(root=folder / "prepared"))
    for path, name in zip(own, (RASTER, LAYER), strict=True):
        datasets.add(path, id=name)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _fonts_known() -> None:
    """Let matplotlib look for the machine's fonts now: it starts a program, once, and keeps what it found in a folder of its own."""
    import matplotlib.font_manager  # noqa: F401


@pytest.fixture(scope="session")
def host(ground: Path) -> Iterator[CanaryHost]:
    """Return the host that nobody may ask."""
    with canary_host(ground / "elsewhere") as host:
        yield host


@dataclass(frozen=True)
class Place:
    """Where one case plays: a folder of its own beside the bait, and a bench over a workspace that holds what is harmless."""

    root: Path
    folder: Path
    bait: Bait
    host: CanaryHost
    bench: Bench


@pytest.fixture(scope="session")
def pool(ground: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    """Return workers that were started with the home and the temporary folder under watch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(ground / "home"))
        patch.setenv("TMPDIR", str(ground / "tmp"))
        workers = executor_of(open_workspace(ToolSettings(workers=2), root=tmp_path_factory.mktemp("pool")))
        workers.run(Job("tools.execution:nothing", {}))
        yield workers
        workers.close()


@pytest.fixture
def executor(request: pytest.FixtureRequest) -> Executor:
    """Return what the tools run by: this process, or the workers for a test that asks for them."""
    workers: Executor = request.getfixturevalue("pool") if getattr(request, "param", "") == "workers" else InProcess()
    return workers


EVERYWHERE = pytest.mark.parametrize("executor", ["here", "workers"], indirect=True)


WORKER_STARTED = f"started subprocess.Popen {(sys.executable,)}"
_numbers = itertools.count()


@pytest.fixture
def place(ground: Path, host: CanaryHost, executor: Executor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Return a place with the bait next door, and HOME and TMPDIR under watch."""
    name = f"case{next(_numbers):04d}"
    folder, workspace = ground / name, ground / f"ws-{name}"
    folder.mkdir()
    shutil.copytree(ground / "prepared", workspace)
    monkeypatch.setenv("HOME", str(ground / "home"))
    monkeypatch.setenv("TMPDIR", str(ground / "tmp"))
    monkeypatch.chdir(ground / "home")
    bench = Bench.over(workspace, executor)
    yield Place(ground, folder, Bait(ground / "elsewhere", f"{host.url}{name}/"), host, bench)
    shutil.rmtree(folder)
    shutil.rmtree(workspace)


@dataclass(frozen=True)
class Trial:
    """What a trial came to."""

    tried: Tried
    effects: list[str]


Try = Callable[[Callable[[Bench], Tried]], Trial]


@pytest.fixture
def watched(place: Place, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Try:
    """Return a function that lets something be done and tells what it brought about, what was logged and printed included."""
    caplog.set_level(logging.DEBUG)

    def run(act: Callable[[Bench], Tried]) -> Trial:
        settle(place.folder)
        watch = Watch.begin(place.root, place.bench.workspace.root, place.bait, place.host)
        tried = act(place.bench)
        printed = capfd.readouterr()
        effects = watch.effects(tried.said, f"{caplog.text}\n{printed.out}\n{printed.err}")
        ours = () if place.bench.in_process else (WORKER_STARTED,)
        return Trial(tried, [effect for effect in effects if effect not in ours])

    return run


@pytest.fixture
def trial(watched: Try) -> Callable[..., Trial]:
    """Return a function that tries a file."""
    return lambda path, only=None: watched(lambda bench: try_file(bench, path, only))


def named(cases: tuple[FileCase, ...]) -> Callable[..., object]:
    """Parametrise over cases; those that still do harm are expected to."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name, marks=_marks(case)) for case in cases])


def _marks(case: FileCase) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xfail(strict=True, reason=OPEN[case.name])] if case.name in OPEN else []


def assert_harmless(outcome: Trial) -> None:
    """Nothing was brought about, and only errors of ours came out."""
    assert not outcome.effects, "\n".join(outcome.effects)
    assert not outcome.tried.unexpected, "\n".join(outcome.tried.unexpected)


@pytest.mark.heavy
@EVERYWHERE
@pytest.mark.parametrize("twin", [pytest.param(twin, id=f"{twin[0].__name__} {twin[1]}".strip()) for twin in TWINS if not twin[1]])
def test_every_tool_takes_the_nearest_harmless_file(
    twin: tuple[Callable[[Path], Path], str], place: Place, trial: Callable[..., Trial]
) -> None:
    path = twin[0](place.folder)
    outcome = trial(path)
    assert_harmless(outcome)
    refused = [text for text in outcome.tried.said if '"retryable"' in text]
    points_are_no_zones, polygons_are_no_points, bands_of_other_names = 2, 1, 1
    polygons = dict.fromkeys((".gpkg", ".shp", ".geojson", ".fgb", ".parquet"), polygons_are_no_points)
    assert len(refused) == {**polygons, ".csv": points_are_no_zones, ".img": bands_of_other_names}.get(path.suffix, 0), refused


def assert_gives_its_value(outcome: Trial, path: Path) -> None:
    """The one result holds what was written into every harmless file of its kind."""
    assert outcome.tried.results, outcome.tried.said
    (result,) = outcome.tried.results
    values = {fact.name: fact.value for fact in result.artifact.facts}
    if "size" in values:  # a document
        assert "Notes" in read_document(path).text
    else:
        assert values["mean"] == OWN if "mean" in values else (values["count"], values["sum of people"]) == (len(NAMES), sum(PEOPLE))


@named(FILES)
def test_a_hostile_file_brings_nothing_about(case: FileCase, place: Place, trial: Callable[..., Trial]) -> None:
    assert_harmless(trial(case.write(place.folder, place.bait), only=2))


@pytest.mark.heavy
@EVERYWHERE
@named((*FILES, *LINKED, *BOMBS))
def test_a_hostile_file_brings_nothing_about_by_any_tool(
    case: FileCase, place: Place, trial: Callable[..., Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERRACITE_ALLOWED_ROOTS", f"{place.folder}:{place.root / 'own'}")
    assert_harmless(trial(case.write(place.folder, place.bait)))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in FILES if case.trusted])
def test_a_trusted_format_is_trusted_with_files_and_nothing_else(
    case: FileCase, place: Place, trial: Callable[..., Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERRACITE_TRUSTED_FORMATS", case.trusted)
    outcome = trial(case.write(place.folder, place.bait), only=2)
    assert not [effect for effect in outcome.effects if effect.startswith(("asked", "touched", "started"))]
    assert not outcome.tried.unexpected


@pytest.mark.parametrize("twin", [pytest.param(twin, id=f"{twin[0].__name__} {twin[1]}".strip()) for twin in TWINS])
def test_the_nearest_harmless_file_gives_its_value(
    twin: tuple[Callable[[Path], Path], str], place: Place, trial: Callable[..., Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, trusted = twin
    monkeypatch.setenv("TERRACITE_TRUSTED_FORMATS", trusted)
    path = write(place.folder)
    outcome = trial(path, only=1)
    assert_harmless(outcome)
    assert_gives_its_value(outcome, path)


def param(case: Any) -> Any:  # Any: every kind of case has a name
    """Return a case as a parameter; one that still does harm is expected to."""
    return pytest.param(case, id=case.name, marks=_marks(case))


@pytest.mark.parametrize("case", [param(case) for case in hostile_names.NAMES])
def test_a_hostile_name_brings_nothing_about(case: NameCase, place: Place, watched: Try) -> None:
    outcome = watched(lambda bench: try_name(bench, case.text(place.bait)))
    assert_harmless(outcome)
    assert not outcome.tried.results


@pytest.mark.parametrize("case", [param(case) for case in hostile_names.NAMES])
def test_a_file_whose_name_only_looks_hostile_gives_its_value(case: NameCase, place: Place, trial: Callable[..., Trial]) -> None:
    path = place.folder / case.twin
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = (write_raster if path.suffix == ".tif" else write_layer)(place.folder / f"plain{path.suffix}")
    outcome = trial(plain.rename(path), only=1)
    assert_harmless(outcome)
    assert_gives_its_value(outcome, path)


@pytest.mark.parametrize("case", [param(case) for case in hostile_names.ADDRESSES])
def test_a_hostile_address_is_not_asked(case: AddressCase, place: Place, watched: Try) -> None:
    address = case.text(place.bait)
    catalogue = hostile_names.catalogue(place.folder, address)
    assert_harmless(watched(lambda bench: try_name(bench, address) + try_catalogue(bench, catalogue)))
    linking = hostile_names.catalogue(place.folder, "./plain.tif", link=address)
    assert_harmless(watched(lambda bench: try_catalogue(bench, linking)))


@pytest.mark.parametrize("case", [param(case) for case in hostile_names.HREFS])
def test_a_hostile_link_of_a_catalogue_is_not_followed(case: AddressCase, place: Place, watched: Try) -> None:
    (place.folder / "link.tif").symlink_to(place.bait.file("secret.tif"))
    for name in ("mosaic.vrt", "mosaic.tif"):
        (place.folder / name).write_text(hostile_virtual.vrt(str(place.bait.file("secret.tif"))))
    write_raster(place.folder / "plain.tif")
    catalogue = hostile_names.catalogue(place.folder, case.text(place.bait))
    outcome = watched(lambda bench: try_catalogue(bench, catalogue))
    assert_harmless(outcome)
    assert [result.artifact.tool for result in outcome.tried.results] == ["search_stac"]


@pytest.mark.parametrize("href", ["plain.tif", "./plain.tif", "../{folder.name}/plain.tif", "a b/%C3%A4.tif", "file://{folder}/plain.tif"])
def test_a_file_that_lies_with_its_catalogue_gives_its_value(href: str, place: Place, watched: Try) -> None:
    write_raster(place.folder / "plain.tif")
    (place.folder / "a b").mkdir()
    write_raster(place.folder / "a b" / "%C3%A4.tif")
    catalogue = hostile_names.catalogue(place.folder, href.format(folder=place.folder))
    outcome = watched(lambda bench: try_catalogue(bench, catalogue))
    assert_harmless(outcome)
    with rasterio.open(outcome.tried.results[-1].artifact.main_file) as dataset:
        assert (dataset.read() == OWN).all()


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    """Return a server that may be asked, on a port of its own."""
    with RangeServer() as server:
        monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", server.host)
        yield server


@pytest.mark.heavy
@pytest.mark.parametrize("case", [param(case) for case in hostile_names.ADDRESSES])
def test_a_host_that_may_be_asked_leads_to_no_other(case: AddressCase, place: Place, watched: Try, allowed: RangeServer) -> None:
    address = case.text(place.bait)
    header = "".join(letter for letter in address if letter.isprintable() and letter.isascii())
    for path in ("/moved.tif", "/moved.json"):
        allowed.always_fail(path, Fault(status=302, headers={"location": header}))
    catalogue = hostile_names.catalogue(place.folder, "moved.tif")
    allowed.put("/catalog.json", catalogue.read_bytes())
    allowed.put("/item.json", (place.folder / "item.json").read_bytes())

    def act(bench: Bench) -> Tried:
        moved = [try_catalogue(bench, allowed.url(path)) for path in ("/moved.json", "/moved.tif")]
        return sum(moved, try_catalogue(bench, allowed.url("/catalog.json")))

    assert_harmless(watched(act))
    assert allowed.asked("/moved.json")
    assert allowed.asked("/moved.tif")


def test_a_host_that_may_be_asked_gives_its_value(place: Place, watched: Try, allowed: RangeServer) -> None:
    catalogue = hostile_names.catalogue(place.folder, "plain.tif")
    allowed.put("/catalog.json", catalogue.read_bytes())
    allowed.put("/item.json", (place.folder / "item.json").read_bytes())
    allowed.put("/plain.tif", write_raster(place.folder / "plain.tif").read_bytes())
    outcome = watched(lambda bench: try_catalogue(bench, allowed.url("/catalog.json")))
    assert_harmless(outcome)
    with rasterio.open(outcome.tried.results[-1].artifact.main_file) as dataset:
        assert (dataset.read() == OWN).all()


@pytest.mark.parametrize("name", ["x.tif", "x.geojson", "x.csv"])
def test_a_hostile_file_that_was_fetched_brings_nothing_about(name: str, place: Place, watched: Try, allowed: RangeServer) -> None:
    writer = {".tif": hostile_virtual.vrt(str(place.bait.file("secret.tif")))}.get(Path(name).suffix, hostile_layers.over_file(place.bait))
    address = allowed.put(f"/{name}", writer.encode())
    assert_harmless(watched(lambda bench: try_name(bench, address)))


@pytest.mark.parametrize("name", ["x.tif", "x.geojson"])
def test_a_harmless_file_that_was_fetched_gives_its_value(name: str, place: Place, watched: Try, allowed: RangeServer) -> None:
    path = (write_raster if name == "x.tif" else write_layer)(place.folder / name)
    address = allowed.put(f"/{name}", path.read_bytes())
    outcome = watched(lambda bench: try_file(bench, address, only=1))
    assert_harmless(outcome)
    assert_gives_its_value(outcome, path)


@pytest.mark.parametrize("case", [param(case) for case in hostile_names.CALLS])
def test_a_hostile_parameter_brings_nothing_about(case: CallCase, place: Place, watched: Try) -> None:
    started = time.monotonic()
    assert_harmless(watched(lambda bench: try_call(bench, case.tool, case.params(place.bait))))
    assert time.monotonic() - started < 20


@pytest.mark.heavy
@pytest.mark.parametrize("executor", ["workers"], indirect=True)
@pytest.mark.parametrize("case", [param(case) for case in hostile_names.CALLS])
def test_a_hostile_parameter_brings_nothing_about_in_workers(case: CallCase, place: Place, watched: Try) -> None:
    assert_harmless(watched(lambda bench: try_call(bench, case.tool, case.params(place.bait))))


@pytest.mark.heavy
@pytest.mark.parametrize("executor", ["workers"], indirect=True)
@pytest.mark.parametrize("case", [param(case) for case in (*hostile_names.ADDRESSES, *hostile_names.HREFS)])
def test_a_hostile_link_of_a_catalogue_is_not_followed_in_workers(case: AddressCase, place: Place, watched: Try) -> None:
    (place.folder / "link.tif").symlink_to(place.bait.file("secret.tif"))
    catalogue = hostile_names.catalogue(place.folder, case.text(place.bait))
    assert_harmless(watched(lambda bench: try_catalogue(bench, catalogue)))


CALL_TWINS = {json.dumps([case.tool, case.twin, case.gives]): case for case in hostile_names.CALLS}


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.tool} {place}") for place, case in enumerate(CALL_TWINS.values())])
def test_the_nearest_harmless_parameter_gives_its_value(case: CallCase, watched: Try) -> None:
    outcome = watched(lambda bench: try_call(bench, case.tool, case.twin))
    assert_harmless(outcome)
    (result,) = outcome.tried.results
    assert case.gives is None or case.gives in {(fact.name, fact.value) for fact in result.artifact.facts}, result.artifact.facts


@pytest.mark.parametrize("case", [param(case) for case in LINKED])
def test_a_link_out_of_the_folders_that_may_be_read_is_not_followed(
    case: FileCase, place: Place, trial: Callable[..., Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERRACITE_ALLOWED_ROOTS", f"{place.folder}:{place.root / 'own'}")
    assert_harmless(trial(case.write(place.folder, place.bait), only=2))


@pytest.mark.parametrize("case", [param(case) for case in LINKED])
def test_the_same_link_within_the_folders_that_may_be_read_is_followed(
    case: FileCase, place: Place, trial: Callable[..., Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERRACITE_ALLOWED_ROOTS", f"{place.folder}:{place.root / 'own'}")
    (place.folder / "kept").mkdir()
    target = case.twin(place.folder / "kept")
    path = place.folder / f"x{target.suffix}"
    path.symlink_to(target)
    for side in (place.folder / "kept").iterdir():
        if side != target:
            (place.folder / side.name.replace(target.stem, "x", 1)).symlink_to(side)
    outcome = trial(path, only=1)
    assert_harmless(outcome)
    assert_gives_its_value(outcome, path)


def test_a_folder_is_registered_without_what_leads_out_of_it(place: Place, watched: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRACITE_ALLOWED_ROOTS", f"{place.folder}:{place.root / 'own'}")
    for number, case in enumerate((*LINKED, *hostile_rasters.CASES, *hostile_vectors.CASES)):
        (place.folder / str(number)).mkdir()
        case.write(place.folder / str(number), place.bait)
    (place.folder / "outside").symlink_to(place.bait.folder)
    kept = write_raster(place.folder / "plain.tif")
    outcome = watched(lambda bench: try_file(bench, place.folder, only=1))
    assert_harmless(outcome)
    assert str(kept) in {record["path"] for record in place.bench.datasets.records()}


@pytest.mark.parametrize("case", [param(case) for case in hostile_rasters.CASES if case.name.startswith("a virtual raster")])
def test_a_file_that_is_changed_after_it_was_registered_brings_nothing_about(case: FileCase, place: Place, watched: Try) -> None:
    path = case.write(place.folder, place.bait)
    (place.folder / "kept").mkdir()
    path.rename(place.folder / "kept" / path.name)
    write_raster(place.folder / "x.tif").rename(path)
    bench = place.bench
    bench.datasets.add(path, id="swapped")
    (place.folder / "kept" / path.name).rename(path)
    assert_harmless(watched(lambda bench: try_call(bench, "zonal_stats", {"raster": "swapped", "statistics": ["mean"]})))


@pytest.mark.heavy
def test_hostile_documents_are_searched_for_their_words_alone(place: Place, watched: Try) -> None:
    for number, case in enumerate(hostile_vectors.DOCUMENTS):
        (place.folder / str(number)).mkdir()
        case.write(place.folder / str(number), place.bait)

    def act(bench: Bench) -> Tried:
        agent = Agent(workspace=bench.workspace.root)
        agent.add(place.folder)
        found = agent.tool("search_knowledge")(query="Notes")
        return Tried([json.dumps(dict(found.artifact.record), default=str)], [found])

    outcome = watched(act)
    assert_harmless(outcome)
    (result,) = outcome.tried.results
    assert "Dull" in json.dumps(result.artifact.data)


@pytest.mark.parametrize("case", [param(case) for case in BOMBS])
def test_a_small_file_that_asks_for_too_much_is_stopped_at_a_limit(case: FileCase, place: Place, trial: Callable[..., Trial]) -> None:
    started = time.monotonic()
    outcome = trial(case.write(place.folder, place.bait), only=2)
    assert_harmless(outcome)
    assert not outcome.tried.results
    assert time.monotonic() - started < 20


GEOSPATIAL = ("GDAL", "CPL", "OGR", "PROJ", "SHAPE", "GTIFF")


def shown(library: str, names: Sequence[Path | str]) -> list[bool]:
    """Return for each name whether the library, as it comes, shows the bait."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(GEOSPATIAL)}
    program = Path(__file__).with_name("hostile_stock.py")
    done = subprocess.run([sys.executable, str(program), library, *map(str, names)], env=clean, capture_output=True, check=True)
    found: list[bool] = json.loads(done.stdout)
    return found


def bitten(cases: tuple[FileCase, ...], library: str, root: Path, template: Path, host: CanaryHost) -> list[str]:
    """Return the names of the cases that do harm where a library opens them as it comes, without our environment."""
    folders = [root / f"bite{place:03d}" for place in range(len(cases))]
    paths = []
    for case, folder in zip(cases, folders, strict=True):
        shutil.copytree(template, folder / "elsewhere")
        (folder / "case").mkdir()
        paths.append(case.write(folder / "case", Bait(folder / "elsewhere", f"{host.url}{folder.name}/")))
    before = listing(root)
    found = shown(library, paths)
    touched = {Path(path).parts[0] for path in changes(before, listing(root))}
    asked = {part for contact in host.contacts for part in contact.split("/")}
    return [
        case.name
        for case, folder, seen in zip(cases, folders, found, strict=True)
        if seen or folder.name in touched or folder.name in asked
    ]


@pytest.mark.heavy
def test_a_good_part_of_the_rasters_does_harm_where_nobody_keeps_it_from_it(tmp_path: Path, ground: Path, host: CanaryHost) -> None:
    cases = hostile_rasters.CASES
    found = bitten(cases, "rasterio", tmp_path, ground / "elsewhere", host)
    assert 2 * len(found) >= len(cases), found


@pytest.mark.heavy
def test_a_good_part_of_the_layers_does_harm_where_nobody_keeps_it_from_it(tmp_path: Path, ground: Path, host: CanaryHost) -> None:
    cases = hostile_vectors.CASES
    found = bitten(cases, "pyogrio", tmp_path, ground / "elsewhere", host)
    assert 3 * len(found) >= len(cases), found


@pytest.mark.heavy
def test_a_good_part_of_the_names_does_harm_where_nobody_keeps_it_from_it(ground: Path, host: CanaryHost) -> None:
    found = set()
    for library in ("rasterio", "pyogrio"):
        names = [case.text(Bait(ground / "elsewhere", f"{host.url}{library}{place}/")) for place, case in enumerate(hostile_names.NAMES)]
        passable = [place for place, name in enumerate(names) if name.isprintable() and len(name) < 10_000]
        seen = shown(library, [names[place] for place in passable])
        asked = {part for contact in host.contacts for part in contact.split("/")}
        found |= {place for place, one in zip(passable, seen, strict=True) if one or f"{library}{place}" in asked}
    assert 3 * len(found) >= len(hostile_names.NAMES), found
