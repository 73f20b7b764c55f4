"""HTML -> PDF by a Chromium of the machine, with no network and nothing of the person's session."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from services.errors import NotReadyError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 60
#: Printing takes a browser's memory: one at a time in a process.
_ONE = threading.Lock()
FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--no-first-run",
    "--no-pdf-header-footer",
    # Nothing leaves the machine, whatever the document says.
    "--proxy-server=127.0.0.1:9",
    "--virtual-time-budget=15000",
    "--run-all-compositor-stages-before-draw",
)


def browser() -> str | None:
    """Return the path of a Chromium, None when the machine has none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def pdf(document: str) -> io.BytesIO:
    """Return the document, self-contained HTML, printed; raises NotReadyError where it cannot be."""
    program = browser()
    if program is None:
        raise NotReadyError(
            "A PDF needs a Chromium on the server (apt-get install chromium). Print the page from your browser "
            "instead (Ctrl+P): it is laid out for paper."
        )
    with _ONE, tempfile.TemporaryDirectory(prefix="salescope-print-") as folder:
        source, target = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(document, encoding="utf-8")
        # Chromium's own sandbox refuses root, as which containers may run.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [
            program,
            *FLAGS,
            *sandbox,
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={target}",
            source.as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            words = f"Printing took longer than {SECONDS} s. Try again, or print from your browser."
            raise NotReadyError(words) from None
        if not target.exists():
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise NotReadyError(f"The browser on the server could not print the page: {' '.join(last)[:300]}")
        return io.BytesIO(target.read_bytes())
