"""People and things by country: German, British, Dutch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

import pycountry

from services.geography import EVERYDAY, local_names, plain

#: ISO 3166 alpha-3 code -> adjectives and nouns of its people.
ROWS = """\
AFG afghan;ALB albanian;DZA algerian;AND andorran;AGO angolan;ARG argentine,argentinian;ARM armenian
AUS australian,aussie;AUT austrian;AZE azerbaijani;BHS bahamian;BHR bahraini;BGD bangladeshi;BRB barbadian
BLR belarusian;BEL belgian;BMU bermudian;BOL bolivian;BIH bosnian;BWA botswanan;BRA brazilian;BGR bulgarian
KHM cambodian;CMR cameroonian;CAN canadian;CHL chilean;CHN chinese;COL colombian;CRI costa rican;HRV croatian
CUB cuban;CYP cypriot;CZE czech;DNK danish,dane;DOM dominican;ECU ecuadorian;EGY egyptian;EST estonian
ETH ethiopian;FIN finnish,finn;FRA french;GEO georgian;DEU german;GHA ghanaian;GRC greek;GTM guatemalan
HTI haitian;HND honduran;HUN hungarian;ISL icelandic,icelander;IND indian;IDN indonesian;IRN iranian;IRQ iraqi
IRL irish;ISR israeli;ITA italian;JAM jamaican;JPN japanese;JOR jordanian;KAZ kazakh;KEN kenyan
KOR korean,south korean;KWT kuwaiti;LVA latvian;LBN lebanese;LBY libyan;LTU lithuanian;LUX luxembourgish
MYS malaysian;MLT maltese;MEX mexican;MDA moldovan;MCO monegasque;MNG mongolian;MAR moroccan;NPL nepalese
NLD dutch,dutchman;NZL new zealander,kiwi;NGA nigerian;NOR norwegian;OMN omani;PAK pakistani;PAN panamanian
PRY paraguayan;PER peruvian;PHL filipino,philippine;POL polish,pole;PRT portuguese;QAT qatari;ROU romanian
RUS russian;SAU saudi;SEN senegalese;SRB serbian;SGP singaporean;SVK slovak;SVN slovenian,slovene
ZAF south african;ESP spanish,spaniard;LKA sri lankan;SWE swedish,swede;CHE swiss;SYR syrian;TWN taiwanese
THA thai;TUN tunisian;TUR turkish,turk;UKR ukrainian;ARE emirati
GBR british,brit,briton,english,scottish,welsh;USA american,yankee;URY uruguayan;UZB uzbek;VEN venezuelan
VNM vietnamese;ZMB zambian;ZWE zimbabwean"""
#: Two-letter names that people write in small letters too.
SHORT = {
    **EVERYDAY,
    "usa": "USA",
    "us": "USA",
    "gb": "GBR",
    "u s": "USA",
    "u k": "GBR",
    "u s a": "USA",
    "america": "USA",
} | {
    "britain": "GBR",
    "emirates": "ARE",
    "czechia": "CZE",
    "south korea": "KOR",
    "republic of ireland": "IRL",
    "ireland": "IRL",
    "the states": "USA",
}


@cache
def _people() -> Mapping[str, str]:
    rows = (row.split(" ", 1) for line in ROWS.splitlines() for row in line.split(";"))
    return {name: code for code, names in rows for name in names.split(",")}


@cache
def _countries() -> Mapping[str, str]:
    """Names and codes of ISO 3166 in their plain form; a dictionary, because a text has many phrases to look up."""
    found: dict[str, str] = {}
    for country in pycountry.countries:
        for field in ("alpha_2", "alpha_3", "name", "official_name", "common_name"):
            if (name := getattr(country, field, None)) is not None:
                found.setdefault(plain(name), country.alpha_3)
    return found


@lru_cache(maxsize=20_000)
def country_of(phrase: str, *, capitals: bool = False) -> str | None:
    """Return the ISO 3166 alpha-3 code of a country or a people named in plain small letters, None for other words.

    Codes of two or three letters count when they were written in capitals.
    """
    name = plain(phrase)
    people = _people()
    for form in (name, name.removesuffix("s")):
        if form in people:
            return people[form]
    if name in SHORT and (name != "us" or capitals):
        return SHORT[name]
    if len(name) < 4 and not capitals:
        return None
    return _countries().get(name) or local_names().get(name)
