"""The list of errors that the README shows is the one that is published."""

from __future__ import annotations

from pathlib import Path

from terracite_process import terracite

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_readme_lists_every_error_as_the_command_does() -> None:
    assert terracite("errors").stdout.strip() in README.read_text(encoding="utf-8")
