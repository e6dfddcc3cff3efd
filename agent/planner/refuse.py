"""Say why a question is not answered, what is there instead, and which near questions are accepted; never with a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher

from agent.planner.atlas import Atlas
from agent.planner.figures import listing
from agent.planner.interpret import Interpretation, Scene
from agent.planner.names import Search, Unknown
from agent.planner.phrasings import examples, noun
from agent.planner.step import Draft
from agent.planner.text import Token, written

UNKNOWN_PLACE_OUTCOME = "refused"
"""Outcome where a name is in no registered layer: the place is not known, so it cannot be said to be uncovered."""
MOST_TRIES = 24
MOST_OFFERED = 3

Accepts = Callable[[str], bool]
"""Whether the planner understands a question without asking back."""


def refuse_unknown(
    question: str, missing: Sequence[Unknown], search: Search, atlas: Atlas, tokens: Sequence[Token], accepts: Accepts
) -> Draft:
    """Refuse because of words that nothing explains; ask instead where a name resembles registered ones."""
    first = missing[0]
    similar = search.similar.get(first.text, ())
    if first.is_name and similar:
        return ask_name(first.text, similar)
    words = listing(f"'{one.text}'" for one in missing)
    if first.is_name and first.text in search.asked:
        text = f"No feature named {words} is in the registered layers."
        return Draft(_with_offers(text, _near(question, first, atlas, tokens, accepts), atlas, accepts), "refused", UNKNOWN_PLACE_OUTCOME)
    text = f"I cannot answer that: nothing here explains {words}. {_inventory(atlas)}".strip()
    return Draft(_with_offers(text, _near(question, first, atlas, tokens, accepts), atlas, accepts), "refused", "refused")


def ask_name(words: str, names: Sequence[str]) -> Draft:
    """Ask which feature is meant by words that are only a part of its name."""
    return Draft(f"No feature is named '{words}'. Did you mean {listing(names[:6], 'or')}?", "input_needed")


def refuse_other(reason: str, atlas: Atlas, accepts: Accepts) -> Draft:
    """Refuse for another reason, with questions that can be answered here."""
    return Draft(_with_offers(reason, [], atlas, accepts), "refused", "refused")


def _with_offers(text: str, near: Iterable[str], atlas: Atlas, accepts: Accepts) -> str:
    offered = list(near)
    for tries, wordings in enumerate(examples(atlas)):
        if len(offered) >= MOST_OFFERED or tries >= MOST_TRIES:
            break
        example = next((one for one in dict.fromkeys(wordings) if accepts(one)), None)
        if example and example not in offered:
            offered.append(example)
    return f"{text} You could ask: {' · '.join(offered)}" if offered else f"{text} Add data with `terracite add PATH`."


def _inventory(atlas: Atlas) -> str:
    names = [dataset.id for dataset in atlas.registered]
    classes = [
        label
        for raster in atlas.rasters
        if raster.derived is None
        for band in raster.bands[:1]
        for label in band.classes.values()
        if not any(char.isdigit() for char in label)
    ]
    said = [f"There is {listing(names[:8])}." if names else "No data is registered."]
    said += [f"The classes are {listing(list(dict.fromkeys(classes))[:12])}."] if classes else []
    return " ".join(said)


def _near(question: str, unknown: Unknown, atlas: Atlas, tokens: Sequence[Token], accepts: Accepts) -> list[str]:
    """Return the question with the unknown words replaced by known ones, most alike first, as far as it is understood then."""
    if unknown.places[0] == 0 and not unknown.is_name:  # a verb, as in `Collect the …`
        return []
    start, end = tokens[unknown.places[0]].start, tokens[unknown.places[-1]].end
    accepted: list[str] = []
    for word in _alternatives(unknown.text, atlas)[:MOST_TRIES]:
        candidate = f"{question[:start]}{word}{question[end:]}".strip()
        if accepts(candidate):
            accepted.append(candidate)
        if len(accepted) == MOST_OFFERED:
            break
    return accepted


def _alternatives(word: str, atlas: Atlas) -> list[str]:
    known: list[str] = []
    for dataset in atlas.focused:
        known += [label for band in dataset.bands for label in band.classes.values()]
        known += [str(value) for column in dataset.columns if column.is_text and column.distinct <= 20 for value in column.values]
        known.append(noun(dataset))
        known += [column.name for column in dataset.columns if column.is_numeric]
    plain = [text for text in dict.fromkeys(known) if text and not any(char.isdigit() for char in text)]
    return sorted(plain, key=lambda text: -SequenceMatcher(None, word.casefold(), text.casefold()).ratio())


def ask_which(tied: Sequence[Interpretation], scene: Scene) -> Draft:
    """Ask which of several equally good readings is meant, naming them."""
    for index, phrase in enumerate(scene.clause.phrases):
        readings = [one.readings[index] for one in tied]
        kinds = {(reading.dataset.id, reading.columns, reading.where, reading.classes, reading.kind) for reading in readings if reading}
        if len(kinds) < 2:
            continue
        words = written([scene.tokens[place] for place in phrase.places])
        names = list(dict.fromkeys(_reading_name(reading) for reading in readings if reading))
        what = "raster holds" if all(reading and reading.kind == "raster" for reading in readings) else "do you mean by"
        if len({reading.dataset.id for reading in readings if reading}) == 1 and all(
            reading and reading.kind == "column" for reading in readings
        ):
            what = "column holds"
        return Draft(f"Which {what} '{words}': {listing(names, 'or')}?", "input_needed")
    return Draft("That can be read in several ways; please name the datasets and columns that you mean.", "input_needed")


def _reading_name(reading: object) -> str:
    from agent.planner.readings import Reading

    if not isinstance(reading, Reading):
        return str(reading)
    if reading.kind == "column":
        return f"{reading.columns[-1]} of {reading.dataset.id}"
    if reading.where:
        return f"{reading.where[0].column} = {_value(reading.where[0].value)} of {reading.dataset.id}"
    return f"class {listing(reading.classes)} of {reading.dataset.id}" if reading.classes else reading.dataset.id


def _value(value: object) -> str:
    return listing((str(one) for one in value), "or") if isinstance(value, tuple) else str(value)


def ask_column(doubt: tuple[str, tuple[str, ...]]) -> Draft:
    """Ask which column holds a quantity."""
    words, names = doubt
    return Draft(f"Which column holds '{words}': {listing(names, 'or')}?", "input_needed")
