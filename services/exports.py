"""What leaves as a file for spreadsheets."""

from __future__ import annotations

import re
from typing import Any

#: Beginnings that spreadsheets take for a formula, their full-width forms included.
FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")
NUMBER = re.compile(r"[+-]?\d[\d ,.]*%?")


def safe_cell(value: Any) -> Any:
    """Return a cell no spreadsheet runs: texts that look like a formula get an apostrophe before them.

    Numbers, and texts that are one, stay as they are. https://owasp.org/www-community/attacks/CSV_Injection
    """
    if isinstance(value, str) and value.startswith(FORMULA) and not NUMBER.fullmatch(value):
        return "'" + value
    return value
