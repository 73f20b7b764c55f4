"""Country names to ISO 3166 codes."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import orjson
import pycountry

#: Made by deploy/country_names.py.
NAMES_FILE = Path(__file__).parent / "country_names.json"
#: Everyday names that ISO 3166 and its aliases do not list.
EVERYDAY = {
    "uk": "GBR",
    "england": "GBR",
    "scotland": "GBR",
    "wales": "GBR",
    "northern ireland": "GBR",
    "great britain": "GBR",
    "uae": "ARE",
    "korea": "KOR",
    "holland": "NLD",
    "eire": "IRL",
    "rsa": "ZAF",
    "u.s.a.": "USA",
    "u.s.": "USA",
    "u.k.": "GBR",
}


def country_code(name: str) -> str | None:
    """Return the ISO 3166 alpha-3 code of a country's code or name in any language; None when it is not one."""
    wanted = name.strip()
    if wanted.casefold() in EVERYDAY:
        return EVERYDAY[wanted.casefold()]
    try:
        return str(pycountry.countries.lookup(wanted).alpha_3)
    except LookupError:
        return local_names().get(plain(wanted))


def plain(name: str) -> str:
    """Return a name without accents, letter case and repeated blanks."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())


@cache
def local_names() -> dict[str, str]:
    """Return the code of each name a country has in some language, in its `plain` form."""
    names: dict[str, str] = orjson.loads(NAMES_FILE.read_bytes())
    return names
