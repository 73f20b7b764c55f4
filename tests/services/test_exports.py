from __future__ import annotations

import pytest

from services.exports import safe_cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "＝1", "－x"]
)
def test_formulas_get_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("value", ["-12.5", "+3", "-1,234.50", "-5%", "plain", "", "a=b", -12.5, 3, None])
def test_everything_else_stays(value: object) -> None:
    assert safe_cell(value) == value
