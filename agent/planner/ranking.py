"""Which is the most, the three largest, highest first: what a clause ranks, in which direction, and how many of it."""

from __future__ import annotations

from dataclasses import dataclass

from agent.planner.clauses import Direction
from agent.planner.frames import Frame
from agent.planner.parts import Parts


@dataclass(frozen=True)
class Ranking:
    """What the clause says of order."""

    index: int | None = None
    """The phrase that names what is ranked, where it is not what is measured: `Which district has the most forest?`."""
    order: Direction | None = None
    limit: int | None = None

    def applied(self, parts: Parts, frame: Frame) -> Frame:
        """Note in the ledger that the order was heard."""
        if self.order:
            parts.use("order", 0)
            parts.use("super", 0)
            parts.use("flag", "rank", "where")
        return frame


def ranking_of(parts: Parts, *, own_superlative: bool = False) -> Ranking:
    """Read the ranking of a clause; `own_superlative`: the superlative is a statistic (`highest elevation`), no ranking."""
    clause = parts.clause
    superlative = None if own_superlative else clause.superlative
    order: Direction | None = (
        clause.order or (superlative.direction if superlative else None) or ("desc" if clause.has("rank") or clause.keyed else None)
    )
    index = _ranked_phrase(parts) if order or parts.having else None
    limit = superlative.limit if superlative else None
    if superlative and limit is None and not clause.order and not clause.has("rank"):
        limit = _counted(parts, index) or (1 if _is_single(parts, index) else None)
    return Ranking(index, order, limit)


def _ranked_phrase(parts: Parts) -> int | None:
    """Return the first phrase, where it is ranked by something else that the clause names."""
    heads = [
        i
        for i, phrase in enumerate(parts.clause.phrases)
        if phrase.role in ("head", "of", "pred") and parts.readings[i] and i not in parts.properties
    ]
    if not heads or any(phrase.role == "group" for phrase in parts.clause.phrases):
        return None
    first = heads[0]
    reading = parts.reading(first)
    if not reading.dataset.is_vector or reading.kind not in ("layer", "column") or not _introduces(parts, first):
        return None
    others = [i for i, other in enumerate(parts.readings) if other and i != first and i not in parts.properties]
    others = [i for i in others if parts.phrase(i).role not in ("in", "near", "far", "out", "lacks", "touching", "for")]
    if not others and not (parts.ranges and _asks_for_area(parts)):
        return None
    return None if any(parts.reading(i).dataset.id == reading.dataset.id for i in others) else first


def _asks_for_area(parts: Parts) -> bool:
    return any(name in parts.clause.measures for name in ("area", "howmuch")) or _has_land(parts)


def _has_land(parts: Parts) -> bool:
    return any(parts.readings[i] is None and phrase.superlative for i, phrase in enumerate(parts.clause.phrases))


def _introduces(parts: Parts, index: int) -> bool:
    """Whether the clause opens with the phrase: `which districts …`, `rank the districts by …`, `top 3 districts by …`."""
    clause = parts.clause
    behind = any(phrase.superlative for phrase in clause.phrases[index + 1 :])
    return clause.has("list", "rank", "weak_list") or bool(clause.keyed) or parts.phrase(index).superlative is not None or behind


def _counted(parts: Parts, index: int | None) -> int | None:
    """Return the 3 of `which 3 districts have the highest …`."""
    places = [index] if index is not None else range(len(parts.clause.phrases))
    for place in places:
        for number in parts.phrase(place).numbers:
            reading = parts.readings[place]
            if number.unit is None and number.value == int(number.value) and reading and number.start not in reading.numbers_used:
                parts.use("number", number.start)
                return int(number.value)
    return None


def _is_single(parts: Parts, index: int | None) -> bool:
    """Whether one winner is asked for, as in `which district`; a plural asks for a ranking."""
    if index is None:
        named = [phrase for i, phrase in enumerate(parts.clause.phrases) if parts.readings[i]]
        phrase = named[0] if named else None
    else:
        phrase = parts.phrase(index)
    if phrase is None or not phrase.places:
        return True
    last = parts.tokens[phrase.places[-1]]
    return last.lemma == last.word
