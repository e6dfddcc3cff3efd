"""Runs tools by name: checks the parameters, resolves what they name, finds the result under its key or computes it.

run:  load → validate → resolve references → complete (the tool's hook) → key ─┬─ pure: found whole → hit
                                                                               ├─ pure: else, one at a time → compute, publish
                                                                               └─ observation: always run, stored by content
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tools import registry
from tools.contract import Artifact, CacheState, Catalog, Fact, Memory, Result, Source, Tool
from tools.errors import BusyError, CrashError, DataError, LimitError, NotFoundError, ParameterError, StorageError, TerraciteError
from tools.execution import Sight, Task, carried_out, completed
from tools.locks import hold
from tools.memo import explain
from tools.memo.call import Call, make_call, observed, record_of
from tools.memo.canonical import references
from tools.memo.computed import Computed
from tools.memo.facts import FACTS_FILE, read_facts
from tools.memo.fingerprint import Fingerprints, process_fingerprints
from tools.memo.inputs import Resolver
from tools.memo.journal import entries_since
from tools.memo.key import Json
from tools.memo.store import Store
from tools.memo.validation import validated
from tools.workers.job import Check, Executor, InProcess, Progress, nobody_asks, nothing_told
from tools.workspace import Workspace

_REFERENCE = re.compile(r"(?:a:)?([0-9a-f]{8,64})")


@dataclass(frozen=True)
class _Watch:
    """Who is told how far a call is, and who may give it up."""

    progress: Progress = nothing_told
    check: Check = nobody_asks


UNWATCHED = _Watch()


class Runner:
    """Tools over one workspace; safe for several threads and processes.

    `load` finds a tool by its name; `fingerprints` are those of this process, or of another snapshot of the code; `executor`
    computes, in this process where none is given.
    """

    def __init__(
        self,
        workspace: Workspace,
        catalog: Catalog,
        *,
        load: Callable[[str], Tool] = registry.load,
        fingerprints: Fingerprints | None = None,
        memory: Memory | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._memory = memory
        self._executor = executor or InProcess()
        self._fingerprints = fingerprints or process_fingerprints()
        self._analyses = workspace.root / "code"
        self._catalog = catalog
        self._load = load
        self._store = Store(workspace)

    def run(self, name: str, params: Mapping[str, object], *, progress: Progress = nothing_told, check: Check = nobody_asks) -> Result:
        """Return the result of one call, found or computed now; `progress` is told the share that is done.

        Where `check`, called again and again meanwhile, raises, the call is given up at once: in a worker, by killing it.

        Raises NotFoundError for an unknown tool or input, ParameterError for parameters that do not fit, whatever error of
        ours the tool raises, BusyError where another process computes the same for too long or an input changes meanwhile,
        StaleCodeError where the code changed since this process started, StorageError where nothing can be stored.
        Nothing is stored of a call that fails.
        """
        started, watch = time.perf_counter(), _Watch(progress, check)
        call = self._prepare(name, params, check)
        if call.tool.kind == "pure":
            artifact, cache, damage = self._pure(call, watch)
        else:
            artifact, cache, damage = self._observe(call, watch), "observed", ""
        notes = [*call.notes, *([f"The stored result {artifact.ref} was damaged ({damage}); it was computed again."] if damage else [])]
        return Result(artifact, cache, round(time.perf_counter() - started, 6), " ".join(notes))

    def references(self, name: str, params: Mapping[str, object]) -> tuple[str, ...]:
        """Return what the parameters of a call name: dataset ids and `a:KEY…`; raise as `run` does where they do not fit."""
        return tuple(marked.text for marked in references(validated(self._load(name), params)))

    def recompute(self, ref: str, into: Workspace) -> Artifact:
        """Compute a stored result again, from the parameters as they were called, into a scratch workspace; return the new one.

        What the parameters name is looked up here. Raises what `run` raises; the key differs where code or inputs changed.
        """
        record = self._record(self._key(ref))
        call = self._prepare(record["tool"], record["called"])
        scratch = Runner(into, self._catalog, load=self._load, fingerprints=self._fingerprints, executor=self._executor)
        return scratch._pure(call)[0] if call.tool.kind == "pure" else scratch._observe(call)

    def artifact(self, ref: str) -> Artifact:
        """Return a stored result, every byte checked, by `a:KEY`, `KEY` or the first 8 digits or more of it.

        A damaged one is computed again first. Raises ParameterError where several begin so, NotFoundError where none does,
        StorageError where a damaged one cannot be made whole.
        """
        return self._whole(self._key(ref))[0]

    def facts(self, ref: str, offset: int = 0, limit: int | None = None) -> list[Fact]:
        """Return `limit` facts of a stored result from position `offset` on, or all that follow it."""
        artifact = self.artifact(ref)
        end = artifact.fact_count if limit is None else min(offset + limit, artifact.fact_count)
        if end <= len(artifact.facts):
            return list(artifact.facts[offset:end])
        return read_facts(artifact.folder / FACTS_FILE, offset, max(end - offset, 0))

    def ls(self) -> list[Json]:
        """Return a row per stored result, newest first: key, tool, kind, outcome, summary, fact_count, created, seconds, bytes."""
        from tools.memo.listing import listing  # diskcache takes 60 ms to import, which a repeated question need not pay

        return listing(self._store)

    def published_since(self, position: int) -> tuple[tuple[Json, ...], int]:
        """Return what was stored since a position of the journal, whoever ran the tools, and the position to go on from.

        An entry has `key`, `tool` and `time`. A crash may leave a result out of the journal; `keys` knows them all.
        """
        return entries_since(self._store.workspace.journal, position)

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all stored results, sorted."""
        return tuple(self._store.stored_keys())

    def record(self, key: str) -> Json | None:
        """Return the record of a stored result by its whole key, its files unchecked; None where there is no readable one."""
        return self._store.record(key)

    def exclusive(self, name: str, timeout_s: float) -> AbstractContextManager[None]:
        """Return a lock of the workspace that one thread of one process holds at a time; entering raises BusyError when it takes too long."""
        return hold(self._store.workspace.locks / f"{name}.lock", timeout_s)

    def lineage(self, ref: str) -> explain.Lineage:
        """Return what a result was made from; its `leaves` are the files at the bottom."""
        return explain.lineage(self._store, self._key(ref))

    def why(self, ref: str) -> explain.Why:
        """Say what a result was made from, why it was computed, and what would make the same call compute it again today."""
        return explain.why(self._store, self._key(ref), lambda record: self._prepare(record["tool"], record["called"]).spec.to_json())

    def verify(self, ref: str | None = None) -> dict[str, str]:
        """Check every byte of one stored result, or of all; return key → what is damaged."""
        keys = [self._key(ref)] if ref else list(self._store.stored_keys())
        return {key: damage for key in keys if (damage := self._store.get(key).damage)}

    def pin(self, keys: Iterable[str], owner: str) -> None:
        """Keep what an answer cites: nothing may remove these results until the owner, e.g. a run, gives them up."""
        self._store.pins.pin(keys, owner)

    def _prepare(self, name: str, params: Mapping[str, object], check: Check = nobody_asks) -> Call:
        """Return the call with its key; nothing heavy is imported here and no tool runs."""
        tool = self._load(name)
        asked = validated(tool, params)
        notes: list[str] = []

        def artifact(ref: str) -> Artifact:
            found, note = self._whole(self._key(ref))
            notes.extend([note] if note else [])
            return found

        named = references(asked)
        inputs = Resolver(artifact, self._catalog.resolve, _fact, _asset).resolve(name, named)
        complete = completed(tool, asked, inputs.sources, self._executor, check)
        if references(complete) != named:
            raise TypeError(f"the resolve hook of {name} changed what the parameters name")
        return make_call(tool, params, complete, inputs, self._fingerprints.of(tool, self._analyses), tuple(notes))

    def _pure(self, call: Call, watch: _Watch = UNWATCHED) -> tuple[Artifact, CacheState, str]:
        """Return (artifact, hit or computed, what was wrong with the entry that lay there)."""
        key = call.spec.key
        found = self._store.get(key)
        if found.artifact:
            return found.artifact, "hit", ""
        with self._store.lock(key):
            found = self._store.get(key)
            if found.artifact:  # another process computed it while we waited
                return found.artifact, "hit", ""
            return self._compute(call, watch), "computed", found.damage

    def _compute(self, call: Call, watch: _Watch) -> Artifact:
        self._fingerprints.check(call.code)
        with self._store.staging() as folder:
            started = time.perf_counter()
            result = carried_out(self._task(call, folder), self._executor, progress=watch.progress, check=watch.check)
            self._check_inputs(call)
            self._fingerprints.check(call.code)
            return self._store.publish(folder, _record(call, result, started))

    def _observe(self, call: Call, watch: _Watch = UNWATCHED) -> Artifact:
        with self._store.staging() as folder:
            started = time.perf_counter()
            task = replace(self._task(call, folder), catalog=self._catalog if call.tool.place == "here" else self._sight())
            result = carried_out(task, self._executor, memory=self._memory, progress=watch.progress, check=watch.check)
            seen = observed(call, result, folder)
            with self._store.lock(seen.spec.key):
                return self._store.publish(folder, _record(seen, result, started))

    def _task(self, call: Call, folder: Path) -> Task:
        modules = tuple(sorted(call.code.modules))
        return Task(call.tool, call.params, call.inputs.sources, call.inputs.facts, folder, modules, self._fingerprints.state(modules))

    def _sight(self) -> Sight:
        """Return the catalog as it is now, for an observation that may run in another process."""
        records = self._catalog.records()
        return Sight(
            records, {ref: self._resolved(ref) for record in records if record.get("kind") == "vector" and (ref := str(record["id"]))}
        )

    def _resolved(self, ref: str) -> Source | TerraciteError:
        try:
            return self._catalog.resolve(ref)
        except (DataError, NotFoundError, LimitError, CrashError) as error:
            return error

    def _check_inputs(self, call: Call) -> None:
        """Raise BusyError where a file changed while it was read: what was computed may be of neither state."""
        for ref, source in call.inputs.sources.items():
            if source.producer is None and source.kind not in ("asset", "catalogue") and self._catalog.resolve(ref).digest != source.digest:
                raise BusyError(
                    f"The dataset {ref!r} changed while {call.tool.name} read it; nothing was stored.", hint="Call again when it is whole."
                )

    def _key(self, ref: str) -> str:
        match = _REFERENCE.fullmatch(ref)
        if match is None:
            raise ParameterError(f"{ref!r} names no result.", hint="Write a:KEY with the first 8 digits of the key or more.")
        keys = list(self._store.stored_keys(match[1]))
        if len(keys) > 1:
            raise ParameterError(
                f"{ref!r} names {len(keys)} results: {', '.join(f'a:{key[:16]}' for key in keys[:5])}.", hint="Write more digits."
            )
        if not keys:
            raise NotFoundError(f"No result {ref!r} is stored in this workspace.", hint="See: terracite artifacts ls.")
        return keys[0]

    def _record(self, key: str) -> Json:
        record = self._store.record(key)
        if record is None:
            raise StorageError(
                f"The record of a:{key[:12]} is damaged, so the result cannot be made whole.", hint="Ask the question again."
            )
        return record

    def _whole(self, key: str) -> tuple[Artifact, str]:
        """Return a stored result and, where it was damaged and computed again, the note that says so."""
        found = self._store.get(key)
        if found.artifact:
            return found.artifact, ""
        record = self._record(key)
        if record["tool_kind"] != "pure":
            raise StorageError(f"The observation a:{key[:12]} is damaged ({found.damage}).", hint=f"Call {record['tool']} again.")
        result = self._again(key, record, found.damage)
        return result.artifact, result.note

    def _again(self, key: str, record: Json, damage: str) -> Result:
        hint = "Call the tool again with today's inputs."
        try:
            result = self.run(record["tool"], record["called"])
        except TerraciteError as error:
            raise StorageError(f"The result a:{key[:12]} is damaged ({damage}) and cannot be computed again: {error}", hint=hint) from error
        if result.artifact.key != key:
            raise StorageError(f"The result a:{key[:12]} is damaged ({damage}), and what it was made from has changed since.", hint=hint)
        return result


def _fact(artifact: Artifact, position: int) -> Fact:
    if position >= artifact.fact_count:
        raise NotFoundError(f"{artifact.ref} has no fact {position}.", hint=f"It has {artifact.fact_count}, counted from 0.")
    if position < len(artifact.facts):
        return artifact.facts[position]
    return read_facts(artifact.folder / FACTS_FILE, position, 1)[0]


def _asset(artifact: Artifact, position: int, name: str) -> Source:
    from tools.storage.assets import asset_source  # the readers of remote files are heavy, and few calls need them

    return asset_source(artifact, position, name)


def _record(call: Call, result: Computed, started: float) -> Json:
    seconds = time.perf_counter() - started
    return record_of(call, result, created=datetime.now(UTC).isoformat(), seconds=seconds)
