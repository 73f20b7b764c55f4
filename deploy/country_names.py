"""Write services/country_names.json: what countries are called in all languages Babel (CLDR) knows.

Reading them from Babel takes seconds; the file takes milliseconds. Run it after an update of Babel.
"""

from __future__ import annotations

import json
from pathlib import Path

import pycountry
from babel import Locale, localedata

from services.geography import NAMES_FILE, plain


def names() -> dict[str, str]:
    """Return the alpha-3 code of each name a country has in some language, but for names that mean two countries."""
    found: dict[str, set[str]] = {}
    for identifier in filter(_is_language, localedata.locale_identifiers()):
        for territory, name in Locale.parse(identifier).territories.items():
            country = pycountry.countries.get(alpha_2=territory) if len(territory) == 2 else None
            if country is not None:
                found.setdefault(plain(name), set()).add(str(country.alpha_3))
    return {name: next(iter(codes)) for name, codes in sorted(found.items()) if len(codes) == 1}


def _is_language(identifier: str) -> bool:
    """Tell whether a locale is a language, perhaps with a script, without a territory."""
    _, _, rest = identifier.partition("_")
    return not rest or len(rest) == 4


def text() -> str:
    """Return the content of the file."""
    return json.dumps(names(), ensure_ascii=False, separators=(",", ":"), indent=0) + "\n"


if __name__ == "__main__":
    Path(NAMES_FILE).write_text(text(), encoding="utf-8")
