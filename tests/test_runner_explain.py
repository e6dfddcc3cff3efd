"""Why a result was computed: what it was made from, what has changed, and since which earlier result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memo_package import PlainCatalog, TinyPackage
from tools.errors import NotFoundError
from tools.workspace import Workspace


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyPackage:
    (tmp_path / "code").mkdir()
    return TinyPackage(tmp_path / "code", monkeypatch)


@pytest.fixture
def catalog(tmp_path: Path) -> PlainCatalog:
    path = tmp_path / "five.txt"
    path.write_bytes(b"abcde")
    return PlainCatalog({"five": path})


def test_unchanged_result_is_current_and_shows_its_lineage(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    runner = package.runner(workspace, catalog)
    first = runner.run("measure", {"source": "five"}).artifact
    second = runner.run("measure", {"source": first.ref}).artifact
    report = runner.why(second.ref)
    assert (report.is_current, report.changes, report.earlier) == (True, (), None)
    text = "\n".join(report.lines())
    assert f"source: {first.ref} measure" in text
    assert "source: dataset five" in text
    json.dumps(report.to_json())


def test_change_upstream_is_told_downstream(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    runner = package.runner(workspace, catalog)
    first = runner.run("measure", {"source": "five"}).artifact
    added = runner.run("add", {"facts": {"x": f"{first.ref}#facts/0"}}).artifact
    package.edit("helper.py", "count * factor", "count + factor")
    report = package.runner(workspace, catalog).why(added.ref)
    assert (report.is_current, report.changes) == (False, ())
    text = "\n".join(report.lines())
    assert f"its input {first.ref} (measure) would be computed again" in text
    assert "tinytools.helper:scaled changed" in text


def test_only_the_dependent_results_are_computed_again(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    package.edit("add.py", "TOOL =", "def helper():\n    return 1\n\n\nTOOL =")
    runner = package.runner(workspace, catalog)
    first = runner.run("measure", {"source": "five"}).artifact
    call = {"facts": {"x": f"{first.ref}#facts/0"}}
    runner.run("add", call)
    package.edit("add.py", '"sum", sum', '"total", sum')
    runner = package.runner(workspace, catalog)
    assert runner.run("measure", {"source": "five"}).cache == "hit"
    assert runner.run("add", call).cache == "computed"


def test_other_library_version_is_named(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    stored = package.runner(workspace, catalog).run("measure", {"source": "five"}).artifact
    package.edit("measure.py", 'libraries=("pydantic",)', 'libraries=("pydantic", "shapely")')
    changes = package.runner(workspace, catalog).why(stored.ref).changes
    assert [str(change) for change in changes] == ["env shapely was added"]


def test_changed_input_is_shown_with_both_contents(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    runner = package.runner(workspace, catalog)
    old = runner.run("measure", {"source": "five"}).artifact
    catalog.files["five"].write_bytes(b"other")
    new = runner.run("measure", {"source": "five"}).artifact
    change = runner.why(new.ref).since_earlier[0]
    assert (change.component, change.name) == ("inputs", "source")
    assert catalog.resolve("five").digest in str(change.after)
    assert runner.why(new.ref).earlier == old.key


def test_earlier_result_of_another_question_is_not_taken_for_one(
    package: TinyPackage, workspace: Workspace, catalog: PlainCatalog, tmp_path: Path
) -> None:
    (tmp_path / "six.txt").write_bytes(b"abcdef")
    catalog.files["six"] = tmp_path / "six.txt"
    runner = package.runner(workspace, catalog)
    runner.run("measure", {"source": "five"})
    six = runner.run("measure", {"source": "six"}).artifact
    runner.run("measure", {"source": "six", "factor": 3})
    assert runner.why(six.ref).earlier is None


def test_call_that_cannot_be_made_today_says_why(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    runner = package.runner(workspace, catalog)
    stored = runner.run("measure", {"source": "five"}).artifact
    del catalog.files["five"]
    report = runner.why(stored.ref)
    assert report.is_current is None
    assert "There is no dataset 'five'" in report.obstacle
    assert runner.artifact(stored.ref) == stored


def test_unknown_result_is_not_found(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    with pytest.raises(NotFoundError):
        package.runner(workspace, catalog).why("a:0123456789ab")
