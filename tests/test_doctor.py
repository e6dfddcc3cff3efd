"""The doctor finds what is wrong, changes nothing and tells no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.interfaces.doctor import Check, run_doctor
from scripted_endpoint import scripted


def check(name: str) -> Check:
    return next(each for each in run_doctor() if each.name == name)


@pytest.fixture(autouse=True)
def own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "deep" / "ws"
    monkeypatch.setenv("TERRACITE_WORKSPACE", str(root))
    return root


def test_doctor_is_content_with_a_working_installation() -> None:
    assert [each for each in run_doctor() if not each.ok] == []


def test_quick_doctor_transforms_a_coordinate_and_opens_a_raster() -> None:
    assert {"coordinate transformation", "raster"} <= {each.name for each in run_doctor(quick=True)}


def test_doctor_leaves_nothing_behind(own_workspace: Path, tmp_path: Path) -> None:
    assert check("workspace").detail == f"{own_workspace} can be made"
    assert list(tmp_path.iterdir()) == []


def test_doctor_fails_where_a_file_stands_in_the_way_of_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    obstacle = tmp_path / "obstacle"
    obstacle.touch()
    monkeypatch.setenv("TERRACITE_WORKSPACE", str(obstacle / "ws"))
    assert not check("workspace").ok
    assert f"{obstacle} is a file" in check("workspace").detail


def test_doctor_says_that_a_key_is_set_but_never_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://user:secret@example.invalid/v1")
    shown = json.dumps([each.to_json() for each in run_doctor()])
    assert "secret" not in shown
    assert "OPENAI_API_KEY set" in shown
    assert check("engine").detail.startswith("model would answer")


def test_doctor_tells_whether_documents_can_be_searched() -> None:
    assert check("search").ok
    assert "chromadb" in check("search").detail


def test_doctor_shows_a_wrong_setting_as_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRACITE_ENGINE", "oracle")
    assert not check("engine").ok
    assert "TERRACITE_ENGINE" in check("engine").detail


@pytest.mark.parametrize("calls_tools", [True, False])
def test_doctor_asks_the_model_once_what_it_can_do(calls_tools: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted([], calls_tools=calls_tools) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        check = next(check for check in run_doctor() if check.name == "model")
    assert check.ok is calls_tools
    assert ("calls tools" if calls_tools else "calls no tool") in check.detail
    assert (len(endpoint.probes), endpoint.requests) == (1, [])
