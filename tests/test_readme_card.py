"""The card that the README shows is one."""

from __future__ import annotations

import re
from pathlib import Path

from tools.storage.network_card import NetworkCard

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_card_in_the_readme_is_accepted() -> None:
    shown = re.search(r"```json\n(\{\"architecture\".*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    assert NetworkCard.model_validate_json(shown[1]).classes == {"0": "land", "1": "water"}
