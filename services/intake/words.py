"""Headers as words: `CustomerID`, "Customer ID" and "customer_id" are the same two words."""

from __future__ import annotations

import re
import unicodedata

#: Letters that Unicode does not take apart into a base and an accent.
FOLDED = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ł": "l", "Ł": "L", "đ": "d", "ı": "i"})
IRREGULAR = {"series": "series", "status": "statuses", "sex": "sexes"}


def fold(text: str) -> str:
    """Return a text without accents and letter case, its blanks single."""
    plain = unicodedata.normalize("NFKD", text.translate(FOLDED))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


def tokens(header: str) -> tuple[str, ...]:
    """Return the words of a header, folded."""
    spaced = re.sub(r"(?<=[a-zà-ÿ0-9])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])", " ", header)
    return tuple(re.findall(r"[^\W_]+|[%#№]", fold(spaced.replace("_", " "))))


def slug(header: str, default: str = "column") -> str:
    """Return a header as a name of the model: `Fuel Type` -> `fuel_type`."""
    words = [re.sub(r"[^a-z0-9]", "", word) for word in tokens(header.replace("%", " percent "))]
    name = "_".join(word for word in words if word)[:50].strip("_")
    if not name:
        return default
    return name if name[0].isalpha() else f"{default}_{name}"


def label(header: str) -> str:
    """Return a header as people write it: `Fuel_Type` -> `Fuel type`; short capitals stay (`SKU`)."""
    spaced = re.sub(r"(?<=[a-zà-ÿ0-9])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])", " ", header.strip())
    words = re.sub(r"[_\s]+", " ", spaced).strip().split(" ")
    kept = [word if word.isupper() and 1 < len(word) <= 4 else word.lower() for word in words]
    text = " ".join(kept)
    return text[:1].upper() + text[1:] if text else "Column"


def plural(word: str) -> str:
    """Return the English plural of a label."""
    head, _, last = word.rpartition(" ")
    lower = last.casefold()
    if re.search(r"[^a-z]$|[^sui]s$", lower):
        return word
    if lower in IRREGULAR:
        made = IRREGULAR[lower]
        made = made if last.islower() else made.capitalize()
    elif re.search(r"(s|x|z|ch|sh)$", lower):
        made = f"{last}es"
    elif re.search(r"[^aeiou]y$", lower):
        made = f"{last[:-1]}ies"
    else:
        made = f"{last}s"
    return f"{head} {made}" if head else made


def singular(word: str) -> str:
    """Return the singular of an English table name: `categories` -> `category`."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ss", "ss"), ("us", "us"), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending) + instead
    return word
