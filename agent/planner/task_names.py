"""Names in a request: which layer, table, raster or column its words mean, or what must be asked back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.planner.atlas import Atlas, Column, Dataset
from agent.planner.clauses import Phrase
from agent.planner.figures import listing
from agent.planner.frames import Cells, Layer
from agent.planner.linking import is_named_column
from agent.planner.readings import Reading, read_phrase
from agent.planner.step import Draft
from agent.planner.task_forms import PRONOUNS
from agent.planner.text import name_lemmas, tokenize

TIE = 0.02
"""Readings whose scores differ by less are equally good."""
LEAST_COLUMN = 0.55
"""Least likeness of words with the name of a column."""


class AskedError(Exception):
    """A name means several things; the draft asks which."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.text)
        self.draft = draft


@dataclass(frozen=True)
class Names:
    """Looks words up in the datasets; every method returns None where nothing is meant, and raises AskedError where several are."""

    atlas: Atlas

    def layer(self, words: str, *, geometry: str | None = None) -> Layer | None:
        """Return the features that words mean, with their conditions: `residential parcels`."""
        found = self._readings(words, lambda one: one.dataset.is_vector and one.means_features)
        fitting = [one for one in found if geometry in (None, one.dataset.geometry)]
        reading = self._only(words, fitting)
        return Layer(reading.dataset.id, reading.where, noun=_plain(words)) if reading else None

    def rows(self, words: str) -> Layer | None:
        """Return a layer or a table."""
        layer = self.layer(_without_suffix(words))
        if layer:
            return layer
        said = name_lemmas(_without_suffix(words))
        tables = [one for one in self.atlas.registered if one.kind == "table" and any(_names(said, form) for form in one.name_forms)]
        return Layer(tables[0].id, noun=_plain(words)) if len(tables) == 1 else None

    def raster(self, words: str) -> Cells | None:
        """Return the raster of values that words mean, made or there."""
        found = self._readings(words, lambda one: one.dataset.is_raster and one.kind == "raster" and not one.is_generic)
        reading = self._only(words, found)
        if reading is None:
            return None
        return Cells(reading.dataset.id, reading.band, noun=_plain(words), derived=reading.dataset.derived)

    def column(self, words: str, datasets: Sequence[Dataset], *, numeric: bool) -> tuple[Dataset, Column] | None:
        """Return the column of one of the datasets that words name best."""
        spoken = [word for word in name_lemmas(words) if word not in _IDLE]
        rated = [
            (_column_score(column, spoken), dataset, column)
            for dataset in datasets
            for column in dataset.columns
            if column.is_numeric or not numeric
        ]
        best = max((score for score, _, _ in rated), default=0.0)
        if best < LEAST_COLUMN:
            return None
        tied = [(dataset, column) for score, dataset, column in rated if score > best - TIE]
        if len(tied) > 1:
            names = (f"{column.name} of {dataset.id}" for dataset, column in tied)
            raise AskedError(Draft(f"Which column holds '{words}': {listing(names, 'or')}?", "input_needed"))
        return tied[0]

    def _readings(self, words: str, fits: Callable[[Reading], bool]) -> list[Reading]:
        tokens = tokenize(words)
        return [one for one in read_phrase(Phrase("of", tuple(range(len(tokens)))), tokens, self.atlas) if not one.unknown and fits(one)]

    def _only(self, words: str, found: Sequence[Reading]) -> Reading | None:
        if not found:
            return None
        best = max(one.score for one in found)
        tied = {one.dataset.id: one for one in reversed(found) if one.score > best - TIE}
        if len(tied) > 1:
            raise AskedError(Draft(f"Which is meant by '{words}': {listing(sorted(tied), 'or')}?", "input_needed"))
        return next(iter(tied.values()))


def is_pronoun(words: str) -> bool:
    """Whether words stand for what was made before."""
    lemmas = [token.lemma for token in tokenize(words) if token.word not in ("the", "a")]
    return not lemmas or all(lemma in PRONOUNS for lemma in lemmas)


_IDLE = frozenset("the a an of in total mean value average number column".split())


def _column_score(column: Column, spoken: Sequence[str]) -> float:
    """Return how well words name a column: all of them must, as one (`labour force`) or each (`population`)."""
    if not spoken:
        return 0.0
    whole = is_named_column(column, ("".join(spoken),))
    parts = [is_named_column(column, (word,)) for word in spoken]
    exact = 1.0 if tuple(spoken) in (column.parts, name_lemmas(column.name)) else 0.0
    return max(exact, whole, min(parts))


def _names(said: Sequence[str], form: Sequence[str]) -> bool:
    return bool(said) and set(said) <= set(form)


def _without_suffix(words: str) -> str:
    """Leave out the ending of a file and the word table: `population.csv`, `the population table`."""
    return (
        words.rsplit(".", 1)[0]
        if words.lower().endswith((".csv", ".gpkg", ".geojson", ".shp", ".parquet", ".tsv"))
        else words.removesuffix(" table")
    )


def _plain(words: str) -> str:
    return words.strip(" .?!")
