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
        """meeting meetings board deck slide slides presentation presentations pitch report review briefing brief
        newsletter memo email boss director directors ceo cfo call workshop conference talk paper appendix minutes
        agenda press investor investors shareholder shareholders auditor auditors accountant accountants colleague
        colleagues file files records catchup chat interview blog article' website' pack summary handout flyer leaflet
        spreadsheet document documents management townhall standup planning leadership exec execs team teams trip
        visit' lunch' dinner' fair show' exhibition bankers lender lenders audit close monthend budgeting negotiation negotiations"""
    )
)
LEADS = frozenset(listed("for at in ahead before during into to"))
LONGEST = 14
_ALONE = frozenset(listed("investors auditors shareholders accountants lenders bankers"))
_ENDS = frozenset(",;.:!?")


def aside(texts: Sequence[str], place: int, says: Callable[[str], bool]) -> int:
    """Return the place after the aside that begins at a place, `place` for none.

    `says` tells of a word whether it may be part of a question; no aside holds one.
    """
    return _clause(texts, place, says) or _occasion(texts, place, says) or place


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


def _occasion(texts: Sequence[str], place: int, says: Callable[[str], bool]) -> int:
    """Read "for my board deck", "ahead of the review on Monday"."""
    if texts[place] not in LEADS:
        return 0
    for past in range(place + 2, min(place + 7, len(texts)) + 1):
        word = texts[past - 1]
        if word in OCCASIONS and (past == len(texts) or texts[past] not in OCCASIONS):
            led = place or texts[past : past + 1] in ([","], [":"], ["i"], ["we"], ["could"], ["can"], ["please"])
            return past if led and (past > place + 2 or word in _ALONE) else 0
        sign = not word[0].isalnum() and word != "'s"
        if word not in OCCASIONS and (sign or says(word) or word.isdecimal()):
            return 0
    return 0
