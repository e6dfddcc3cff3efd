"""Distance to a class of a map, which a question asks for and a call has to make: `mean distance to forest in each district`.

Such a raster is read as one of `remoteness`, since distance by itself means that between features.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.planner.atlas import Atlas
from agent.planner.frames import Derived
from agent.planner.text import name_lemmas

REMOTENESS = "remoteness"
_NAME = r"(?P<name>[^\W\d][\w' -]*?)"
_END = r"(?= (?:in|of|by|for|per|inside|within|at|across|over|from)(?!\w)|\W*$|,)"
_FORMS = (
    (re.compile(rf"how (?:far|remote)(?: away)? (?:is|are) (?:it to )?(?:the )?(?:nearest |closest )?{_NAME}(?: away)? (?:on average|in the mean){_END}", re.IGNORECASE), "what is the mean remoteness"),
    (re.compile(rf"(?:the )?distances? (?:to|from) (?:the )?(?:nearest |closest )?{_NAME}{_END}", re.IGNORECASE), "remoteness"),
    (re.compile(rf"(?:that (?:is|lies) )?(?:within|closer than|nearer than|less than) (?P<n>[\d.,]+ ?(?:k?m|met(?:re|er)s?|kilomet(?:re|er)s?|miles?)) (?:of|from|to) (?:the )?(?:nearest |closest )?{_NAME}{_END}", re.IGNORECASE), "with remoteness below {n}"),
    (re.compile(rf"(?:that (?:is|lies) )?(?:farther|further|more) than (?P<n>[\d.,]+ ?(?:k?m|met(?:re|er)s?|kilomet(?:re|er)s?|miles?)) (?:away )?from (?:the )?(?:nearest |closest )?{_NAME}{_END}", re.IGNORECASE), "with remoteness above {n}"),
)  # fmt: skip


def remoteness_asked(question: str, atlas: Atlas) -> tuple[str, tuple[Derived, ...]]:
    """Return the question with the distance said as remoteness, and the rasters of it that can be made; nothing where features are meant."""
    for pattern, words in _FORMS:
        for match in pattern.finditer(question):
            made = tuple(_targets(match["name"], atlas))
            if made:
                said = words.format(n=match.groupdict().get("n"))
                return f"{question[: match.start()]}{said}{question[match.end() :]}", made
    return question, ()


def _targets(words: str, atlas: Atlas) -> Sequence[Derived]:
    """Return the distance to the class that words name, in every map that has it; nothing where a layer or one of its values bears the name."""
    asked = name_lemmas(words)
    named = [form for layer in atlas.vectors for form in layer.name_forms] + [
        name_lemmas(str(value)) for layer in atlas.vectors for _, value in layer.text_values
    ]
    if not asked or any(set(asked) <= set(form) for form in named):
        return ()
    return [
        Derived(raster=raster.id, terrain=REMOTENESS, target=label)
        for raster in atlas.rasters
        if raster.derived is None
        for label in raster.bands[0].classes.values()
        if name_lemmas(label) == asked
    ]
