"""After a publish the landing page is computed once for every row scope in use, before somebody waits for it.

So are the words of questions, which every process keeps for itself, and has none of when it starts.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from callbacks.wiring import PageContext, Services
from salescope.gate import find_page
from services.access import Permission, Viewer
from services.accounts import Accounts
from services.warehouse import Pointer

log = logging.getLogger("salescope")
LANDING = "/"
MOST_SCOPES = 20
#: Row scopes whose words are made ready at most: each takes about a second.
MOST_WORDS = 4
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
        """Begin when these data are live for the first time; of what is live at the start only words are missing."""
        live = f"{pointer.version} {pointer.published_at}" if pointer else ""
        with self._lock:
            before, self._seen = self._seen, live
        if before == live or not live or (before is None and self._services.questions is None):
            return None
        thread = threading.Thread(target=self._warm, args=(before is not None,), name="warming", daemon=True)
        thread.start()
        return thread

    def _warm(self, pages: bool) -> None:  # noqa: FBT001 - from one caller
        try:
            found = self._in_use()
            for who in found[:MOST_SCOPES] if pages else ():
                self._open(who)
            self._read(found)
        except Exception:  # whoever opens the page is told what is wrong
            log.warning("The landing page could not be computed ahead", exc_info=True)

    def _read(self, found: list[Viewer]) -> None:
        asking = {who.scope: who for who in found if who.may(Permission.DASHBOARDS_VIEW)}
        for who in list(asking.values())[:MOST_WORDS] if self._services.questions is not None else ():
            self._services.questions.warm(replace(who, user_id=NOBODY))

    def _in_use(self) -> list[Viewer]:
        """Return one viewer for each row scope and role of the sessions that are alive."""
        return list({(who.scope, who.role): who for who in self._accounts.signed_in()}.values())

    def _open(self, who: Viewer) -> None:
        page = find_page(LANDING)
        if page is not None and who.may(page.permission) and not page.missing(self._services.sales.model):
            page.render(PageContext(self._services, replace(who, user_id=NOBODY), []))
