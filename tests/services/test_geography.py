from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.country_names import text
from services.geography import NAMES_FILE, country_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Germany", "DEU"),
        (" germany ", "DEU"),
        ("DE", "DEU"),
        ("DEU", "DEU"),
        ("276", "DEU"),
        ("United Kingdom", "GBR"),
        ("UK", "GBR"),
        ("England", "GBR"),
        ("Scotland", "GBR"),
        ("Wales", "GBR"),
        ("UAE", "ARE"),
        ("Korea", "KOR"),
        ("United States", "USA"),
        ("USA", "USA"),
        ("Ireland", "IRL"),
        ("South Africa", "ZAF"),
        ("Czech Republic", "CZE"),
        ("Côte d'Ivoire", "CIV"),
        ("Türkiye", "TUR"),
        ("Deutschland", "DEU"),
        ("ALLEMAGNE", "DEU"),
        ("Alemania", "DEU"),
        ("Tyskland", "DEU"),
        ("Niemcy", "DEU"),
        ("ドイツ", "DEU"),
        ("Österreich", "AUT"),
        ("Osterreich", "AUT"),
        ("Espana", "ESP"),
        ("Vereinigtes Königreich", "GBR"),
        ("États-Unis", "USA"),
        ("Amerika Syarikat", "USA"),
        ("Holland", "NLD"),
        ("EIRE", "IRL"),
        ("Kongo", None),
        ("European Community", None),
        ("Channel Islands", None),
        ("West Indies", None),
        ("Unspecified", None),
        ("", None),
        ("  ", None),
        ("None", None),
    ],
    ids=str,
)
def test_country_code(name: str, code: str | None) -> None:
    assert country_code(name) == code


@settings(deadline=None)  # the first local name reads the names of all languages
@given(st.text(st.characters(codec=None), max_size=30))
def test_any_text_has_a_code_or_none(name: str) -> None:
    code = country_code(name)
    assert code is None or (len(code) == 3 and code.isupper())


def test_names_are_those_of_the_library() -> None:
    assert NAMES_FILE.read_text(encoding="utf-8") == text()
