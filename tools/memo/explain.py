"""Why a result was computed, from what, and whether it would be found again today."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tools.errors import NotFoundError, TerraciteError
from tools.memo.canonical import decode
from tools.memo.key import Json
from tools.memo.store import Store

COMPONENTS = ("code", "params", "inputs", "env")
"""Parts of a spec that are mappings; the others are single values."""


@dataclass(frozen=True)
class Change:
    """One difference between two specs."""

    component: str
    """Part of the spec: code, params, inputs, env, recipe, …"""
    name: str
    """Definition, parameter, input or library; empty where the part is a single value."""
    before: str | None
    """None where it was not there."""
    after: str | None

    def __str__(self) -> str:
        what = f"{self.component} {self.name}".strip()
        if self.before is None or self.after is None:
            return f"{what} was {'added' if self.before is None else 'removed'}"
        return f"{what} changed" if self.component == "code" else f"{what} changed from {self.before} to {self.after}"


@dataclass(frozen=True)
class Lineage:
    """A result with what it was made from, down to the files; or one of those files."""

    path: str
    """The parameter that named it; empty for the result itself."""
    ref: str
    digest: str | None = None
    layer: str | None = None
    key: str | None = None
    """None for a file that is no result."""
    tool: str | None = None
    """None for a file, and for a result that is no longer stored whole."""
    inputs: tuple[Lineage, ...] = ()

    @property
    def leaves(self) -> tuple[Lineage, ...]:
        """Return the files at the bottom, each (by content and layer) once, in order."""
        found = (self,) if self.key is None else tuple(leaf for child in self.inputs for leaf in child.leaves)
        return tuple({(leaf.digest, leaf.layer): leaf for leaf in reversed(found)}.values())[::-1]

    def lines(self, depth: int = 0) -> Iterator[str]:
        """Yield the tree for a terminal."""
        what = f"a:{self.key[:12]} {self.tool or '(no longer stored)'}" if self.key else f"dataset {self.ref} ({self.digest})"
        yield f"{'  ' * depth}{f'{self.path}: ' if self.path else ''}{what}"
        for child in self.inputs:
            yield from child.lines(depth + 1)

    def to_json(self) -> Json:
        """Return the tree as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Why:
    """What `why` says of one result."""

    key: str
    tool: str
    created: str
    called: Json
    lineage: Lineage
    is_current: bool | None
    """Whether the same call would find this result today; None where that cannot be said, see `obstacle`."""
    changes: tuple[Change, ...]
    """What differs today."""
    obstacle: str
    """Why the call cannot be made today; empty where it can."""
    earlier: str | None
    """Key of the latest earlier result of the same call."""
    since_earlier: tuple[Change, ...]
    """What had changed since that one, so that this one had to be computed."""
    upstream: tuple[Why, ...] = ()
    """The same, of every result that it was made from."""

    def lines(self) -> Iterator[str]:
        """Yield the report for a terminal."""
        yield f"a:{self.key[:12]} {self.tool}, stored {self.created}"
        yield from self.lineage.lines(depth=1)
        if self.earlier:
            yield f"It was computed although a:{self.earlier[:12]} answers the same call, because:"
            yield from (f"  {change}" for change in self.since_earlier)
        yield from self._today()

    def to_json(self) -> Json:
        """Return the report as JSON."""
        return asdict(self)

    def _today(self) -> Iterator[str]:
        if self.obstacle:
            yield f"The call cannot be made today: {self.obstacle}"
        elif self.is_current is None:
            yield "It observes what may change, and is made anew at every call."
        elif self.is_current:
            yield "The same call finds it today: nothing that it depends on has changed."
        else:
            yield "The same call would be computed again today, because:"
            yield from self._reasons("  ")

    def _reasons(self, indent: str) -> Iterator[str]:
        yield from (f"{indent}{change}" for change in self.changes)
        for input_ in self.upstream:
            if input_.is_current is False:
                yield f"{indent}its input a:{input_.key[:12]} ({input_.tool}) would be computed again:"
                yield from input_._reasons(f"{indent}  ")


def why(store: Store, key: str, today: Callable[[Json], Mapping[str, Any]]) -> Why:  # Any: JSON values
    """Explain a stored result; `today` makes the spec that the call of a record has now.

    Raises NotFoundError where the record cannot be read.
    """
    record = store.record(key)
    if record is None:
        raise NotFoundError(f"The record of a:{key[:12]} is missing or damaged.", hint="Ask again: the result is computed again.")
    changes, obstacle = _changes_today(record, today)
    producers = dict.fromkeys(line["producer"] for line in record["lineage"] if line["producer"])
    upstream = tuple(why(store, producer, today) for producer in producers if store.record(producer))
    earlier = earlier_of(store, record)
    return Why(
        key=key,
        tool=record["tool"],
        created=record["created"],
        called=record["called"],
        lineage=lineage(store, key),
        is_current=_is_current(record, changes, obstacle, upstream),
        changes=changes,
        obstacle=obstacle,
        earlier=earlier["key"] if earlier else None,
        since_earlier=differences(earlier["spec"], record["spec"]) if earlier else (),
        upstream=upstream,
    )


def _changes_today(record: Json, today: Callable[[Json], Mapping[str, Any]]) -> tuple[tuple[Change, ...], str]:  # Any: JSON values
    if record["tool_kind"] != "pure":
        return (), ""
    try:
        return differences(record["spec"], today(record)), ""
    except TerraciteError as error:
        return (), str(error)


def _is_current(record: Json, changes: tuple[Change, ...], obstacle: str, upstream: tuple[Why, ...]) -> bool | None:
    if obstacle or record["tool_kind"] != "pure":
        return None
    return not changes and all(input_.is_current is not False for input_ in upstream)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:  # Any: JSON values
    """Return what differs between two specs, part by part and name by name."""
    return tuple(_differences(before, after))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:  # Any: JSON values
    for component in sorted(before.keys() | after.keys(), key=lambda part: (part not in COMPONENTS, part)):
        old, new = before.get(component), after.get(component)
        if component not in COMPONENTS:
            if old != new:
                yield Change(component, "", _shown(component, old), _shown(component, new))
            continue
        for name in sorted({**(old or {}), **(new or {})}):
            was, now = (old or {}).get(name), (new or {}).get(name)
            if was != now:
                yield Change(component, name, _shown(component, was), _shown(component, now))


def _shown(component: str, value: Any) -> str | None:  # Any: JSON values
    if component == "params" and isinstance(value, str):
        return repr(decode(value))
    return None if value is None else str(value)


def lineage(store: Store, key: str) -> Lineage:
    """Return the tree of a result, following every result that it was made from."""
    return _branch(store, key, path="", ref=f"a:{key[:12]}")


def _branch(store: Store, key: str, *, path: str, ref: str) -> Lineage:
    record = store.record(key)
    if record is None:
        return Lineage(path, ref, key=key)
    return Lineage(path, ref, key=key, tool=record["tool"], inputs=tuple(_child(store, line) for line in record["lineage"]))


def _child(store: Store, line: Mapping[str, Any]) -> Lineage:  # Any: JSON values
    if line["producer"]:
        return _branch(store, line["producer"], path=line["path"], ref=line["ref"])
    return Lineage(line["path"], line["ref"], digest=line["digest"], layer=line["layer"])


def earlier_of(store: Store, record: Json) -> Json | None:
    """Return the record of the latest earlier result that answers the same question, under another key."""
    question = _question(store, record)
    others = (other for key in store.stored_keys() if (other := store.record(key)))
    earlier = (other for other in others if other["tool"] == record["tool"] and other["created"] < record["created"])
    return max((other for other in earlier if _question(store, other) == question), key=lambda other: str(other["created"]), default=None)


def _question(store: Store, record: Json | None) -> tuple[object, ...] | None:
    """Return what was asked, by the names of the datasets, all the way up: names stay where content and code change."""
    if record is None:
        return None
    named = [_question(store, store.record(line["producer"])) if line["producer"] else line["ref"] for line in record["lineage"]]
    return record["tool"], record["spec"]["params"], [line["path"] for line in record["lineage"]], named
