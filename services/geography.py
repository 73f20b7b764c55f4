"""Country names to ISO 3166 codes."""

from __future__ import annotations

import pycountry

#: Everyday names that ISO 3166 and its aliases do not list.
EVERYDAY = {"uk": "GBR", "england": "GBR", "scotland": "GBR", "wales": "GBR", "uae": "ARE", "korea": "KOR"}


def country_code(name: str) -> str | None:
    """Return the ISO 3166 alpha-3 code of a country's name or code; None when it is not one country."""
    wanted = name.strip()
    if wanted.casefold() in EVERYDAY:
        return EVERYDAY[wanted.casefold()]
    try:
        return str(pycountry.countries.lookup(wanted).alpha_3)
    except LookupError:
        return None
