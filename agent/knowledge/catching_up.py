"""Catching up: what the index does not know yet of the store's journal and of the documents, and writing it in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agent.knowledge.cards import NOT_REMEMBERED, card_text, is_remembered
from agent.knowledge.documents import read_elsewhere
from agent.knowledge.embedder import Embedder
from agent.knowledge.generations import Generation, Generations
from agent.knowledge.origins import Origins
from agent.knowledge.passages import passages_of
from agent.knowledge.vectors import Entry, make_entry, opened, remove, write
from tools.catalog.datasets import Datasets
from tools.catalog.records import DatasetRecord
from tools.contract import Source
from tools.errors import DataError, LimitError, NotFoundError, TerraciteError
from tools.redaction import without_secrets
from tools.runner import Runner
from tools.workers.job import Executor

_LOG = logging.getLogger(__name__)
MAX_PASSAGES = 5_000
"""Most passages of one document: embedding them takes minutes."""
MAX_CONTEXT = 160
"""Characters of the heading, else of the title, that are embedded with a passage, so that most of the 256 tokens are its own.

Of 24 questions about 12 documents, 17 then find their passage first; 14 without a heading, 13 with title and heading (the same questions decided this, so the gain is an upper bound).
"""

Progress = Callable[[float], None]
Written = tuple[Entry, str]
"""An entry, and the text whose meaning it is found by."""


@dataclass(frozen=True)
class News:
    """What is not in the index yet."""

    journal: int
    """Up to where of the journal this was read."""
    keys: tuple[str, ...] = ()
    """Results without a card."""
    documents: Mapping[str, Source] = field(default_factory=dict)
    """Dataset id → document that is new or has changed."""
    gone: tuple[str, ...] = ()
    """Dataset ids of documents that are no longer there."""

    def __bool__(self) -> bool:
        return bool(self.keys or self.documents or self.gone)


@dataclass(frozen=True)
class Library:
    """What is indexed: the store and the documents, and the encoder that reads them."""

    runner: Runner
    datasets: Datasets
    embedder: Embedder
    executor: Executor
    """Where documents are opened."""

    def news(self, before: Generation | None) -> News:
        """Return what a generation lacks; everything where there is none."""
        entries, journal = self.runner.published_since(before.journal if before else 0)
        keys = self.runner.keys() if before is None else tuple(dict.fromkeys(e["key"] for e in entries if e["tool"] not in NOT_REMEMBERED))
        present = {record.id: record for record in self.documents()}
        sources = dict(self._sources(present))
        known = before.documents if before else {}
        return News(
            journal=journal,
            keys=keys,
            documents={name: source for name, source in sources.items() if known.get(name) != source.digest},
            gone=tuple(name for name in known if name not in sources),
        )

    def documents(self) -> tuple[DatasetRecord, ...]:
        """Return the registered documents."""
        return tuple(record for record in self.datasets.record_objects() if record.kind == "document")

    def write(self, generations: Generations, before: Generation | None, news: News, progress: Progress) -> Generation:
        """Make the next generation, of the one before and what is new; the caller holds the lock.

        Raises DamagedIndexError where the one before cannot be used, OSError where nothing can be written.
        """
        passages, gaps = self._passages(news.documents)
        cards = self._cards(news.keys)
        with generations.begun(before) as folder:
            with opened(folder) as collection:
                if before is not None:
                    remove(collection, [{"document": name} for name in (*news.gone, *news.documents) if name in before.documents])
                both = [*passages, *cards]
                write(collection, [entry for entry, _ in both], self.embedder.embed([meaning for _, meaning in both], progress))
                count = collection.count()
            kept = {name: digest for name, digest in (before.documents if before else {}).items() if name not in news.gone}
            kept_gaps = {name: gap for name, gap in (before.gaps if before else {}).items() if name in kept and name not in news.documents}
            made = Generation(
                name=folder.name,
                journal=news.journal,
                documents=kept | {name: source.digest for name, source in news.documents.items()},
                gaps=kept_gaps | gaps,
                entries=count,
                files={},
            )
            _LOG.info("memory: %s entries, %s new passages, %s new cards", count, len(passages), len(cards))
            return generations.publish(made, before)

    def _sources(self, present: Mapping[str, DatasetRecord]) -> Iterator[tuple[str, Source]]:
        """Yield the documents whose file is there."""
        for name in present:
            try:
                yield name, self.datasets.resolve(name)
            except (NotFoundError, DataError) as error:
                _LOG.info("document %s: %s", name, error)

    def _passages(self, documents: Mapping[str, Source]) -> tuple[list[Written], dict[str, str]]:
        """Return the passages of documents, and why which of them could not be read."""
        written: list[Written] = []
        gaps: dict[str, str] = {}
        for name, source in documents.items():
            try:
                written += self._passages_of(name, source)
            except TerraciteError as error:
                gaps[name] = str(error)
        return written, gaps

    def _passages_of(self, name: str, source: Source) -> list[Written]:
        document = read_elsewhere(source.path, self.executor)
        found = passages_of(document.text, self.embedder.token_spans)
        if len(found) > MAX_PASSAGES:
            raise LimitError(f"The document {name!r} has {len(found):,} passages, more than {MAX_PASSAGES:,}.", hint="Split it.")
        written = []
        for passage in found:
            text, page = without_secrets(document.text[passage.start : passage.end]), document.page_at(passage.start)
            heading = without_secrets(passage.heading)
            about: dict[str, str | int] = {
                "kind": "passage",
                "document": name,
                "heading": heading,
                "start": passage.start,
                "end": passage.end,
            }
            entry = make_entry(text, about | ({"page": page} if page else {}))
            written.append((entry, f"{heading[-MAX_CONTEXT:] or source.title[:MAX_CONTEXT]}\n{text}"))
        return written

    def _cards(self, keys: Sequence[str]) -> list[Written]:
        """Return the cards of results; one whose record cannot be read gets none."""
        origins = Origins(self.runner, self.datasets.record_objects()) if keys else None
        written = []
        for key in keys:
            record = self.runner.record(key)
            if record is None or origins is None or not is_remembered(record):
                continue
            titles = _titles(origins.of(key))
            written.append((make_entry("", {"kind": "result", "key": key}), card_text(record, titles)))
        return written


def _titles(records: Iterable[DatasetRecord]) -> list[str]:
    return [record.title for record in records]
