"""Single sign-on by OpenID Connect: the way to the provider and back (authorization code with PKCE and nonce)."""

from __future__ import annotations

import logging
from typing import Any

import flask
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from joserfc.errors import JoseError
from requests import RequestException
from werkzeug.exceptions import NotFound

from salescope.settings import Settings
from services.outside import Identity

log = logging.getLogger("salescope")
SECONDS = 10


class SingleSignOn:
    """The provider that the settings name; falsy without one."""

    def __init__(self, server: flask.Flask, settings: Settings) -> None:
        self._issuer, self._groups = settings.oidc_issuer.rstrip("/"), settings.oidc_groups_claim
        self._client: Any = None
        if self._issuer:
            self._client = OAuth(server).register(
                "oidc",
                client_id=settings.oidc_client_id,
                client_secret=settings.oidc_client_secret,
                server_metadata_url=f"{self._issuer}/.well-known/openid-configuration",
                client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": SECONDS},
            )

    def __bool__(self) -> bool:
        """Tell whether there is a provider."""
        return self._client is not None

    def leave(self, back: str) -> Any:
        """Return the redirect to the provider, which sends the person to `back`; raises SignOnError."""
        if self._client is None:
            raise NotFound
        try:
            return self._client.authorize_redirect(back)
        except (AuthlibBaseError, RequestException) as error:
            raise SignOnError("The sign-on service does not answer. Try again in a moment.") from error

    def come_back(self) -> Identity:
        """Return whom the provider recognised; raises SignOnError when the answer is not to be believed."""
        if self._client is None:
            raise NotFound
        try:
            token = self._client.authorize_access_token()
            said = dict(token.get("userinfo") or {})
            if "email" not in said or self._groups not in said:
                said = {**self._client.userinfo(token=token), **said}
        except (AuthlibBaseError, JoseError, RequestException, KeyError, ValueError) as error:
            log.warning("Single sign-on failed: %s", type(error).__name__)
            raise SignOnError("The sign-on service did not confirm who you are. Start again.") from error
        if said.get("iss", self._issuer).rstrip("/") != self._issuer or not said.get("sub"):
            raise SignOnError("The sign-on service did not confirm who you are. Start again.")
        groups = said.get(self._groups) or ()
        return Identity(
            subject=f"{self._issuer} {said['sub']}",
            email=str(said.get("email") or ""),
            name=str(said.get("name") or ""),
            groups=frozenset([groups] if isinstance(groups, str) else map(str, groups)),
            verified=said.get("email_verified") is True,
        )


class SignOnError(Exception):
    """The way through the provider failed; the message is for the person."""
