"""Load the prompts; each is a Markdown file of `prompts/` whose variables stand in braces."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache
def load(name: str) -> str:
    """Return the text of the prompt `name`, without trailing blank lines.

    Variables stay as `{variable}`: fill them with `str.format`. They are `limit` in `limit` and `claims` in `repair`;
    the other prompts have none and are used as they are.
    """
    return (files("prompts") / f"{name}.md").read_text(encoding="utf-8").rstrip()
