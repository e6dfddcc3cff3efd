"""Running tools by name: hits, keys, references, errors, observations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memo_package import PlainCatalog, TinyPackage
from tools.contract import Declared, Fact
from tools.errors import BusyError, NotFoundError, ParameterError, StaleCodeError, StorageError
from tools.runner import Runner
from tools.workspace import Workspace, open_workspace


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyPackage:
    root = tmp_path / "code"
    root.mkdir()
    return TinyPackage(root, monkeypatch)


@pytest.fixture
def catalog(tmp_path: Path) -> PlainCatalog:
    path = tmp_path / "five.txt"
    path.write_bytes(b"abcde")
    return PlainCatalog({"five": path})


@pytest.fixture
def runner(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> Runner:
    return package.runner(workspace, catalog)


def test_second_call_hits_and_returns_the_same_artifact(runner: Runner) -> None:
    first = runner.run("measure", {"source": "five", "factor": 2})
    second = runner.run("measure", {"source": "five", "factor": 2.0})
    assert (first.cache, second.cache) == ("computed", "hit")
    assert first.artifact == second.artifact
    assert first.artifact.facts == (Fact("count", 10.0, "count", {"row": "0"}, "facts/0"),)
    assert first.note == second.note == ""


def test_record_holds_exactly_what_was_hashed(runner: Runner) -> None:
    from tools.memo.key import key_of

    record = runner.run("measure", {"source": "five"}).artifact.record
    assert key_of(record["spec"]) == record["key"]
    assert {name for name in record["spec"]["code"] if name.startswith("tinytools")} == {
        "tinytools.helper:scaled",
        "tinytools.measure:MeasureParams",
        "tinytools.measure:run",
    }
    assert list(record["spec"]["env"]) == ["pydantic"]
    assert "five" not in json.dumps(record["spec"])
    assert record["called"] == {"source": "five"}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("helper.py", "return count * factor", "return count * factor  # a comment"),
        ("helper.py", '"""Scale."""', '"""Scale a count."""'),
        ("helper.py", "return 1", "return 2"),  # nobody reaches it
        ("measure.py", "Multiplies the count.", "Scales the count."),
        ("measure.py", '"""Count."""', ""),
    ],
)
def test_edit_that_changes_no_result_still_hits(
    package: TinyPackage, workspace: Workspace, catalog: PlainCatalog, name: str, old: str, new: str
) -> None:
    package.runner(workspace, catalog).run("measure", {"source": "five"})
    package.edit(name, old, new)
    assert package.runner(workspace, catalog).run("measure", {"source": "five"}).cache == "hit"


def test_edit_of_a_reached_helper_recomputes_and_why_names_it_from_both_sides(
    package: TinyPackage, workspace: Workspace, catalog: PlainCatalog
) -> None:
    old = package.runner(workspace, catalog).run("measure", {"source": "five"}).artifact
    untouched = package.runner(workspace, catalog).run("look", {}).artifact
    package.edit("helper.py", "count * factor", "count * factor + 1")
    runner = package.runner(workspace, catalog)
    before = runner.why(old.ref)
    new = runner.run("measure", {"source": "five"})
    assert (new.cache, new.artifact.facts[0].value) == ("computed", 6.0)
    assert before.is_current is False
    assert [str(change) for change in before.changes] == ["code tinytools.helper:scaled changed"]
    after = runner.why(new.artifact.ref)
    assert after.is_current
    assert after.earlier == old.key
    assert [str(change) for change in after.since_earlier] == ["code tinytools.helper:scaled changed"]
    assert "tinytools.helper:scaled" in "\n".join(after.lines())
    assert runner.run("look", {}).artifact.key == untouched.key


def test_same_bytes_under_another_name_hit(runner: Runner, catalog: PlainCatalog, tmp_path: Path) -> None:
    catalog.files["other"] = tmp_path / "other.txt"
    catalog.files["other"].write_bytes(b"abcde")
    runner.run("measure", {"source": "five"})
    assert runner.run("measure", {"source": "other"}).cache == "hit"


def test_changed_bytes_under_the_same_name_are_computed(runner: Runner, catalog: PlainCatalog) -> None:
    old = runner.run("measure", {"source": "five"}).artifact
    catalog.files["five"].write_bytes(b"abcdef")
    assert runner.run("measure", {"source": "five"}).cache == "computed"
    assert [(change.component, change.name) for change in runner.why(old.ref).changes] == [("inputs", "source")]


@pytest.mark.parametrize(
    ("declared", "layer"),
    [(Declared(nodata=0), None), (Declared(nodata=float("nan")), None), (Declared(name_column="n"), None), (Declared(), "roads")],
)
def test_what_is_declared_about_a_file_is_part_of_its_identity(
    runner: Runner, catalog: PlainCatalog, declared: Declared, layer: str | None
) -> None:
    runner.run("measure", {"source": "five"})
    catalog.declared["five"] = declared
    if layer:
        catalog.layers["five"] = layer
    assert runner.run("measure", {"source": "five"}).cache == "computed"
    assert runner.run("measure", {"source": "five"}).cache == "hit"


def test_result_serves_as_an_input_by_prefix_and_as_facts(runner: Runner) -> None:
    first = runner.run("measure", {"source": "five", "factor": 3, "rows": 2}).artifact
    copy = runner.run("measure", {"source": f"a:{first.key[:8]}"}).artifact
    assert copy.facts[0].value == 5.0
    added = runner.run("add", {"facts": {"x": f"{first.ref}#facts/0", "y": f"{first.ref}#facts/1"}}).artifact
    assert added.facts[0].value == 15.0 + 16.0
    assert [leaf.ref for leaf in runner.lineage(added.ref).leaves] == ["five"]
    assert runner.lineage(added.ref).leaves[0].digest == runner.lineage(copy.ref).leaves[0].digest


def test_early_cut_off_when_upstream_gives_the_same_bytes(
    package: TinyPackage, workspace: Workspace, catalog: PlainCatalog, tmp_path: Path
) -> None:
    runner = package.runner(workspace, catalog)
    first = runner.run("measure", {"source": "five"}).artifact
    runner.run("measure", {"source": first.ref, "factor": 7})
    again = runner.run("measure", {"source": "five", "factor": 2}).artifact  # another key, the same file
    assert again.key != first.key
    assert runner.run("measure", {"source": again.ref, "factor": 7}).cache == "hit"


def test_facts_beyond_the_inline_ones_are_read_from_the_table(runner: Runner) -> None:
    artifact = runner.run("measure", {"source": "five", "rows": 250}).artifact
    assert (len(artifact.facts), artifact.fact_count) == (100, 250)
    assert [fact.value for fact in runner.facts(artifact.key)] == [5.0 + row for row in range(250)]
    assert [fact.path for fact in runner.facts(artifact.ref, 98, 4)] == ["facts/98", "facts/99", "facts/100", "facts/101"]
    assert runner.facts(artifact.ref, 300) == []
    added = runner.run("add", {"facts": {"x": f"{artifact.ref}#facts/249"}}).artifact
    assert added.facts[0].value == 254.0
    with pytest.raises(NotFoundError, match="no fact 250"):
        runner.run("add", {"facts": {"x": f"{artifact.ref}#facts/250"}})


def test_result_without_facts_has_no_table(runner: Runner) -> None:
    artifact = runner.run("measure", {"source": "five", "rows": 0}).artifact
    assert artifact.facts == ()
    assert runner.facts(artifact.ref) == []
    assert not (artifact.folder / "facts.parquet").exists()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"source": "five", "rows": -1}, r"rows is -1, but should be greater than or equal to 0"),
        ({"source": "five", "factr": 2}, r"no parameter factr \(did you mean factor\?\)"),
        ({}, r"source is missing"),
        ({"source": "five", "factor": float("inf")}, r"factor is inf, but should be a finite number"),
        ({"source": "five", "factor": "many"}, r"factor is 'many', but should be a valid number"),
    ],
)
def test_bad_parameter_is_named_with_its_value_and_what_is_expected(runner: Runner, params: dict[str, object], said: str) -> None:
    with pytest.raises(ParameterError, match=said) as raised:
        runner.run("measure", params)
    assert raised.value.hint == "Required: source. Optional: factor, rows."


def test_reference_of_the_wrong_kind_is_refused_in_words(catalog: PlainCatalog, workspace: Workspace) -> None:
    catalog.kinds["five"] = "vector"
    with pytest.raises(ParameterError, match=r"Parameter raster of zonal_stats is 'five', a vector layer. Give a raster."):
        Runner(workspace, catalog).run("zonal_stats", {"raster": "five", "statistics": ["mean"]})


@pytest.mark.parametrize(
    ("ref", "error", "said"),
    [
        ("nothing", NotFoundError, "no dataset"),
        ("a:0123456789ab", NotFoundError, "No result"),
        ("a:0123", ParameterError, "first 8 digits"),
        ("a:XYZ", ParameterError, "names no result"),
    ],
)
def test_unknown_reference_says_what_is_missing(runner: Runner, ref: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        runner.run("measure", {"source": ref})


def test_result_without_a_file_is_no_input(runner: Runner) -> None:
    look = runner.run("look", {}).artifact
    with pytest.raises(ParameterError, match="no file"):
        runner.run("measure", {"source": look.ref})


def test_ambiguous_prefix_is_refused(runner: Runner, workspace: Workspace) -> None:
    for ending in ("0", "1"):
        (workspace.artifacts / "ab" / ("ab" * 31 + "a" + ending)).mkdir(parents=True)
    with pytest.raises(ParameterError, match="names 2 results"):
        runner.run("measure", {"source": "a:abababab"})


def test_observation_always_runs_and_is_stored_by_what_it_saw(runner: Runner, catalog: PlainCatalog, workspace: Workspace) -> None:
    first, second = runner.run("look", {}), runner.run("look", {})
    assert (first.cache, second.cache) == ("observed", "observed")
    assert first.artifact.key == second.artifact.key
    catalog.files["more"] = catalog.files["five"]
    third = runner.run("look", {})
    assert third.artifact.key != first.artifact.key
    assert third.artifact.data == {"names": ["five", "more"]}
    assert len(workspace.journal.read_text().splitlines()) == 3
    assert runner.why(third.artifact.ref).is_current is None


def test_pure_tool_gets_no_catalog(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    package.edit("look.py", '"observation"', '"pure"')
    with pytest.raises(AssertionError):
        package.runner(workspace, catalog).run("look", {})


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('files=("copy.txt",)', 'files=("missing.txt",)', ValueError),
        ('files=("copy.txt",)', "files=()", ValueError),  # a file that is not named
        ("len(content)", "float('nan')", ValueError),
        ('"count", {"row"', '"furlong", {"row"', ValueError),
        ("[1, 2.5, None]", "[float('inf')]", ValueError),
        ("return ToolOutput", "raise ZeroDivisionError\n    return ToolOutput", ZeroDivisionError),
    ],
)
def test_bug_of_a_tool_is_not_hidden_and_stores_nothing(
    package: TinyPackage, workspace: Workspace, catalog: PlainCatalog, old: str, new: str, error: type[Exception]
) -> None:
    package.edit("measure.py", old, new)
    runner = package.runner(workspace, catalog)
    with pytest.raises(error):
        runner.run("measure", {"source": "five"})
    assert runner.ls() == []
    assert list(workspace.staging.iterdir()) == []
    assert list(workspace.locks.iterdir()) == []


def test_input_that_changes_while_it_is_read_is_not_published(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    package.edit("measure.py", "content = context", 'context.source(params.source).path.write_bytes(b"new")\n    content = context')
    runner = package.runner(workspace, catalog)
    with pytest.raises(BusyError, match="changed while"):
        runner.run("measure", {"source": "five"})
    assert runner.ls() == []


def test_code_that_changes_under_a_process_stops_publishing_but_not_hits(
    package: TinyPackage, workspace: Workspace, catalog: PlainCatalog
) -> None:
    runner = package.runner(workspace, catalog)
    runner.run("measure", {"source": "five"})
    helper = package.folder / "helper.py"
    helper.write_text(helper.read_text().replace("count * factor", "count * factor + 1"))
    assert runner.run("measure", {"source": "five"}).cache == "hit"
    with pytest.raises(StaleCodeError, match=r"tinytools\.helper"):
        runner.run("measure", {"source": "five", "factor": 2})
    assert len(runner.ls()) == 1


def test_failed_disk_is_a_storage_error(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    package.edit("measure.py", "content = context", "raise OSError(28, 'No space left on device')\n    content = context")
    with pytest.raises(StorageError, match="disk is full"):
        package.runner(workspace, catalog).run("measure", {"source": "five"})


def test_workspace_that_cannot_be_written_says_so(runner: Runner, workspace: Workspace) -> None:
    workspace.locks.rmdir()
    workspace.locks.write_text("in the way")
    with pytest.raises(StorageError, match="lock"):
        runner.run("measure", {"source": "five"})


def test_workspace_that_cannot_be_written_still_serves_hits(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    package.runner(workspace, catalog).run("measure", {"source": "five"})
    for folder in (workspace.locks, workspace.staging):
        folder.rmdir()
        folder.write_text("in the way")
    assert package.runner(workspace, catalog).run("measure", {"source": "five"}).cache == "hit"


def test_recompute_gives_the_same_bytes_in_a_scratch_workspace(runner: Runner, tmp_path: Path) -> None:
    upstream = runner.run("measure", {"source": "five"}).artifact
    stored = runner.run("measure", {"source": upstream.ref, "rows": 3}).artifact
    again = runner.recompute(stored.ref, open_workspace(root=tmp_path / "scratch"))
    assert (again.key, again.files, again.facts) == (stored.key, stored.files, stored.facts)
    assert again.folder != stored.folder


def test_listing_survives_the_loss_of_the_index(runner: Runner, workspace: Workspace) -> None:
    import shutil

    runner.run("measure", {"source": "five"})
    runner.run("look", {})
    rows = runner.ls()
    assert [row["tool"] for row in rows] == ["look", "measure"]
    shutil.rmtree(workspace.index)
    assert runner.ls() == rows


def test_pins_are_kept_by_owner(runner: Runner, workspace: Workspace) -> None:
    from tools.memo.pins import Pins

    key = runner.run("look", {}).artifact.key
    runner.pin([key], "run1")
    runner.pin([key], "run2")
    pins = Pins(workspace.root / "pins")
    assert pins.owners() == {key: ("run1", "run2")}
    pins.unpin("run1")
    assert pins.owners() == {key: ("run2",)}
    with pytest.raises(ParameterError):
        runner.pin([key], "../run3")


def test_hook_completes_parameters_before_the_key_is_made(package: TinyPackage, workspace: Workspace, catalog: PlainCatalog) -> None:
    hook = "def complete(params, sources):\n    return params.model_copy(update={'factor': 4.0})\n\n\nTOOL ="
    package.edit("measure.py", "TOOL =", hook)
    package.edit("measure.py", 'libraries=("pydantic",)', 'libraries=("pydantic",), resolve=complete')
    runner = package.runner(workspace, catalog)
    first = runner.run("measure", {"source": "five"})
    assert first.artifact.facts[0].value == 20.0
    assert runner.run("measure", {"source": "five", "factor": 4}).cache == "hit"
    assert "tinytools.measure:complete" in first.artifact.record["spec"]["code"]
