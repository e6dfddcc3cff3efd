"""Latin forms of names in other scripts and with letters that are spelt out: tables, no guesses about languages.

A name has several forms where conventions differ (и is i in Russian and y in Ukrainian; ö is o or oe): all of them are given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
"""How German and the Scandinavian languages write these letters where they have none (DIN 5007-2; Danish before 1948)."""
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "zh", "з": "z", "и": "i", "й": "y", "к": "k", "л": "l",
    "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
    "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya", "і": "i", "ї": "i", "є": "ye", "ґ": "g", "ў": "u", "ђ": "d",
    "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz", "ѓ": "g", "ќ": "k", "ѕ": "dz",
}  # fmt: skip
"""Russian by BGN/PCGN (1947) without its signs; letters of other languages as their own systems write them."""
_UKRAINIAN = {**_CYRILLIC, "г": "h", "и": "y", "є": "ie", "й": "i", "ю": "iu", "я": "ia"}
"""Where Ukrainian differs (resolution 55 of its Cabinet of Ministers, 2010)."""
_SOUTH_SLAVIC = {**_CYRILLIC, "х": "h", "ц": "c", "ч": "c", "ш": "s", "ж": "z", "щ": "sht", "ъ": "a"}
"""Serbian and Macedonian in Latin letters, accents left out; щ and ъ as in Bulgarian."""
_GREEK = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l", "μ": "m", "ν": "n",
    "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
"""ISO 843, type 2; pairs of letters stand in `_GREEK_PAIRS`."""
_GREEK_PAIRS = {"ου": "ou", "αυ": "av", "ευ": "ev", "γγ": "ng", "γχ": "nch", "μπ": "b"}


def latin_forms(text: str) -> tuple[str, ...]:
    """Return the forms of a text in Latin letters, in lower case; none where it holds no letter of the tables.

    `text` is in lower case and composed (NFC): й is a letter of its own.
    """
    found = [text.translate(SPELT_OUT)] if any(character in _SPELT for character in text) else []
    if any(character in _CYRILLIC for character in text):
        found += [_replaced(text, table) for table in (_CYRILLIC, _UKRAINIAN, _SOUTH_SLAVIC)]
    if any(character in _GREEK for character in text):
        found.append(_replaced(_without_accents(text), {**_GREEK_PAIRS, **_GREEK}))
    return tuple(dict.fromkeys(found))


_SPELT = frozenset(map(chr, SPELT_OUT))


def _without_accents(text: str) -> str:
    return "".join(character for character in unicodedata.normalize("NFD", text) if not unicodedata.combining(character))


def _replaced(text: str, table: Mapping[str, str]) -> str:
    """Replace what the table holds, pairs of letters before single ones."""
    return re.sub("|".join(sorted(table, key=len, reverse=True)), lambda match: table[match.group()], text)
