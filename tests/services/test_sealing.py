from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import UserError
from services.sealing import MARK, Seal, SealError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SEAL = Seal(["now", "before"])


@given(TEXT, TEXT, st.integers(0), st.integers(1, 255))
def test_what_is_sealed_opens_for_its_owner_unchanged_and_in_no_other_way(
    secret: str, about: str, place: int, change: int
) -> None:
    sealed = SEAL.close(secret, about)
    assert SEAL.open(sealed, about) == Seal(["later", "now"]).open(sealed, about) == secret
    assert SEAL.is_current(sealed, about)
    assert not Seal(["later", "now"]).is_current(sealed, about)
    assert sealed != SEAL.close(secret, about)
    content = bytearray(base64.b64decode(sealed.removeprefix(MARK)))
    content[place % len(content)] ^= change
    for damaged, whose in ((MARK + base64.b64encode(content).decode(), about), (sealed, about + "x")):
        with pytest.raises(SealError):
            SEAL.open(damaged, whose)
    with pytest.raises(SealError):
        Seal(["before"]).open(sealed, about)


@given(TEXT)
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    with pytest.raises(SealError):
        SEAL.open(text, "a")


def test_nothing_is_kept_open_for_lack_of_a_key() -> None:
    with pytest.raises(UserError, match="SALESCOPE_SECRET_KEY"):
        Seal().close("secret", "a")
