"""What stands behind an answer: a result's numbers, where a cited number comes from, a result on a map."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from agent.interfaces.repl.rendering import Shown, Table
from agent.interfaces.repl.session import Session
from agent.interfaces.terminal import CACHE_WORDS
from tools.errors import NotFoundError, ParameterError

if TYPE_CHECKING:
    from agent.state import Json
    from tools.contract import Artifact, Fact

PAGE = 50
"""Facts on a page of /show."""
PASSAGES = "data/passages/"
"""Beginning of the path of a quoted passage in a result."""
DRAWN = ("raster", "vector")
"""Kinds of result that a map can draw."""


def show(session: Session, arguments: list[str]) -> Iterator[Shown]:
    """Yield one result: what it is, a page of its facts, its warnings and files."""
    named, page = [*arguments, None, None][:2]
    artifact = session.artifact(named)
    yield f"{artifact.ref} {artifact.tool}: {artifact.summary}"
    yield from _facts(session, artifact, page)
    yield from (f"Note: {warning}" for warning in artifact.warnings)
    yield from (f"File: {artifact.folder / file.path} ({file.bytes} bytes)" for file in artifact.files)


def _facts(session: Session, artifact: Artifact, page: str | None) -> Iterator[Shown]:
    pages = max(1, -(-artifact.fact_count // PAGE))
    if page == "all":
        first, last = 1, pages
    else:
        first = last = _page(page or "1", pages)
    for number in range(first, last + 1):
        facts = session.agent.runner.facts(artifact.key, (number - 1) * PAGE, PAGE)
        yield Table(("path", "fact", "of", "value", "unit"), tuple(_row(fact) for fact in facts))
    if pages > 1 and first == last:
        yield f"Page {first} of {pages} ({artifact.fact_count} facts). Another: /show {artifact.ref} PAGE, or /show {artifact.ref} all"


def _page(text: str, pages: int) -> int:
    if text.isdecimal() and 1 <= int(text) <= pages:
        return int(text)
    raise ParameterError(f"There is no page {text!r}.", hint=f"Give a page from 1 to {pages}, or all.")


def _row(fact: Fact) -> tuple[str, ...]:
    return fact.path, fact.name, ", ".join(fact.subject.values()), str(fact.value), fact.unit


def cite(session: Session, arguments: list[str]) -> Iterator[Shown]:
    """Yield where the numbers of the last answer come from: call, facts, data, licence, and why it was computed."""
    citations = session.answered().citations
    if not citations:
        raise NotFoundError("The last answer cites nothing.", hint="It states no number that was computed.")
    numbers = [str(citation["n"]) for citation in citations]
    if arguments and arguments[0] not in numbers:
        raise NotFoundError(f"The last answer has no citation [{arguments[0]}].", hint=f"It has {', '.join(f'[{n}]' for n in numbers)}.")
    for citation in citations:
        if not arguments or str(citation["n"]) == arguments[0]:
            yield from _citation(session, citation)


def _citation(session: Session, citation: Json) -> Iterator[Shown]:
    step = next(step for step in session.answered().steps if step.get("n") == citation["n"])
    yield f"[{citation['n']}] {citation['tool']} a:{citation['key'][:12]}, {CACHE_WORDS[step['cache']]} in {step['seconds']:.2f} s"
    yield f"  called with {json.dumps(step['params'], ensure_ascii=False)}"
    for fact in citation["facts"]:
        of = ", ".join(fact["subject"].values())
        yield f"  {fact['path']}: {fact['name']}{f' of {of}' if of else ''} = {fact['value']} {fact['unit']}"
    yield from _quoted(session, citation)
    yield from (f"  from {source}" for source in citation["source"])
    yield from (f"  {label}: {citation[label]}" for label in ("title", "licence", "attribution") if citation[label])
    if citation["time"]:
        yield f"  time: {' to '.join(citation['time'])}"
    yield from (f"  {line}" for line in session.agent.runner.why(citation["key"]).lines())


def _quoted(session: Session, citation: Json) -> Iterator[Shown]:
    """Yield the passages of documents that the answer quotes from a result of search_knowledge."""
    claimed = [claim["path"] for claim in session.answered().claims if claim["n"] == citation["n"] and claim["path"]]
    places = sorted({int(path.removeprefix(PASSAGES)) for path in claimed if path.startswith(PASSAGES)})
    passages = session.agent.runner.artifact(citation["key"]).data.get("passages", []) if places else []
    for place in places:
        passage = passages[place]
        yield f"  {PASSAGES}{place}: {passage['title']}, {passage['heading'] or 'no heading'}: {passage['text']}"


def draw(session: Session, arguments: list[str]) -> Iterator[Shown]:
    """Draw a result of the last answer, or the data that it was measured on, and yield where the picture lies."""
    artifact = session.artifact(arguments[0]) if arguments else _drawable(session)
    if artifact.kind != "map":
        sources = [artifact.ref] if artifact.kind in DRAWN else _data_below(session, artifact)
        result = session.agent.runner.run("render_map", {"layers": [{"source": source} for source in sources]})
        artifact = result.artifact
        yield from (f"Note: {warning}" for warning in artifact.warnings)
        yield f"Drew {', '.join(sources)} ({CACHE_WORDS[result.cache]}, {result.seconds:.2f} s)."
    yield f"Map: {artifact.main_file}"


def _drawable(session: Session) -> Artifact:
    """Return the last result of the last answer that has a place on a map, else its last result."""
    results = [session.agent.runner.artifact(step["key"]) for step in session.answered().steps if "key" in step]
    drawable = [artifact for artifact in results if artifact.kind in (*DRAWN, "map")]
    return drawable[-1] if drawable else session.artifact(None)


def _data_below(session: Session, artifact: Artifact) -> list[str]:
    """Return the datasets that a result without geometry was made from, rasters first so that layers stay visible."""
    records = {record.id: record for record in session.agent.datasets.record_objects()}
    below = [records[leaf.ref] for leaf in session.agent.runner.lineage(artifact.key).leaves if leaf.ref in records]
    drawn = {record.id: record for record in below if record.kind in DRAWN and record.bbox}
    if not drawn:
        raise NotFoundError(f"{artifact.ref} has no place on a map.", hint="Name another result: /map N or /map a:KEY.")
    return sorted(drawn, key=lambda ref: drawn[ref].kind != "raster")
