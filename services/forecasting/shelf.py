"""Trained models kept in files, for the next time the same series are asked with the same settings.

A model is `<key>.txt`, LightGBM's own text, and `<key>.json` with the SHA-256 of that text. LightGBM's reader may take
the process down with a text that is damaged, so nothing is given to it whose digest is not the one that was written,
and web workers have no shelf: jobs and commands do, each in a process of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import orjson

log = logging.getLogger("salescope")
#: Folder of results and models within an instance.
FOLDER = "forecasts"
#: Seconds after which a model nobody asked for is forgotten.
KEEP_SECONDS = 30 * 86_400.0


@dataclass(frozen=True)
class Shelf:
    """A folder of models. What is missing, damaged or forgotten is trained anew."""

    folder: Path

    @classmethod
    def of(cls, instance: Path) -> Shelf:
        """Return the shelf of an instance."""
        return cls(instance / FOLDER / "models")

    def find(self, key: str) -> str | None:
        """Return the text of a model; None where there is none, or where it is not the one that was kept."""
        try:
            content = self._text(key).read_bytes()
            expected = orjson.loads(self._facts(key).read_bytes())["sha256"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            expected, content = "one in its .json file, which cannot be read", b""
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            log.warning(
                "The stored model %s is damaged: its SHA-256 is %s, expected %s. It is not loaded but trained anew.",
                self._text(key).name,
                found,
                expected,
            )
            return None
        with contextlib.suppress(OSError):
            os.utime(self._text(key))
        return content.decode()

    def keep(self, key: str, text: str) -> None:
        """Keep a model, whole or not at all, and forget those nobody asked for in a month."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._forget()
        content = text.encode()
        self._write(self._text(key), content)
        self._write(self._facts(key), orjson.dumps({"sha256": hashlib.sha256(content).hexdigest()}))

    def _text(self, key: str) -> Path:
        return self.folder / f"{key}.txt"

    def _facts(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _write(self, path: Path, content: bytes) -> None:
        new = path.with_suffix(f".{uuid.uuid4().hex}.new")
        new.write_bytes(content)
        new.replace(path)

    def _forget(self) -> None:
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > KEEP_SECONDS:
                    path.unlink()
