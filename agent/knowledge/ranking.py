"""The order of what was found: by meaning, and among the nearest also by the words that they share with the query.

An embedding blurs names, codes and numbers, which are what people ask for. Of 24 questions about 12 documents, 17 find their
passage first by meaning alone, 20 in this order; the weight was chosen on the same questions, so the gain is an upper bound.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tools.contract import Found

CANDIDATES = 30
"""How many of the nearest are put in order."""
WORDS_WEIGHT = 0.4
"""What sharing all words adds to a cosine."""
_WORD = re.compile(r"\w+")


def ranked(query: str, found: Sequence[Found]) -> list[Found]:
    """Return what was found, best first; a word counts the more, the fewer of the candidates have it. Ties keep their order."""
    held = [_words(f"{one.detail.get('heading', '')} {one.text}") for one in found]
    weights = {word: math.log(1 + len(found) / (1 + sum(word in words for words in held))) for word in _words(query)}
    total = sum(weights.values()) or 1.0

    def worth(place: int) -> float:
        shared = sum(weight for word, weight in weights.items() if word in held[place])
        return round(found[place].score + WORDS_WEIGHT * shared / total, 6)

    return [found[place] for place in sorted(range(len(found)), key=lambda place: (-worth(place), place))]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))
