"""The verbs of questions by what they say of sales, in every form: sell sells sold selling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.language.tokens import listed

#: Verbs that say pieces, money, or merely that something was. Particles follow a hyphen; of verbs with a star only the
#: past and the participles count, since their base form is a noun as well, such as book or clock.
ROWS: Mapping[str, str] = {
    "sell": """sell ship deliver move shift dispatch buy purchase send export* unload offload retail* peddle snap-up
        send-out ship-out move-out go-out get-through sell-off snaffle
        stock-up-on""",
    "spend": """spend pay earn generate yield gross bill invoice* charge* collect fetch bring make pull-in rake-in
        cash-in turn-over bring-in take-in bank* fork-out shell-out pay-out splash-out lay-out part-with reel-in
        haul-in pocket*""",
    "over": """pass* top* clear* cross* break* surpass exceed outstrip better* beat* go-over go-beyond go-above
        rise-above climb-above climb-over get-past get-over come-in-above come-in-over come-to-more-than""",
    "under": "fall-below drop-below stay-below stay-under remain-below remain-under miss* fall-short-of come-in-under",
    "filler": """go-through come-through pass-through lie sit stay remain hover range* get-to run-to work-out-at
        put-through rack-up ring-up clock-up chalk-up notch-up run-up pile-up tot-up notch* clock* achieve
        attain attract raise* accumulate amass log* post* record* register* report* book* capture* secure
        place* submit complete* process* handle* fulfil fulfill accept receive obtain acquire win* gain*
        land* close* serve supply issue* trade* transact produce reach see have get take come-in-at come-to
        amount-to stand-at add-up-to enjoy* manage witness* observe score* seal* tally* land-at lodge*
        conclude* do-business-with deal-with number* hit* carry hold* matter count* locate* base* situate*
        live reside figure* feature* appear rank-among consist range-between belong relate* concern*
        put give associate* link* assign* attach* tie* spread-over""",
    "growth": """rise* fall* grow* drop* climb* slip* dip* jump* soar* swing* slide* tumble* shrink* expand*
        recover* slump* surge*
        plunge* decline* improve worsen* weaken* strengthen* evolve-by go-up go-down come-down move-up move-down
        fall-away pick-up-by drop-off fall-off pull-back""",
}
IRREGULAR: Mapping[str, tuple[str, ...]] = {
    base: (base, *rest)
    for base, *rest in map(
        listed,
        """sell sells sold selling
        buy buys bought buying
        send sends sent sending
        go goes went gone going
        get gets got gotten getting
        pay pays paid paying
        spend spends spent spending
        bring brings brought bringing
        make makes made making
        take takes took taken taking
        put puts putting
        ring rings rang rung ringing
        run runs ran running
        win wins won winning
        see sees saw seen seeing
        have has had having
        do does did done doing
        give gives gave given giving
        show shows showed shown showing
        come comes came coming
        stand stands stood standing
        lay lays laid laying
        tot tots totted totting
        hit hits hitting
        break breaks broke broken breaking
        beat beats beat beaten beating
        lie lies lay lain lying
        sit sits sat sitting
        deal deals dealt dealing
        fall falls fell fallen falling
        rise rises rose risen rising
        grow grows grew grown growing
        sink sinks sank sunk sinking
        swing swings swung swinging
        shrink shrinks shrank shrunk shrinking
        slide slides slid sliding
        overtake overtakes overtook overtaken overtaking""".splitlines(),
    )
}
#: The base forms of verbs, which orders begin with.
BASES = frozenset(verb.split("-")[0] for row in ROWS.values() for verb in listed(row) if not verb.endswith("*"))
_DOUBLED = ("ship", "drop", "slip", "dip", "log", "snap", "nab", "bag", "submit", "fulfil", "outstrip", "tag", "map")


def inflected(base: str) -> tuple[str, ...]:
    """Return the forms of a verb: base, third person, past, participles."""
    if base in IRREGULAR:
        return IRREGULAR[base]
    if base.endswith("e"):
        return base, base + "s", base + "d", base[:-1] + "ing"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base, base[:-1] + "ies", base[:-1] + "ied", base + "ing"
    ending = "es" if base.endswith(("s", "x", "z", "ch", "sh")) else "s"
    root = base + base[-1] if base in _DOUBLED else base
    return base, base + ending, root + "ed", root + "ing"


def forms(kind: str) -> Iterator[str]:
    """Yield the phrases of all verbs of a kind."""
    for verb in listed(ROWS[kind]):
        base, *particles = verb.removesuffix("*").split("-")
        found = inflected(base)[2 if verb.endswith("*") else 0 :]
        yield from (" ".join((form, *particles)) for form in found)


#: Every form of every verb of one word.
VERBAL = frozenset(phrase for kind in ROWS for phrase in forms(kind) if " " not in phrase)
