"""One-time codes of authenticator apps: RFC 6238 over RFC 4226, SHA-1, six digits, 30 seconds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote, urlencode

import segno

SECONDS, DIGITS = 30, 6
#: A code of the step before or after counts too: clocks differ.
DRIFT = 1


def new_secret() -> str:
    """Return a new secret of 160 bits in base 32, as apps take it."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code(secret: str, step: int, digits: int = DIGITS) -> str:
    """Return the code of a time step (RFC 4226, section 5.3)."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: str, given: str, seconds: float, used: int | None) -> int | None:
    """Return the time step a code belongs to, None for a wrong code or one of a step that was used already."""
    digits = "".join(given.split())
    current = int(seconds) // SECONDS
    for step in range(current - DRIFT, current + DRIFT + 1):
        if hmac.compare_digest(code(secret, step).encode(), digits.encode("utf-8", "replace")):
            return step if used is None or step > used else None
    return None


def address(secret: str, email: str) -> str:
    """Return what an authenticator app reads from a link or QR code."""
    asked = urlencode({"secret": secret, "issuer": "Salescope", "digits": DIGITS, "period": SECONDS})
    return f"otpauth://totp/Salescope:{quote(email)}?{asked}"


def picture(address: str) -> str:
    """Return the QR code of an address as an SVG, ready for the source of an image; dark on white for every camera."""
    code = segno.make_qr(address, error="m")
    return str(code.svg_data_uri(scale=5, border=4, dark="#000", light="#fff", omitsize=True))
