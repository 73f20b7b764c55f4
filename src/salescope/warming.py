"""After a publish the landing page is computed once for every row scope in use, before somebody waits for it."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from callbacks.wiring import PageContext, Services
from salescope.gate import find_page
from services.access import Viewer
from services.accounts import Accounts
from services.warehouse import Pointer

log = logging.getLogger("salescope")
LANDING = "/"
MOST_SCOPES = 20
#: Warming takes turns with itself, and nobody's own.
NOBODY = 0


class Warming:
    """Fills the result cache in a thread beside the requests; what goes wrong there costs nothing but the warmth.

    That worker processes do the same work once is up to `Sales`.
    """

    def __init__(self, services: Services, accounts: Accounts) -> None:
        self._services, self._accounts = services, accounts
        self._lock = threading.Lock()
        self._seen: str | None = None

    def notice(self, pointer: Pointer | None) -> threading.Thread | None:
        """Begin when these data are live for the first time; what is live at the start was warmed before."""
        live = f"{pointer.version} {pointer.published_at}" if pointer else ""
        with self._lock:
            before, self._seen = self._seen, live
        if before in (None, live) or not live:
            return None
        thread = threading.Thread(target=self._warm, name="warming", daemon=True)
        thread.start()
        return thread

    def _warm(self) -> None:
        try:
            for who in self._in_use()[:MOST_SCOPES]:
                self._open(who)
        except Exception:  # whoever opens the page is told what is wrong
            log.warning("The landing page could not be computed ahead", exc_info=True)

    def _in_use(self) -> list[Viewer]:
        """Return one viewer for each row scope and role of the sessions that are alive."""
        return list({(who.scope, who.role): who for who in self._accounts.signed_in()}.values())

    def _open(self, who: Viewer) -> None:
        page = find_page(LANDING)
        if page is not None and who.may(page.permission) and not page.missing(self._services.sales.model):
            page.render(PageContext(self._services, replace(who, user_id=NOBODY), []))
