"""Citations of an answer: which result, which of its facts, from which data, under which licence.

Titles, licences and attribution are joined here, from the registrations of today; no artifact holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agent.state import Json
from tools.catalog.records import DatasetRecord
from tools.contract import Artifact, Fact
from tools.runner import Runner


def citations_of(
    cited: Sequence[int],
    claims: Sequence[Json],
    results: Sequence[Json],
    runner: Runner,
    records: Iterable[DatasetRecord],
) -> list[Json]:
    """Return one entry per cited result, in order of its number, with only the facts that the answer used."""
    by_digest: dict[str, list[DatasetRecord]] = {}
    for record in records:
        by_digest.setdefault(record.digest, []).append(record)
    return [_citation(n, claims, results[n - 1], runner, by_digest) for n in sorted(set(cited)) if 0 < n <= len(results)]


def _citation(n: int, claims: Sequence[Json], message: Json, runner: Runner, by_digest: Mapping[str, list[DatasetRecord]]) -> Json:
    artifact = runner.artifact(message["key"])
    used = {claim["path"] for claim in claims if claim["n"] == n and claim["path"]}
    sources = _sources(artifact, runner, by_digest)
    return {
        "n": n,
        "key": artifact.key,
        "tool": artifact.tool,
        "title": "; ".join(dict.fromkeys(record.title for record in sources)),
        "facts": [fact.to_json() for fact in _facts(artifact, used, runner)],
        "source": [record.path for record in sources],
        "licence": _joined(record.licence for record in sources),
        "attribution": _joined(record.attribution for record in sources),
        "bbox": list(artifact.bbox) if artifact.bbox else None,
        "time": next((list(record.time) for record in sources if record.time), None),
        "verdict": "supported" if used else "cited",
    }


def _facts(artifact: Artifact, paths: set[str], runner: Runner) -> list[Fact]:
    if not paths:
        return []
    inline = [fact for fact in artifact.facts if fact.path in paths]
    return inline if len(inline) == len(paths) else [fact for fact in runner.facts(artifact.key) if fact.path in paths]


def _sources(artifact: Artifact, runner: Runner, by_digest: Mapping[str, list[DatasetRecord]]) -> list[DatasetRecord]:
    """Walk the lineage down to registered datasets; the same bytes registered twice give the first registration."""
    found: dict[str, DatasetRecord] = {}
    for leaf in runner.lineage(artifact.key).leaves:
        matches = [record for record in by_digest.get(leaf.digest or "", []) if record.layer == leaf.layer]
        for record in matches[:1]:
            found[record.id] = record
    return list(found.values())


def _joined(values: Iterable[str | None]) -> str | None:
    return "; ".join(dict.fromkeys(value for value in values if value)) or None
