"""Numbers written in words: which words count as numbers, what they are worth, and when they claim something.

A word up to twelve is often no claim ("one of them", "the two layers", "both"): it is one only before a unit, or before a
noun that it counts ("three districts"), and never after an article or a demonstrative. `no`, `none`, `both`, `half` and
`twice` are left to the reader. Longer numbers ("six hundred") always claim.
"""

from __future__ import annotations

import re

_SMALL = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
    )
}
_TENS = {word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}

_UNIT_WORD = "|".join({**_SMALL, **_TENS})
_ANY_WORD = "|".join({**_SMALL, **_TENS, **_SCALES})
WORDED = re.compile(
    rf"(?<![\w-])(?:(?:an?\s+)(?:{'|'.join(_SCALES)})|(?:{_UNIT_WORD}))(?:(?:\s+and\s+|[\s-]+)(?:{_ANY_WORD})(?!\w))*(?!\w)", re.IGNORECASE
)
"""A whole number in words."""

_DEFINITE = re.compile(
    r"\b(?:the|these|those|both|other|all|any|each|every|last|first|next|its|their|our|your|no|or|another|at)\s+(?:\w+\s+)?$", re.IGNORECASE
)
_LONE_ONE = re.compile(r"\b(?:only|exactly|just|is|was|are)\s+$", re.IGNORECASE)
_NO_NOUN = frozenset(
    "of or and to by in on at for from with than as is are was were has have had can may the a an this that these those another more less "
    "way hand side thing things other others per least most which who where if it they we you i".split()
)


def word_value(text: str) -> int:
    """Return what a number in words is worth: `two hundred and thirty-one` is 231."""
    total = current = 0
    for word in re.findall(r"[a-z]+", text.casefold()):
        if word == "hundred":
            current = max(current, 1) * 100
        elif word in _SCALES:
            total, current = total + max(current, 1) * _SCALES[word], 0
        else:
            current += _SMALL.get(word, 0) + _TENS.get(word, 0)
    return total + current


def is_claim(written: str, before: str, noun: str, *, has_unit: bool) -> bool:
    """Whether a number in words states a quantity; `before` is the text up to it, `noun` the word right after it."""
    if has_unit or word_value(written) > 12:
        return True
    if not noun or noun in _NO_NOUN or re.search(_DEFINITE, before):
        return False
    return word_value(written) != 1 or bool(re.search(_LONE_ONE, before))
