"""What people say beside a question: what it is for, and when they need it. It says nothing of sales."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.language.tokens import listed

#: Words that begin a clause about the asker: "before I go into the meeting", "so that we can plan".
CLAUSES = frozenset(listed("before because so since as while until till once when if for after though although but"))
PERSONS = frozenset(listed("i we they he she it my our someone somebody everyone nobody you"))
#: What numbers are wanted for: "for the board", "ahead of my review".
OCCASIONS = frozenset(
    listed(
        """meeting meetings board deck slide slides presentation presentations pitch report review briefing
        brief newsletter memo email boss director directors ceo cfo call workshop conference talk paper
        appendix minutes agenda press investor investors shareholder shareholders auditor auditors
        accountant accountants colleague colleagues file files records catchup chat interview blog article'
        website' pack summary handout flyer leaflet spreadsheet document documents management townhall
        standup planning leadership exec execs team teams trip visit' lunch' dinner' fair show' exhibition
        bankers lender lenders audit close monthend budgeting negotiation negotiations"""
    )
)
LEADS = frozenset(listed("for at in ahead before during into to"))
LONGEST = 14
_DAYS = frozenset(
    listed(
        """tomorrow today tonight monday tuesday wednesday thursday friday saturday sunday morning afternoon evening
        week month noon lunchtime later"""
    )
)
_WHEN = _DAYS | frozenset(listed("on at this next the later"))
_ALONE = frozenset(listed("investors auditors shareholders accountants lenders bankers"))
_ENDS = frozenset(",;.:!?")


def aside(texts: Sequence[str], place: int, says: Callable[[str], bool]) -> int:
    """Return the place after the aside that begins at a place, `place` for none.

    `says` tells of a word whether it may be part of a question; no aside holds one.
    """
    return _clause(texts, place, says) or _occasion(texts, place, says) or _use(texts, place, says) or place


def _clause(texts: Sequence[str], place: int, says: Callable[[str], bool]) -> int:
    first = place + (texts[place] == "so" and texts[place + 1 : place + 2] == ["that"])
    if texts[place] not in CLAUSES or texts[first + 1 : first + 2] == [] or texts[first + 1] not in PERSONS:
        return 0
    past = first + 2
    while past < len(texts) and texts[past] not in _ENDS:
        if texts[past].isdecimal() or says(texts[past]) or past - place > LONGEST:
            return 0
        past += 1
    leads = place == 0 and past == len(texts)
    return 0 if leads or past - first < 4 else past


def _use(texts: Sequence[str], place: int, says: Callable[[str], bool]) -> int:
    """Read what the numbers are wanted for where a question begins with it: "For the new campaign I need …"."""
    if place or texts[:1] != ["for"] or texts[1:2] == [] or texts[1] not in _ITS:
        return 0
    for past in range(3, min(8, len(texts))):
        if not texts[past - 1].isalpha() or says(texts[past - 1]):
            return 0
        if texts[past] in _ASKS:
            return past
    return 0


_ITS = frozenset(listed("the my our a an this that tomorrow today"))
_ASKS = frozenset(listed("i we could can please give show would you"))


def _when(texts: Sequence[str], place: int) -> int:
    """Return the place after when the occasion is: "tomorrow", "on Monday morning", "next week"."""
    past = place
    while past < len(texts) and past < place + 4 and texts[past] in _WHEN:
        past += 1
    return past if past > place and texts[past - 1] in _DAYS else place


def _occasion(texts: Sequence[str], place: int, says: Callable[[str], bool]) -> int:
    """Read "for my board deck", "ahead of the review on Monday"."""
    if texts[place] not in LEADS:
        return 0
    for past in range(place + 2, min(place + 7, len(texts)) + 1):
        word = texts[past - 1]
        if word in OCCASIONS and (past == len(texts) or texts[past] not in OCCASIONS):
            end = _when(texts, past)
            led = place or texts[end : end + 1] in ([","], [":"], ["i"], ["we"], ["could"], ["can"], ["please"])
            return end if led and (past > place + 2 or word in _ALONE) else 0
        sign = not word[0].isalnum() and word != "'s"
        if word not in OCCASIONS and (sign or says(word) or word.isdecimal()):
            return 0
    return 0
