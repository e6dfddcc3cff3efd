"""The prompts: what a model is first sent is kept in a file, so that a change of it is seen in review."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from agent import prompting
from first_request import KEPT, readable, rendered


def test_the_first_request_is_the_one_that_is_kept(tmp_path: Path) -> None:
    kept = KEPT.read_text(encoding="utf-8")
    assert readable(rendered(tmp_path)) == kept, "if the change is meant: python tests/first_request.py"


@pytest.mark.parametrize(
    ("name", "variables"),
    [("system", set()), ("limit", {"limit"}), ("no_result", set()), ("repair", {"claims"}), ("slip", {"what"}), ("probe", set())],
)
def test_a_prompt_names_its_variables(name: str, variables: set[str]) -> None:
    text = prompting.load(name)
    assert set(re.findall(r"\{(\w+)\}", text)) == variables
    assert len(text.encode()) / 4 <= (900 if name == "system" else 200)


def test_every_prompt_is_used_and_tested() -> None:
    there = {path.name.removesuffix(".md") for path in files("prompts").iterdir() if path.name.endswith(".md")}
    assert there == {"system", "limit", "no_result", "repair", "slip", "probe"}
