"""The registered datasets at the bottom of a result's lineage, as they are registered today."""

from __future__ import annotations

from collections.abc import Iterable

from tools.catalog.records import DatasetRecord
from tools.runner import Runner


class Origins:
    """Finds the datasets that results were made of; the same bytes registered twice give the first registration."""

    def __init__(self, runner: Runner, records: Iterable[DatasetRecord]) -> None:
        self._runner = runner
        self._by_content: dict[tuple[str | None, str | None], DatasetRecord] = {}
        for record in records:
            self._by_content.setdefault((record.digest, record.layer), record)

    def of(self, key: str) -> tuple[DatasetRecord, ...]:
        """Return the datasets of a result, each once; what is no longer registered as it was is left out."""
        leaves = self._runner.lineage(key).leaves
        found = (self._by_content.get((leaf.digest, leaf.layer)) for leaf in leaves)
        return tuple({record.id: record for record in found if record}.values())
