"""Paths of this site: addresses that people give or keep may lead nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_local(address: str) -> bool:
    """Tell whether an address is a path of this site in the eyes of browsers too.

    They take a backslash for a slash and leave out tabs and line ends: /<tab>/evil.example is another site for them.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    outside = parts.scheme or parts.netloc or not address.startswith("/") or address.startswith("//")
    return not outside and not any(character < " " or character == "\\" for character in address)
