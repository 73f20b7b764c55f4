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
LEADS = frozenset(listed("for at in ahead before during into to on after following"))
_ONLY_OURS = frozenset(("on", "after", "following"))
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
    return next((past for read in _READERS if (past := read(texts, place, says))), place)


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
    ours = texts[place + 1 : place + 2] in (["our"], ["my"], ["your"])
    if texts[place] not in LEADS or (texts[place] in _ONLY_OURS and not ours):
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


_GREETINGS = frozenset(listed("hi hello hey hiya dear morning afternoon evening greetings"))
_STOPS = frozenset(",!.:;-")
#: How people end a message; names may follow.
_FAREWELLS = tuple(
    map(
        listed,
        """thanks\nthank you\nthx\ncheers\nmany thanks\nregards\nkind regards\nbest regards\nwarm regards\nbest wishes
        best ,\nrgds\nbr\nyours""".splitlines(),
    )
)
_MOST_NAMES = 5
_WANTING = frozenset(listed("need needs want wants asked ask asks request requested requests require requires"))


def _greeting(texts: Sequence[str], place: int, says: Callable[[str], bool]) -> int:
    """Read "Hi Anna," and "Good morning all!"."""
    first = place + (texts[0] == "good")
    if place or texts[first : first + 1] == [] or texts[first] not in _GREETINGS:
        return 0
    for past in range(first + 1, min(first + 4, len(texts))):
        if texts[past] in _STOPS:
            return past + 1
        if says(texts[past]) or not texts[past].isalpha():
            return 0
    return 0


def _farewell(texts: Sequence[str], place: int, says: Callable[[str], bool]) -> int:
    """Read "Best, Tom" and "Thanks a lot" at the end."""
    begun = place > 0 and not texts[place - 1][0].isalnum()
    said = next((phrase for phrase in _FAREWELLS if list(texts[place : place + len(phrase)]) == list(phrase)), None)
    if not begun or said is None:
        return 0
    rest = texts[place + len(said) :]
    names = all(not says(text) and not text.isdecimal() for text in rest)
    return len(texts) if len(rest) <= _MOST_NAMES and names else 0


def _wanting(texts: Sequence[str], place: int, says: Callable[[str], bool]) -> int:
    """Read who wants to know: "The auditors need the revenue of …"."""
    if texts[place] not in ("the", "our", "my"):
        return 0
    for past in range(place + 2, min(place + 5, len(texts))):
        if says(texts[past - 1]) or not texts[past - 1].isalpha():
            return 0
        if texts[past] in _WANTING and texts[past - 1] in OCCASIONS:
            return past + 1
    return 0


_READERS = (_clause, _occasion, _use, _greeting, _farewell, _wanting)
