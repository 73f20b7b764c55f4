"""What a header says its column is, by its words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from services.intake.currencies import currency_of
from services.intake.proposal import FieldRole
from services.intake.vocabulary import ADDITIVE_WORDS, AVERAGE_WORDS, ID_WORDS, NAME_WORDS, WORDS, phrases, words_of
from services.intake.words import tokens

#: Whom a header is about, where it says more than that: the country of a customer is a country.
ENTITIES = (FieldRole.ORDER, FieldRole.CUSTOMER, FieldRole.PRODUCT)
#: Endings of compound words: Artikelbezeichnung, Kundennummer, varenavn.
ENDINGS = ("bezeichnung", "nummern", "nummer", "name", "navn", "namn", "naam", "datum", "dato", "preis", "gruppe", "nr")
#: Words that are a role's only when they stand alone; in a header of several they mean something else.
ALONE = words_of(
    "by an ca ar ort mon mm dd ora tid lan uf pu land kraj maa per kos bon trx mes dia area zone class total totale "
    "totaal gesamt summe summa suma valor ks db party posting"
)
#: Roles whose word must be the last of an English header: "state holiday" is no state. "Ville de départ" is a town.
LAST = frozenset(
    {FieldRole.COUNTRY, FieldRole.REGION, FieldRole.CITY, FieldRole.CATEGORY, FieldRole.CHANNEL, FieldRole.STATUS}
)
OF = words_of("de du des da do di del of d van von")
#: Words that number something, or count it when a plural follows: NumWebVisits.
COUNTING = words_of("num number no nr")
MONEY = frozenset({FieldRole.REVENUE, FieldRole.UNIT_PRICE, FieldRole.COST, FieldRole.UNIT_COST, FieldRole.DISCOUNT})
#: Roles whose words are also ordinary words; an entity beside them says more.
WEAK = (FieldRole.LINE, FieldRole.DAY, FieldRole.CLOCK, FieldRole.STATUS)


@dataclass(frozen=True)
class Heard:
    """A role that a header names, how much of the header says so (0 to 1), and the words."""

    role: FieldRole
    share: float
    words: str


@dataclass(frozen=True)
class Header:
    """A header taken apart. `currency` is that of its last word, as in price_usd."""

    words: tuple[str, ...]
    heard: tuple[Heard, ...]
    is_id: bool
    is_name: bool
    is_average: bool
    is_additive: bool
    currency: str | None

    def share(self, role: FieldRole) -> float:
        """Return how much of the header names a role."""
        return next((each.share for each in self.heard if each.role is role), 0.0)


@lru_cache(maxsize=4096)
def header(text: str) -> Header:
    """Return what a header says."""
    words = tuple(part for word in tokens(text) for part in _parts(word))
    last = words[-1].upper() if len(words) > 1 else ""
    bare = words[:-1] if currency_of(last) == last else words
    heard = tuple(sorted(_heard(bare), key=lambda each: -each.share))
    currency = last if len(bare) < len(words) and (last in text or any(each.role in MONEY for each in heard)) else None
    counts = bool(words) and words[0] in COUNTING and any(word.endswith("s") for word in words[1:])
    return Header(
        words=words,
        heard=heard if currency or len(bare) == len(words) else tuple(sorted(_heard(words), key=lambda e: -e.share)),
        is_id=any(word in ID_WORDS for word in words) and not counts,
        is_name=any(word in NAME_WORDS for word in words),
        is_average=any(word in AVERAGE_WORDS for word in words),
        is_additive=counts or any(word in ADDITIVE_WORDS for word in words),
        currency=currency,
    )


def _parts(word: str) -> tuple[str, ...]:
    """Return a compound word's stem and ending."""
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending), ending
    return (word,)


def _heard(words: tuple[str, ...]) -> list[Heard]:
    best: dict[FieldRole, tuple[float, tuple[str, ...]]] = {}
    for word in {*words, "".join(words)}:
        for role, phrase in _phrases().get(word, ()):
            fit = _fit(phrase, words, role)
            if fit:
                best[role] = max(best.get(role, (0.0, ())), (fit, phrase))
    found = ((role, *best[role]) for role in WORDS if role in best)
    return [Heard(role, _weighed(role, fit, words), " ".join(phrase)) for role, fit, phrase in found]


@cache
def _phrases() -> dict[str, list[tuple[FieldRole, tuple[str, ...]]]]:
    """Return the roles' phrases by the words that can show one: its last, singular or plural, or all in one."""
    found: dict[str, list[tuple[FieldRole, tuple[str, ...]]]] = {}
    for role in WORDS:
        for phrase in phrases(role):
            for word in {phrase[-1], f"{phrase[-1]}s", "".join(phrase)}:
                found.setdefault(word, []).append((role, phrase))
    return found


def _fit(phrase: tuple[str, ...], words: tuple[str, ...], role: FieldRole) -> float:
    """Return the share of the words that a phrase takes up; 0 when it is not among them.

    Words that only say "number" or "name" count little; "stockcode" is "stock code".
    """
    size = len(phrase)
    told = [word for word in words if word not in ID_WORDS and word not in NAME_WORDS] or list(words)
    if "".join(words) == "".join(phrase):
        return 1.0
    if size == 1 and phrase[0] in ALONE and len(told) > 1:
        return 0.0
    for start in range(len(words) - size + 1):
        after = words[start + size : start + size + 1]
        if _same(words[start : start + size], phrase) and (role not in LAST or _ends(after)):
            return min(1.0, sum(word in told for word in words[start : start + size]) / len(told)) or 0.5
    return 0.0


def _same(words: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    """Tell whether words are a phrase, the last perhaps in its plural."""
    return words[:-1] == phrase[:-1] and words[-1] in {phrase[-1], f"{phrase[-1]}s"}


def _ends(after: tuple[str, ...]) -> bool:
    """Tell whether a role's word may stand before what comes after it."""
    return not after or after[0] in ID_WORDS or after[0] in NAME_WORDS or after[0] in OF


def _weighed(role: FieldRole, fit: float, words: tuple[str, ...]) -> float:
    """Return the share, less for whom it is about when something else is said of them too."""
    if role in ENTITIES:
        return fit * 0.9
    return fit * (0.7 if role in WEAK and len(words) > 1 else 1.0)
