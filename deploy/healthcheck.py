"""Exit status 0 when the application in this container answers 200 to the given path."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException


def site_host() -> str:
    """Return a host name the application answers to: it refuses others."""
    trusted = os.environ.get("SALESCOPE_TRUSTED_HOSTS", "").split(",")[0].strip()
    # Werkzeug reads ".example.com" as example.com and everything below it.
    return trusted.lstrip(".") or "127.0.0.1"


def answers(path: str) -> bool:
    """Tell whether `path` is answered with 200; a redirect is a failure."""
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("SALESCOPE_PORT") or "8050"), timeout=4)
    try:
        connection.request("GET", path, headers={"Host": site_host()})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if answers(sys.argv[1] if len(sys.argv) > 1 else "/healthz") else 1)
