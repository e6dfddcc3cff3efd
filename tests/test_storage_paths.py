"""What is opened is the regular file that was named, below the folders that may be read, and nothing else."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tools.catalog.datasets import Datasets
from tools.contract import Source
from tools.errors import DataError, NotFoundError, TerraciteError
from tools.storage.identity import parts
from tools.storage.paths import real_file, source_file
from tools.workspace import Workspace

TABLE = "name,lon,lat\nA,5,52\n"
CANARY = "canary 4711"


def table(path: Path, text: str = TABLE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["a b.csv", "Ünïcode 地図.csv", "S1_2020-01-01T10:00:00.csv", "a,b=c&d?e#f%20[1]{2}.csv", "'quoted\".csv"])
def test_ordinary_names_pass_as_the_absolute_path_that_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    file = table(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert real_file(Path(name)) == file
    assert real_file(Path(f"/{file}")) == file  # two leading slashes would be a machine's name to some readers


@pytest.mark.parametrize(
    "name", ["a!b.csv", "a|layername=x.csv", "a;b.csv", "a\\b.csv", "a\nb.csv", "a\x1b[2Jb.csv", "a\x7f.csv", os.fsdecode(b"a\xff.csv")]
)
def test_names_that_readers_take_for_more_are_refused_though_the_file_is_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="Rename the file or folder") as caught:
        real_file(table(tmp_path / name))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "name",
    [
        "/vsicurl/http://127.0.0.1:9/a.gpkg", "/vsizip/a.zip/a.gpkg", "GPKG:a.gpkg", "SQLITE:a.db", "CSV:a.csv", "WFS:http://127.0.0.1:9/",
        "http://127.0.0.1:9/a.geojson", "a\0b.csv", "x" * 300 + ".csv", "d/" * 3000 + "a.csv",
    ],
)  # fmt: skip
def test_what_only_a_driver_would_find_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    table(tmp_path / "a.csv")
    monkeypatch.chdir(tmp_path)
    with pytest.raises((NotFoundError, DataError)) as caught:
        real_file(Path(name))
    assert len(str(caught.value)) < 600


def test_pipes_devices_sockets_folders_and_files_of_the_system_are_refused_without_waiting(tmp_path: Path) -> None:
    pipe, folder, bound = tmp_path / "pipe.csv", tmp_path / "folder.csv", tmp_path / "socket.csv"
    os.mkfifo(pipe)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(bound))
        for path in (
            pipe,
            bound,
            Path("/dev/zero"),
            Path("/proc/self/environ"),
            Path("/proc/self/cwd/pyproject.toml"),
            Path("/sys/kernel/mm/ksm/run"),
        ):
            with pytest.raises((DataError, NotFoundError)):
                real_file(path)
    with pytest.raises(NotFoundError):
        real_file(folder)
    link = tmp_path / "link.csv"
    link.symlink_to("/proc/self/environ")
    with pytest.raises(DataError, match="no regular file"):
        real_file(link)


def test_only_files_below_an_allowed_root_are_read_links_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, second, outside = table(tmp_path / "in" / "a.csv"), table(tmp_path / "two" / "b.csv"), table(tmp_path / "inside" / "c.csv")
    leading_out, staying, round_about = (
        tmp_path / "in" / "out.csv",
        tmp_path / "out" / "in.csv",
        tmp_path / "in" / ".." / "inside" / "c.csv",
    )
    staying.parent.mkdir()
    leading_out.symlink_to(outside)
    staying.symlink_to(inside)
    for file in (inside, second, outside, leading_out, staying):
        assert real_file(file) == file
    monkeypatch.setenv("TERRACITE_ALLOWED_ROOTS", f"{tmp_path / 'in'}:{tmp_path / 'two'}")
    for file in (inside, second, staying):
        assert real_file(file) == file
    for file in (outside, leading_out, round_about):
        with pytest.raises(DataError, match="TERRACITE_ALLOWED_ROOTS"):
            real_file(file)
    assert source_file(Source("a:1", "table", outside, "", producer="1" * 64)) == outside  # a result of ours


def test_a_file_that_is_replaced_after_it_was_added_is_refused_at_its_next_use(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, secret = table(tmp_path / "in" / "a.csv"), table(tmp_path / "secret.csv", CANARY)
    monkeypatch.setenv("TERRACITE_ALLOWED_ROOTS", str(tmp_path / "in"))
    datasets = Datasets(workspace)
    (record,) = datasets.add(file).records
    assert datasets.resolve(record.id).path == file
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(DataError, match="leads outside"):
        datasets.resolve(record.id)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(TerraciteError):
        datasets.resolve(record.id)


def test_a_folder_gives_its_own_files_and_what_its_links_reach_outside_only_in_allowed_roots(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    table(folder / "own.csv")
    table(folder / "sub" / "deeper.csv", TABLE.replace("A", "B"))
    table(folder / ".hidden.csv", CANARY)
    table(folder / ".secret" / "hidden.csv", CANARY)
    canary = table(elsewhere / "canary.txt", CANARY)
    (folder / "out.txt").symlink_to(canary)
    (folder / "gone.csv").symlink_to(tmp_path / "nothing.csv")
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    (folder / "up").symlink_to(folder)
    (folder / "away").symlink_to(elsewhere)
    (folder / "same.csv").symlink_to(folder / "sub" / "deeper.csv")
    os.mkfifo(folder / "pipe.csv")
    (folder / "folder.gpkg").mkdir()
    report = Datasets(workspace).add(folder)
    names = {Path(record.path).name for record in report.records}
    assert names == {"own.csv", "deeper.csv", "same.csv"}
    assert {Path(path).name for path in report.skipped} == {"out.txt", "gone.csv", "loop.csv", "pipe.csv"}
    monkeypatch.setenv("TERRACITE_ALLOWED_ROOTS", f"{folder}:{elsewhere}")
    assert "out.txt" in {Path(record.path).name for record in Datasets(workspace).add(folder).records}


def test_a_link_that_is_named_itself_is_followed(workspace: Workspace, tmp_path: Path) -> None:
    link = tmp_path / "links" / "a.csv"
    link.parent.mkdir()
    link.symlink_to(table(tmp_path / "data" / "a.csv"))
    assert len(Datasets(workspace).add(link).records) == 1


@pytest.mark.parametrize("name", ["bad\nname.csv", os.fsdecode(b"\xff.csv"), "a!b.csv", "n" * 240 + ".csv"])
def test_a_strange_name_in_a_folder_is_reported_and_the_rest_is_read(workspace: Workspace, tmp_path: Path, name: str) -> None:
    table(tmp_path / "d" / "good.csv")
    table(tmp_path / "d" / name, "name,lon,lat\nB,1,1\n")
    report = Datasets(workspace).add(tmp_path / "d")
    assert len(report.records) + len(report.refused) == 2
    assert all(refusal.path.isprintable() and refusal.message.isprintable() for refusal in report.refused)


def test_side_files_stay_with_their_owner_or_in_an_allowed_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    shape = table(home / "x.shp", "x")
    prj = table(away / "x.prj", CANARY)
    (home / "x.prj").symlink_to(prj)
    with pytest.raises(DataError, match="leads out of the folder"):
        parts(shape)
    monkeypatch.setenv("TERRACITE_ALLOWED_ROOTS", f"{home}:{away}")
    assert [role for role, _ in parts(shape)] == ["", ".prj"]
    monkeypatch.delenv("TERRACITE_ALLOWED_ROOTS")
    (home / "x.prj").unlink()
    os.mkfifo(home / "x.prj")
    with pytest.raises(DataError, match="no regular file"):
        parts(shape)
    (home / "x.prj").unlink()
    (home / "x.prj").symlink_to(home / "gone.prj")  # leads nowhere: as if it were not there
    assert [role for role, _ in parts(shape)] == [""]


def test_a_folder_of_links_to_a_layer_and_its_parts_reads_them(tmp_path: Path) -> None:
    for name in ("x.shp", "x.dbf"):
        (tmp_path / name).symlink_to(table(tmp_path / "real" / name, name))
    assert [role for role, _ in parts(tmp_path / "x.shp")] == ["", ".dbf"]
