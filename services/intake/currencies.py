"""Currency signs and codes: how they stand beside amounts, and which currency they mean."""

from __future__ import annotations

import re
from functools import cache

import pycountry

#: Signs and abbreviations beside an amount -> the ISO 4217 code, or None where several currencies share it.
SIGNS: dict[str, str | None] = {
    "US$": "USD",
    "USD$": "USD",
    "A$": "AUD",
    "AU$": "AUD",
    "C$": "CAD",
    "CA$": "CAD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "NT$": "TWD",
    "S$": "SGD",
    "MX$": "MXN",
    "R$": "BRL",
    "$": None,
    "€": "EUR",
    "£": "GBP",
    "¥": None,
    "￥": None,
    "円": "JPY",
    "元": "CNY",
    "₹": "INR",
    "Rs.": None,
    "Rs": None,
    "₩": "KRW",
    "원": "KRW",
    "₽": "RUB",
    "руб.": "RUB",
    "руб": "RUB",
    "р.": "RUB",
    "₺": "TRY",
    "TL": "TRY",
    "₴": "UAH",
    "грн": "UAH",
    "₪": "ILS",
    "₫": "VND",
    "đ": "VND",
    "₱": "PHP",
    "฿": "THB",
    "₦": "NGN",
    "₵": "GHS",
    "₡": "CRC",
    "₸": "KZT",
    "₼": "AZN",
    "₾": "GEL",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "lei": "RON",
    "лв.": "BGN",
    "лв": "BGN",
    "kn": "HRK",
    "din.": "RSD",
    "kr.": None,
    "kr": None,
    "SFr.": "CHF",
    "Fr.": "CHF",
    "RM": "MYR",
    "Rp.": "IDR",
    "Rp": "IDR",
    "S/.": "PEN",
    "S/": "PEN",
    "KSh": "KES",
    "د.إ": "AED",
    "﷼": None,
    "R": "ZAR",
}


@cache
def codes() -> frozenset[str]:
    """Return the ISO 4217 codes."""
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


@cache
def pattern() -> str:
    """Return a regular expression (RE2 and Python) of one sign or code, the longest first."""
    words = sorted({*SIGNS, *codes()}, key=lambda word: (-len(word), word))
    return f"(?:{'|'.join(re.escape(word) for word in words)})"


def currency_of(sign: str) -> str | None:
    """Return the ISO 4217 code that a sign or code means; None when it is none or means several."""
    wanted = sign.strip()
    if wanted.upper() in codes():
        return wanted.upper()
    folded = {key.casefold(): code for key, code in SIGNS.items()}
    return folded.get(wanted.casefold())


@cache
def _beside() -> re.Pattern[str]:
    number = r"[-+(]*[0-9][-0-9.,'’ \u00a0\u202f()]*"
    return re.compile(rf"^[-+(\u2212]*({pattern()})\s*{number}$|^{number}\s*({pattern()})[-)]*$", re.IGNORECASE)


def beside(text: str) -> str | None:
    """Return the sign or code that stands before or after a number; None when the text is no such thing."""
    found = _beside().match(text)
    return (found[1] or found[2]) if found else None
