"""Short secrets as the application database keeps them: sealed, so that a copy of the database gives none away."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.errors import SalescopeError, UserError

#: Begins what is sealed, so that another way can follow.
MARK = "1."
NONCE_BYTES = 12
PURPOSE = b"salescope: secrets in the application database"


class SealError(SalescopeError):
    """No key opens it: the key is gone, or it was sealed for somebody else or changed since."""


class Seal:
    """AES-256-GCM under keys derived from the site's by HKDF-SHA256 (RFC 5869).

    The first key seals, all of them open: former keys are worth something until everything is sealed anew. `about`
    says whose secret it is; sealed text moved to another row does not open there.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._ciphers = [AESGCM(HKDF(SHA256(), 32, salt=None, info=PURPOSE).derive(key.encode())) for key in keys]

    def close(self, secret: str, about: str) -> str:
        """Return the secret sealed; raises UserError where the site has no key."""
        if not self._ciphers:
            raise UserError("Secrets cannot be kept without SALESCOPE_SECRET_KEY. Set it, and try again.")
        nonce = secrets.token_bytes(NONCE_BYTES)
        return (
            MARK + base64.b64encode(nonce + self._ciphers[0].encrypt(nonce, secret.encode(), about.encode())).decode()
        )

    def open(self, sealed: str, about: str) -> str:
        """Return the secret; raises SealError."""
        for cipher in self._ciphers:
            secret = _opened(cipher, sealed, about)
            if secret is not None:
                return secret
        raise SealError("A secret in the application database cannot be opened by the keys there are.")

    def is_current(self, sealed: str, about: str) -> bool:
        """Tell whether it is sealed under the first key."""
        return bool(self._ciphers) and _opened(self._ciphers[0], sealed, about) is not None


def _opened(cipher: AESGCM, sealed: str, about: str) -> str | None:
    try:
        content = base64.b64decode(sealed.removeprefix(MARK), validate=True)
        return cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], about.encode()).decode()
    except (InvalidTag, ValueError):
        return None
