"""The registered datasets at the bottom of a result's lineage, as they are registered today."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from tools.catalog.records import DatasetRecord
from tools.errors import NotFoundError, StorageError
from tools.runner import Runner


class Origins:
    """Finds the datasets that results were made of; the same bytes registered twice give the first registration."""

    def __init__(self, runner: Runner, records: Iterable[DatasetRecord]) -> None:
        self._runner = runner
        self._by_content: dict[tuple[str | None, str | None], DatasetRecord] = {}
        for record in records:
            self._by_content.setdefault((record.digest, record.layer), record)

    def of(self, key: str) -> tuple[DatasetRecord, ...]:
        """Return the datasets of a result, each once; what is no longer registered as it was is left out.

        A catalogue whose collections differ has the licence and attribution of those that the result's scenes are of.
        """
        leaves = self._runner.lineage(key).leaves
        found = (self._by_content.get((leaf.digest, leaf.layer)) for leaf in leaves)
        once = {record.id: record for record in found if record}.values()
        scenes_of = {name for record in once if record.kind == "catalogue" for name in self._collections(key)}
        return tuple(_narrowed(record, scenes_of) for record in once)

    def _collections(self, key: str) -> Iterator[str]:
        """Yield the collections of the scenes that the searches behind a result found, of those still stored whole."""
        nodes = [self._runner.lineage(key)]
        while nodes:
            node = nodes.pop()
            nodes.extend(node.inputs)
            if node.key and node.tool == "search_stac":
                with suppress(NotFoundError, StorageError):
                    yield from (str(scene["collection"]) for scene in self._runner.artifact(node.key).data["scenes"])


def _narrowed(record: DatasetRecord, names: Collection[str]) -> DatasetRecord:
    """Return a catalogue with the licence and attribution of some of its collections where it states none for all."""
    chosen = [one for one in record.collections if one.id in names]
    return record.model_copy(
        update={
            "licence": record.licence or _joined(one.licence for one in chosen),
            "attribution": record.attribution or _joined(one.attribution for one in chosen),
        }
    )


def _joined(texts: Iterable[str | None]) -> str | None:
    return "; ".join(dict.fromkeys(text for text in texts if text)) or None
