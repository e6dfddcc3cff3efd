"""The published list of errors: stable codes, and everything that tells of an error made from it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.errors import ENDINGS, exit_code_for, http_status_for, listing
from agent.interfaces.cli import app
from agent.interfaces.slack.wording import problem_text
from agent.interfaces.terminal import error_lines
from agent.toolset import failure_of
from conftest import REPOSITORY
from tools.errors import InternalError, TerraciteError, error_from_json, exit_code_of, published

LIST = {
    # code: exit code, HTTP status, whether the same call may succeed later. New lines may come; these stay as they are.
    "bad_data": (65, 422, False),
    "bad_parameter": (2, 422, False),
    "busy": (75, 503, True),
    "configuration": (78, 500, False),
    "context_too_long": (4, 413, False),
    "crashed": (1, 500, False),
    "credentials": (77, 401, False),
    "deadline": (4, 504, False),
    "input_needed": (5, 422, False),
    "internal": (1, 500, False),
    "interrupted": (130, 499, False),
    "limit": (4, 413, False),
    "memory": (4, 413, False),
    "missing_crs": (65, 422, False),
    "model_unavailable": (69, 502, True),
    "no_coverage": (3, 422, False),
    "not_run": (75, 503, True),
    "not_found": (66, 404, False),
    "refused": (3, 422, False),
    "service_unavailable": (69, 502, True),
    "stale_code": (75, 503, True),
    "storage": (1, 507, False),
}
CODES = sorted(published())


def test_no_published_code_is_gone_or_means_something_else() -> None:
    rows = {row["code"]: (row["exit_code"], row["http_status"], row["retryable"]) for row in listing()}
    assert {code: rows.get(code) for code in LIST} == LIST


def test_every_code_stands_for_one_class_and_says_what_it_means_and_what_to_do() -> None:
    own = ("meaning", "remedy", "for_model")
    classes = [cls for cls in published().values() if all(isinstance(vars(cls).get(name), str) and vars(cls)[name] for name in own)]
    assert [cls.code for cls in classes] == list(published())
    assert len({cls.meaning for cls in classes}) == len(classes)


def test_errors_with_a_code_stand_in_the_two_modules_of_errors_and_nowhere_else() -> None:
    found = {
        path.relative_to(REPOSITORY).as_posix()
        for path, node in _nodes(REPOSITORY / "agent", REPOSITORY / "tools", holds="    code = ")
        if _names_a_code(node)
    }
    assert found == {"agent/errors.py", "tools/errors.py"}


def test_no_interface_decides_an_exit_code_itself() -> None:
    decided = [
        f"{path.name}:{node.lineno}"
        for path, node in _nodes(REPOSITORY / "agent/interfaces", holds="xit(")
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "SystemExit", "sys.exit", "os._exit")
        for constant in ast.walk(node)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, int) and constant.value > 1
    ]
    assert decided == []


@pytest.mark.parametrize("code", CODES)
def test_an_error_is_the_same_after_it_went_through_json(code: str) -> None:
    error = published()[code]("What was done failed.", hint="Do otherwise.")
    again = error_from_json(json.loads(json.dumps(error.to_json())))
    assert (type(again), str(again), again.to_json()) == (type(error), str(error), error.to_json())


@pytest.mark.parametrize("code", CODES)
def test_an_error_without_a_hint_of_its_own_says_what_to_do(code: str) -> None:
    cls = published()[code]
    assert cls("It failed.").hint == cls.remedy


@pytest.mark.parametrize("data", [{}, {"code": "unheard_of", "message": "password=x"}, {"code": None}, {"code": ["internal"]}])
def test_what_is_no_published_error_is_told_as_a_mistake_of_ours_without_its_words(data: dict[str, Any]) -> None:
    error = error_from_json(data)
    assert type(error) is InternalError
    assert "password" not in str(error)


@pytest.mark.parametrize("code", CODES)
def test_a_model_is_told_what_to_do_about_each_error(code: str) -> None:
    error = published()[code]("It failed.")
    told = failure_of("query_vector", {"layer": "a"}, error)
    assert told["error"] == error.told_to_model() == {**error.to_json(), "do": error.for_model}


@pytest.mark.parametrize("code", CODES)
def test_every_interface_tells_message_and_hint(code: str) -> None:
    error = published()[code]("It failed.", hint="Do otherwise.")
    assert problem_text(error, "r1") == "Not answered: It failed.\nDo otherwise.\nrun r1"


def test_a_run_ends_with_the_code_of_its_status_or_of_its_last_error() -> None:
    steps: list[dict[str, Any]] = [{"error": {"code": "deadline"}}, {"key": "x"}, {"error": {"code": "not_found"}}, {"key": "y"}]
    ended = {status: (exit_code_for(status, steps), http_status_for(status, steps)) for status in ("answered", "failed", *ENDINGS)}
    assert ended == {"answered": (0, 200), "failed": (66, 404), "refused": (3, 422), "limit": (4, 413), "input_needed": (5, 422)}
    assert (exit_code_for("failed", []), http_status_for("failed", [])) == (1, 500)
    assert (exit_code_of("deadline"), exit_code_of("unheard of")) == (4, 1)


def test_the_command_line_prints_the_list_for_people_and_for_programs() -> None:
    plain, as_json = (CliRunner().invoke(app, ["errors", *options]) for options in ([], ["--json"]))
    assert plain.stdout.splitlines() == list(error_lines(listing()))
    assert json.loads(as_json.stdout) == listing()
    assert len(plain.stdout.splitlines()) == 2 + len(published())


def test_the_readme_shows_the_list_as_it_is() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()
    shown = [line for line in readme if line.startswith(tuple(f"| `{code}` |" for code in published()))]
    assert shown == list(error_lines(listing()))[2:]


def _nodes(*folders: Path, holds: str) -> Iterator[tuple[Path, ast.AST]]:
    for folder in folders:
        for path in folder.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if holds in text:
                yield from ((path, node) for node in ast.walk(ast.parse(text)))


def _names_a_code(node: ast.AST) -> bool:
    is_error = isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    return is_error and any(isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "code" for part in node.body)  # type: ignore[attr-defined]


def test_the_root_is_no_error_of_its_own() -> None:
    assert TerraciteError not in published().values()
