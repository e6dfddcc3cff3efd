"""How somebody is told how far a fetch is; light, since every way in names it."""

from __future__ import annotations

from collections.abc import Callable

Told = Callable[[int, int | None], None]
"""Is told how many bytes of a file there are, and how many there will be, where that is known; may raise to give up."""


def nobody_told(count: int, size: int | None) -> None:
    """Tell nobody."""
