"""What cleaning changed: features by step, and what it left because it was unclear."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One change to one feature, or to one cell of it."""

    fid: int
    """Position of the feature in the file, from 0."""
    what: str
    column: str = ""
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Done:
    """What one step did."""

    step: str
    changed: tuple[Change, ...] = ()
    """Features or cells that are there still, but otherwise."""
    removed: tuple[Change, ...] = ()
    """Features that are gone."""
    added: int = 0
    """Features that came from splitting others."""
    measures: tuple[tuple[str, float], ...] = ()
    """Areas in m2 by what they are of."""
    left: tuple[str, ...] = ()
    """Sentences about what was found and left as it was."""
    lost: tuple[str, ...] = ()
    """Sentences about what a change took along."""

    @property
    def is_nothing(self) -> bool:
        """Whether the layer is as it was before the step."""
        return not (self.changed or self.removed or self.added)

    def then(self, other: Done) -> Done:
        """Return what this step and a later round of it did together; what was left is that of the later round."""
        return Done(
            self.step,
            (*self.changed, *other.changed),
            (*self.removed, *other.removed),
            self.added + other.added,
            (*self.measures, *other.measures),
            other.left,
            (*self.lost, *other.lost),
        )
