"""Word forms: plural and singular of English nouns, nothing more."""

from __future__ import annotations

from functools import lru_cache

IRREGULAR = {"people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot"}
HISSING = ("sses", "shes", "ches", "xes", "zes")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the singular of a noun in lower case; other words as they are."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(HISSING) else word[:-1]


def plural(word: str) -> str:
    """Return the regular plural of the last word of a phrase."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")
